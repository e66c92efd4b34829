//! The token endpoint and its introspection; parameters go in an urlencoded body.

use std::collections::HashMap;

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use serde_json::{Value, json};
use url::form_urlencoded;

use super::{
    hub::{Hub, World},
    tokens::{ALL_SCOPES, LIFETIME_MS},
};

/// Versions of the token endpoint.
const VERSIONS: &[&str] = &["2026-03", "2026-09", "v3"];

/// The OAuth routes.
pub(super) fn router() -> Router<Hub> {
    VERSIONS.iter().fold(Router::new(), |router, version| {
        router.route(&format!("/oauth/{version}/token"), post(token)).route(&format!("/oauth/{version}/token/introspect"), post(introspect))
    })
}

/// Status text and sentence of a refused grant.
type Refusal = (&'static str, &'static str);

type Form = HashMap<String, String>;

async fn token(State(hub): State<Hub>, headers: HeaderMap, body: String) -> Response {
    let Some(form) = form(&headers, &body) else {
        return StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response();
    };
    match hub.with_world(|world| grant(&hub, world, &form)) {
        Ok(body) => Json(body).into_response(),
        Err(refusal) => refuse(&hub, refusal),
    }
}

async fn introspect(State(hub): State<Hub>, headers: HeaderMap, body: String) -> Response {
    let Some(form) = form(&headers, &body) else {
        return StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response();
    };
    if let Err(refusal) = check_app(&hub, &form) {
        return refuse(&hub, refusal);
    }
    Json(hub.with_world(|world| describe(&hub, world, &form))).into_response()
}

fn form(headers: &HeaderMap, body: &str) -> Option<Form> {
    let kind = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    kind.starts_with("application/x-www-form-urlencoded").then(|| form_urlencoded::parse(body.as_bytes()).into_owned().collect())
}

fn field<'a>(form: &'a Form, name: &str) -> &'a str {
    form.get(name).map(String::as_str).unwrap_or_default()
}

fn refuse(hub: &Hub, (status, message): Refusal) -> Response {
    let body = json!({"status": status, "message": message, "correlationId": hub.ids().guid()});
    (StatusCode::BAD_REQUEST, Json(body)).into_response()
}

fn check_app(hub: &Hub, form: &Form) -> Result<(), Refusal> {
    if field(form, "client_id") != hub.app().client_id {
        return Err(("BAD_CLIENT_ID", "missing or invalid client id"));
    }
    if field(form, "client_secret") != hub.app().client_secret {
        return Err(("BAD_CLIENT_SECRET", "missing or invalid client secret"));
    }
    Ok(())
}

fn grant(hub: &Hub, world: &mut World, form: &Form) -> Result<Value, Refusal> {
    check_app(hub, form)?;
    let (portal, refresh) = match field(form, "grant_type") {
        "authorization_code" => {
            if field(form, "redirect_uri").is_empty() {
                return Err(("BAD_REDIRECT_URI", "missing or invalid redirect uri"));
            }
            let unknown = ("BAD_AUTH_CODE", "missing or unknown auth code");
            let portal = world.tokens.redeem(field(form, "code")).ok_or(unknown)?;
            (portal, new_refresh(hub, world, portal))
        }
        "refresh_token" => {
            let old = field(form, "refresh_token");
            let unknown = ("BAD_REFRESH_TOKEN", "missing or unknown refresh token");
            let portal = world.tokens.refresh_owner(old).ok_or(unknown)?;
            (portal, refreshed(hub, world, portal, old))
        }
        _ => return Err(("BAD_GRANT_TYPE", "missing or unknown grant type")),
    };
    let access = format!("access-{}", hub.ids().alphanumeric(40));
    world.tokens.add_access(access.clone(), portal, hub.core().clock.now_ms());
    Ok(json!({"token_type": "bearer", "access_token": access, "refresh_token": refresh,
        "expires_in": LIFETIME_MS / 1_000, "hub_id": portal, "scopes": scopes(world, portal)}))
}

fn refreshed(hub: &Hub, world: &mut World, portal: u64, old: &str) -> String {
    if !hub.core().switches.flag("rotate_refresh_token") {
        return old.to_owned();
    }
    world.tokens.drop_refresh(old);
    new_refresh(hub, world, portal)
}

fn new_refresh(hub: &Hub, world: &mut World, portal: u64) -> String {
    let token = format!("refresh-{}", hub.ids().alphanumeric(30));
    world.tokens.add_refresh(token.clone(), portal);
    token
}

fn scopes(world: &World, portal: u64) -> Vec<String> {
    let granted = world.accounts.get(&portal).and_then(|account| account.options.scopes.clone());
    granted.unwrap_or_else(|| ALL_SCOPES.iter().map(|scope| (*scope).to_owned()).collect())
}

fn describe(hub: &Hub, world: &World, form: &Form) -> Value {
    let token = field(form, "token");
    let now_ms = hub.core().clock.now_ms();
    let refresh = world.tokens.refresh_owner(token);
    let Some(portal) = world.tokens.owner(token).or(refresh) else {
        return json!({"active": false});
    };
    let left = world.tokens.remaining(token, now_ms);
    let usage = if refresh.is_some() { "refresh_token" } else { "access_token" };
    json!({"token_use": usage, "active": left > 0, "token": token, "hub_id": portal, "user_id": 123,
        "client_id": hub.app().client_id, "app_id": hub.app().id, "scopes": scopes(world, portal),
        "expires_in": (left / 1_000).max(0), "is_private_distribution": true, "token_type": "bearer"})
}
