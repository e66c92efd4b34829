//! The control calls that are Mailchimp's alone, and what the common ones mean here.

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, Query, State},
    http::request::Parts,
    response::Response,
    routing::{get, post},
};
use serde_json::{Map, Value, json};

use super::{
    lists::Audience,
    options::AccountOptions,
    people::told,
    problem::Problem,
    projection::Params,
    status::{Actor, Status},
    trigger,
    wish::Wish,
    world::{Desk, World, person},
};
use crate::vendors::kit::{Caller, ControlError, Core, Vendor, parse_object};

const CALLS: &[(&str, &str)] = &[
    ("GET|DELETE /_control/mails?list=", "what would have been mailed: confirmations, welcomes, automations, campaigns; DELETE forgets it"),
    ("POST /_control/unsubscribe", "{\"list\"?, \"email\", \"campaign\"?}: the link in a mail is clicked"),
    ("POST /_control/complain", "{\"list\"?, \"email\", \"campaign\"?}: a mail is reported as spam"),
    ("POST /_control/bounce", "{\"list\"?, \"email\", \"campaign\"?}: a mail bounces for good"),
    ("POST /_control/confirm", "{\"list\"?, \"email\"}: the link in a confirmation mail is clicked"),
    ("POST /_control/signup", "{\"list\"?, \"email\", \"merge_fields\"?}: the hosted form is sent, also by who had left"),
    ("POST /_control/campaign", "{\"list\"?, \"subject\"?}: the owner mails every subscriber"),
    ("GET|POST /_control/connections", "calls at work per account and the most at once; POST {\"hold\": true} keeps calls from ending"),
];

impl Vendor for World {
    fn core(&self) -> &Core {
        &self.core
    }

    fn caller(&self, request: &Parts) -> Caller {
        let list = request.uri.path().strip_prefix("/3.0/lists/").and_then(|rest| rest.split('/').next());
        Caller { site: self.account_of(&request.headers, list), user: person(&request.headers).is_some() }
    }

    /// There is no limit of calls in a time, only one of calls at once.
    fn admits(&self, _: &Caller, _: &str) -> bool {
        true
    }

    fn refusal(&self, status: u16) -> Response {
        let bare = status > 501 || (matches!(status, 403 | 429) && self.core.switches.flag("bare_refusals"));
        let problem = trigger::usual(status);
        if bare { problem.page() } else { self.respond(Err(problem)) }
    }

    fn contacts(&self, site: Option<&str>) -> Result<Value, ControlError> {
        self.with(|state| {
            let account = state.account(site).filter(|_| site.is_some()).map(|account| account.site.clone());
            if site.is_some() && account.is_none() {
                return Err("site: unknown".into());
            }
            let meant = |list: &&Audience| {
                let listed = state.lists.get(site.unwrap_or_default()).is_none_or(|named| named.id == list.id);
                account.as_ref().is_none_or(|account| list.account == *account) && listed
            };
            Ok(json!({"contacts": state.lists.values().filter(meant).flat_map(view).collect::<Vec<_>>()}))
        })
    }

    fn seed(&self, request: &Value) -> Result<Value, ControlError> {
        let contacts = request.get("contacts").and_then(Value::as_array).ok_or("contacts: must be a list")?;
        let silent = request.get("quiet").and_then(Value::as_bool).unwrap_or(true);
        self.desk(request, Actor::Admin, |desk| {
            desk.silent = silent;
            let ids: Result<Vec<String>, ControlError> = contacts.iter().map(|contact| seed_one(desk, contact)).collect();
            Ok(json!({"ids": ids?}))
        })
    }

    fn add_site(&self, request: &Value) -> Result<Value, ControlError> {
        let options: AccountOptions = serde_json::from_value(request.clone()).map_err(|error| ControlError(error.to_string()))?;
        self.add_account(&options)?;
        Ok(json!({"site": options.site}))
    }

    fn reset(&self) {
        self.seats.clear();
        let accounts: Vec<AccountOptions> = self.with(|state| state.accounts.values().cloned().collect());
        // The same options made audiences before, so they do again.
        let lists: Vec<Audience> = accounts.iter().filter_map(|account| self.empty_lists(account).ok()).flatten().collect();
        self.with(|state| {
            state.mails.clear();
            state.lists = lists.into_iter().map(|list| (list.id.clone(), list)).collect();
        });
    }

    fn own_control_calls(&self) -> Vec<(&'static str, &'static str)> {
        CALLS.to_vec()
    }
}

/// The routes of Mailchimp's own control calls.
pub(super) fn router() -> Router<World> {
    Router::new()
        .route("/_control/mails", get(mails).delete(forget_mails))
        .route("/_control/connections", get(connections).post(hold))
        .route("/_control/{act}", post(act))
}

type Reply = Result<Json<Value>, ControlError>;

async fn act(State(world): State<World>, Path(act): Path<String>, body: Bytes) -> Reply {
    world.act(&act, &Value::Object(parse_object(&body)?)).map(Json)
}

async fn mails(State(world): State<World>, Query(params): Query<Params>) -> Json<Value> {
    Json(json!({"mails": world.mails(params.get("list").map(String::as_str))}))
}

async fn forget_mails(State(world): State<World>) -> Json<Value> {
    world.with(|state| state.mails.clear());
    Json(json!({}))
}

async fn connections(State(world): State<World>) -> Json<Value> {
    Json(world.seats.to_json())
}

async fn hold(State(world): State<World>, body: Bytes) -> Reply {
    let request = parse_object(&body)?;
    let hold = request.get("hold").and_then(Value::as_bool).ok_or("hold: must be true or false")?;
    world.seats.hold(hold);
    Ok(connections(State(world)).await)
}

impl World {
    /// The mails of an audience, or all.
    pub fn mails(&self, list: Option<&str>) -> Vec<Value> {
        self.with(|state| {
            let wanted = state.mails.iter().filter(|mail| list.is_none_or(|list| mail.list == list));
            wanted.map(super::mail::Mail::to_json).collect()
        })
    }
}

/// The members of an audience; permanently deleted ones leave only their address.
fn view(list: &Audience) -> Vec<Value> {
    let members = list.current().map(|member| {
        let mut shown = member.to_json(list);
        if let Some(shown) = shown.as_object_mut() {
            shown.insert("site".to_owned(), list.account.as_str().into());
            shown.insert("deleted".to_owned(), (member.status == Status::Archived).into());
            shown.insert("compliance".to_owned(), member.compliance.into());
        }
        shown
    });
    let gone = list.forgotten.iter().map(|(hash, email)| {
        json!({"site": list.account, "list_id": list.id, "id": hash, "email_address": email, "status": "forgotten", "deleted": true})
    });
    members.chain(gone).collect()
}

/// A member as the API takes it, with `status` and, if it left by itself, `"compliance": true`.
fn seed_one(desk: &mut Desk<'_>, contact: &Value) -> Result<String, ControlError> {
    let none = Map::new();
    let body = contact.as_object().unwrap_or(&none);
    let seeded = Wish::read(body, true).and_then(|wish| desk.add(&wish, wish.status.or(Some(Status::Subscribed))));
    let mut member = seeded.map_err(|problem: Problem| told(problem))?.member;
    if body.get("compliance").and_then(Value::as_bool).unwrap_or_default() {
        member.compliance = true;
        desk.store(member.clone());
    }
    Ok(member.hash())
}
