//! The simulator of Mailchimp, driven over HTTP as a client would.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

#[path = "mailchimp/batch.rs"]
mod batch;
#[path = "mailchimp/calling.rs"]
mod calling;
#[path = "mailchimp/client.rs"]
mod client;
#[path = "mailchimp/consent.rs"]
mod consent;
#[path = "mailchimp/listing.rs"]
mod listing;
#[path = "mailchimp/members.rs"]
mod members;
#[path = "mailchimp/merge_fields.rs"]
mod merge_fields;
#[path = "mailchimp/webhooks.rs"]
mod webhooks;
