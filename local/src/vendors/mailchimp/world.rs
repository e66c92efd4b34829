//! The simulated Mailchimp: its accounts and audiences, who may call, and what every call has in common.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Json,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;

use super::{lists::Audience, mail::Mail, options::AccountOptions, options::Options, problem::Problem, status::Actor, trigger};
use crate::vendors::kit::{ControlError, Core, Ids, Seats, plain_http};

/// Everything the handlers share.
#[derive(Clone)]
pub(super) struct World {
    pub core: Core,
    pub ids: Ids,
    pub seats: Seats,
    /// Asks webhooks whether they are there.
    pub http: reqwest::Client,
    state: Arc<Mutex<State>>,
}

/// What is remembered.
#[derive(Default)]
pub(super) struct State {
    /// By name.
    pub accounts: BTreeMap<String, AccountOptions>,
    /// By id.
    pub lists: BTreeMap<String, Audience>,
    pub mails: Vec<Mail>,
}

/// One call at work on its audience.
pub(super) struct Desk<'a> {
    pub world: &'a World,
    pub list: &'a mut Audience,
    pub mails: &'a mut Vec<Mail>,
    pub actor: Actor,
    pub now_ms: i64,
    /// The campaign in which the person acts.
    pub campaign: Option<String>,
    /// Neither events nor mails follow.
    pub silent: bool,
}

/// A successful answer.
pub(super) struct Answer {
    status: StatusCode,
    body: Option<Value>,
}

impl Answer {
    pub fn ok(body: Value) -> Self {
        Self { status: StatusCode::OK, body: Some(body) }
    }

    pub fn no_content() -> Self {
        Self { status: StatusCode::NO_CONTENT, body: None }
    }
}

impl State {
    /// The account of this name, or the one of this audience; without a name, the first.
    pub fn account(&self, site: Option<&str>) -> Option<&AccountOptions> {
        let Some(site) = site else {
            return self.accounts.values().next();
        };
        self.accounts.get(site).or_else(|| self.accounts.get(&self.lists.get(site)?.account))
    }

    fn audiences(&self, account: &str) -> Vec<&Audience> {
        let options = self.accounts.get(account);
        options.into_iter().flat_map(|options| &options.lists).filter_map(|list| self.lists.get(&list.id)).collect()
    }
}

impl World {
    pub fn new(core: Core, options: &Options) -> Result<Self, ControlError> {
        let http = plain_http().map_err(|error| ControlError(error.to_string()))?;
        let world = Self { core, ids: Ids::new(options.seed), seats: Seats::default(), http, state: Arc::default() };
        for account in &options.accounts {
            world.add_account(account)?;
        }
        Ok(world)
    }

    pub fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn add_account(&self, account: &AccountOptions) -> Result<(), ControlError> {
        if account.site.is_empty() {
            return Err("site: must be a text that is not empty".into());
        }
        if !account.api_key.contains('-') {
            return Err("api_key: must end with a dash and the data centre".into());
        }
        let lists = self.empty_lists(account)?;
        self.with(|state| {
            if state.accounts.contains_key(&account.site) {
                return Err("site: already exists".into());
            }
            if state.accounts.values().any(|each| each.api_key == account.api_key) {
                return Err("api_key: belongs to another account".into());
            }
            if lists.iter().any(|list| list.id.is_empty() || state.lists.contains_key(&list.id)) {
                return Err("lists: each needs an id that no other has".into());
            }
            state.lists.extend(lists.into_iter().map(|list| (list.id.clone(), list)));
            state.accounts.insert(account.site.clone(), account.clone());
            Ok(())
        })
    }

    /// The account's audiences without members.
    pub fn empty_lists(&self, account: &AccountOptions) -> Result<Vec<Audience>, ControlError> {
        let now_ms = self.core.clock.now_ms();
        let timezone = account.timezone.as_deref();
        if timezone.is_some_and(|name| jiff::tz::TimeZone::get(name).is_err()) {
            return Err("timezone: is not known".into());
        }
        let lists = account.lists.iter().map(|options| Audience::new(&account.site, timezone, options, now_ms));
        lists.collect::<Result<_, _>>().map_err(|problem: Problem| ControlError(format!("merge_fields: {}", problem.detail)))
    }

