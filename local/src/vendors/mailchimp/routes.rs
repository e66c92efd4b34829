//! The routes of the API, and the limit of calls at work at once.

use axum::{
    Router,
    extract::{Request, State},
    http::HeaderMap,
    middleware::{Next, from_fn_with_state},
    response::Response,
    routing::{get, post},
};
use serde_json::json;

use super::{
    batch, control, hooks, listing, lists, members,
    problem::Problem,
    world::{Answer, World},
};
use crate::vendors::kit::{TimedOut, Vendor, control_router, gate};

/// How long a call that ran into a time-out keeps its connection.
const SERVER_TIMEOUT_MS: i64 = 120_000;

/// Everything the simulator answers.
pub(super) fn router(world: World) -> Router {
    let member = "/3.0/lists/{list}/members/{hash}";
    let api = Router::new()
        .route("/3.0/ping", get(ping))
        .route("/3.0/lists", get(lists::all))
        .route("/3.0/lists/{list}", get(lists::one).post(batch::write))
        .route("/3.0/lists/{list}/members", get(listing::list).post(members::post))
        .route(member, get(members::get).put(members::put).patch(members::patch).delete(members::archive))
        .route(&format!("{member}/actions/delete-permanent"), post(members::forget))
        .route(&format!("{member}/tags"), get(members::tags).post(members::set_tags))
        .route("/3.0/lists/{list}/merge-fields", get(lists::fields).post(lists::add_field))
        .route("/3.0/lists/{list}/merge-fields/{id}", axum::routing::delete(lists::delete_field))
        .route("/3.0/lists/{list}/webhooks", get(hooks::list).post(hooks::create))
        .route("/3.0/lists/{list}/webhooks/{id}", get(hooks::one).delete(hooks::delete))
        .fallback(no_route)
        .method_not_allowed_fallback(not_allowed)
        .layer(from_fn_with_state(world.clone(), gate::<World>))
        .layer(from_fn_with_state(world.clone(), seat));
    let own = api.merge(control::router()).with_state(world.clone());
    control_router(world).merge(own)
}

/// More than so many calls of an account at once are refused, whichever keys they use.
async fn seat(State(world): State<World>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let caller = world.caller(&parts);
    let request = Request::from_parts(parts, body);
    let Some(account) = caller.site.filter(|_| !caller.user) else {
        return next.run(request).await;
    };
    let (switches, clock) = (&world.core.switches, &world.core.clock);
    let Some(seat) = world.seats.take(&account, switches.number("simultaneous_connections"), clock.now_ms()) else {
        world.core.calls.count_refused();
        return world.refusal(429);
    };
    world.seats.may_go_on().await;
    for _ in 0..switches.number("busy_turns") {
        tokio::task::yield_now().await;
    }
    let answer = next.run(request).await;
    if answer.extensions().get::<TimedOut>().is_some() {
        seat.lose(clock.now_ms() + SERVER_TIMEOUT_MS);
    }
    answer
}

async fn ping(State(world): State<World>, headers: HeaderMap) -> Response {
    world.account_call(&headers, |_| Ok(Answer::ok(json!({"health_status": "Everything's Chimpy!"}))))
}

async fn no_route(State(world): State<World>) -> Response {
    world.respond(Err(Problem::not_found()))
}

async fn not_allowed(State(world): State<World>) -> Response {
    world.respond(Err(Problem::not_allowed()))
}
