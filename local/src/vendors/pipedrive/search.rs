//! The search of persons (<https://developers.pipedrive.com/docs/api/v1/Persons#searchPersons>).

use axum::{
    extract::{Query, State},
    http::HeaderMap,
    response::Response,
};
use serde_json::{Value, json};

use super::{
    listing::{after, cursor, limit, number},
    person::Person,
    persons::Params,
    refusal::Refusal,
    world::{Answer, World},
};

const FIELDS: [&str; 5] = ["name", "email", "phone", "notes", "custom_fields"];
/// What the cursors of searches are sorted by.
const SORT: &str = "search";

/// A checked search.
struct Search {
    term: String,
    fields: Vec<String>,
    exact: bool,
    by_digits: bool,
    org_id: Option<u64>,
}

impl Search {
    fn read(params: &Params, by_digits: bool) -> Result<Self, Refusal> {
        let exact = match params.get("exact_match").map(String::as_str) {
            None | Some("false") => false,
            Some("true") => true,
            Some(_) => return Err(Refusal::field("exact_match", "must be true or false")),
        };
        let term = params.get("term").map(|term| term.trim().to_lowercase()).unwrap_or_default();
        if term.chars().count() < if exact { 1 } else { 2 } {
            return Err(Refusal::field("term", "must have at least 2 characters, or 1 with exact_match"));
        }
        let fields = params.get("fields").map_or_else(|| FIELDS.join(","), Clone::clone);
        let fields: Vec<String> = fields.split(',').map(|field| field.trim().to_owned()).collect();
        if fields.iter().any(|field| !FIELDS.contains(&field.as_str())) {
            return Err(Refusal::field("fields", "must be among name, email, phone, notes and custom_fields"));
        }
        Ok(Self { term, fields, exact, by_digits, org_id: number(params, "organization_id")? })
    }

    fn finds(&self, person: &Person) -> bool {
        let in_org = self.org_id.is_none_or(|org| person.org_id == Some(org));
        person.is_live() && in_org && self.fields.iter().any(|field| self.finds_in(field, person))
    }

    fn finds_in(&self, field: &str, person: &Person) -> bool {
        match field {
            "name" => self.is_in(&person.name),
            "email" => person.emails.iter().any(|item| self.is_in(&item.value)),
            "phone" if self.by_digits => person.phones.iter().any(|item| self.is_same_phone(&item.value)),
            "phone" => person.phones.iter().any(|item| self.is_in(&item.value)),
            "notes" => person.synced.get("notes").and_then(Value::as_str).is_some_and(|notes| self.is_in(notes)),
            _ => person.custom.values().filter_map(Value::as_str).any(|value| self.is_in(value)),
        }
    }

    /// Upper and lower case are the same.
    fn is_in(&self, value: &str) -> bool {
        let value = value.to_lowercase();
        if self.exact { value == self.term } else { value.contains(&self.term) }
    }

    fn is_same_phone(&self, value: &str) -> bool {
        let digits = |text: &str| -> String { text.chars().filter(char::is_ascii_digit).collect() };
        let (wanted, has) = (digits(&self.term), digits(value));
        !wanted.is_empty() && if self.exact { wanted == has } else { has.contains(&wanted) }
    }
}

pub(super) async fn search(State(world): State<World>, Query(params): Query<Params>, headers: HeaderMap) -> Response {
    world.call(&headers, |desk| {
        let search = Search::read(&params, world.core.switches.is("phone_match", "digits"))?;
        let (limit, after) = (limit(&params)?, after(&params, SORT)?);
        let seen = desk.company.persons.values().filter_map(|seen| seen.found.seen(desk.now_ms));
        let is_left = |person: &&Person| after.is_none_or(|(_, id)| person.id > id);
        let mut found: Vec<&Person> = seen.filter(|person| search.finds(person)).filter(is_left).collect();
        let more = found.len() > limit;
        found.truncate(limit);
        let next = found.last().filter(|_| more).map(|last| cursor(SORT, (0, last.id)));
        let items: Vec<Value> = found.iter().map(|person| item(person)).collect();
        Ok(Answer::page(json!({"items": items}), next.as_deref()))
    })
}

fn item(person: &Person) -> Value {
    let values = |items: &[super::person::Item]| -> Vec<String> { items.iter().map(|item| item.value.clone()).collect() };
    let custom: Vec<&Value> = person.custom.values().filter(|value| value.is_string()).collect();
    json!({"result_score": 0.5, "item": {
        "id": person.id, "type": "person", "name": person.name, "phones": values(&person.phones), "emails": values(&person.emails),
        "visible_to": person.visible_to, "owner": {"id": person.owner_id}, "organization": null, "custom_fields": custom, "notes": [],
    }})
}
