//! The properties API (<https://developers.hubspot.com/docs/api-reference/crm-properties-v3/guide>).

use axum::{
    Router,
    extract::{Path, State},
    http::HeaderMap,
    response::Response,
    routing::get,
};
use serde_json::{Value, json};

use super::{
    hub::{Answer, Hub},
    objects::{READ, parse},
    schema,
};

const PREFIXES: &[&str] = &["/crm/properties/2026-03/contacts", "/crm/properties/2026-09/contacts", "/crm/v3/properties/contacts"];
const WRITE: &str = "crm.schemas.contacts.write";

/// The routes of contact properties.
pub(super) fn router() -> Router<Hub> {
    PREFIXES.iter().fold(Router::new(), |router, prefix| {
        router.route(prefix, get(list).post(create)).route(&format!("{prefix}/{{name}}"), get(one).patch(change).delete(archive))
    })
}

async fn list(State(hub): State<Hub>, headers: HeaderMap) -> Response {
    hub.call(&headers, READ, |session| {
        let results: Vec<Value> = session.portal.schema.iter().map(schema::Property::render).collect();
        Ok(Answer::ok(json!({"results": results})))
    })
}

async fn one(State(hub): State<Hub>, Path(name): Path<String>, headers: HeaderMap) -> Response {
    hub.call(&headers, READ, |session| {
        let property = session.portal.schema.get(&name).ok_or_else(|| schema::unknown(&name))?;
        Ok(Answer::ok(property.render()))
    })
}

async fn create(State(hub): State<Hub>, headers: HeaderMap, body: String) -> Response {
    hub.call(&headers, WRITE, |session| {
        let property = session.portal.schema.add(&parse(&body)?, session.change.now_ms)?;
        Ok(Answer::with(201, property.render()))
    })
}

async fn change(State(hub): State<Hub>, Path(name): Path<String>, headers: HeaderMap, body: String) -> Response {
    hub.call(&headers, WRITE, |session| {
        let property = session.portal.schema.change(&name, &parse(&body)?, session.change.now_ms)?;
        Ok(Answer::ok(property.render()))
    })
}

async fn archive(State(hub): State<Hub>, Path(name): Path<String>, headers: HeaderMap) -> Response {
    hub.call(&headers, WRITE, |session| {
        session.portal.schema.remove(&name)?;
        Ok(Answer::no_content())
    })
}
