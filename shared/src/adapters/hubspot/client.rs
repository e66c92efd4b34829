//! The calls of one portal, typed.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use reqwest::{Method, StatusCode, Url};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value as Json, json};
use tokio::sync::Mutex;

use super::{
    auth::{Credentials, TokenKeeper, Tokens},
    contact::{self, Unreadable},
    error::refusal,
    property::{COUNTERPART, KEYS, MERGED, Property, Shapes},
    wire::{Object, Page},
};
use crate::{
    adapters::http::{Http, Reply, Request, Safety},
    model::{
        contact::Contact,
        field::{Field, FieldSpec},
        ids::RecordId,
    },
    ports::{Clock, ErrorKind, Secrets, StoreError, StoreResult},
};

/// The list of properties is asked for again after this long.
const SCHEMA_LIFE: SignedDuration = SignedDuration::from_mins(5);

/// What does not change from call to call.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the API is: `https://api.hubapi.com`.
    pub base: Url,
    /// The dated version of the CRM API.
    /// <https://developers.hubspot.com/docs/api-reference/legacy/migration-guide>
    pub version: String,
    /// The dated version of the OAuth API.
    pub oauth_version: String,
    /// The id of our own app, to tell our own writes in a property's history; without it none is taken for ours.
    pub app_id: Option<String>,
    /// The country (ISO 3166-1 alpha-2) of phone numbers without a prefix.
    pub country: Option<String>,
    /// The names of the mapped properties.
    pub properties: Vec<String>,
}

impl Settings {
    /// Makes settings for the current API versions.
    #[must_use]
    pub fn new(base: Url, properties: Vec<String>) -> Self {
        let (version, oauth_version) = ("2026-09".to_owned(), "2026-03".to_owned());
        Self { base, version, oauth_version, app_id: None, country: None, properties }
    }
}

/// What a client stands on.
#[derive(Clone)]
pub struct Means {
    /// For all calls but searches; see [`super::RATE`].
    pub http: Http,
    /// For searches, which have a tighter limit of their own; see [`super::SEARCH_RATE`].
    pub search: Http,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Where the credentials are, should those at hand be refused.
    pub secrets: Arc<dyn Secrets>,
    /// Where a replaced refresh token goes.
    pub keeper: Arc<dyn TokenKeeper>,
}

/// A client for one portal.
pub struct Client {
    pub(super) settings: Settings,
    pub(super) means: Means,
    tokens: Tokens,
    /// The properties to read: the mapped ones and those that contacts are looked up by.
    names: Vec<String>,
    schema: Mutex<Option<(Timestamp, Arc<Vec<Property>>)>>,
}

/// A call to be made.
#[derive(Clone)]
pub(super) struct Call<'a> {
    /// What is tried, with ids.
    pub operation: &'a str,
    pub method: Method,
    pub url: Url,
    pub body: Option<Json>,
    pub safety: Safety,
}

impl<'a> Call<'a> {
    pub fn read(operation: &'a str, url: Url) -> Self {
        Self { operation, method: Method::GET, url, body: None, safety: Safety::Read }
    }

    pub fn post(operation: &'a str, url: Url, body: Json, safety: Safety) -> Self {
        Self { operation, method: Method::POST, url, body: Some(body), safety }
    }
}

impl Client {
    /// Makes a client; nothing is sent yet.
    #[must_use]
    pub fn new(settings: Settings, means: Means, credentials: Credentials) -> Self {
        let url = join(&settings.base, &["oauth", &settings.oauth_version, "token"]);
        let tokens = Tokens::new(means.clone(), url, credentials);
        let mut names = settings.properties.clone();
        names.extend(KEYS.map(str::to_owned));
        names.retain(|name| ![COUNTERPART, MERGED].contains(&&**name));
        names.sort_unstable();
        names.dedup();
        Self { settings, means, tokens, names, schema: Mutex::new(None) }
    }

