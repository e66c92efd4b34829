//! The calls of one company, typed.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use reqwest::{Method, StatusCode, Url, header::HeaderName};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value as Json, json};
use tokio::sync::Mutex;

use super::{
    definitions::Definitions,
    error::refusal,
    index::Index,
    options::Sought,
    person,
    wire::{Envelope, Hits, Person, PersonField},
};
use crate::{
    adapters::http::{Http, Reply, Request, Safety},
    model::{contact::Contact, field::Field, ids::RecordId},
    ports::{Clock, ErrorKind, Secrets, StoreError, StoreResult},
};

/// The list of fields is asked for again after this long.
pub(super) const SCHEMA_LIFE: SignedDuration = SignedDuration::from_mins(5);
/// A list has at most so many entries on a page.
/// <https://pipedrive.readme.io/docs/core-api-concepts-pagination>
pub(super) const PAGE: &str = "500";

/// What does not change from call to call.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the API is, without `/api/v2`; see [`base_of`].
    pub base: Url,
    /// The name of the secret that holds the API token.
    pub secret: String,
    /// The country (ISO 3166-1 alpha-2) of phone numbers without a prefix.
    pub country: Option<String>,
    /// The names of the mapped fields.
    pub fields: Vec<String>,
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
    /// Where the API token is, should the one at hand be refused.
    pub secrets: Arc<dyn Secrets>,
}

/// A client for one company.
pub struct Client {
    pub(super) settings: Settings,
    pub(super) means: Means,
    token: Mutex<SecretString>,
    schema: Mutex<Option<(Timestamp, Arc<Definitions>)>>,
    pub(super) sought: Mutex<Sought>,
    pub(super) index: Mutex<Option<Index>>,
}

/// A call to be made.
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

    pub fn write(operation: &'a str, method: Method, url: Url, body: Json) -> Self {
        Self { operation, method, url, body: Some(body), safety: Safety::Write }
    }
}

/// Returns where a company's API is, from the name that stands before `.pipedrive.com`; nothing if it is none.
#[must_use]
pub fn base_of(company: &str) -> Option<Url> {
    let is_name = (1..=63).contains(&company.len()) && company.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    format!("https://{company}.pipedrive.com").parse().ok().filter(|_| is_name)
}

impl Client {
    /// Makes a client with an API token; nothing is sent yet.
    #[must_use]
    pub fn new(settings: Settings, means: Means, token: &SecretString) -> Self {
        let token = Mutex::new(token.expose_secret().trim().into());
        Self { settings, means, token, schema: Mutex::new(None), sought: Mutex::default(), index: Mutex::new(None) }
    }

