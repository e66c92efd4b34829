//! The routes, and what the kit needs to know of Wix.

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderValue, header, request::Parts},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::Value;

use super::{
    auth, contacts, control, definition_calls, definitions::Kind, inbox, jobs, labelling, mails, merge, refusal::Refusal, state::World,
    subscriptions,
};
use crate::vendors::kit::{Caller, ControlError, Core, Vendor, Window, control_router, gate};

/// Everything the simulator answers.
pub(super) fn router(world: World) -> Router {
    let api = Router::new()
        .route("/oauth2/token", post(auth::create_token))
        .route("/oauth2/token-info", post(auth::token_info))
        .route("/apps/v1/instance", get(auth::instance))
        .route("/contacts/v4/contacts", get(contacts::list).post(contacts::create))
        .route("/contacts/v4/contacts/query", post(contacts::query))
        .route("/contacts/v4/contacts/{id}", get(contacts::get).patch(contacts::update).delete(contacts::delete))
        .route("/contacts/v4/contacts/{id}/merge", post(merge::merge))
        .route("/contacts/v4/contacts/{id}/preview-merge", post(merge::preview))
        .route("/contacts/v4/contacts/{id}/labels", post(labelling::label).delete(labelling::unlabel))
        .route("/contacts/v4/bulk/contacts/delete", post(jobs::delete))
        .route("/contacts/v4/bulk/contacts/update", post(jobs::update))
        .route("/contacts/v4/bulk/contacts/add-remove-labels", post(jobs::labels))
        .route("/contacts/v4/bulk/jobs", get(jobs::list))
        .route("/contacts/v4/bulk/jobs/{id}", get(jobs::show))
        .merge(definition_calls::routes(Kind::Label))
        .merge(definition_calls::routes(Kind::Field))
        .merge(inbox::routes())
        .merge(subscriptions::routes())
        .fallback(no_route)
        .method_not_allowed_fallback(no_route)
        .layer(from_fn_with_state(world.clone(), gate::<World>))
        .layer(from_fn_with_state(world.clone(), stamp))
        .with_state(world.clone());
    control_router(world.clone()).merge(control::routes(world)).merge(api)
}

async fn no_route() -> Refusal {
    Refusal::bare(404, "Not Found")
}

/// Every answer names its request.
async fn stamp(State(world): State<World>, request: Request, next: Next) -> Response {
    let mut answer = next.run(request).await;
    if let Ok(id) = HeaderValue::from_str(&world.ids.guid()) {
        answer.headers_mut().insert("x-wix-request-id", id);
    }
    answer
}

impl Vendor for World {
    fn core(&self) -> &Core {
        &self.core
    }

    fn now_ms(&self) -> i64 {
        Self::now_ms(self)
    }

    fn caller(&self, request: &Parts) -> Caller {
        auth::caller(self, request)
    }

    /// 200 calls per minute and instance, <https://dev.wix.com/docs/rest/articles/getting-started/rate-limits>.
    fn admits(&self, caller: &Caller, _: &str) -> bool {
        let limit = self.core.switches.number("rate_limit_per_minute");
        let Some(site) = &caller.site else {
            return true;
        };
        self.core.limits.admit(site, limit, Window::Sliding(60_000), self.core.clock.now_ms())
    }

    fn refusal(&self, status: u16) -> Response {
        let throttled = status == 429;
        let refusal = match status {
            429 if self.is("throttle_status", "403") => Refusal::bare(403, ""),
            429 => Refusal::bare(429, "Resource exhausted"),
            500.. => Refusal::bare(status, ""),
            401 => Refusal::bare(401, "Unauthorized"),
            403 => Refusal::bare(403, "Forbidden"),
            _ => Refusal::bare(status, "Request failed"),
        };
        let mut answer = refusal.into_response();
        if throttled && self.flag("retry_after") {
            answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("60"));
        }
        answer
    }

    fn contacts(&self, site: Option<&str>) -> Result<Value, ControlError> {
        self.all_contacts(site)
    }

    fn seed(&self, request: &Value) -> Result<Value, ControlError> {
        self.seed_request(request)
    }

    fn add_site(&self, request: &Value) -> Result<Value, ControlError> {
        self.add_site_request(request)
    }

    fn reset(&self) {
        self.forget();
    }

    fn own_control_calls(&self) -> Vec<(&'static str, &'static str)> {
        [control::CALLS, inbox::CALLS, subscriptions::CALLS, mails::CALLS].concat()
    }
}
