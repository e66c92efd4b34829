//! The routes of the API.

use axum::{
    Router,
    extract::{MatchedPath, Request, State},
    middleware::{Next, from_fn_with_state},
    response::Response,
    routing::{get, put},
};

use super::{
    control, definitions, hooks, listing, persons,
    refusal::Refusal,
    search,
    world::{World, is_person},
};
use crate::vendors::kit::{control_router, gate};

/// Where version 1 is served.
const V1: [&str; 2] = ["/v1", "/api/v1"];

/// Everything the simulator answers.
pub(super) fn router(world: World) -> Router {
    let v2 = Router::new()
        .route("/api/v2/persons", get(listing::list).post(persons::create))
        .route("/api/v2/persons/search", get(search::search))
        .route("/api/v2/persons/{id}", get(persons::get).patch(persons::patch).delete(persons::delete))
        .route("/api/v2/personFields", get(definitions::list).post(definitions::create))
        .route("/api/v2/personFields/{code}", get(definitions::one).delete(definitions::delete));
    let api = V1
        .iter()
        .fold(v2, |router, prefix| {
            router
                .route(&format!("{prefix}/persons/{{id}}/merge"), put(persons::merge))
                .route(&format!("{prefix}/personFields"), get(definitions::list_v1).post(definitions::create_v1))
                .route(&format!("{prefix}/webhooks"), get(hooks::list).post(hooks::create))
                .route(&format!("{prefix}/webhooks/{{id}}"), axum::routing::delete(hooks::delete))
                .route(&format!("{prefix}/users/me"), get(definitions::me))
        })
        .fallback(no_route)
        .method_not_allowed_fallback(no_method)
        .layer(from_fn_with_state(world.clone(), tell_limits))
        .layer(from_fn_with_state(world.clone(), gate::<World>));
    let own = api.merge(control::router()).with_state(world.clone());
    control_router(world).merge(own)
}

/// Every answer tells what is left of the limits.
async fn tell_limits(State(world): State<World>, request: Request, next: Next) -> Response {
    let site = world.site_of(request.headers()).filter(|_| !is_person(request.headers()));
    let search = request.extensions().get::<MatchedPath>().is_some_and(|path| path.as_str().ends_with("/search"));
    let mut answer = next.run(request).await;
    if let Some(site) = site {
        world.tell_limits(&site, search, answer.headers_mut());
    }
    answer
}

async fn no_route() -> Refusal {
    Refusal::not_found("Resource")
}

async fn no_method() -> Refusal {
    Refusal::new(405, "Method not allowed")
}
