//! Calls about one member (<https://mailchimp.com/developer/marketing/api/list-members/>).

use axum::{
    extract::{Path, Query, State},
    http::HeaderMap,
    response::Response,
};
use serde_json::{Map, Value, json};

use super::{
    consent::Written,
    member::Member,
    problem::Problem,
    projection::{Params, object, project},
    wish::Wish,
    world::{Answer, Desk, World},
};

type Of = Path<(String, String)>;

pub(super) async fn get(State(world): State<World>, Path((list, hash)): Of, Query(params): Query<Params>, headers: HeaderMap) -> Response {
    world.call(&headers, &list, |desk| Ok(Answer::ok(project(desk.find(&hash)?.to_json(desk.list), &params))))
}

pub(super) async fn put(
    State(world): State<World>,
    Path((list, hash)): Of,
    Query(params): Query<Params>,
    headers: HeaderMap,
    body: String,
) -> Response {
    world.call(&headers, &list, |desk| {
        let written = desk.put(&hash, &wish(&body, &params)?)?;
        Ok(shown(desk, &written))
    })
}

pub(super) async fn patch(
    State(world): State<World>,
    Path((list, hash)): Of,
    Query(params): Query<Params>,
    headers: HeaderMap,
    body: String,
) -> Response {
    world.call(&headers, &list, |desk| {
        let written = desk.patch(&hash, &wish(&body, &params)?)?;
        Ok(shown(desk, &written))
    })
}

pub(super) async fn post(
    State(world): State<World>,
    Path(list): Path<String>,
    Query(params): Query<Params>,
    headers: HeaderMap,
    body: String,
) -> Response {
    world.call(&headers, &list, |desk| {
        let written = desk.post(&wish(&body, &params)?)?;
        Ok(shown(desk, &written))
    })
}

pub(super) async fn archive(State(world): State<World>, Path((list, hash)): Of, headers: HeaderMap) -> Response {
    world.call(&headers, &list, |desk| desk.archive(&hash).map(|()| Answer::no_content()))
}

pub(super) async fn forget(State(world): State<World>, Path((list, hash)): Of, headers: HeaderMap) -> Response {
    world.call(&headers, &list, |desk| desk.forget(&hash).map(|()| Answer::no_content()))
}

pub(super) async fn tags(State(world): State<World>, Path((list, hash)): Of, headers: HeaderMap) -> Response {
    world.call(&headers, &list, |desk| {
        let member = desk.find(&hash)?;
        let tags: Vec<Value> = member.tags.iter().map(|(name, id)| json!({"id": id, "name": name})).collect();
        Ok(Answer::ok(json!({"tags": tags, "total_items": tags.len()})))
    })
}

/// Adds tags and takes others away; unless `is_syncing`, automations of the new ones start.
pub(super) async fn set_tags(State(world): State<World>, Path((list, hash)): Of, headers: HeaderMap, body: String) -> Response {
    world.call(&headers, &list, |desk| {
        let before = desk.find(&hash)?;
        let body = object(&body)?;
        let quiet = body.get("is_syncing").and_then(Value::as_bool).unwrap_or_default();
        let mut after = before.clone();
        for (name, active) in wanted_tags(&body)? {
            if active {
                desk.add_tags(&mut after, &[name], !quiet);
            } else {
                after.tags.remove(&name);
            }
        }
        desk.settle(Some(&before), after);
        Ok(Answer::no_content())
    })
}

fn wanted_tags(body: &Map<String, Value>) -> Result<Vec<(String, bool)>, Problem> {
    let blank = |field: &str| Problem::field(field, "This value should not be blank.");
    let list = body.get("tags").and_then(Value::as_array).ok_or_else(|| blank("tags"))?;
    let tag = |entry: &Value| {
        let name = entry.get("name").and_then(Value::as_str).filter(|name| !name.is_empty()).ok_or_else(|| blank("tags.name"))?;
        match entry.get("status").and_then(Value::as_str) {
            Some("active") => Ok((name.to_owned(), true)),
            Some("inactive") => Ok((name.to_owned(), false)),
            _ => Err(Problem::field("tags.status", "Value must be one of: active, inactive")),
        }
    };
    list.iter().map(tag).collect()
}

fn wish(body: &str, params: &Params) -> Result<Wish, Problem> {
    Wish::read(&object(body)?, params.get("skip_merge_validation").is_some_and(|value| value == "true"))
}

fn shown(desk: &Desk<'_>, written: &Written) -> Answer {
    let member: &Member = &written.member;
    Answer::ok(member.to_json(desk.list))
}
