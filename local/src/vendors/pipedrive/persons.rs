//! Calls about one person (<https://developers.pipedrive.com/docs/api/v1/Persons>).

use std::collections::BTreeMap;

use axum::{
    extract::{Path, Query, State},
    http::HeaderMap,
    response::Response,
};
use serde_json::{Value, json};

use super::{
    body::object,
    listing::chosen_fields,
    person::{Gone, Person},
    refusal::Refusal,
    world::{Answer, Desk, Seen, World},
};
use crate::vendors::kit::Lagged;

/// A deleted person is kept for so long.
const KEPT_MS: i64 = 30 * 86_400_000;

/// The query of a call.
pub(super) type Params = BTreeMap<String, String>;

pub(super) async fn create(State(world): State<World>, headers: HeaderMap, body: String) -> Response {
    world.call(&headers, |desk| {
        let person = desk.create(&object(&body)?)?;
        let answer = Answer::data(desk.shown(&person));
        Ok(if world.core.switches.is("create_status", "201") { answer.created() } else { answer })
    })
}

pub(super) async fn get(State(world): State<World>, Path(id): Path<u64>, Query(params): Query<Params>, headers: HeaderMap) -> Response {
    world.call(&headers, |desk| {
        let person = desk.find(id)?;
        let fields = chosen_fields(&params, &desk.company.fields)?;
        Ok(Answer::data(person.to_json(&fields, &world.core.switches)))
    })
}

pub(super) async fn patch(State(world): State<World>, Path(id): Path<u64>, headers: HeaderMap, body: String) -> Response {
    world.call(&headers, |desk| {
        let person = desk.patch(id, &object(&body)?)?;
        Ok(Answer::data(desk.shown(&person)))
    })
}

pub(super) async fn delete(State(world): State<World>, Path(id): Path<u64>, headers: HeaderMap) -> Response {
    world.call(&headers, |desk| {
        let before = desk.live(id)?;
        desk.retire(&before, None);
        Ok(Answer::data(json!({"id": id})))
    })
}

/// `PUT /v1/persons/{id}/merge`: the person in the path goes, the other's values come first.
pub(super) async fn merge(State(world): State<World>, Path(id): Path<u64>, headers: HeaderMap, body: String) -> Response {
    world.call(&headers, |desk| {
        let winner = object(&body)?.get("merge_with_id").and_then(Value::as_u64);
        let winner = winner.ok_or_else(|| Refusal::field("merge_with_id", "must be a number"))?;
        let merged = desk.merge(id, winner)?;
        let mut shown = desk.shown(&merged);
        if let Some(shown) = shown.as_object_mut() {
            shown.insert("merge_what_id".to_owned(), id.into());
        }
        Ok(Answer::data(shown))
    })
}

