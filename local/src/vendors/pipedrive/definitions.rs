//! Calls about custom fields of persons, in both versions of the API
//! (<https://developers.pipedrive.com/docs/api/v1/PersonFields>).

use axum::{
    extract::{Path, Query, State},
    http::HeaderMap,
    response::Response,
};
use serde_json::{Value, json};

use super::{
    body::object,
    fields::{Field, standard, standard_v1},
    listing::{after, cursor, limit},
    persons::Params,
    refusal::Refusal,
    world::{Answer, World},
};

/// What the cursors of fields are sorted by.
const SORT: &str = "fields";

pub(super) async fn list(State(world): State<World>, Query(params): Query<Params>, headers: HeaderMap) -> Response {
    world.call(&headers, |desk| {
        let (limit, after) = (limit(&params)?, after(&params, SORT)?);
        let start = after.map_or(0, |(_, place)| usize::try_from(place).unwrap_or(usize::MAX));
        let mut all = standard();
        all.extend(desk.company.fields.iter().map(Field::to_json));
        let end = start.saturating_add(limit);
        let next = (all.len() > end).then(|| cursor(SORT, (0, u64::try_from(end).unwrap_or(u64::MAX))));
        let page: Vec<Value> = all.into_iter().skip(start).take(limit).collect();
        Ok(Answer::page(page, next.as_deref()))
    })
}

pub(super) async fn create(State(world): State<World>, headers: HeaderMap, body: String) -> Response {
    world.call(&headers, |desk| {
        let field = desk.company.add_field(&object(&body)?, ("field_name", "field_type"), world.field_code())?;
        Ok(Answer::data(field.to_json()))
    })
}

pub(super) async fn one(State(world): State<World>, Path(code): Path<String>, headers: HeaderMap) -> Response {
    world.call(&headers, |desk| {
        let custom = desk.company.fields.iter().find(|field| field.code == code).map(Field::to_json);
        let found = custom.or_else(|| standard().into_iter().find(|field| field.get("field_code") == Some(&Value::from(code.as_str()))));
        found.map(Answer::data).ok_or_else(|| Refusal::not_found("Field"))
    })
}

/// Deletes a custom field; its values go with it.
pub(super) async fn delete(State(world): State<World>, Path(code): Path<String>, headers: HeaderMap) -> Response {
    world.call(&headers, |desk| {
        let place = desk.company.fields.iter().position(|field| field.code == code).ok_or_else(|| Refusal::not_found("Field"))?;
        desk.company.fields.remove(place);
        Ok(Answer::data(json!({"field_code": code})))
    })
}

pub(super) async fn list_v1(State(world): State<World>, Query(params): Query<Params>, headers: HeaderMap) -> Response {
    world.call(&headers, |desk| {
        let limit = limit(&params)?;
        let start = params.get("start").map_or(Ok(0), |text| text.parse()).map_err(|_| Refusal::field("start", "must be a number"))?;
        let mut all = standard_v1();
        all.extend(desk.company.fields.iter().map(Field::to_json_v1));
        let more = all.len() > limit.saturating_add(start);
        let page: Vec<Value> = all.into_iter().skip(start).take(limit).collect();
        let pagination = json!({"start": start, "limit": limit, "more_items_in_collection": more});
        Ok(Answer::body(json!({"success": true, "data": page, "additional_data": {"pagination": pagination}})))
    })
}

pub(super) async fn create_v1(State(world): State<World>, headers: HeaderMap, body: String) -> Response {
    world.call(&headers, |desk| {
        let field = desk.company.add_field(&object(&body)?, ("name", "field_type"), world.field_code())?;
        Ok(Answer::data(field.to_json_v1()).created())
    })
}

/// `GET /v1/users/me`: whose token this is, and the company.
pub(super) async fn me(State(world): State<World>, headers: HeaderMap) -> Response {
    world.call(&headers, |desk| {
        let options = &desk.company.options;
        Ok(Answer::data(json!({
            "id": desk.actor.user(), "name": "Simulated user", "email": "user@example.com", "active_flag": true, "is_admin": 1,
            "company_id": options.id, "company_name": options.site, "company_domain": options.site, "timezone_name": "Europe/Tallinn",
        })))
    })
}
