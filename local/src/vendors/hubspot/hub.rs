//! The simulated HubSpot: its accounts, who may call, and what every call has in common.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use axum::{
    Json,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::{
    contact::Actor,
    errors::ApiError,
    events::{Feed, KINDS, USUAL_PROPERTIES},
    options::{Options, PortalOptions},
    policy::Policy,
    portal::{Change, Portal},
    tokens::Tokens,
};
use crate::vendors::kit::{ControlError, Core, Ids, Window};

const TEN_SECONDS_MS: i64 = 10_000;

/// The app as HubSpot knows it.
pub(super) struct App {
    pub id: u64,
    pub client_id: String,
    pub client_secret: String,
}

/// The state shared by all handlers.
#[derive(Clone)]
pub(super) struct Hub {
    inner: Arc<Inner>,
}

struct Inner {
    core: Core,
    ids: Ids,
    app: App,
    first_contact: u64,
    base_url: OnceLock<String>,
    world: Mutex<World>,
}

/// All accounts and tokens.
pub(super) struct World {
    pub accounts: BTreeMap<u64, Account>,
    pub tokens: Tokens,
}

/// An account and how it was set up.
pub(super) struct Account {
    pub options: PortalOptions,
    pub portal: Portal,
}

/// What a handler works with.
pub(super) struct Session<'a> {
    pub portal: &'a mut Portal,
    pub change: Change<'a>,
    /// Listings and searches see the world as of this time.
    pub seen_ms: i64,
    pub base_url: &'a str,
}

/// A successful answer.
pub(super) struct Answer {
    pub status: u16,
    pub body: Option<Value>,
}

impl Answer {
    pub fn ok(body: Value) -> Self {
        Self::with(200, body)
    }

    pub fn with(status: u16, body: Value) -> Self {
        Self { status, body: Some(body) }
    }

    pub fn no_content() -> Self {
        Self { status: 204, body: None }
    }
}

impl Hub {
    pub fn new(core: Core, options: &Options) -> Result<Self, ControlError> {
        let app = App { id: options.app_id, client_id: options.client_id.clone(), client_secret: options.client_secret.clone() };
        let world = World { accounts: BTreeMap::new(), tokens: Tokens::default() };
        let inner = Inner {
            core,
            ids: Ids::new(options.seed),
            app,
            first_contact: options.first_contact_id,
            base_url: OnceLock::new(),
            world: Mutex::new(world),
        };
        let hub = Self { inner: Arc::new(inner) };
        for portal in &options.portals {
            hub.add_portal(portal.clone())?;
        }
        Ok(hub)
    }

    pub fn core(&self) -> &Core {
        &self.inner.core
    }

    pub fn ids(&self) -> &Ids {
        &self.inner.ids
    }

    pub fn app(&self) -> &App {
        &self.inner.app
    }

    pub fn set_base_url(&self, url: String) {
        // Set once, right after the address is known.
        let _ = self.inner.base_url.set(url);
    }

