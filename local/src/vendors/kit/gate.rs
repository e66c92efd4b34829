//! What every call to a vendor's API passes first: counting, limits and faults.

use std::{io, time::Duration};

use axum::{
    Json,
    body::{Body, Bytes},
    extract::{ConnectInfo, MatchedPath, Request, State},
    http::{HeaderValue, header},
    middleware::Next,
    response::{Html, IntoResponse, Response},
};
use futures::{StreamExt, stream};

use super::{
    faults::{Actor, Fault, FaultKind},
    serve::Hangup,
    vendor::{Caller, Vendor},
};

/// Answers larger than this are not cut by the fault `cut`; no vendor page comes near it.
const LARGEST_ANSWER: usize = 64 * 1024 * 1024;

/// Marks the answer of a call that a fault lets run into a time-out.
#[derive(Debug, Clone, Copy)]
pub struct TimedOut;

/// The middleware of a vendor's API: `axum::middleware::from_fn_with_state(vendor, gate::<V>)`. Every answer carries the vendor's own time.
pub async fn gate<V: Vendor>(State(vendor): State<V>, request: Request, next: Next) -> Response {
    let mut answer = pass(&vendor, request, next).await;
    if let Ok(date) = HeaderValue::from_str(&http_date(vendor.now_ms())) {
        answer.headers_mut().insert(header::DATE, date);
    }
    answer
}

async fn pass<V: Vendor>(vendor: &V, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let caller = vendor.caller(&parts);
    let route = parts.extensions.get::<MatchedPath>().map_or("(no such route)", MatchedPath::as_str);
    let route = format!("{} {route}", parts.method);
    let refused = !count(vendor, &caller, &route);
    let actor = if caller.user { Actor::User } else { Actor::App };
    let fault = vendor.core().faults.hit(parts.method.as_str(), parts.uri.path(), caller.site.as_deref(), actor);
    let hangup = parts.extensions.get::<ConnectInfo<Hangup>>().map(|info| info.0.clone());
    if let Some(answer) = fault.as_ref().and_then(|fault| instead(vendor, fault)) {
        return answer;
    }
    if refused {
        return vendor.excess(&caller, &route);
    }
    let answer = next.run(Request::from_parts(parts, body)).await;
    match fault {
        None => answer,
        Some(fault) => afterwards(&fault, answer, hangup, vendor.core().clock.is_manual()).await,
    }
}

/// Counts the call and says whether the limits admit it.
fn count<V: Vendor>(vendor: &V, caller: &Caller, route: &str) -> bool {
    let core = vendor.core();
    if caller.user {
        core.calls.count_user(route);
        return true;
    }
    core.calls.count(route, caller.site.as_deref());
    let admitted = vendor.admits(caller, route);
    if !admitted {
        core.calls.turn_away(route, caller.site.as_deref());
    }
    admitted
}

/// The answer of a fault that keeps the call from being done.
fn instead<V: Vendor>(vendor: &V, fault: &Fault) -> Option<Response> {
    match fault.kind {
        FaultKind::Status => Some(status_answer(vendor, fault)),
        FaultKind::NotJson => {
            let page = "<!DOCTYPE html><html><body><h1>We'll be right back</h1></body></html>";
            Some(([(header::CONTENT_TYPE, "text/html; charset=utf-8")], page).into_response())
        }
        _ => None,
    }
}

fn status_answer<V: Vendor>(vendor: &V, fault: &Fault) -> Response {
    let mut answer = vendor.refusal(fault.status.unwrap_or(500));
    if let Some(body) = &fault.body {
        let status = answer.status();
        answer = match body.as_str() {
            Some(page) => (status, Html(page.to_owned())).into_response(),
            None => (status, Json(body)).into_response(),
        };
    }
    if let Some(wait) = fault.retry_after.as_deref().and_then(|wait| HeaderValue::from_str(wait).ok()) {
        answer.headers_mut().insert(header::RETRY_AFTER, wait);
    }
    answer
}

/// What a fault makes of the answer to a call that was done.
async fn afterwards(fault: &Fault, mut answer: Response, hangup: Option<Hangup>, manual: bool) -> Response {
    if fault.kind == FaultKind::Timeout {
        answer.extensions_mut().insert(TimedOut);
    }
    match fault.kind {
        FaultKind::LoseReply => hang_up(hangup),
        FaultKind::Timeout if manual => hang_up(hangup),
        FaultKind::Cut => return cut(answer).await,
        FaultKind::Delay if manual => {
            answer.headers_mut().insert("x-sim-delay-ms", HeaderValue::from(fault.ms.unwrap_or_default()));
        }
        FaultKind::Delay | FaultKind::Timeout => {
            tokio::time::sleep(Duration::from_millis(fault.ms.unwrap_or(60_000))).await;
        }
        _ => {}
    }
    answer
}

fn http_date(now_ms: i64) -> String {
    let now = jiff::Timestamp::from_millisecond(now_ms).unwrap_or_default();
    jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&now).unwrap_or_default()
}

fn hang_up(hangup: Option<Hangup>) {
    if let Some(hangup) = hangup {
        hangup.hang_up();
    }
}

async fn cut(answer: Response) -> Response {
    let (mut parts, body) = answer.into_parts();
    let whole = axum::body::to_bytes(body, LARGEST_ANSWER).await.unwrap_or_default();
    parts.headers.remove(header::CONTENT_LENGTH);
    let half = stream::once(async move { Ok(whole.slice(..whole.len() / 2)) });
    let broken = stream::once(async {
        // The pause lets the first half leave before the connection breaks.
        tokio::task::yield_now().await;
        io::Result::<Bytes>::Err(io::ErrorKind::ConnectionReset.into())
    });
    Response::from_parts(parts, Body::from_stream(half.chain(broken)))
}
