//! The calls on labels and extended fields, which differ only in names and limits,
//! <https://dev.wix.com/docs/rest/crm/members-contacts/contacts/extended-fields/introduction> and
//! <https://dev.wix.com/docs/rest/crm/members-contacts/contacts/labels/introduction>.

use axum::{
    Extension, Json, Router,
    body::Bytes,
    extract::{Path, State},
    routing::{get, post},
};
use serde_json::{Map, Value, json};

use super::{
    auth::Asked,
    contact::Contact,
    contacts::Reply,
    definitions::{Definition, Definitions, Kind, key_of},
    events::{About, Change},
    filter::{self, Codes, Dialect, Field, at},
    info::text,
    listing::{Listing, Page, in_order},
    params::Params,
    refusal::{Refusal, body_object, object},
    state::{Desk, World},
};
use crate::vendors::kit::Lagged;

const CODES: Codes = Codes { unknown_field: "UNSUPPORTED_FILTER_FIELD", value_type: "UNSUPPORTED_FILTER_VALUE", sort: "INVALID_SORT" };
const DATA_TYPES: [&str; 4] = ["TEXT", "NUMBER", "DATE", "URL"];

/// The routes of labels or of extended fields.
pub(super) fn routes(kind: Kind) -> Router<World> {
    let base = match kind {
        Kind::Label => "/contacts/v4/labels",
        Kind::Field => "/contacts/v4/extended-fields",
    };
    Router::new()
        .route(base, get(list).post(find_or_create))
        .route(&format!("{base}/query"), post(query))
        .route(&format!("{base}/{{key}}"), get(show).patch(rename).delete(delete))
        .layer(Extension(kind))
}

async fn find_or_create(Extension(kind): Extension<Kind>, State(world): State<World>, asked: Asked, body: Bytes) -> Reply {
    let request = body_object(&body)?;
    let name = display_name(kind, &request)?;
    world.at(&asked, |desk| {
        let same = |known: &&Definition| {
            known.display_name == name
                || (world.is("find_by_name", "ignore_case") && known.display_name.to_lowercase() == name.to_lowercase())
        };
        let found = desk.definitions(kind).all().find(same).cloned();
        let is_new = found.is_none();
        let definition = match found {
            Some(found) => found,
            None => desk.define(kind, name.clone(), &request)?,
        };
        Ok(Json(json!({kind.name(): definition.to_json(kind), kind.new_flag(): is_new})))
    })
}

async fn show(Extension(kind): Extension<Kind>, State(world): State<World>, asked: Asked, Path(key): Path<String>) -> Reply {
    world.at(&asked, |desk| {
        let found = desk.definitions(kind).get(&key).ok_or_else(|| kind.not_found())?;
        Ok(Json(json!({kind.name(): found.to_json(kind)})))
    })
}

async fn rename(Extension(kind): Extension<Kind>, State(world): State<World>, asked: Asked, Path(key): Path<String>, body: Bytes) -> Reply {
    let request = body_object(&body)?;
    let empty = Map::new();
    let name = display_name(kind, object(&request, kind.name())?.unwrap_or(&empty))?;
    world.at(&asked, |desk| {
        let before = desk.changeable(kind, &key)?;
        let after = Definition { display_name: name.clone(), updated_ms: desk.now_ms, ..before.clone() };
        desk.definitions_mut(kind).put(after.clone());
        let (now, before) = (after.to_json(kind), before.to_json(kind));
        let about = About { entity: kind.entity(), ..About::contact(&key) };
        desk.raise(about, &Change::Updated { now: now.clone(), before: Some(&before) });
        Ok(Json(json!({kind.name(): now})))
    })
}

async fn delete(Extension(kind): Extension<Kind>, State(world): State<World>, asked: Asked, Path(key): Path<String>) -> Reply {
    world.at(&asked, |desk| {
        let gone = desk.changeable(kind, &key)?;
        desk.definitions_mut(kind).remove(&key);
        desk.erase(kind, &key);
        let about = About { entity: kind.entity(), ..About::contact(&key) };
        desk.raise(about, &Change::Deleted(gone.to_json(kind)));
        Ok(Json(json!({})))
    })
}

async fn list(Extension(kind): Extension<Kind>, State(world): State<World>, asked: Asked, Params(params): Params) -> Reply {
    let wants = |key: &str| params.get(key).and_then(Value::as_str);
    world.at(&asked, |desk| {
        let found = desk.definitions(kind).all().filter(|definition| {
            wants("namespace").is_none_or(|namespace| definition.namespace() == namespace)
                && wants("startsWith").is_none_or(|start| definition.display_name.starts_with(start))
                && wants("fieldType").or(wants("labelType")).is_none_or(|kind| definition.system == (kind == "SYSTEM"))
        });
        let found = found.map(|definition| definition.to_json(kind)).collect();
        let Page { entries, metadata } = desk.definition_listing(kind, &params)?.page(found, false, in_order);
        Ok(Json(json!({format!("{}s", kind.name()): entries, "metadata": metadata})))
    })
}

async fn query(Extension(kind): Extension<Kind>, State(world): State<World>, asked: Asked, body: Bytes) -> Reply {
    let request = body_object(&body)?;
    let empty = Map::new();
    let query = object(&request, "query")?.unwrap_or(&empty);
    world.at(&asked, |desk| {
        let all = desk.definitions(kind).all().map(|definition| definition.to_json(kind)).collect();
        let Page { entries, metadata } = desk.definition_listing(kind, query)?.page(all, false, in_order);
        Ok(Json(json!({format!("{}s", kind.name()): entries, "pagingMetadata": metadata})))
    })
}

