//! The forms in which AWS hands events to functions.

use base64::{Engine, engine::general_purpose::STANDARD};
use contact_bridge::model::event::Event;
use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Map, Value, json};

use super::Sent;

const HOST: &str = "bridge.example.com";

/// A request as API Gateway's HTTP API forwards it.
///
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>
pub(super) fn http(sent: &Sent, now: Timestamp) -> Value {
    let route = match sent.path.split('/').collect::<Vec<_>>().as_slice() {
        [_, _, "wix"] => "POST /webhooks/wix",
        [_, _, "hubspot", _] => "POST /webhooks/hubspot/{site}",
        [_, _, _, _] => "POST /webhooks/{sender}/{site}",
        _ => "POST /webhooks/{sender}/{site}/{source}",
    };
    forwarded(&Call { route, path: &sent.path, query: "", headers: &sent.headers, body: &sent.body, is_text: true }, now)
}

/// A call of an HTTP API.
pub(super) struct Call<'a> {
    /// The key of its route, with the method.
    pub route: &'static str,
    pub path: &'a str,
    pub query: &'a str,
    pub headers: &'a [(&'static str, String)],
    pub body: &'a str,
    /// Whether the gateway forwards the body as text; else in base64.
    pub is_text: bool,
}

/// Forwards a call as API Gateway does.
pub(super) fn forwarded(call: &Call<'_>, now: Timestamp) -> Value {
    let method = call.route.split(' ').next().unwrap_or_default();
    let mut headers: Map<String, Value> =
        call.headers.iter().map(|(name, value)| ((*name).to_owned(), Value::from(value.as_str()))).collect();
    for (name, value) in [
        ("content-length", call.body.len().to_string()),
        ("host", HOST.to_owned()),
        ("x-amzn-trace-id", "Root=1-6b000c40-0123456789abcdef01234567".to_owned()),
        ("x-forwarded-for", "203.0.113.7".to_owned()),
        ("x-forwarded-port", "443".to_owned()),
        ("x-forwarded-proto", "https".to_owned()),
    ] {
        headers.insert(name.to_owned(), Value::from(value));
    }
    json!({
        "version": "2.0",
        "routeKey": call.route,
        "rawPath": call.path,
        "rawQueryString": call.query,
        "headers": headers,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "a1b2c3d4e5",
            "domainName": HOST,
            "domainPrefix": "bridge",
            "http": {
                "method": method,
                "path": call.path,
                "protocol": "HTTP/1.1",
                "sourceIp": "203.0.113.7",
                "userAgent": "",
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": call.route,
            "stage": "$default",
            "time": now.to_zoned(TimeZone::UTC).strftime("%d/%b/%Y:%H:%M:%S +0000").to_string(),
            "timeEpoch": now.as_millisecond(),
        },
        "body": if call.is_text { call.body.to_owned() } else { STANDARD.encode(call.body) },
        "isBase64Encoded": !call.is_text,
    })
}

/// Events as a queue hands them on that EventBridge feeds.
///
/// <https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html>,
/// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html>
pub(super) fn queued(function: &str, carried: &[(String, Value)], now: Timestamp) -> Value {
    let records: Vec<Value> = carried.iter().zip(1..).map(|(carried, number)| record(function, carried, number, now)).collect();
    json!({ "Records": records })
}

/// The daily schedule, as a queue hands it on.
pub(super) fn scheduled(now: Timestamp) -> Value {
    json!({ "Records": [message(&schedule("contact-bridge-DailyRule-1A2B3C4D5E6F", now).to_string(), "contact-sync", 1, now)] })
}

/// The timer of scheduled export, as it wakes the function.
pub(super) fn timer(now: Timestamp) -> Value {
    schedule("contact-bridge-ScheduledExportTimer-1A2B3C4D5E6F", now)
}

/// What EventBridge sends by a schedule.
///
/// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-rule-schedule.html>
fn schedule(rule: &str, now: Timestamp) -> Value {
    json!({
        "version": "0",
        "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "123456789012",
        "time": now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "region": "us-east-1",
        "resources": [format!("arn:aws:events:us-east-1:123456789012:rule/{rule}")],
        "detail": {},
    })
}

fn record(function: &str, (detail_type, detail): &(String, Value), number: u32, now: Timestamp) -> Value {
    let envelope = json!({
        "version": "0",
        "id": format!("6a7e8feb-b491-4cf7-a9f1-{number:012}"),
        "detail-type": detail_type,
        "source": Event::SOURCE,
        "account": "123456789012",
        "time": now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "region": "us-east-1",
        "resources": [],
        "detail": detail,
    });
    message(&envelope.to_string(), function, number, now)
}

/// A message as its queue hands it on.
pub(super) fn message(body: &str, queue: &str, number: u32, now: Timestamp) -> Value {
    let sent = now.as_millisecond().to_string();
    json!({
        "messageId": format!("059f36b4-87a3-44ab-83d2-{number:012}"),
        "receiptHandle": format!("AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a{number}"),
        "body": body,
        "attributes": {
            "ApproximateFirstReceiveTimestamp": sent,
            "ApproximateReceiveCount": "1",
            "SenderId": "AIDAEXAMPLEEXAMPLE000",
            "SentTimestamp": sent,
        },
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": format!("arn:aws:sqs:us-east-1:123456789012:{queue}"),
        "awsRegion": "us-east-1",
    })
}
