//! The forms in which AWS hands events to functions.

use contact_bridge::model::event::Event;
use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Map, Value, json};

use super::Sent;

const HOST: &str = "bridge.example.com";

/// A request as API Gateway's HTTP API forwards it.
///
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>
pub(super) fn http(sent: &Sent, now: Timestamp) -> Value {
    let route = if sent.name.starts_with("wix") { "POST /webhooks/wix" } else { "POST /webhooks/hubspot/{site}" };
    let mut headers: Map<String, Value> =
        sent.headers.iter().map(|(name, value)| ((*name).to_owned(), Value::from(value.as_str()))).collect();
    for (name, value) in [
        ("content-length", sent.body.len().to_string()),
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
        "routeKey": route,
        "rawPath": sent.path,
        "rawQueryString": "",
        "headers": headers,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "a1b2c3d4e5",
            "domainName": HOST,
            "domainPrefix": "bridge",
            "http": {
                "method": "POST",
                "path": sent.path,
                "protocol": "HTTP/1.1",
                "sourceIp": "203.0.113.7",
                "userAgent": "",
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": route,
            "stage": "$default",
            "time": now.to_zoned(TimeZone::UTC).strftime("%d/%b/%Y:%H:%M:%S +0000").to_string(),
            "timeEpoch": now.as_millisecond(),
        },
        "body": sent.body,
        "isBase64Encoded": false,
    })
}

/// Events as a queue hands them on that EventBridge feeds.
///
/// <https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html>,
/// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html>
pub(super) fn queued(function: &str, events: &[Event], now: Timestamp) -> Value {
    let records: Vec<Value> = events.iter().zip(1..).map(|(event, number)| record(function, event, number, now)).collect();
    json!({ "Records": records })
}

/// What a schedule hands on.
///
/// <https://docs.aws.amazon.com/lambda/latest/dg/with-eventbridge-scheduler.html>
pub(super) fn timer(now: Timestamp) -> Value {
    json!({
        "version": "0",
        "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "123456789012",
        "time": now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "region": "us-east-1",
        "resources": ["arn:aws:events:us-east-1:123456789012:rule/scheduled-export-timer"],
        "detail": {},
    })
}

fn record(function: &str, event: &Event, number: u32, now: Timestamp) -> Value {
    let sent = now.as_millisecond().to_string();
    let envelope = json!({
        "version": "0",
        "id": format!("6a7e8feb-b491-4cf7-a9f1-{number:012}"),
        "detail-type": event.detail_type(),
        "source": Event::SOURCE,
        "account": "123456789012",
        "time": now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "region": "us-east-1",
        "resources": [],
        "detail": event,
    });
    json!({
        "messageId": format!("059f36b4-87a3-44ab-83d2-{number:012}"),
        "receiptHandle": format!("AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a{number}"),
        "body": envelope.to_string(),
        "attributes": {
            "ApproximateFirstReceiveTimestamp": sent,
            "ApproximateReceiveCount": "1",
            "SenderId": "AIDAEXAMPLEEXAMPLE000",
            "SentTimestamp": sent,
        },
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": format!("arn:aws:sqs:us-east-1:123456789012:{function}"),
        "awsRegion": "us-east-1",
    })
}
