//! Audiences, and the calls about them and their merge fields
//! (<https://mailchimp.com/developer/marketing/api/lists/>).

use std::collections::BTreeMap;

use axum::{
    extract::{Path, Query, State},
    http::HeaderMap,
    response::Response,
};
use serde_json::{Map, Value, json};

use super::{
    hooks::Hook,
    member::{Member, iso},
    merge::{self, MergeField},
    options::ListOptions,
    problem::Problem,
    projection::{Params, page, project},
    status::Status,
    world::{Answer, World},
};
use crate::vendors::kit::Lagged;

/// One audience with its members by hash.
pub(super) struct Audience {
    pub id: String,
    pub account: String,
    pub timezone: Option<String>,
    pub options: ListOptions,
    pub created_ms: i64,
    pub members: BTreeMap<String, Lagged<Member>>,
    /// Permanently deleted addresses by hash.
    pub forgotten: BTreeMap<String, String>,
    pub fields: Vec<MergeField>,
    pub hooks: BTreeMap<String, Hook>,
    /// Names of tags; an id is the place plus one.
    tags: Vec<String>,
}

impl Audience {
    /// An audience without members.
    pub fn new(account: &str, timezone: Option<&str>, options: &ListOptions, now_ms: i64) -> Result<Self, Problem> {
        let mut list = Self {
            id: options.id.clone(),
            account: account.to_owned(),
            timezone: timezone.map(str::to_owned),
            options: options.clone(),
            created_ms: now_ms,
            members: BTreeMap::new(),
            forgotten: BTreeMap::new(),
            fields: merge::usual(),
            hooks: BTreeMap::new(),
            tags: Vec::new(),
        };
        for field in &options.merge_fields {
            list.add_field(field.as_object().unwrap_or(&Map::new()))?;
        }
        Ok(list)
    }

    pub fn add_field(&mut self, body: &Map<String, Value>) -> Result<&MergeField, Problem> {
        let next = self.fields.iter().map(|field| field.id).max().unwrap_or_default() + 1;
        let field = MergeField::read(body, next)?;
        if self.fields.iter().any(|each| each.tag == field.tag) {
            return Err(Problem::invalid(format!("A Merge Field with the tag \"{}\" already exists for this list.", field.tag)));
        }
        self.fields.push(field);
        self.fields.last().ok_or_else(Problem::not_found)
    }

    /// The id of a tag, which is made if there is none of this name.
    pub fn tag_id(&mut self, name: &str) -> u64 {
        let place = self.tags.iter().position(|each| each == name).unwrap_or_else(|| {
            self.tags.push(name.to_owned());
            self.tags.len() - 1
        });
        u64::try_from(place).unwrap_or_default() + 1
    }

    /// All members as they are now, archived ones too.
    pub fn current(&self) -> impl Iterator<Item = &Member> {
        self.members.values().map(Lagged::current)
    }

    fn to_json(&self) -> Value {
        let count = |status| self.current().filter(|member| member.status == status).count();
        let in_audience = self.current().filter(|member| member.status != Status::Archived).count();
        json!({
            "id": self.id, "web_id": 1, "name": self.options.name, "date_created": iso(self.created_ms), "list_rating": 0,
            "email_type_option": false, "double_optin": self.options.double_optin, "has_welcome": self.options.has_welcome,
            "marketing_permissions": false, "visibility": "prv",
            "stats": {
                "member_count": count(Status::Subscribed), "total_contacts": in_audience,
                "unsubscribe_count": count(Status::Unsubscribed), "cleaned_count": count(Status::Cleaned),
                "merge_field_count": self.fields.len(),
            },
        })
    }
}

type Id = Path<String>;

pub(super) async fn all(State(world): State<World>, Query(params): Query<Params>, headers: HeaderMap) -> Response {
    world.account_call(&headers, |lists| {
        let shown: Vec<Value> = lists.iter().map(|list| list.to_json()).collect();
        let total = shown.len();
        let body = json!({"lists": page(shown, &params)?, "total_items": total});
        Ok(Answer::ok(project(body, &params)))
    })
}

pub(super) async fn one(State(world): State<World>, Path(list): Id, Query(params): Query<Params>, headers: HeaderMap) -> Response {
    world.call(&headers, &list, |desk| Ok(Answer::ok(project(desk.list.to_json(), &params))))
}

pub(super) async fn fields(State(world): State<World>, Path(list): Id, Query(params): Query<Params>, headers: HeaderMap) -> Response {
    world.call(&headers, &list, |desk| {
        let shown = desk.list.fields.iter().map(|field| field.to_json(&desk.list.id));
        let found: Vec<Value> = shown.filter(|field| ["type", "required"].iter().all(|name| is_as_asked(field, name, &params))).collect();
        let total = found.len();
        let body = json!({"merge_fields": page(found, &params)?, "list_id": desk.list.id, "total_items": total});
        Ok(Answer::ok(project(body, &params)))
    })
}

/// Whether a definition has the value that the query asks for, if it does.
fn is_as_asked(field: &Value, name: &str, params: &Params) -> bool {
    let shown = match field.get(name) {
        Some(Value::String(text)) => text.as_str(),
        Some(Value::Bool(true)) => "true",
        _ => "false",
    };
    params.get(name).is_none_or(|asked| asked == shown)
}

pub(super) async fn add_field(State(world): State<World>, Path(list): Id, headers: HeaderMap, body: String) -> Response {
    world.call(&headers, &list, |desk| {
        let body = super::projection::object(&body)?;
        let most = desk.world.core.switches.number("merge_fields_most");
        if i64::try_from(desk.list.fields.len()).is_ok_and(|count| count >= most) {
            return Err(Problem::invalid("This list has the most merge fields it can have."));
        }
        let id = desk.list.id.clone();
        Ok(Answer::ok(desk.list.add_field(&body)?.to_json(&id)))
    })
}

pub(super) async fn delete_field(State(world): State<World>, Path((list, id)): Path<(String, u64)>, headers: HeaderMap) -> Response {
    world.call(&headers, &list, |desk| {
        let place = desk.list.fields.iter().position(|field| field.id == id).ok_or_else(Problem::not_found)?;
        let tag = desk.list.fields.remove(place).tag;
        for member in desk.list.current().cloned().collect::<Vec<_>>() {
            if member.merge.contains_key(&tag) {
                let mut without = member;
                without.merge.remove(&tag);
                desk.store(without);
            }
        }
        Ok(Answer::no_content())
    })
}
