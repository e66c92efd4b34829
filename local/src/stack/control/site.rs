//! The calls about one site.

use std::sync::Arc;

use axum::{
    Json,
    body::Bytes,
    extract::{RawQuery, State},
};
use contact_bridge::{
    flows::setup::SettingsError,
    model::{
        ids::{RecordId, Side, SiteId},
        run::RunKind,
        site::Site,
    },
    ports::ErrorKind,
};
use serde::Deserialize;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::{Failure, Reply, body::read, view};
use crate::{
    stack::{SiteHandle, Stack},
    vendors::kit::ControlError,
};

type Shared = State<Arc<Stack>>;

/// A name that fits into a settings file and a log line.
const LONGEST_NAME: usize = 60;

pub(super) async fn all(State(stack): Shared) -> Reply {
    let sites = stack.app.means.sites.sites().await.map_err(anyhow::Error::from)?;
    Ok(Json(json!({"sites": sites})))
}

/// Saves settings like an owner does.
pub(super) async fn save(State(stack): Shared, body: Bytes) -> Reply {
    let site: Site = read(&body)?;
    known(&stack, site.site.as_str())?;
    match stack.save_site(site).await {
        Ok(saved) => Ok(Json(json!(saved))),
        Err(SettingsError::Store(failure)) if failure.kind == ErrorKind::Stale => {
            Err("version: must be that of the stored settings".into())
        }
        Err(SettingsError::Store(failure)) if failure.kind == ErrorKind::NotFound => {
            Err(ControlError(format!("crm.secret: {failure}")).into())
        }
        Err(SettingsError::Store(failure)) => Err(anyhow::Error::from(failure).into()),
        Err(refusal) => Err(ControlError(refusal.to_string()).into()),
    }
}

pub(super) async fn add(State(stack): Shared, body: Bytes) -> Reply {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Order {
        name: String,
    }
    let order: Order = read(&body)?;
    let name = order.name.trim();
    if name.is_empty() || name.len() > LONGEST_NAME {
        return Err(ControlError(format!("name: must have 1 to {LONGEST_NAME} characters")).into());
    }
    let handle = stack.add_site(name, |_| {}).await.map_err(|error| ControlError(error.to_string()))?;
    Ok(Json(view::handle(&handle)))
}

pub(super) async fn links(State(stack): Shared, RawQuery(query): RawQuery) -> Reply {
    let site = asked(&stack, query.as_deref())?;
    let links: Vec<Value> = stack.links(&site.id).await.iter().map(view::link).collect();
    Ok(Json(json!({"site": site.id, "links": links})))
}

pub(super) async fn parked(State(stack): Shared, RawQuery(query): RawQuery) -> Reply {
    let site = asked(&stack, query.as_deref())?;
    Ok(Json(json!({"site": site.id, "parked": stack.parked(&site.id).await})))
}

pub(super) async fn resync(State(stack): Shared, body: Bytes) -> Reply {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Order {
        site: SiteId,
        side: Side,
        id: RecordId,
        #[serde(default)]
        approve_delete: bool,
        prefer: Option<Side>,
    }
    let order: Order = read(&body)?;
    let site = known(&stack, order.site.as_str())?;
    let asked = stack.resync(&site.id, order.side, &order.id, order.approve_delete, order.prefer).await;
    asked.map_err(anyhow::Error::from)?;
    Ok(Json(json!({})))
}

pub(super) async fn runs(State(stack): Shared, RawQuery(query): RawQuery) -> Reply {
    let site = asked(&stack, query.as_deref())?;
    let mut runs = Vec::new();
    for kind in RunKind::ALL {
        runs.push(view::run(kind, &stack.run_of(&site.id, kind).await.map_err(anyhow::Error::from)?));
    }
    let failed = stack.failed_rows(&site.id).await.map_err(anyhow::Error::from)?;
    Ok(Json(json!({"site": site.id, "runs": runs, "failed": failed})))
}

/// What a person does with a run.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Deed {
    Now,
    Pause,
    Resume,
}

pub(super) async fn order_run(State(stack): Shared, body: Bytes) -> Reply {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Order {
        site: SiteId,
        run: RunKind,
        r#do: Deed,
    }
    let order: Order = read(&body)?;
    let site = known(&stack, order.site.as_str())?;
    let done = match order.r#do {
        Deed::Now => stack.run_now(&site.id, order.run).await,
        Deed::Pause => stack.pause_run(&site.id, order.run, true).await,
        Deed::Resume => stack.pause_run(&site.id, order.run, false).await,
    };
    done.map_err(anyhow::Error::from)?;
    Ok(Json(json!({})))
}

/// The site a query names; without a name, the only one.
fn asked(stack: &Stack, query: Option<&str>) -> Result<SiteHandle, Failure> {
    let mut names = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    if let Some((_, name)) = names.find(|(key, _)| key == "site") {
        return known(stack, &name);
    }
    match <[SiteHandle; 1]>::try_from(stack.sites()) {
        Ok([only]) => Ok(only),
        Err(_) => Err("site: is required when there is not exactly one".into()),
    }
}

fn known(stack: &Stack, id: &str) -> Result<SiteHandle, Failure> {
    let found = stack.sites().into_iter().find(|site| site.id.as_str() == id);
    found.ok_or_else(|| "site: no such site; GET /_control/sites lists them".into())
}
