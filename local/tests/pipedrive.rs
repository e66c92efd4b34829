//! The simulator of Pipedrive, driven over HTTP as a client would.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

#[path = "pipedrive/calling.rs"]
mod calling;
#[path = "pipedrive/client.rs"]
mod client;
#[path = "pipedrive/fields.rs"]
mod fields;
#[path = "pipedrive/merge.rs"]
mod merge;
#[path = "pipedrive/persons.rs"]
mod persons;
#[path = "pipedrive/reading.rs"]
mod reading;
#[path = "pipedrive/webhooks.rs"]
mod webhooks;
