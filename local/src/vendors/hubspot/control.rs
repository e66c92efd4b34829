//! The control calls that are HubSpot's alone, and what the common ones mean here.

use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    http::{StatusCode, request::Parts},
    response::{IntoResponse, Response},
    routing::post,
};
use serde_json::{Map, Value, json};

use super::{
    contact::{Actor, Contact, Gone},
    errors::ApiError,
    hub::{Hub, Session, human},
    objects::state_of,
    options::PortalOptions,
    policy::Policy,
    text,
};
use crate::vendors::kit::{Caller, ControlError, Core, Vendor, object_of, parse_object, text_of};

/// How the route of a search ends; it has a limit of its own.
const SEARCH: &str = "/search";

impl Vendor for Hub {
    fn core(&self) -> &Core {
        Hub::core(self)
    }

    fn caller(&self, request: &Parts) -> Caller {
        Caller { site: self.site_of(&request.headers).map(|portal| portal.to_string()), user: human(&request.headers).is_some() }
    }

    fn admits(&self, caller: &Caller, route: &str) -> bool {
        portal_of(caller).is_none_or(|portal| Hub::admits(self, portal, route.ends_with(SEARCH)))
    }

    fn excess(&self, caller: &Caller, route: &str) -> Response {
        self.too_many(portal_of(caller), route.ends_with(SEARCH))
    }

    fn refusal(&self, status: u16) -> Response {
        let (category, message) = match status {
            429 => return self.too_many(None, false),
            401 => ("INVALID_AUTHENTICATION", "Authentication credentials not found."),
            403 => ("MISSING_SCOPES", "This app hasn't been granted all required scopes to make this call."),
            404 => ("OBJECT_NOT_FOUND", "resource not found"),
            409 => ("CONFLICT", "conflict"),
            423 => ("LOCKED", "resource is locked"),
            477 => ("MIGRATION_IN_PROGRESS", "This account is being migrated"),
            400..=499 => ("VALIDATION_ERROR", "The request is invalid"),
            _ => ("INTERNAL_ERROR", "internal error"),
        };
        self.refuse(&ApiError::new(status, category, message))
    }

    fn contacts(&self, site: Option<&str>) -> Result<Value, ControlError> {
        self.with_world(|world| {
            let wanted = match site {
                Some(site) => Some(world.find(Some(site)).ok_or("site: unknown")?),
                None => None,
            };
            let accounts = world.accounts.iter().filter(|(id, _)| wanted.is_none_or(|wanted| wanted == **id));
            let list: Vec<Value> =
                accounts.flat_map(|(id, account)| account.portal.contacts.values().map(|contact| view(*id, contact))).collect();
            Ok(json!({"contacts": list}))
        })
    }

    fn seed(&self, request: &Value) -> Result<Value, ControlError> {
        let site = request.get("site").and_then(Value::as_str);
        let contacts = request.get("contacts").and_then(Value::as_array).ok_or("contacts: must be a list")?;
        let quiet = request.get("quiet").and_then(Value::as_bool).unwrap_or(true);
        let actor = match request.get("actor").and_then(Value::as_str) {
            None | Some("import") => Actor::Import,
            Some("user") => Actor::Person(123),
            Some("app") => Actor::App(self.app().id),
            Some(_) => return Err("actor: must be import, user or app".into()),
        };
        let ids = self.act(site, &actor, |session| {
            let mark = session.portal.feed.mark();
            let ids: Result<Vec<Value>, ApiError> =
                contacts.iter().map(|contact| seed_one(session, contact).map(|id| id.to_string().into())).collect();
            if quiet {
                session.portal.feed.rewind(mark);
            }
            ids
        })?;
        Ok(json!({"ids": ids}))
    }

    fn add_site(&self, request: &Value) -> Result<Value, ControlError> {
        let options: PortalOptions = serde_json::from_value(request.clone()).map_err(|error| ControlError(error.to_string()))?;
        let id = options.id;
        self.add_portal(options)?;
        Ok(json!({"id": id}))
    }

    fn reset(&self) {
        self.with_world(|world| {
            for account in world.accounts.values_mut() {
                // The same options made a portal before, so they do again.
                if let Ok(portal) = self.empty_portal(&account.options) {
                    account.portal = portal;
                }
            }
        });
    }

