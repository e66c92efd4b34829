//! Contact Bridge: keeps a Wix site's contacts in step with the CRM its business uses.
//!
//! `model` is data, `mapping` and `sync` decide (pure), `ports` says what the flows need of the world, `flows` carry the
//! decisions out, `adapters` speak to the vendors and to AWS, `webhook` lets in what can prove where it comes from, and `app` is the
//! composition root. `docs/architecture.md` has the map.

pub mod adapters;
pub mod app;
pub mod config;
pub mod flows;
pub mod mapping;
pub mod model;
pub mod ports;
pub mod sync;
pub mod telemetry;
pub mod webhook;