impl Desk<'_> {
    fn definitions(&self, kind: Kind) -> &Definitions {
        match kind {
            Kind::Label => &self.site.labels,
            Kind::Field => &self.site.fields,
        }
    }

    fn definitions_mut(&mut self, kind: Kind) -> &mut Definitions {
        match kind {
            Kind::Label => &mut self.site.labels,
            Kind::Field => &mut self.site.fields,
        }
    }

    fn changeable(&self, kind: Kind, key: &str) -> Result<Definition, Refusal> {
        let found = self.definitions(kind).get(key).ok_or_else(|| kind.not_found())?;
        if found.system {
            return Err(Refusal::coded(400, "CANNOT_CHANGE_SYSTEM_DEFINITION", "System definitions cannot be changed."));
        }
        Ok(found.clone())
    }

    fn define(&mut self, kind: Kind, display_name: String, request: &Map<String, Value>) -> Result<Definition, Refusal> {
        let data_type = match kind {
            Kind::Field => data_type(request)?,
            Kind::Label => String::new(),
        };
        self.refuse_above_quota(kind)?;
        let definition = Definition {
            key: self.new_key(kind, &display_name),
            display_name,
            system: false,
            data_type,
            created_ms: self.now_ms,
            updated_ms: self.now_ms,
        };
        self.definitions_mut(kind).put(definition.clone());
        let about = About { entity: kind.entity(), ..About::contact(&definition.key) };
        self.raise(about, &Change::Created(definition.to_json(kind)));
        Ok(definition)
    }

    fn refuse_above_quota(&self, kind: Kind) -> Result<(), Refusal> {
        let made = self.definitions(kind).made();
        let quota = |name: &str| usize::try_from(self.world.core.switches.number(name)).unwrap_or(usize::MAX);
        match kind {
            Kind::Field if made >= quota("extended_fields_quota") => {
                Err(Refusal::coded(429, "FIELDS_QUOTA_EXCEEDED", "The site has too many custom fields."))
            }
            Kind::Label if made >= quota("labels_quota") => {
                let data = json!({"labelsQuota": quota("labels_quota"), "labelsCurrentTotal": made});
                Err(Refusal::with_data(428, "LABELS_QUOTA_REACHED", "The site has too many labels.", &data))
            }
            _ => Ok(()),
        }
    }

    /// The key by name; with a random tail if the switch says so or the plain key is taken.
    fn new_key(&self, kind: Kind, display_name: &str) -> String {
        let plain = key_of(display_name);
        let tail = kind == Kind::Field && self.world.flag("key_tail");
        if tail || self.definitions(kind).contains(&plain) {
            return format!("{plain}-{}", self.world.ids.letters(19));
        }
        plain
    }

    /// Takes the label or field off every contact.
    fn erase(&mut self, kind: Kind, key: &str) {
        let contacts: Vec<Contact> = self.live().cloned().collect();
        for before in contacts {
            let mut after = before.clone();
            match kind {
                Kind::Label => {
                    let keys = after.info.get_mut("labelKeys").and_then(|keys| keys.get_mut("items"));
                    keys.and_then(Value::as_array_mut).into_iter().for_each(|keys| keys.retain(|held| held != key));
                }
                Kind::Field => {
                    let items = after.info.get_mut("extendedFields").and_then(|fields| fields.get_mut("items"));
                    items.and_then(Value::as_object_mut).into_iter().for_each(|items| {
                        items.remove(key);
                    });
                }
            }
            if after.info == before.info {
                continue;
            }
            if self.world.flag("definition_delete_touches_contacts") {
                self.commit(&before, after);
            } else if let Some(held) = self.site.contacts.get_mut(&after.id) {
                *held = Lagged::new(after, self.now_ms);
            }
        }
    }

    fn definition_listing(&self, kind: Kind, of: &Map<String, Value>) -> Result<Listing, Refusal> {
        let field = |name: &str| definition_field(kind, name);
        let dialect = Dialect { field: &field, codes: CODES, switches: &self.world.core.switches };
        Listing::read(of, &dialect, kind.page_size(), "createdDate")
    }
}

fn definition_field(kind: Kind, name: &str) -> Option<Field> {
    let only_field = |operators| (kind == Kind::Field).then(|| at(name, filter::Kind::Text, operators, false));
    match name {
        "key" => Some(at(name, filter::Kind::Text, &["$eq", "$ne", "$in"], false)),
        "displayName" => Some(at(name, filter::Kind::Text, &["$eq", "$ne", "$in", "$startsWith"], true)),
        "createdDate" | "updatedDate" => Some(at(name, filter::Kind::Instant, &["$eq", "$ne", "$gt", "$gte", "$lt", "$lte"], true)),
        "namespace" => Some(at(name, filter::Kind::Text, &["$eq", "$ne"], false)),
        "dataType" => only_field(&["$eq", "$ne"]),
        "fieldType" => only_field(&["$eq"]),
        "labelType" if kind == Kind::Label => Some(at(name, filter::Kind::Text, &["$eq"], false)),
        _ => None,
    }
}

fn display_name(kind: Kind, of: &Map<String, Value>) -> Result<String, Refusal> {
    text(of, "displayName", "displayName", kind.longest_name())?
        .filter(|name| !name.trim().is_empty())
        .ok_or_else(|| Refusal::field("displayName", "REQUIRED_FIELD", "must not be empty", &json!({})))
}

fn data_type(of: &Map<String, Value>) -> Result<String, Refusal> {
    let sent = text(of, "dataType", "dataType", 20)?.unwrap_or_default();
    if DATA_TYPES.contains(&sent.as_str()) {
        return Ok(sent);
    }
    Err(Refusal::field("dataType", "ENUM", "must be TEXT, NUMBER, DATE or URL", &json!({"allowed": DATA_TYPES})))
}
