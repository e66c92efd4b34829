//! The simulator of Wix, driven over HTTP as a client would.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

#[path = "wix/auth.rs"]
mod auth;
#[path = "wix/chat.rs"]
mod chat;
#[path = "wix/client.rs"]
mod client;
#[path = "wix/consent.rs"]
mod consent;
#[path = "wix/contacts.rs"]
mod contacts;
#[path = "wix/definitions.rs"]
mod definitions;
#[path = "wix/faults.rs"]
mod faults;
#[path = "wix/inbox.rs"]
mod inbox;
#[path = "wix/inbox_events.rs"]
mod inbox_events;
#[path = "wix/listing.rs"]
mod listing;
#[path = "wix/merge.rs"]
mod merge;
#[path = "wix/messages.rs"]
mod messages;
#[path = "wix/patch.rs"]
mod patch;
#[path = "wix/query.rs"]
mod query;
#[path = "wix/subscriptions.rs"]
mod subscriptions;
#[path = "wix/webhooks.rs"]
mod webhooks;
