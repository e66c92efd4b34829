//! The mails Wix would have sent to people; tests read here that nobody was written to.

use axum::{
    Json, Router,
    extract::{Query, State},
    routing::get,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::state::{Desk, World};
use crate::vendors::kit::{ControlError, rfc3339};

pub(super) const CALLS: &[(&str, &str)] =
    &[("GET|DELETE /_control/mails?site=", "mails Wix would have sent: site, at, kind, to; DELETE forgets them")];

/// A mail to somebody.
pub(super) struct Mail {
    at_ms: i64,
    kind: &'static str,
    to: String,
    about: Value,
}

/// Which site a control call is about.
#[derive(Deserialize)]
pub(super) struct OfSite {
    pub site: Option<String>,
}

impl Desk<'_> {
    /// Records a mail of `kind` about something.
    pub fn mail(&mut self, kind: &'static str, to: &str, about: &Value) {
        self.site.mails.push(Mail { at_ms: self.now_ms, kind, to: to.to_owned(), about: about.clone() });
    }
}

pub(super) fn control_routes() -> Router<World> {
    Router::new().route("/_control/mails", get(show).delete(clear))
}

async fn show(State(world): State<World>, Query(of): Query<OfSite>) -> Result<Json<Value>, ControlError> {
    Ok(Json(json!({"mails": world.all_mails(of.site.as_deref())?})))
}

async fn clear(State(world): State<World>) -> Json<Value> {
    world.with(|state| state.sites.values_mut().for_each(|site| site.mails.clear()));
    Json(json!({}))
}

impl World {
    pub(super) fn all_mails(&self, site: Option<&str>) -> Result<Vec<Value>, ControlError> {
        self.of_sites(site, |site| {
            let show = |mail: &Mail| {
                json!({"site": site.instance_id, "at": rfc3339(mail.at_ms), "kind": mail.kind, "to": mail.to, "about": mail.about})
            };
            site.mails.iter().map(show).collect()
        })
    }
}
