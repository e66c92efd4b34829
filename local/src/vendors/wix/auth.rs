//! Who calls: access tokens, API keys and people.

use axum::{
    Json,
    body::Bytes,
    extract::{FromRequestParts, State},
    http::{HeaderMap, request::Parts},
};
use serde_json::{Map, Value, json};

use super::{
    refusal::{Refusal, body_object},
    state::{Token, World},
};
use crate::vendors::kit::Caller;

/// Seconds an access token lives, <https://dev.wix.com/docs/rest/api-reference/authorization/oauth-2/create-access-token>.
const TOKEN_SECONDS: i64 = 14_400;

/// What the app may do on every site.
const PERMISSIONS: &[&str] = &[
    "SCOPE.DC-CONTACTS.MANAGE-CONTACTS",
    "SCOPE.DC-CONTACTS.MANAGE-EX-FIELDS",
    "SCOPE.DC-INBOX.MANAGE-MSGS",
    "SCOPE.DC-MANAGE.EMAIL-SUBSCRIPTIONS",
];

/// A call that may be made, with the site it is about.
#[derive(Debug, Clone)]
pub struct Asked {
    pub(super) instance_id: String,
    pub(super) identity: Identity,
}

/// Who caused a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// An app.
    App(String),
    /// A person of the site's team.
    User(String),
    /// A program with an API key; it acts for the person who made the key.
    Key(String),
    /// A visitor of the site.
    Visitor(String),
    /// A member of the site.
    Member(String),
}

impl Asked {
    pub(super) fn is_person(&self) -> bool {
        matches!(self.identity, Identity::User(_))
    }
}

impl FromRequestParts<World> for Asked {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, world: &World) -> Result<Self, Refusal> {
        let headers = &parts.headers;
        if is_person(headers) {
            return person(world, text(headers, "wix-site-id"));
        }
        let credential = credential(world, headers).ok_or_else(unauthorized)?;
        if world.app.api_keys.contains(&credential) {
            return api_key(world, headers);
        }
        app(world, &credential)
    }
}

/// Who calls, for counting and faults only.
pub(super) fn caller(world: &World, parts: &Parts) -> Caller {
    let headers = &parts.headers;
    let user = is_person(headers);
    let token = credential(world, headers);
    let site = world.with(|state| match token.and_then(|token| state.tokens.get(&token)) {
        Some(token) if !user => Some(token.instance_id.clone()),
        _ => state.instance_of(text(headers, "wix-site-id")).filter(|_| user || headers.contains_key("wix-site-id")),
    });
    Caller { site, user }
}

pub(super) fn person(world: &World, site: Option<&str>) -> Result<Asked, Refusal> {
    world.with(|state| {
        let instance_id = state.instance_of(site).ok_or_else(|| Refusal::bare(400, "no such site"))?;
        let owner = state.sites.get(&instance_id).map(|site| site.owner_id.clone()).unwrap_or_default();
        Ok(Asked { instance_id, identity: Identity::User(owner) })
    })
}

fn app(world: &World, credential: &str) -> Result<Asked, Refusal> {
    let now_ms = world.core.clock.now_ms();
    world.with(|state| {
        let token = state.tokens.get(credential).filter(|token| token.expires_ms > now_ms).ok_or_else(unauthorized)?;
        if !state.sites.get(&token.instance_id).is_some_and(|site| site.installed) {
            let forbidden = world.is("removed_instance_status", "403");
            return Err(if forbidden { Refusal::bare(403, "Forbidden") } else { unauthorized() });
        }
        Ok(Asked { instance_id: token.instance_id.clone(), identity: Identity::App(world.app.id.clone()) })
    })
}

/// API keys act for the site's owner and name the site in a header,
/// <https://dev.wix.com/docs/go-headless/getting-started/setup/authentication/make-api-calls-with-an-api-key>.
fn api_key(world: &World, headers: &HeaderMap) -> Result<Asked, Refusal> {
    match (text(headers, "wix-site-id"), headers.contains_key("wix-account-id")) {
        (Some(site), false) => {
            let asked = person(world, Some(site)).map_err(|_| Refusal::bare(403, "Forbidden"))?;
            let Identity::User(owner) = asked.identity else {
                return Err(unauthorized());
            };
            Ok(Asked { identity: Identity::Key(owner), ..asked })
        }
        (Some(_), true) => Err(Refusal::bare(400, "Either wix-site-id or wix-account-id, not both")),
        (None, _) => Err(Refusal::bare(400, "wix-site-id is required")),
    }
}

fn is_person(headers: &HeaderMap) -> bool {
    text(headers, "x-actor") == Some("user")
}