    /// Does one API call about an audience: who calls, may they, the work, its events, the answer.
    pub fn call(&self, headers: &HeaderMap, list: &str, act: impl FnOnce(&mut Desk<'_>) -> Result<Answer, Problem>) -> Response {
        let result = self.with(|state| {
            let (account, actor) = enter(state, headers, Some(list))?;
            state.lists.get(list).filter(|list| list.account == account).ok_or_else(Problem::not_found)?;
            self.at(state, list, actor, act)
        });
        self.respond(result)
    }

    /// Does one API call about an account.
    pub fn account_call(&self, headers: &HeaderMap, act: impl FnOnce(&[&Audience]) -> Result<Answer, Problem>) -> Response {
        let result = self.with(|state| {
            let (account, _) = enter(state, headers, None)?;
            act(&state.audiences(&account))
        });
        self.respond(result)
    }

    /// Does something in an audience as `actor`.
    pub fn at<T>(
        &self,
        state: &mut State,
        list: &str,
        actor: Actor,
        act: impl FnOnce(&mut Desk<'_>) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        let State { lists, mails, .. } = state;
        let list = lists.get_mut(list).ok_or_else(Problem::not_found)?;
        let now_ms = self.core.clock.now_ms();
        act(&mut Desk { world: self, list, mails, actor, now_ms, campaign: None, silent: false })
    }

    pub fn respond(&self, result: Result<Answer, Problem>) -> Response {
        let mut response = match result {
            Ok(Answer { status, body: Some(body) }) => (status, Json(body)).into_response(),
            Ok(Answer { status, body: None }) => status.into_response(),
            Err(problem) => problem.respond(&self.ids.guid()),
        };
        if let Ok(id) = HeaderValue::from_str(&self.ids.guid()) {
            response.headers_mut().insert("x-request-id", id);
        }
        response
    }

    /// The account a call is about, without judging the caller.
    pub fn account_of(&self, headers: &HeaderMap, list: Option<&str>) -> Option<String> {
        self.with(|state| match person(headers) {
            Some(_) => account_of_person(state, headers, list),
            None => account_of_key(state, headers),
        })
    }
}

/// Whose account is called by whom.
fn enter(state: &State, headers: &HeaderMap, list: Option<&str>) -> Result<(String, Actor), Problem> {
    if let Some(problem) = text(headers, "x-trigger-error").and_then(trigger::named) {
        return Err(problem);
    }
    if let Some(actor) = person(headers) {
        return account_of_person(state, headers, list).map(|account| (account, actor)).ok_or_else(Problem::not_found);
    }
    if !headers.contains_key(header::AUTHORIZATION) {
        return Err(Problem::new(401, "API Key Missing", "Your request did not include an API key."));
    }
    account_of_key(state, headers).map(|account| (account, Actor::Api)).ok_or_else(Problem::unauthorized)
}

/// The person of an `x-actor` call.
pub(super) fn person(headers: &HeaderMap) -> Option<Actor> {
    text(headers, "x-actor").and_then(Actor::person)
}

fn account_of_person(state: &State, headers: &HeaderMap, list: Option<&str>) -> Option<String> {
    state.account(list.or_else(|| text(headers, "x-account"))).map(|account| account.site.clone())
}

/// Keys come as Basic with any user or as Bearer, OAuth tokens as Bearer alone.
fn account_of_key(state: &State, headers: &HeaderMap) -> Option<String> {
    let (scheme, credential) = text(headers, "authorization")?.split_once(' ')?;
    let bearer = scheme.eq_ignore_ascii_case("bearer");
    let credential = if bearer { credential.to_owned() } else { password(scheme, credential)? };
    let holds = |account: &&AccountOptions| account.api_key == credential || (bearer && account.tokens.contains(&credential));
    let account = state.accounts.values().find(holds)?;
    let center = account.api_key.rsplit('-').next().unwrap_or_default();
    asked_center(headers).is_none_or(|asked| asked == center).then(|| account.site.clone())
}

fn password(scheme: &str, credential: &str) -> Option<String> {
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(credential).ok()?).ok()?;
    decoded.split_once(':').map(|(_, password)| password.to_owned())
}

/// The data centre the host name leads to, if it names one.
fn asked_center(headers: &HeaderMap) -> Option<&str> {
    let label = text(headers, "host")?.split('.').next()?;
    let number = label.strip_prefix("us")?;
    (!number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())).then_some(label)
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