    /// Reads a record by its id, or by a unique property; `None` if there is none. An old id returns the record it was merged into.
    pub async fn read(&self, key: &str, id_property: Option<&str>) -> StoreResult<Option<Contact>> {
        // Never the key: it may be an e-mail address.
        let operation = id_property.map_or_else(|| format!("hubspot read {key}"), |property| format!("hubspot read by {property}"));
        match self.read_object(&operation, key, id_property, &[]).await {
            Ok(object) if object.archived => Ok(None),
            Ok(object) => self.contact(&operation, &object).await.map(Some),
            Err(StoreError { kind: ErrorKind::NotFound, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reads a record by its id together with the history of a property.
    pub(super) async fn read_history(&self, id: &RecordId, property: &str) -> StoreResult<Object> {
        self.read_object(&format!("hubspot history {id} {property}"), id.as_str(), None, &[("propertiesWithHistory", property)]).await
    }

    pub(super) async fn read_object(
        &self,
        operation: &str,
        key: &str,
        id_property: Option<&str>,
        more: &[(&str, &str)],
    ) -> StoreResult<Object> {
        let mut url = self.record(operation, key)?;
        url.query_pairs_mut()
            .append_pair("properties", &self.asked().join(","))
            .extend_pairs(id_property.map(|name| ("idProperty", name)))
            .extend_pairs(more);
        self.call(&Call::read(operation, url)).await
    }

    /// Changes properties of a record; an empty text clears.
    pub(super) async fn patch(&self, operation: &str, id: &RecordId, properties: Map<String, Json>) -> StoreResult<Contact> {
        let url = self.record(operation, id.as_str())?;
        let body = Some(json!({ "properties": properties }));
        let object = self.call(&Call { operation, method: Method::PATCH, url, body, safety: Safety::Write }).await?;
        self.written(operation, object).await
    }

    /// Puts a record in the recycle bin, from where a person can restore it for 90 days.
    pub async fn archive(&self, id: &RecordId) -> StoreResult<()> {
        let operation = &*format!("hubspot archive {id}");
        let url = self.record(operation, id.as_str())?;
        self.send(&Call { operation, method: Method::DELETE, url, body: None, safety: Safety::Write }).await.map(drop)
    }

    /// Returns the ids of the records a search finds. The index lags behind writes, so the records are to be read.
    pub(super) async fn search(&self, operation: &str, body: Json) -> StoreResult<Vec<RecordId>> {
        Ok(self.search_page(operation, body).await?.0)
    }

    /// Returns the ids of a page of records that a search finds, and how many it finds in all.
    pub(super) async fn search_page(&self, operation: &str, body: Json) -> StoreResult<(Vec<RecordId>, u64)> {
        let call = Call::post(operation, self.objects(&["search"]), body, Safety::Read);
        let reply = self.send_over(&self.means.search, &call).await?;
        let page: Page<Object> = reply.json().map_err(|failure| failure.during(operation))?;
        let ids: Vec<RecordId> = page.results.into_iter().map(|object| RecordId::new(object.id)).collect();
        let total = page.total.unwrap_or(ids.len() as u64);
        Ok((ids, total))
    }

    /// Merges `loser` into `winner` and returns the record that is left, whose id may be a third one.
    pub async fn merge_records(&self, winner: &RecordId, loser: &RecordId) -> StoreResult<Contact> {
        let operation = &*format!("hubspot merge {loser} into {winner}");
        let body = json!({"primaryObjectId": winner, "objectIdToMerge": loser});
        let object = self.call(&Call::post(operation, self.objects(&["merge"]), body, Safety::Write)).await?;
        self.written(operation, object).await
    }

    /// Deletes a record and its person's data for good.
    /// <https://developers.hubspot.com/docs/api-reference/crm-contacts-v3/guide#delete-contacts>
    pub async fn gdpr_delete(&self, id: &RecordId) -> StoreResult<()> {
        let operation = &*format!("hubspot erase {id}");
        self.send(&Call::post(operation, self.objects(&["gdpr-delete"]), json!({ "objectId": id }), Safety::Write)).await.map(drop)
    }

    /// Returns the contact properties, as they are now.
    pub(super) async fn properties(&self) -> StoreResult<Arc<Vec<Property>>> {
        let page: Page<Property> = self.call(&Call::read("hubspot properties", self.property_url())).await?;
        let properties = Arc::new(page.results);
        *self.schema.lock().await = Some((self.means.clock.now(), Arc::clone(&properties)));
        Ok(properties)
    }

    /// Makes a contact property.
    pub(super) async fn create_property(&self, definition: Json) -> StoreResult<Property> {
        let operation = "hubspot create property";
        *self.schema.lock().await = None;
        self.call(&Call::post(operation, self.property_url(), definition, Safety::Write)).await
    }

    /// Reads an object that was asked for its properties by name. One that the portal has no more is read as empty: see [`lacks`].
    ///
    /// [`lacks`]: crate::ports::ContactStore::lacks
    pub(super) async fn contact(&self, operation: &str, object: &Object) -> StoreResult<Contact> {
        let shapes = self.shapes().await?;
        let read = match contact::to_contact(object, &self.names, &shapes) {
            Err(Unreadable::Missing(_)) => {
                let told = if shapes.is_told() { shapes } else { self.told_shapes().await? };
                contact::to_contact_as_told(object, &self.names, &told).map(|(contact, _)| contact)
            }
            read => read,
        };
        read.map_err(|why| unreadable(operation, why))
    }

    /// Reads the object that a write returned. A write's answer may hold what was written alone: then the record is read again, as what
    /// else changed meanwhile must not hide behind the new revision.
    async fn written(&self, operation: &str, object: Object) -> StoreResult<Contact> {
        let whole = self.is_whole(&object);
        let object =
            if whole { Ok(object) } else { self.read_object(operation, &object.id, None, &[]).await.map(|read| object.completed_by(read)) };
        self.as_written(operation, object).await
    }

    pub(super) fn is_whole(&self, object: &Object) -> bool {
        object.updated_at.is_some() && self.asked().iter().all(|name| object.properties.contains_key(*name))
    }

    /// What fails here fails behind a write that was carried out. What is missing is taken for empty: the next read will tell.
    pub(super) async fn as_written(&self, operation: &str, object: StoreResult<Object>) -> StoreResult<Contact> {
        let object = object.map_err(carried_out)?;
        let shapes = self.shapes().await.map_err(carried_out)?;
        let read = contact::to_contact_as_told(&object, &self.names, &shapes);
        read.map(|(contact, _)| contact).map_err(|why| unreadable(operation, why))
    }

    pub(super) async fn shapes(&self) -> StoreResult<Shapes> {
        let common = Shapes::are_common(self.names.iter().map(String::as_str));
        if common { Ok(Shapes::Presumed) } else { self.told_shapes().await }
    }

    async fn told_shapes(&self) -> StoreResult<Shapes> {
        let cached = self.schema.lock().await.clone();
        let properties = match cached {
            Some((at, properties)) if self.means.clock.now().duration_since(at) < SCHEMA_LIFE => properties,
            _ => self.properties().await?,
        };
        Ok(Shapes::told(&specs(&properties)))
    }

    async fn call<T: DeserializeOwned>(&self, call: &Call<'_>) -> StoreResult<T> {
        let reply = self.send(call).await?;
        reply.json().map_err(|failure| failure.during(call.operation).with_request(reply.request_id))
    }

    pub(super) async fn send(&self, call: &Call<'_>) -> StoreResult<Reply> {
        self.send_over(&self.means.http, call).await
    }

    /// Sends a call; once more with another token if this one is refused, which it was before anything was carried out.
    async fn send_over(&self, http: &Http, call: &Call<'_>) -> StoreResult<Reply> {
        let token = self.tokens.current().await?;
        let mut reply = http.send(&request(call, &token)?).await.map_err(|failure| failure.during(call.operation))?;
        let other = match reply.status {
            StatusCode::UNAUTHORIZED => self.tokens.instead_of(&token).await?,
            StatusCode::FORBIDDEN => self.tokens.replaced().await?,
            _ => None,
        };
        if let Some(token) = other {
            reply = http.send(&request(call, &token)?).await.map_err(|failure| failure.during(call.operation))?;
        }
        if reply.status.is_success() { Ok(reply) } else { Err(refusal(&reply, call.operation, self.means.clock.now())) }
    }

    /// The names of the properties to ask for.
    pub(super) fn asked(&self) -> Vec<&str> {
        self.names.iter().map(String::as_str).chain([COUNTERPART, MERGED]).collect()
    }

    pub(super) fn objects(&self, rest: &[&str]) -> Url {
        join(&self.settings.base, &[&["crm", "objects", &self.settings.version, "contacts"], rest].concat())
    }

    /// The address of a record. A key that would make it another address is no record's.
    fn record(&self, operation: &str, key: &str) -> StoreResult<Url> {
        let is_step = key.chars().all(|c| c == '.');
        if is_step { Err(StoreError::new(ErrorKind::NotFound, operation)) } else { Ok(self.objects(&[key])) }
    }

    fn property_url(&self) -> Url {
        join(&self.settings.base, &["crm", "properties", &self.settings.version, "contacts"])
    }
}

/// Says what the properties hold.
pub(super) fn specs(properties: &[Property]) -> Vec<FieldSpec> {
    properties.iter().filter_map(Property::spec).collect()
}

fn request(call: &Call<'_>, token: &secrecy::SecretString) -> StoreResult<Request> {
    let request = Request::new(call.method.clone(), call.url.clone(), call.safety);
    let request = call.body.iter().fold(request, |request, body| request.json(body.clone()));
    let request = request.secret(reqwest::header::AUTHORIZATION, "Bearer ", token);
    request.map_err(|failure| failure.during(call.operation))
}

/// Appends path segments, escaping everything in them that is not plain.
fn join(base: &Url, segments: &[&str]) -> Url {
    let mut url = base.clone();
    let path = segments.iter().fold(base.path().trim_end_matches('/').to_owned(), |path, segment| path + "/" + &escaped(segment));
    url.set_path(&path);
    url
}

/// `Url` would leave a plus as it is, which some servers read as a blank.
fn escaped(segment: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    segment.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

pub(super) fn invalid(operation: &str, fields: Vec<Field>) -> StoreError {
    StoreError::new(ErrorKind::Invalid(fields), operation)
}

fn unreadable(operation: &str, why: Unreadable) -> StoreError {
    match why {
        Unreadable::NotText => StoreError::new(ErrorKind::Garbled, operation),
        Unreadable::Missing(fields) => invalid(operation, fields),
    }
}

/// What fails behind a write that was carried out must not pass for a write that was not.
fn carried_out(error: StoreError) -> StoreError {
    match error.kind {
        ErrorKind::Unavailable | ErrorKind::Garbled | ErrorKind::NotFound => error,
        _ => StoreError { kind: ErrorKind::Unavailable, ..error },
    }
}
