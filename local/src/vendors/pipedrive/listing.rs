//! The list of persons, page by page with a cursor (<https://pipedrive.readme.io/docs/core-api-concepts-pagination>).

use axum::{
    extract::{Query, State},
    http::HeaderMap,
    response::Response,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    fields::Field,
    person::Person,
    persons::Params,
    refusal::Refusal,
    world::{Answer, Seen, World},
};

const PAGE: usize = 100;
const LARGEST_PAGE: usize = 500;
const MOST_IDS: usize = 100;
const MOST_FIELDS: usize = 15;

/// Where a page ended; only the query it came from may go on from there.
#[derive(Serialize, Deserialize)]
struct Cursor {
    sort: String,
    /// Value and id of the last person.
    after: (i64, u64),
}

/// What is asked for.
struct Question {
    ids: Option<Vec<u64>>,
    owner_id: Option<u64>,
    org_id: Option<u64>,
    since: Option<i64>,
    until: Option<i64>,
    sort: String,
    descending: bool,
    deleted: bool,
}

impl Question {
    fn read(params: &Params, deleted: bool) -> Result<Self, Refusal> {
        if params.contains_key("filter_id") {
            return Err(Refusal::not_found("Filter"));
        }
        let sort = params.get("sort_by").map_or("id", String::as_str);
        if !["id", "update_time", "add_time"].contains(&sort) {
            return Err(Refusal::field("sort_by", "must be id, update_time or add_time"));
        }
        let direction = params.get("sort_direction").map_or("asc", String::as_str);
        if !["asc", "desc"].contains(&direction) {
            return Err(Refusal::field("sort_direction", "must be asc or desc"));
        }
        Ok(Self {
            ids: ids(params)?,
            owner_id: number(params, "owner_id")?,
            org_id: number(params, "org_id")?,
            since: time(params, "updated_since")?,
            until: time(params, "updated_until")?,
            sort: format!("{sort} {direction}"),
            descending: direction == "desc",
            deleted,
        })
    }

    fn matches(&self, person: &Person) -> bool {
        let updated = person.updated_ms.div_euclid(1000);
        (self.deleted || person.is_live())
            && self.ids.as_ref().is_none_or(|ids| ids.contains(&person.id))
            && self.owner_id.is_none_or(|owner| person.owner_id == owner)
            && self.org_id.is_none_or(|org| person.org_id == Some(org))
            && self.since.is_none_or(|since| updated >= since)
            && self.until.is_none_or(|until| updated < until)
    }

    /// Where a person stands in the list.
    fn place(&self, person: &Person) -> (i64, u64) {
        let value = match self.sort.split(' ').next() {
            Some("update_time") => person.updated_ms.div_euclid(1000),
            Some("add_time") => person.added_ms.div_euclid(1000),
            _ => 0,
        };
        (value, person.id)
    }

    fn is_after(&self, place: (i64, u64), after: (i64, u64)) -> bool {
        if self.descending { place < after } else { place > after }
    }
}

pub(super) async fn list(State(world): State<World>, Query(params): Query<Params>, headers: HeaderMap) -> Response {
    world.call(&headers, |desk| {
        let question = Question::read(&params, world.core.switches.flag("deleted_listed"))?;
        let (limit, after) = (limit(&params)?, after(&params, &question.sort)?);
        let fields = chosen_fields(&params, &desk.company.fields)?;
        let listed = desk.company.persons.values().filter_map(|seen: &Seen| seen.listed.seen(desk.now_ms));
        let is_left = |person: &&Person| after.is_none_or(|after| question.is_after(question.place(person), after));
        let mut found: Vec<&Person> = listed.filter(|person| question.matches(person)).filter(is_left).collect();
        found.sort_by_key(|person| question.place(person));
        if question.descending {
            found.reverse();
        }
        let more = found.len() > limit;
        found.truncate(limit);
        let next = found.last().filter(|_| more).map(|last| cursor(&question.sort, question.place(last)));
        let shown: Vec<Value> = found.iter().map(|person| person.to_json(&fields, &world.core.switches)).collect();
        Ok(Answer::page(shown, next.as_deref()))
    })
}

/// The custom fields a read is to show: all, or those that the query names.
pub(super) fn chosen_fields(params: &Params, fields: &[Field]) -> Result<Vec<Field>, Refusal> {
    let Some(wanted) = params.get("custom_fields") else {
        return Ok(fields.to_vec());
    };
    let wanted: Vec<&str> = wanted.split(',').collect();
    if wanted.len() > MOST_FIELDS {
        return Err(Refusal::field("custom_fields", "takes at most 15 keys"));
    }
    Ok(fields.iter().filter(|field| wanted.contains(&field.code.as_str())).cloned().collect())
}

/// How many entries a page is to have.
pub(super) fn limit(params: &Params) -> Result<usize, Refusal> {
    let limit = params.get("limit").map_or(Ok(PAGE), |text| text.parse()).ok();
    let limit = limit.filter(|limit| (1..=LARGEST_PAGE).contains(limit));
    limit.ok_or_else(|| Refusal::field("limit", "must be a number of 1 to 500"))
}

/// Where the page before ended.
pub(super) fn after(params: &Params, sort: &str) -> Result<Option<(i64, u64)>, Refusal> {
    let Some(text) = params.get("cursor") else {
        return Ok(None);
    };
    let read = || serde_json::from_slice::<Cursor>(&URL_SAFE_NO_PAD.decode(text).ok()?).ok();
    let cursor = read().filter(|cursor| cursor.sort == sort).map(|cursor| Some(cursor.after));
    cursor.ok_or_else(|| Refusal::field("cursor", "is not one of this list"))
}

/// The cursor of what follows that place.
pub(super) fn cursor(sort: &str, after: (i64, u64)) -> String {
    let cursor = serde_json::json!(Cursor { sort: sort.to_owned(), after });
    URL_SAFE_NO_PAD.encode(cursor.to_string())
}

/// A number of the query.
pub(super) fn number(params: &Params, name: &str) -> Result<Option<u64>, Refusal> {
    let parsed = params.get(name).map(|text| text.parse());
    parsed.transpose().map_err(|_| Refusal::field(name, "must be a number"))
}

fn ids(params: &Params) -> Result<Option<Vec<u64>>, Refusal> {
    let Some(text) = params.get("ids") else {
        return Ok(None);
    };
    let ids: Option<Vec<u64>> = text.split(',').map(|id| id.trim().parse().ok()).collect();
    ids.filter(|ids| ids.len() <= MOST_IDS).map(Some).ok_or_else(|| Refusal::field("ids", "must be at most 100 numbers"))
}

/// Unix seconds of an RFC 3339 time.
fn time(params: &Params, name: &str) -> Result<Option<i64>, Refusal> {
    let parsed = params.get(name).map(|text| text.parse::<Timestamp>().map(Timestamp::as_second));
    parsed.transpose().map_err(|_| Refusal::field(name, "must be an RFC 3339 time"))
}