    fn own_control_calls(&self) -> Vec<(&'static str, &'static str)> {
        vec![
            ("POST /_control/restore", "a person restores an archived contact: {\"site\", \"id\"}"),
            ("POST /_control/properties", "a person adds a property: {\"site\", \"property\": {..}}"),
            ("POST /_control/oauth/codes", "a person installs the app: {\"site\"} -> {\"code\"}"),
            ("POST /_control/uninstall", "a person uninstalls the app: {\"site\"}; every token ends"),
        ]
    }
}

fn portal_of(caller: &Caller) -> Option<u64> {
    caller.site.as_ref().and_then(|site| site.parse().ok())
}

/// The routes of HubSpot's own control calls.
pub(super) fn router() -> Router<Hub> {
    Router::new()
        .route("/_control/restore", post(restore))
        .route("/_control/properties", post(add_property))
        .route("/_control/oauth/codes", post(issue_code))
        .route("/_control/uninstall", post(uninstall))
}

impl Hub {
    /// Does something in a portal, as control calls do: no limits, no lag, no required names.
    pub fn act<T>(
        &self,
        site: Option<&str>,
        actor: &Actor,
        act: impl FnOnce(&mut Session<'_>) -> Result<T, ApiError>,
    ) -> Result<T, ControlError> {
        let policy = Policy { create_needs_name: false, ..Policy::read(&self.core().switches) };
        self.with_world(|world| {
            let portal = world.find(site).ok_or("site: unknown")?;
            self.act_as(world, portal, actor, &policy, act).map_err(|error| ControlError(error.message))
        })
    }

    fn portal_named(&self, request: &Map<String, Value>) -> Result<u64, ControlError> {
        let site = request.get("site").and_then(Value::as_str);
        Ok(self.with_world(|world| world.find(site)).ok_or("site: unknown")?)
    }

    /// A code the app can redeem for this portal.
    pub fn code(&self, portal: u64) -> String {
        let code = self.ids().guid();
        self.with_world(|world| world.tokens.add_code(code.clone(), portal));
        code
    }
}

fn seed_one(session: &mut Session<'_>, contact: &Value) -> Result<u64, ApiError> {
    let none = Map::new();
    let properties = contact.get("properties").and_then(Value::as_object).unwrap_or(&none);
    let id = session.portal.create(properties, &session.change)?;
    if contact.get("archived").and_then(Value::as_bool) == Some(true) {
        session.portal.archive(id, &session.change);
    }
    Ok(id)
}

fn view(portal: u64, contact: &Contact) -> Value {
    let values = contact.values.keys().filter_map(|name| Some((name.clone(), contact.value(name)?.into())));
    let merged_into = match contact.gone {
        Some((Gone::Merged(winner), _)) => Some(winner.to_string()),
        _ => None,
    };
    json!({"site": portal.to_string(), "id": contact.id.to_string(), "state": state_of(contact),
        "deleted": !contact.is_live(), "mergedInto": merged_into, "properties": values.collect::<Map<_, _>>(),
        "createdAt": text::iso(contact.created_ms), "updatedAt": text::iso(contact.updated_ms())})
}

type Reply = Result<Json<Value>, ControlError>;

async fn restore(State(hub): State<Hub>, body: Bytes) -> Reply {
    let request = Value::Object(parse_object(&body)?);
    let id = text_of(&request, "id")?.parse().map_err(|_| "id: must be a number")?;
    let site = request.get("site").and_then(Value::as_str);
    hub.act(site, &Actor::Person(123), |session| session.portal.restore(id, &session.change))?;
    Ok(Json(json!({})))
}

async fn add_property(State(hub): State<Hub>, body: Bytes) -> Reply {
    let request = Value::Object(parse_object(&body)?);
    let property = Value::Object(object_of(&request, "property")?.clone());
    let site = request.get("site").and_then(Value::as_str);
    let added = hub.act(site, &Actor::Person(123), |session| session.portal.schema.add(&property, session.change.now_ms))?;
    Ok(Json(added.render()))
}

async fn issue_code(State(hub): State<Hub>, body: Bytes) -> Reply {
    let portal = hub.portal_named(&parse_object(&body)?)?;
    Ok(Json(json!({"code": hub.code(portal)})))
}

async fn uninstall(State(hub): State<Hub>, body: Bytes) -> Result<Response, ControlError> {
    let portal = hub.portal_named(&parse_object(&body)?)?;
    hub.with_world(|world| world.tokens.revoke(portal));
    Ok(StatusCode::NO_CONTENT.into_response())
}
