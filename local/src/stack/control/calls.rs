//! The calls that are not about one site.

use std::{sync::Arc, time::Duration};

use axum::{Json, body::Bytes, extract::State};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Reply, body::read};
use crate::{
    cloud::bus::Fault,
    stack::Stack,
    vendors::kit::{ControlError, rfc3339},
};

/// More instances than this only wait for each other.
const MOST_WORKERS: usize = 16;

type Shared = State<Arc<Stack>>;

pub(super) async fn addresses(State(stack): Shared) -> Json<Value> {
    let sites: Vec<Value> = stack
        .sites()
        .iter()
        .map(|site| {
            let hook = format!("{}/webhooks/hubspot/{}", stack.gateway_url(), site.id);
            let forms = format!("{}/forms/{}", stack.gateway_url(), site.id);
            json!({
                "site": site.id, "wix_site_id": site.wix_site_id, "portal": site.portal, "hubspot_webhooks": hook, "forms": forms,
                "audience": site.audience, "company": site.company,
            })
        })
        .collect();
    Json(json!({
        "gateway": stack.gateway_url(),
        "wix": stack.wix.base_url(),
        "hubspot": stack.hubspot.base_url(),
        "mailchimp": stack.mailchimp.base_url(),
        "pipedrive": stack.pipedrive.base_url(),
        "aws": stack.cloud.aws.url(),
        "dynamodb": stack.dynamo().map(crate::cloud::dynamo::Dynamo::endpoint),
        "control": stack.control_url(),
        "wix_webhooks": format!("{}/webhooks/wix", stack.gateway_url()),
        "sites": sites,
    }))
}

pub(super) async fn settle(State(stack): Shared, body: Bytes) -> Reply {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Order {
        limit_ms: Option<u64>,
    }
    let order: Order = read(&body)?;
    let settled = match order.limit_ms {
        Some(limit) => stack.settle_within(Duration::from_millis(limit)).await?,
        None => stack.settle().await?,
    };
    Ok(Json(json!(settled)))
}

pub(super) async fn live(State(stack): Shared, body: Bytes) -> Reply {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Order {
        ms: u64,
    }
    let order: Order = read(&body)?;
    Ok(Json(json!(stack.live(Duration::from_millis(order.ms)).await?)))
}

pub(super) async fn clock(State(stack): Shared) -> Json<Value> {
    let now_ms = stack.clock().now_ms();
    let mode = if stack.clock().is_manual() { "manual" } else { "real" };
    Json(json!({"now_ms": now_ms, "now": rfc3339(now_ms), "mode": mode}))
}

pub(super) async fn move_clock(State(stack): Shared, body: Bytes) -> Reply {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Order {
        advance_ms: Option<u64>,
        set: Option<Timestamp>,
    }
    let order: Order = read(&body)?;
    match (order.advance_ms, order.set) {
        (Some(by), None) => stack.clock().advance(Duration::from_millis(by)),
        (None, Some(to)) if to.as_millisecond() < stack.clock().now_ms() => {
            return Err("set: is in the past; a clock does not go back".into());
        }
        (None, Some(to)) => stack.clock().set_ms(to.as_millisecond()),
        _ => return Err("advance_ms or set: exactly one is required".into()),
    }
    Ok(clock(State(stack)).await)
}

pub(super) async fn dead_letters(State(stack): Shared) -> Json<Value> {
    Json(json!({"dead_letters": stack.dead_letters()}))
}

pub(super) async fn redrive(State(stack): Shared) -> Json<Value> {
    Json(json!({"redriven": stack.redrive().await}))
}

pub(super) async fn faults(State(stack): Shared) -> Json<Value> {
    Json(json!({"faults": stack.bus_faults().list()}))
}

pub(super) async fn add_fault(State(stack): Shared, body: Bytes) -> Reply {
    stack.bus_faults().add(fault_of(read(&body)?)?);
    Ok(faults(State(stack)).await)
}

/// Reads a fault field by field: read as a whole, an error would not name its field.
fn fault_of(mut fields: Map<String, Value>) -> Result<Fault, ControlError> {
    let mut number = |name: &str, default| match fields.remove(name) {
        None => Ok(default),
        Some(value) => {
            value.as_u64().and_then(|number| u32::try_from(number).ok()).ok_or_else(|| ControlError(format!("{name}: must be a number")))
        }
    };
    let (times, after) = (number("times", 1)?, number("after", 0)?);
    if times == 0 {
        return Err("times: must be at least 1".into());
    }
    let kind = serde_json::from_value(fields.into()).map_err(|error| ControlError(format!("kind: {error}")))?;
    Ok(Fault { kind, times, after })
}

pub(super) async fn clear_faults(State(stack): Shared) -> Json<Value> {
    stack.bus_faults().clear();
    faults(State(stack)).await
}

pub(super) async fn workers(State(stack): Shared, body: Bytes) -> Reply {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Order {
        count: usize,
    }
    let order: Order = read(&body)?;
    if !(1..=MOST_WORKERS).contains(&order.count) {
        return Err(ControlError(format!("count: must be 1 to {MOST_WORKERS}")).into());
    }
    stack.set_workers(order.count)?;
    Ok(Json(json!({"count": order.count})))
}

pub(super) async fn wix_keys(State(stack): Shared, body: Bytes) -> Reply {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Order {
        pems: Vec<String>,
    }
    let order: Order = read(&body)?;
    stack.trust_wix_keys(&order.pems).await.map_err(|error| ControlError(format!("pems: {error}")))?;
    Ok(Json(json!({"trusted": order.pems.len()})))
}

pub(super) async fn put_secret(State(stack): Shared, body: Bytes) -> Reply {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Order {
        name: String,
        value: String,
    }
    let order: Order = read(&body)?;
    stack.put_secret(&order.name, &order.value);
    Ok(Json(json!({"kept": order.name})))
}

pub(super) async fn usage(State(stack): Shared) -> Json<Value> {
    let dynamo = stack.dynamo().filter(|_| stack.metered).map(|dynamo| {
        let usage = dynamo.usage();
        json!({
            "read_units": usage.read_units, "write_units": usage.write_units, "refused_write_units": usage.refused_write_units,
            "calls": usage.calls,
        })
    });
    Json(json!({
        "dynamodb": dynamo,
        "aws": stack.cloud.aws.calls(),
        "wix": stack.wix.core().calls.to_json(),
        "hubspot": stack.hubspot.calls().to_json(),
        "mailchimp": stack.mailchimp.core().calls.to_json(),
        "pipedrive": stack.pipedrive.core().calls.to_json(),
    }))
}

pub(super) async fn reset_usage(State(stack): Shared) -> Json<Value> {
    if let Some(dynamo) = stack.dynamo() {
        dynamo.reset_usage();
    }
    stack.wix.core().calls.clear();
    stack.hubspot.calls().clear();
    stack.mailchimp.core().calls.clear();
    stack.pipedrive.core().calls.clear();
    usage(State(stack)).await
}
