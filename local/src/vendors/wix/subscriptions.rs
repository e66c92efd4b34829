//! Email subscriptions v1: the consent of each address, whatever contacts have it,
//! <https://dev.wix.com/docs/rest/crm/marketing/email-marketing/email-subscriptions/introduction>.

mod calls;
mod control;
mod ledger;
mod mirror;
mod unsubscribing;

use axum::{Router, routing::post};

pub(super) use self::{
    control::{CALLS, routes as control_routes},
    ledger::Subscriptions,
    mirror::Mirror,
};
use super::state::World;

const BASE: &str = "/email-marketing/v1/email-subscriptions";

/// The routes of email subscriptions.
pub(super) fn routes() -> Router<World> {
    Router::new()
        .route(BASE, post(calls::upsert))
        .route(&format!("{BASE}/bulk"), post(calls::bulk_upsert))
        .route(&format!("{BASE}/query"), post(calls::query))
        .route(&format!("{BASE}/unsubscribe-link"), post(unsubscribing::link))
}

/// The status of this name.
pub(super) fn known_status(name: &str) -> Option<&'static str> {
    ledger::STATUSES.iter().copied().find(|status| *status == name)
}