fn credential(world: &World, headers: &HeaderMap) -> Option<String> {
    let sent = text(headers, "authorization")?;
    match sent.strip_prefix("Bearer ") {
        Some(token) if world.is("bearer_prefix", "accepted") => Some(token.trim().to_owned()),
        Some(_) => None,
        None => Some(sent.to_owned()),
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn unauthorized() -> Refusal {
    Refusal::bare(401, "Unauthorized")
}

/// `POST /oauth2/token`, <https://dev.wix.com/docs/rest/api-reference/authorization/oauth-2/create-access-token>.
pub(super) async fn create_token(State(world): State<World>, body: Bytes) -> Result<Json<Value>, Refusal> {
    let request = body_object(&body)?;
    if field(&request, "grant_type", "grantType") != Some("client_credentials") {
        return Err(Refusal::oauth(400, "unsupported_grant_type", "only client_credentials is supported"));
    }
    let secret = field(&request, "client_secret", "clientSecret");
    let client = field(&request, "client_id", "clientId");
    if client != Some(world.app.id.as_str()) || secret != Some(world.app.secret.as_str()) {
        return Err(Refusal::oauth(401, "invalid_client", "client_id or client_secret is wrong"));
    }
    let instance =
        field(&request, "instance_id", "instanceId").ok_or_else(|| Refusal::oauth(400, "invalid_request", "instance_id is required"))?;
    let token = issue(&world, instance)?;
    Ok(Json(json!({"access_token": token, "token_type": "Bearer", "expires_in": TOKEN_SECONDS})))
}

fn issue(world: &World, instance_id: &str) -> Result<String, Refusal> {
    let now_ms = world.core.clock.now_ms();
    let text = format!("OauthNG.JWS.{}.{}.{}", world.ids.alphanumeric(20), world.ids.alphanumeric(60), world.ids.alphanumeric(43));
    world.with(|state| {
        if !state.sites.get(instance_id).is_some_and(|site| site.installed) {
            return Err(Refusal::oauth(400, "invalid_grant", "the app is not installed on this instance"));
        }
        let expires_ms = now_ms + TOKEN_SECONDS * 1000;
        let token = Token { instance_id: instance_id.to_owned(), issued_ms: now_ms, expires_ms };
        state.tokens.insert(text.clone(), token);
        Ok(text)
    })
}

/// `POST /oauth2/token-info`, <https://dev.wix.com/docs/rest/app-management/oauth-2/token-info>.
pub(super) async fn token_info(State(world): State<World>, body: Bytes) -> Result<Json<Value>, Refusal> {
    let request = body_object(&body)?;
    let text = field(&request, "token", "token").ok_or_else(|| Refusal::bare(400, "token is required"))?;
    let now_ms = world.core.clock.now_ms();
    let found = world.with(|state| {
        let token = state.tokens.get(text).filter(|token| token.expires_ms > now_ms)?;
        let site = state.sites.get(&token.instance_id).filter(|site| site.installed)?;
        Some((token.clone(), site.id.clone()))
    });
    let as_text = world.is("token_info_types", "strings");
    let typed = |value: Value| {
        if as_text { Value::from(value.to_string()) } else { value }
    };
    let Some((token, site_id)) = found else {
        return Ok(Json(json!({"active": typed(false.into())})));
    };
    Ok(Json(json!({
        "active": typed(true.into()), "subjectType": "APP", "subjectId": world.app.id, "clientId": world.app.id,
        "exp": typed((token.expires_ms / 1000).into()), "iat": typed((token.issued_ms / 1000).into()),
        "siteId": site_id, "instanceId": token.instance_id,
    })))
}

/// `GET /apps/v1/instance`, <https://dev.wix.com/docs/rest/app-management/app-instance/get-app-instance>.
pub(super) async fn instance(State(world): State<World>, asked: Asked) -> Result<Json<Value>, Refusal> {
    let app_id = world.app.id.clone();
    world.at(&asked, |desk| {
        Ok(Json(json!({
            "instance": {
                "instanceId": desk.site.instance_id, "appName": "Contact sync", "appVersion": "1.0.0",
                "isFree": true, "permissions": PERMISSIONS,
                "availablePlans": [], "freeTrialAvailable": false, "copiedFromTemplate": false,
            },
            "site": {
                "siteId": desk.site.id, "siteDisplayName": "Simulated site", "locale": "en",
                "paymentCurrency": "USD", "multilingual": {"isMultiLingual": false}, "installedWixApps": [app_id],
            },
        })))
    })
}

fn field<'a>(request: &'a Map<String, Value>, snake: &str, camel: &str) -> Option<&'a str> {
    request.get(snake).or_else(|| request.get(camel)).and_then(Value::as_str)
}