    pub fn with_world<T>(&self, act: impl FnOnce(&mut World) -> T) -> T {
        act(&mut self.inner.world.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Adds an account.
    pub fn add_portal(&self, options: PortalOptions) -> Result<(), ControlError> {
        if options.id == 0 {
            return Err("id: must be a number greater than 0".into());
        }
        let portal = self.empty_portal(&options)?;
        self.with_world(|world| {
            if world.accounts.contains_key(&options.id) {
                return Err(format!("id: portal {} exists", options.id).into());
            }
            world.tokens.install(&options);
            world.accounts.insert(options.id, Account { options, portal });
            Ok(())
        })
    }

    /// An account without contacts.
    pub fn empty_portal(&self, options: &PortalOptions) -> Result<Portal, ControlError> {
        let list = |given: &Option<Vec<String>>, usual: &[&str]| match given {
            Some(list) => list.iter().cloned().collect(),
            None => usual.iter().map(|name| (*name).to_owned()).collect(),
        };
        let properties = list(&options.subscribed_properties, USUAL_PROPERTIES);
        let feed = Feed::new(properties, list(&options.subscribed_events, KINDS));
        let mut portal = Portal::new(options.id, self.inner.first_contact, feed);
        for property in &options.properties {
            let added = portal.schema.add(property, self.inner.core.clock.now_ms());
            added.map_err(|error| ControlError(format!("properties: {}", error.message)))?;
        }
        Ok(portal)
    }

    /// Does one API call: who calls, may they, the work, its events, the answer.
    pub fn call(&self, headers: &HeaderMap, scope: &str, act: impl FnOnce(&mut Session<'_>) -> Result<Answer, ApiError>) -> Response {
        let policy = Policy::read(&self.core().switches);
        let result = self.with_world(|world| {
            let (portal, actor) = self.enter(world, headers, scope)?;
            let answer = self.act_as(world, portal, &actor, &policy, act)?;
            Ok((portal, answer))
        });
        match result {
            Ok((portal, answer)) => self.decorate(answer, portal),
            Err(error) => self.refuse(&error),
        }
    }

    /// Does something in a portal as `actor` and sends the events of it.
    pub fn act_as<T>(
        &self,
        world: &mut World,
        portal: u64,
        actor: &Actor,
        policy: &Policy,
        act: impl FnOnce(&mut Session<'_>) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        let core = self.core();
        let now_ms = core.clock.now_ms();
        let account = world.accounts.get_mut(&portal).ok_or_else(unauthorized)?;
        let change = Change { now_ms, actor, policy };
        let seen_ms = now_ms - core.switches.number("visibility_lag_ms");
        let base_url = self.inner.base_url.get().map(String::as_str).unwrap_or_default();
        let mut session = Session { portal: &mut account.portal, change, seen_ms, base_url };
        let result = act(&mut session);
        let urls: Vec<String> = account.options.webhook_url.iter().cloned().collect();
        let window_ms = core.switches.number("webhook_window_ms");
        for event in account.portal.feed.take() {
            let payload = event.render(portal, self.app().id, policy);
            core.outbox.post(&portal.to_string(), &event.name(policy), &urls, &payload.to_string(), window_ms);
        }
        result
    }

    /// Who calls, and whether they may.
    fn enter(&self, world: &World, headers: &HeaderMap, scope: &str) -> Result<(u64, Actor), ApiError> {
        if let Some(actor) = human(headers) {
            let portal = portal_of_person(world, headers).ok_or_else(unauthorized)?;
            return Ok((portal, actor));
        }
        let token = bearer(headers).ok_or_else(unauthorized)?;
        let now_ms = self.core().clock.now_ms();
        let portal = world.tokens.portal(token, now_ms)?;
        let account = world.accounts.get(&portal).ok_or_else(unauthorized)?;
        let granted = account.options.scopes.as_ref().is_none_or(|scopes| scopes.iter().any(|each| each == scope));
        if !granted {
            let mut error = ApiError::new(403, "MISSING_SCOPES", "This app hasn't been granted all required scopes to make this call.");
            error = error.with_context("requiredScopes", [scope.to_owned()]);
            return Err(error);
        }
        Ok((portal, Actor::App(self.app().id)))
    }

    /// The portal a call is about, without judging the caller.
    pub fn site_of(&self, headers: &HeaderMap) -> Option<u64> {
        self.with_world(|world| {
            if human(headers).is_some() {
                return portal_of_person(world, headers);
            }
            world.tokens.owner(bearer(headers)?)
        })
    }

    /// Whether the account's limit of calls admits one more.
    pub fn admits(&self, portal: u64) -> bool {
        let limit = self.core().switches.number("rate_per_ten_seconds");
        let now_ms = self.core().clock.now_ms();
        self.core().limits.admit(&format!("calls:{portal}"), limit, Window::Sliding(TEN_SECONDS_MS), now_ms)
    }

    /// Whether the account's limit of searches admits one more by this caller.
    pub fn admits_search(&self, headers: &HeaderMap) -> bool {
        let Some(portal) = self.site_of(headers).filter(|_| human(headers).is_none()) else {
            return true;
        };
        let limit = self.core().switches.number("searches_per_second");
        let now_ms = self.core().clock.now_ms();
        let admitted = self.core().limits.admit(&format!("searches:{portal}"), limit, Window::Sliding(1_000), now_ms);
        if !admitted {
            self.core().calls.count_refused();
        }
        admitted
    }

    /// HubSpot's 429, which has a shape of its own.
    pub fn too_many(&self, searching: bool) -> Response {
        let (policy, message, wait) = if searching {
            ("SECONDLY", "You have reached your secondly limit.", "1")
        } else {
            ("TEN_SECONDLY_ROLLING", "You have reached your ten_secondly_rolling limit.", "10")
        };
        let body = json!({"status": "error", "message": message, "errorType": "RATE_LIMIT", "policyName": policy,
            "correlationId": self.ids().guid(), "requestId": self.ids().guid()});
        let mut response = (StatusCode::TOO_MANY_REQUESTS, Json(body)).into_response();
        if self.core().switches.flag("retry_after_on_429") {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static(wait));
        }
        response
    }

    /// The answer of a refused call.
    pub fn refuse(&self, error: &ApiError) -> Response {
        let listed = self.core().switches.flag("problems_listed");
        let body = error.body(&self.ids().guid(), listed);
        let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, Json(body)).into_response()
    }

    fn decorate(&self, answer: Answer, portal: u64) -> Response {
        let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
        let mut response = match answer.body {
            Some(body) => (status, Json(body)).into_response(),
            None => status.into_response(),
        };
        let core = self.core();
        let max = core.switches.number("rate_per_ten_seconds");
        let used = core.limits.used(&format!("calls:{portal}"), Window::Sliding(TEN_SECONDS_MS), core.clock.now_ms());
        let left = max - used;
        for (name, value) in [
            ("x-hubspot-ratelimit-max", max),
            ("x-hubspot-ratelimit-remaining", left),
            ("x-hubspot-ratelimit-interval-milliseconds", TEN_SECONDS_MS),
        ] {
            response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from(value));
        }
        response
    }
}

impl World {
    /// The account a control call names by portal id or other name; without a name, the first.
    pub fn find(&self, site: Option<&str>) -> Option<u64> {
        let Some(site) = site else {
            return self.accounts.keys().next().copied();
        };
        let named = |account: &&Account| account.options.site.as_deref() == Some(site) || account.options.id.to_string() == site;
        self.accounts.values().find(named).map(|account| account.options.id)
    }
}

/// The person of an `x-actor` call.
pub(super) fn human(headers: &HeaderMap) -> Option<Actor> {
    let user = text(headers, "x-user-id").and_then(|id| id.parse().ok()).unwrap_or(123);
    match text(headers, "x-actor")? {
        "user" => Some(Actor::Person(user)),
        "import" => Some(Actor::Import),
        _ => None,
    }
}

fn portal_of_person(world: &World, headers: &HeaderMap) -> Option<u64> {
    world.find(text(headers, "x-portal-id"))
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    text(headers, "authorization")?.strip_prefix("Bearer ")
}

/// The 401 of a missing or unknown token.
pub(super) fn unauthorized() -> ApiError {
    ApiError::new(
        401,
        "INVALID_AUTHENTICATION",
        "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find more \
         details at https://developers.hubspot.com/docs/methods/auth/oauth-overview",
    )
}
