use std::sync::{Arc, Mutex};

use contact_bridge_local::cloud::{
    FunctionError, function,
    gateway::{Gateway, MAX_BODY_BYTES, Route, http_function},
};
use lambda_http::{Body, Request, RequestExt, Response};
use serde_json::{Value, json};

use crate::{clock, free_port};

/// A gateway before a function that answers with the event it got.
async fn echo() -> Gateway {
    let echo = function(async |event: Value| Ok(json!({ "statusCode": 200, "body": event.to_string() })));
    Gateway::start(free_port(), &clock(), vec![Route::new("POST /webhooks/{vendor}/{site}", echo)]).await.unwrap()
}

async fn answering(answer: Result<Value, FunctionError>) -> Gateway {
    let answers = function(move |_| {
        let answer = answer.clone();
        async move { answer }
    });
    Gateway::start(free_port(), &clock(), vec![Route::new("$default", answers)]).await.unwrap()
}

async fn post(gateway: &Gateway, kind: &str, body: impl Into<reqwest::Body>) -> reqwest::Response {
    let url = format!("{}/webhooks/wix/s-1?a=1&a=2&b=x%20y", gateway.url());
    let request = reqwest::Client::new().post(url).header("content-type", kind).header("cookie", "k=v; l=w").header("X-Twice", "1");
    request.header("X-Twice", "2").body(body).send().await.unwrap()
}

#[tokio::test]
async fn a_request_becomes_an_event_of_version_two() {
    let event: Value = post(&echo().await, "application/json; charset=utf-8", "{\"ä\":1}").await.json().await.unwrap();
    let expected = [
        ("/version", json!("2.0")),
        ("/routeKey", json!("POST /webhooks/{vendor}/{site}")),
        ("/rawPath", json!("/webhooks/wix/s-1")),
        ("/rawQueryString", json!("a=1&a=2&b=x%20y")),
        ("/queryStringParameters", json!({ "a": "1,2", "b": "x y" })),
        ("/pathParameters", json!({ "vendor": "wix", "site": "s-1" })),
        ("/cookies", json!(["k=v", "l=w"])),
        ("/headers/x-twice", json!("1,2")),
        ("/requestContext/http/method", json!("POST")),
        ("/requestContext/http/path", json!("/webhooks/wix/s-1")),
        ("/requestContext/http/sourceIp", json!("127.0.0.1")),
        ("/requestContext/time", json!("01/Jan/2026:00:00:00 +0000")),
        ("/body", json!("{\"ä\":1}")),
        ("/isBase64Encoded", json!(false)),
    ];
    for (pointer, expected) in expected {
        assert_eq!(event.pointer(pointer), Some(&expected), "{pointer}");
    }
    assert_eq!(event.pointer("/headers/cookie"), None);
}

#[tokio::test]
async fn a_body_is_encoded_unless_its_type_is_text() {
    let gateway = echo().await;
    let cases: [(&str, &[u8], bool); 6] = [
        ("text/plain", b"a", false),
        ("application/problem+json", b"a", false),
        ("application/x-www-form-urlencoded", b"a", true),
        ("application/octet-stream", b"a", true),
        ("image/png", b"\x89PNG", true),
        ("application/json", b"\xff\xfe", true),
    ];
    for (kind, body, expected) in cases {
        let event: Value = post(&gateway, kind, body).await.json().await.unwrap();
        assert_eq!(event["isBase64Encoded"], expected, "{kind}");
    }
}

#[tokio::test]
async fn a_body_of_ten_megabytes_passes_and_a_larger_one_does_not() {
    let called = Arc::new(Mutex::new(0));
    let count = Arc::clone(&called);
    let counting = function(move |_| {
        *count.lock().unwrap() += 1;
        async { Ok(json!({ "statusCode": 204 })) }
    });
    let gateway = Gateway::start(free_port(), &clock(), vec![Route::new("$default", counting)]).await.unwrap();
    assert_eq!(post(&gateway, "text/plain", vec![b'x'; MAX_BODY_BYTES]).await.status(), 204);
    assert_eq!(post(&gateway, "text/plain", vec![b'x'; MAX_BODY_BYTES + 1]).await.status(), 413);
    assert_eq!(*called.lock().unwrap(), 1);
}

#[tokio::test]
async fn an_answer_becomes_a_response() {
    let answer = json!({
        "statusCode": 201, "headers": { "content-type": "image/png", "x-a": "b" }, "cookies": ["a=b", "c=d"], "body": "iVA=", "isBase64Encoded": true,
    });
    let response = post(&answering(Ok(answer)).await, "text/plain", "").await;
    assert_eq!(response.status(), 201);
    assert_eq!(response.headers()["x-a"], "b");
    assert_eq!(response.headers().get_all("set-cookie").iter().count(), 2);
    assert_eq!(response.bytes().await.unwrap().as_ref(), b"\x89P");
}

#[tokio::test]
async fn what_is_no_answer_becomes_an_error() {
    let cases = [
        (Err(FunctionError::new("Boom", "no")), 500),
        (Ok(json!({ "statusCode": "many" })), 500),
        (Ok(json!({ "statusCode": 200, "isBase64Encoded": true, "body": "?" })), 500),
        (Ok(json!({ "inferred": true })), 200),
    ];
    for (answer, status) in cases {
        let response = post(&answering(answer.clone()).await, "text/plain", "").await;
        assert_eq!(response.status(), status, "{answer:?}");
    }
    let gateway = echo().await;
    let unknown = reqwest::get(format!("{}/nowhere", gateway.url())).await.unwrap();
    assert_eq!(unknown.status(), 404);
}

#[tokio::test]
async fn a_panic_is_a_failed_invocation() {
    let panics = http_function(|_: Request| async { if true { panic!("boom") } else { Ok::<_, String>("") } });
    let gateway = Gateway::start(free_port(), &clock(), vec![Route::new("$default", panics)]).await.unwrap();
    assert_eq!(post(&gateway, "text/plain", "").await.status(), 500);
}

#[tokio::test]
async fn a_handler_gets_the_request_as_lambda_http_parses_it() {
    let handler = |request: Request| async move {
        let site = request.path_parameters().first("site").unwrap_or_default().to_owned();
        let answer = format!("{} {} {} {}", request.method(), request.uri().path(), site, request.body().len());
        let response = Response::builder().status(202).header("x-kind", "test").body(Body::from(answer));
        response.map_err(|error| error.to_string())
    };
    let route = Route::new("POST /webhooks/{vendor}/{site}", http_function(handler));
    let gateway = Gateway::start(free_port(), &clock(), vec![route]).await.unwrap();
    for (kind, body) in [("application/json", b"{}".to_vec()), ("image/png", b"\x89P".to_vec())] {
        let response = post(&gateway, kind, body).await;
        assert_eq!((response.status().as_u16(), &response.headers()["x-kind"] == "test"), (202, true));
        assert_eq!(response.text().await.unwrap(), "POST /webhooks/wix/s-1 s-1 2");
    }
}
