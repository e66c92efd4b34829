//! Wix Inbox v2: one conversation with every visitor, contact or member, and its messages,
//! <https://dev.wix.com/docs/rest/crm/communication/inbox/introduction>.

mod content;
mod control;
mod conversation_calls;
mod conversations;
mod listing;
mod message;
mod sending;

use axum::{
    Router,
    routing::{get, post},
};

pub use self::conversations::ParticipantId;
pub(super) use self::{
    control::{CALLS, routes as control_routes},
    conversations::Inbox,
};
use super::state::World;

/// The routes of Inbox.
pub(super) fn routes() -> Router<World> {
    Router::new()
        .route("/inbox/v2/conversations", post(conversation_calls::get_or_create))
        .route("/inbox/v2/conversations/{id}", get(conversation_calls::get))
        .route("/inbox/v2/messages", get(listing::list).post(sending::send))
}
