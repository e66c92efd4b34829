//! What the common control calls mean for Pipedrive, and those it has alone.

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
    options::CompanyOptions,
    refusal::Refusal,
    world::{Actor, Company, Desk, Seen, World, is_person},
};
use crate::vendors::kit::{Caller, ControlError, Core, Vendor, parse_object};

impl Vendor for World {
    fn core(&self) -> &Core {
        &self.core
    }

    fn caller(&self, request: &Parts) -> Caller {
        Caller { site: self.site_of(&request.headers), user: is_person(&request.headers) }
    }

    fn admits(&self, caller: &Caller, route: &str) -> bool {
        self.admits_call(caller, route)
    }

    fn refusal(&self, status: u16) -> Response {
        let error = match status {
            401 => return Refusal::unauthorized().into_response(),
            403 => "Forbidden",
            404 => "Not found",
            429 => "request over limit",
            502.. => return (StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY), "upstream error").into_response(),
            500.. => "Internal server error",
            _ => "Bad request",
        };
        Refusal::new(status, error).into_response()
    }

    fn excess(&self, caller: &Caller, route: &str) -> Response {
        self.too_many(caller, route)
    }

    fn contacts(&self, site: Option<&str>) -> Result<Value, ControlError> {
        self.with(|state| {
            if site.is_some() && state.named(site).is_none() {
                return Err("site: unknown".into());
            }
            let named = state.named(site).filter(|_| site.is_some()).map(|company| company.options.id);
            let meant = state.companies.values().filter(|company| named.is_none_or(|id| company.options.id == id));
            Ok(json!({"contacts": meant.flat_map(|company| self.view(company)).collect::<Vec<_>>()}))
        })
    }

    fn seed(&self, request: &Value) -> Result<Value, ControlError> {
        let contacts = request.get("contacts").and_then(Value::as_array).ok_or("contacts: must be a list")?;
        let silent = request.get("quiet").and_then(Value::as_bool).unwrap_or(true);
        let site = request.get("site").and_then(Value::as_str);
        let seeded = self.at(site, Actor::Page, |desk| {
            desk.silent = silent;
            let none = Map::new();
            let mut create = |contact: &Value| desk.create(contact.as_object().unwrap_or(&none)).map(|person| person.id);
            contacts.iter().map(&mut create).collect::<Result<Vec<u64>, Refusal>>()
        });
        let ids = seeded.ok_or("site: unknown")?.map_err(|refusal| ControlError(refusal.error))?;
        Ok(json!({"ids": ids}))
    }

    fn add_site(&self, request: &Value) -> Result<Value, ControlError> {
        let options: CompanyOptions = serde_json::from_value(request.clone()).map_err(|error| ControlError(error.to_string()))?;
        self.add_company(&options)?;
        Ok(json!({"site": options.site}))
    }

    fn reset(&self) {
        let options: Vec<CompanyOptions> = self.with(|state| state.companies.values().map(|company| company.options.clone()).collect());
        for options in options {
            // The same options made a company before, so they do again.
            if let Ok(company) = self.empty_company(&options) {
                self.with(|state| state.companies.insert(options.site.clone(), company));
            }
        }
    }

    fn own_control_calls(&self) -> Vec<(&'static str, &'static str)> {
        vec![("POST /_control/tokens", "{\"site\"?, \"token\"?, \"access_tokens\"?: [..]}: replaces the tokens; those left out end")]
    }
}

/// The routes of Pipedrive's own control calls.
pub(super) fn router() -> Router<World> {
    Router::new().route("/_control/tokens", post(tokens))
}

async fn tokens(State(world): State<World>, body: Bytes) -> Result<Json<Value>, ControlError> {
    let request = Value::Object(parse_object(&body)?);
    let token = request.get("token").and_then(Value::as_str).unwrap_or_default().to_owned();
    let listed = request.get("access_tokens").and_then(Value::as_array).into_iter().flatten();
    let access_tokens = listed.filter_map(Value::as_str).map(str::to_owned).collect();
    let replace = |desk: &mut Desk<'_>| {
        desk.company.options.token = token;
        desk.company.options.access_tokens = access_tokens;
    };
    world.at(request.get("site").and_then(Value::as_str), Actor::Page, replace).ok_or("site: unknown")?;
    Ok(Json(json!({})))
}

impl World {
    fn view(&self, company: &Company) -> Vec<Value> {
        let shown = company.persons.values().map(Seen::current).map(|person| {
            let mut shown = person.to_json(&company.fields, &self.core.switches);
            if let Some(shown) = shown.as_object_mut() {
                let merged_into = person.gone.and_then(|gone| gone.merged_into);
                shown.insert("site".to_owned(), company.options.site.as_str().into());
                shown.insert("deleted".to_owned(), (!person.is_live()).into());
                shown.insert("mergedInto".to_owned(), merged_into.into());
            }
            shown
        });
        shown.collect()
    }
}
