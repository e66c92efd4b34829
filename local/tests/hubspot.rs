//! The simulator of HubSpot, driven over HTTP as a client would: what an export meets.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

#[path = "hubspot/batch.rs"]
mod batch;
#[path = "hubspot/client.rs"]
mod client;
#[path = "hubspot/limits.rs"]
mod limits;
#[path = "hubspot/reading.rs"]
mod reading;