impl Desk<'_> {
    pub fn shown(&self, person: &Person) -> Value {
        person.to_json(&self.company.fields, &self.world.core.switches)
    }

    /// A person that is there, or may still be looked at although it was deleted.
    pub fn find(&self, id: u64) -> Result<Person, Refusal> {
        let missing = || Refusal::not_found("Person");
        let person = self.company.persons.get(&id).map(Seen::current).ok_or_else(missing)?;
        let switches = &self.world.core.switches;
        let visible = match person.gone {
            None => true,
            Some(Gone { at_ms, .. }) if at_ms + KEPT_MS <= self.now_ms => false,
            Some(Gone { merged_into: Some(_), .. }) => switches.is("merged_get", "deleted"),
            Some(Gone { merged_into: None, .. }) => switches.is("deleted_get", "returned"),
        };
        if visible { Ok(person.clone()) } else { Err(missing()) }
    }

    /// A person that is there.
    pub fn live(&self, id: u64) -> Result<Person, Refusal> {
        let person = self.company.persons.get(&id).map(Seen::current).filter(|person| person.is_live());
        person.cloned().ok_or_else(|| Refusal::not_found("Person"))
    }

    pub fn create(&mut self, sent: &serde_json::Map<String, Value>) -> Result<Person, Refusal> {
        let mut person = Person::new(self.company.next_person, self.actor.user(), self.now_ms);
        self.rules().write(&mut person, sent)?;
        if person.name.is_empty() {
            return Err(Refusal::field("name", "is required"));
        }
        self.company.next_person += 1;
        self.store(person.clone());
        self.tell_created(&person);
        Ok(person)
    }

    pub fn patch(&mut self, id: u64, sent: &serde_json::Map<String, Value>) -> Result<Person, Refusal> {
        let before = self.live(id)?;
        let mut after = before.clone();
        self.rules().write(&mut after, sent)?;
        let same = after == before;
        let switches = &self.world.core.switches;
        if !sent.contains_key("update_time") && (!same || switches.flag("touch_without_change")) {
            after.updated_ms = self.now_ms;
        }
        self.store(after.clone());
        if !same || switches.flag("noop_fires") {
            self.tell_changed(&before, &after);
        }
        Ok(after)
    }

    /// Deletes a person, perhaps because it was merged into another.
    pub fn retire(&mut self, before: &Person, merged_into: Option<u64>) {
        let gone = Gone { at_ms: self.now_ms, merged_into };
        self.store(Person { gone: Some(gone), updated_ms: self.now_ms, ..before.clone() });
        if merged_into.is_none() {
            self.tell_deleted(before, None);
        }
    }

    /// Merges the person `id` into `winner`, whose values come first.
    pub fn merge(&mut self, id: u64, winner: u64) -> Result<Person, Refusal> {
        if id == winner {
            return Err(Refusal::field("merge_with_id", "must be another person"));
        }
        let (loser, before) = (self.live(id)?, self.live(winner)?);
        let after = Person { updated_ms: self.now_ms, ..joined(&before, &loser) };
        self.retire(&loser, Some(winner));
        self.store(after.clone());
        if self.world.core.switches.is("merge_order", "delete_first") {
            self.tell_deleted(&loser, Some(winner));
            self.tell_changed(&before, &after);
        } else {
            self.tell_changed(&before, &after);
            self.tell_deleted(&loser, Some(winner));
        }
        Ok(after)
    }

    fn rules(&self) -> super::body::Rules<'_> {
        self.company.rules(self.world.core.switches.is("unknown_key", "ignored"))
    }

    /// Stores a person; lists and searches see it after their lags, what people write at once.
    fn store(&mut self, person: Person) {
        let lag = |name: &str| if self.actor == super::world::Actor::Api { self.world.core.switches.number(name) } else { 0 };
        let (listed_ms, found_ms) = (self.now_ms + lag("visibility_lag_ms"), self.now_ms + lag("search_lag_ms"));
        if let Some(seen) = self.company.persons.get_mut(&person.id) {
            seen.listed.write(person.clone(), self.now_ms, listed_ms);
            seen.found.write(person, self.now_ms, found_ms);
        } else {
            let (id, listed) = (person.id, Lagged::new(person.clone(), listed_ms));
            self.company.persons.insert(id, Seen { listed, found: Lagged::new(person, found_ms) });
        }
    }
}

/// The winner's values, its gaps filled, all addresses and phones kept.
fn joined(winner: &Person, loser: &Person) -> Person {
    let mut person = winner.clone();
    person.org_id = person.org_id.or(loser.org_id);
    person.added_ms = person.added_ms.min(loser.added_ms);
    for (code, value) in &loser.custom {
        person.custom.entry(code.clone()).or_insert_with(|| value.clone());
    }
    for (key, value) in &loser.synced {
        person.synced.entry(key).or_insert_with(|| value.clone());
    }
    for (own, other) in [(&mut person.emails, &loser.emails), (&mut person.phones, &loser.phones)] {
        let has_primary = !own.is_empty();
        for item in other {
            if !own.iter().any(|each| each.value.eq_ignore_ascii_case(&item.value)) {
                own.push(super::person::Item { primary: item.primary && !has_primary, ..item.clone() });
            }
        }
    }
    for id in &loser.label_ids {
        if !person.label_ids.contains(id) {
            person.label_ids.push(*id);
        }
    }
    person
}
