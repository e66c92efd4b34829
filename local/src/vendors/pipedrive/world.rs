//! The simulated Pipedrive: its companies, who may call, and what every call has in common.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Json,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::{
    body::Rules,
    fields::Field,
    hooks::Hook,
    options::{CompanyOptions, Options},
    person::Person,
    refusal::Refusal,
};
use crate::vendors::kit::{ControlError, Core, Ids, Lagged};

/// The user whose token the bridge has.
pub(super) const TOKEN_USER: u64 = 1;
/// The user who works in Pipedrive's pages.
const PAGE_USER: u64 = 2;

/// Everything the handlers share.
#[derive(Clone)]
pub(super) struct World {
    pub core: Core,
    pub ids: Ids,
    first_person: u64,
    state: Arc<Mutex<State>>,
}

/// What is remembered.
#[derive(Default)]
pub(super) struct State {
    /// By name.
    pub companies: BTreeMap<String, Company>,
}

/// A company with its persons.
pub(super) struct Company {
    pub options: CompanyOptions,
    pub persons: BTreeMap<u64, Seen>,
    pub fields: Vec<Field>,
    pub hooks: BTreeMap<u64, Hook>,
    pub next_person: u64,
    pub next_hook: u64,
    next_field: u64,
    next_option: u64,
}

/// A person as reads by id, lists and searches see it.
pub(super) struct Seen {
    pub listed: Lagged<Person>,
    pub found: Lagged<Person>,
}

impl Seen {
    pub fn current(&self) -> &Person {
        self.listed.current()
    }
}

/// Who acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Actor {
    /// A program, by API.
    Api,
    /// A person in Pipedrive's pages.
    Page,
}

impl Actor {
    /// The name in `change_source`.
    pub fn source(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Page => "app",
        }
    }

    pub fn user(self) -> u64 {
        match self {
            Self::Api => TOKEN_USER,
            Self::Page => PAGE_USER,
        }
    }
}

/// One call at work on its company.
pub(super) struct Desk<'a> {
    pub world: &'a World,
    pub company: &'a mut Company,
    pub actor: Actor,
    pub now_ms: i64,
    /// No events follow.
    pub silent: bool,
}

/// A successful answer.
pub(super) struct Answer {
    status: StatusCode,
    body: Value,
}

impl Answer {
    pub fn data(data: impl Into<Value>) -> Self {
        Self { status: StatusCode::OK, body: json!({"success": true, "data": data.into()}) }
    }

    /// One page of a list.
    pub fn page(data: impl Into<Value>, next_cursor: Option<&str>) -> Self {
        let body = json!({"success": true, "data": data.into(), "additional_data": {"next_cursor": next_cursor}});
        Self { status: StatusCode::OK, body }
    }

    pub fn body(body: Value) -> Self {
        Self { status: StatusCode::OK, body }
    }

    pub fn created(self) -> Self {
        Self { status: StatusCode::CREATED, ..self }
    }
}

impl Company {
    pub fn add_field(&mut self, body: &serde_json::Map<String, Value>, keys: (&str, &str), code: String) -> Result<&Field, Refusal> {
        let field = Field::read(body, keys, code, (self.next_field, self.next_option))?;
        self.next_option = self.next_option.max(field.last_option() + 1);
        self.next_field += 1;
        self.fields.push(field);
        self.fields.last().ok_or_else(|| Refusal::not_found("Field"))
    }

    pub fn rules(&self, unknown_ignored: bool) -> Rules<'_> {
        Rules { fields: &self.fields, contact_sync: self.options.contact_sync, unknown_ignored }
    }
}

impl State {
    /// The company of this name or id; without one, the first.
    pub fn named(&mut self, site: Option<&str>) -> Option<&mut Company> {
        let meant = |company: &&mut Company| site.is_none_or(|site| company.options.site == site || company.options.id.to_string() == site);
        self.companies.values_mut().find(meant)
    }
}

