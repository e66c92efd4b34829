//! The recipes, one file each: they read what the ports give, let `sync` and `mapping` decide, and carry the decision out. Import `model`, `mapping`,
//! `sync` and `ports`; know no vendor.

pub mod audit;
mod candidates;
pub mod contact;
pub mod export;
pub mod form;
pub mod inbox;
pub mod preview;
pub mod queue;
pub mod run;
pub mod setup;
pub mod subscribers;