    /// Reads a person by its id, as it is now; nothing if there is none, or none any more.
    pub async fn read(&self, id: &RecordId) -> StoreResult<Option<Contact>> {
        let operation = &*format!("pipedrive read {id}");
        let Some(url) = self.person(id) else { return Ok(None) };
        match self.call::<Person>(&Call::read(operation, url)).await {
            Ok(person) if person.is_deleted => Ok(None),
            Ok(person) => self.contact(&person).await.map(Some),
            Err(StoreError { kind: ErrorKind::NotFound, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Makes a person.
    pub(super) async fn post(&self, operation: &str, body: Map<String, Json>) -> StoreResult<Contact> {
        self.written(&Call::write(operation, Method::POST, self.v2(&["persons"]), body.into())).await
    }

    /// Changes a person; what is not named stays.
    pub(super) async fn patch(&self, operation: &str, id: &RecordId, body: Map<String, Json>) -> StoreResult<Contact> {
        let url = self.person(id).ok_or_else(|| StoreError::new(ErrorKind::NotFound, operation))?;
        self.written(&Call::write(operation, Method::PATCH, url, body.into())).await
    }

    /// Puts a person in the bin, where it is for thirty days.
    pub(super) async fn bin(&self, id: &RecordId) -> StoreResult<()> {
        let operation = &*format!("pipedrive delete {id}");
        let url = self.person(id).ok_or_else(|| StoreError::new(ErrorKind::NotFound, operation))?;
        let call = Call { operation, method: Method::DELETE, url, body: None, safety: Safety::Write };
        self.send(&call).await.map(drop)
    }

    /// Merges `loser` into `winner`, whose values come first. Version 1 has the call and answers in its own form, so the winner is read.
    /// <https://developers.pipedrive.com/docs/api/v1/Persons#mergePersons>
    pub(super) async fn merge_persons(&self, winner: &RecordId, loser: &RecordId) -> StoreResult<()> {
        let operation = &*format!("pipedrive merge {loser} into {winner}");
        let number = |id: &RecordId| id.as_str().parse::<u64>().map_err(|_| StoreError::new(ErrorKind::NotFound, operation));
        let body = json!({"merge_with_id": number(winner)?});
        let url = join(&self.settings.base, &["api", "v1", "persons", &number(loser)?.to_string(), "merge"]);
        self.send(&Call::write(operation, Method::PUT, url, body)).await.map(drop)
    }

    /// Returns the ids of the persons that have this very text in a field, the oldest ones first. The index lags behind writes, so the
    /// persons are to be read. <https://developers.pipedrive.com/docs/api/v1/Persons#searchPersons>
    pub(super) async fn search(&self, operation: &str, field: &str, term: &str) -> StoreResult<Vec<RecordId>> {
        let mut url = self.v2(&["persons", "search"]);
        url.query_pairs_mut().extend_pairs([("term", term), ("fields", field), ("exact_match", "true"), ("limit", "100")]);
        let reply = self.send_over(&self.means.search, &Call::read(operation, url)).await?;
        let hits: Envelope<Hits> = understood(&reply, operation)?;
        let mut ids: Vec<RecordId> = hits.data.items.into_iter().map(|hit| RecordId::new(hit.item.id)).collect();
        ids.sort_by_key(|id| id.as_str().parse().unwrap_or(u64::MAX));
        Ok(ids)
    }

    /// Lists a page of persons; `query` beside its length.
    pub(super) async fn list(&self, query: &[(&str, &str)]) -> StoreResult<(Vec<Json>, Option<String>)> {
        let operation = "pipedrive list persons";
        let mut url = self.v2(&["persons"]);
        url.query_pairs_mut().append_pair("limit", PAGE).extend_pairs(query);
        let page: Envelope<Vec<Json>> = understood(&self.send(&Call::read(operation, url)).await?, operation)?;
        let next = page.next();
        Ok((page.data, next))
    }

    /// Returns the fields of persons, as they are now.
    pub(super) async fn definitions(&self) -> StoreResult<Arc<Definitions>> {
        let operation = "pipedrive person fields";
        let (mut fields, mut next) = (Vec::new(), None::<String>);
        loop {
            let mut url = self.v2(&["personFields"]);
            url.query_pairs_mut().append_pair("limit", PAGE).extend_pairs(next.iter().map(|next| ("cursor", next)));
            let page: Envelope<Vec<PersonField>> = understood(&self.send(&Call::read(operation, url)).await?, operation)?;
            next = page.next();
            fields.extend(page.data);
            if next.is_none() {
                break;
            }
        }
        let definitions = Arc::new(Definitions::new(fields));
        *self.schema.lock().await = Some((self.means.clock.now(), Arc::clone(&definitions)));
        Ok(definitions)
    }

    /// Returns the fields of persons, perhaps as they were some minutes ago.
    pub(super) async fn known_definitions(&self) -> StoreResult<Arc<Definitions>> {
        let cached = self.schema.lock().await.clone();
        match cached {
            Some((at, definitions)) if self.means.clock.now().duration_since(at) < SCHEMA_LIFE => Ok(definitions),
            _ => self.definitions().await,
        }
    }

    /// Makes a custom field.
    /// <https://developers.pipedrive.com/docs/api/v1/PersonFields#addPersonField>
    pub(super) async fn create_field(&self, name: &str, kind: &str) -> StoreResult<()> {
        let body = json!({"field_name": name, "field_type": kind});
        self.send(&Call::write("pipedrive create field", Method::POST, self.v2(&["personFields"]), body)).await.map(drop)
    }

    /// Reads a person in the bridge's terms.
    pub(super) async fn contact(&self, person: &Person) -> StoreResult<Contact> {
        let definitions = self.definitions_of(person).await?;
        Ok(person::to_contact(person, &self.settings.fields, &definitions))
    }

    /// Returns the fields as reading a person takes them.
    async fn definitions_of(&self, person: &Person) -> StoreResult<Arc<Definitions>> {
        self.definitions_with(|known| known.unknown_options(person, &self.settings.fields)).await
    }

    /// Makes a write that returns the person. What fails behind it must not pass for a write that was not carried out.
    async fn written(&self, call: &Call<'_>) -> StoreResult<Contact> {
        let definitions = self.known_definitions().await?;
        let person = self.call::<Person>(call).await.map_err(|error| self.naming(error, &definitions))?;
        let definitions = self.definitions_of(&person).await.unwrap_or(definitions);
        Ok(person::to_contact(&person, &self.settings.fields, &definitions))
    }

    /// Says the fields of a refusal by the names of the mapping.
    fn naming(&self, mut error: StoreError, definitions: &Definitions) -> StoreError {
        if let ErrorKind::Invalid(fields) = &mut error.kind {
            *fields = fields.iter().flat_map(|field| person::named(field.as_str(), &self.settings.fields, definitions)).collect();
        }
        error
    }

    async fn call<T: DeserializeOwned>(&self, call: &Call<'_>) -> StoreResult<T> {
        let reply = self.send(call).await?;
        understood::<Envelope<T>>(&reply, call.operation).map(|envelope| envelope.data)
    }

    pub(super) async fn send(&self, call: &Call<'_>) -> StoreResult<Reply> {
        self.send_over(&self.means.http, call).await
    }

    /// Sends a call; once more with another token if this one is refused, which it was before anything was carried out.
    async fn send_over(&self, http: &Http, call: &Call<'_>) -> StoreResult<Reply> {
        let token = self.token.lock().await.clone();
        let mut reply = http.send(&request(call, &token)?).await.map_err(|failure| failure.during(call.operation))?;
        if reply.status == StatusCode::UNAUTHORIZED
            && let Some(token) = self.instead_of(&token).await
        {
            reply = http.send(&request(call, &token)?).await.map_err(|failure| failure.during(call.operation))?;
        }
        if reply.status.is_success() { Ok(reply) } else { Err(refusal(&reply, call.operation)) }
    }

    /// Returns another token than the one that was refused, if a person has put one there.
    async fn instead_of(&self, refused: &SecretString) -> Option<SecretString> {
        let stored = self.means.secrets.fresh_secret(&self.settings.secret).await.ok()?;
        let stored: SecretString = stored.expose_secret().trim().into();
        if stored.expose_secret() == refused.expose_secret() {
            return None;
        }
        *self.token.lock().await = stored.clone();
        Some(stored)
    }

    /// The address of a person; nothing for what cannot be an id.
    fn person(&self, id: &RecordId) -> Option<Url> {
        let number: u64 = id.as_str().parse().ok()?;
        Some(self.v2(&["persons", &number.to_string()]))
    }

    fn v2(&self, rest: &[&str]) -> Url {
        join(&self.settings.base, &[&["api", "v2"], rest].concat())
    }
}

/// Understands the answer to a call.
fn understood<T: DeserializeOwned>(reply: &Reply, operation: &str) -> StoreResult<T> {
    reply.json().map_err(|failure| failure.during(operation).with_request(reply.request_id.clone()))
}

fn request(call: &Call<'_>, token: &SecretString) -> StoreResult<Request> {
    let request = Request::new(call.method.clone(), call.url.clone(), call.safety);
    let request = call.body.iter().fold(request, |request, body| request.json(body.clone()));
    let request = request.secret(HeaderName::from_static("x-api-token"), "", token);
    request.map_err(|failure| failure.during(call.operation))
}

/// Appends path segments, which are words and numbers.
fn join(base: &Url, segments: &[&str]) -> Url {
    let mut url = base.clone();
    let path = segments.iter().fold(base.path().trim_end_matches('/').to_owned(), |path, segment| path + "/" + segment);
    url.set_path(&path);
    url
}

pub(super) fn invalid(operation: &str, fields: Vec<Field>) -> StoreError {
    StoreError::new(ErrorKind::Invalid(fields), operation)
}