impl World {
    pub fn new(core: Core, options: &Options) -> Result<Self, ControlError> {
        let world = Self { core, ids: Ids::new(options.seed), first_person: options.first_person_id, state: Arc::default() };
        for company in &options.companies {
            world.add_company(company)?;
        }
        Ok(world)
    }

    pub fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn add_company(&self, options: &CompanyOptions) -> Result<(), ControlError> {
        if options.site.is_empty() || options.id == 0 {
            return Err("site, id: both are required".into());
        }
        let company = self.empty_company(options)?;
        self.with(|state| {
            let taken =
                |each: &Company| each.options.site == options.site || each.options.id == options.id || each.options.token == options.token;
            if state.companies.values().any(taken) {
                return Err("site, id, token: one of them exists".into());
            }
            state.companies.insert(options.site.clone(), company);
            Ok(())
        })
    }

    /// A company without persons.
    pub fn empty_company(&self, options: &CompanyOptions) -> Result<Company, ControlError> {
        let mut company = Company {
            options: options.clone(),
            persons: BTreeMap::new(),
            fields: Vec::new(),
            hooks: BTreeMap::new(),
            next_person: self.first_person,
            next_hook: 1,
            next_field: 9_100,
            next_option: 1,
        };
        for field in &options.fields {
            let body = field.as_object().cloned().unwrap_or_default();
            let added = company.add_field(&body, ("field_name", "field_type"), self.field_code());
            added.map_err(|refusal| ControlError(format!("fields: {}", refusal.error)))?;
        }
        Ok(company)
    }

    /// A new key of a custom field: a hash of 40 characters.
    pub fn field_code(&self) -> String {
        let mut code = hex::encode(self.ids.alphanumeric(20));
        code.truncate(40);
        code
    }

    /// Does one API call: who calls, the work, its events, the answer.
    pub fn call(&self, headers: &HeaderMap, act: impl FnOnce(&mut Desk<'_>) -> Result<Answer, Refusal>) -> Response {
        let site = self.site_of(headers).ok_or_else(Refusal::unauthorized);
        let actor = if is_person(headers) { Actor::Page } else { Actor::Api };
        let result = site.and_then(|site| self.at(Some(&site), actor, act).unwrap_or_else(|| Err(Refusal::unauthorized())));
        match result {
            Ok(Answer { status, body }) => (status, Json(body)).into_response(),
            Err(refusal) => refusal.into_response(),
        }
    }

    /// Does something in a company; `None` when there is none of this name.
    pub fn at<T>(&self, site: Option<&str>, actor: Actor, act: impl FnOnce(&mut Desk<'_>) -> T) -> Option<T> {
        let now_ms = self.core.clock.now_ms();
        self.with(|state| {
            let company = state.named(site)?;
            Some(act(&mut Desk { world: self, company, actor, now_ms, silent: false }))
        })
    }

    /// The company a call is about, without judging the caller further.
    pub fn site_of(&self, headers: &HeaderMap) -> Option<String> {
        let (token, bearer) = credential(headers);
        self.with(|state| {
            if is_person(headers) {
                return state.named(text(headers, "x-company")).map(|company| company.options.site.clone());
            }
            let holds = |company: &&Company| {
                let options = &company.options;
                let by_token = token.is_some_and(|token| !options.token.is_empty() && options.token == token);
                by_token || bearer.is_some_and(|bearer| options.access_tokens.iter().any(|each| each == bearer))
            };
            state.companies.values().find(holds).map(|company| company.options.site.clone())
        })
    }
}

/// Whether a person acts in Pipedrive's pages (`x-actor: user`).
pub(super) fn is_person(headers: &HeaderMap) -> bool {
    text(headers, "x-actor") == Some("user")
}

/// An API token, or a Bearer token; tokens in the query are not taken.
pub(super) fn credential(headers: &HeaderMap) -> (Option<&str>, Option<&str>) {
    let bearer = text(headers, "authorization").and_then(|value| value.strip_prefix("Bearer "));
    (text(headers, "x-api-token"), bearer)
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
