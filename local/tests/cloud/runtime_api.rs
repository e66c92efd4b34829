use std::{path::Path, time::Duration};

use contact_bridge_local::cloud::{FunctionError, process::Process, runtime_api::RuntimeApi};
use serde_json::{Value, json};

/// What a runtime does, by hand.
struct Runtime {
    base: String,
    client: reqwest::Client,
}

impl Runtime {
    fn of(api: &RuntimeApi) -> Self {
        Self { base: format!("http://{}/2018-06-01/runtime", api.address()), client: reqwest::Client::new() }
    }

    async fn next(&self) -> (reqwest::header::HeaderMap, Value) {
        let response = self.client.get(format!("{}/invocation/next", self.base)).send().await.unwrap();
        (response.headers().clone(), response.json().await.unwrap())
    }

    async fn post(&self, path: &str, body: &Value) -> u16 {
        self.client.post(format!("{}/{path}", self.base)).json(body).send().await.unwrap().status().as_u16()
    }
}

async fn next_id(runtime: &Runtime) -> String {
    let (headers, _) = runtime.next().await;
    headers["lambda-runtime-aws-request-id"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_invocation_is_handed_out_and_answered() {
    let api = RuntimeApi::start("contact-sync").await.unwrap();
    let runtime = Runtime::of(&api);
    let answering = async {
        let (headers, event) = runtime.next().await;
        assert_eq!(headers["lambda-runtime-invoked-function-arn"], "arn:aws:lambda:us-east-1:000000000000:function:contact-sync");
        assert!(headers["lambda-runtime-deadline-ms"].to_str().unwrap().parse::<u64>().is_ok());
        assert!(headers.contains_key("lambda-runtime-trace-id"));
        let id = headers["lambda-runtime-aws-request-id"].to_str().unwrap();
        let path = format!("invocation/{id}/response");
        let first = runtime.post(&path, &json!({ "got": event })).await;
        (first, runtime.post(&path, &json!({})).await)
    };
    let (answer, statuses) = tokio::join!(api.invoke(json!({ "a": 1 })), answering);
    assert_eq!(answer, Ok(json!({ "got": { "a": 1 } })));
    assert_eq!(statuses, (202, 400), "an answer counts once");
}

#[tokio::test]
async fn a_reported_error_reaches_the_caller() {
    let api = RuntimeApi::start("f").await.unwrap();
    let runtime = Runtime::of(&api);
    let failing = async {
        let id = next_id(&runtime).await;
        runtime.post(&format!("invocation/{id}/error"), &json!({ "errorType": "Kind", "errorMessage": "why" })).await
    };
    let (answer, status) = tokio::join!(api.function()(json!({})), failing);
    assert_eq!((answer, status), (Err(FunctionError::new("Kind", "why")), 202));
}

#[tokio::test]
async fn a_runtime_that_cannot_start_fails_invocations_at_once() {
    let api = RuntimeApi::start("f").await.unwrap();
    let runtime = Runtime::of(&api);
    let report = json!({ "errorType": "Runtime.Init", "errorMessage": "no settings" });
    let (answer, status) = tokio::join!(api.invoke(json!({})), runtime.post("init/error", &report));
    let expected = Err(FunctionError::new("Runtime.Init", "no settings"));
    assert_eq!((&answer, status), (&expected, 202));
    assert_eq!(api.invoke(json!({})).await, expected);
}

#[tokio::test]
async fn an_invocation_without_an_answer_times_out_and_is_not_handed_out_later() {
    let api = RuntimeApi::start_with("f", Duration::from_millis(20)).await.unwrap();
    assert_eq!(api.invoke(json!({ "n": 1 })).await.unwrap_err().error_type, "Sandbox.Timedout");
    let runtime = Runtime::of(&api);
    let (_, (_, event)) = tokio::join!(api.invoke(json!({ "n": 2 })), runtime.next());
    assert_eq!(event["n"], 2);
}

#[tokio::test]
async fn a_process_that_exits_fails_what_it_owed() {
    let api = RuntimeApi::start("contact-sync").await.unwrap();
    let process = Process::spawn(Path::new("/usr/bin/env"), &api, [("EXTRA", "1")]).unwrap();
    assert_eq!(api.invoke(json!({})).await.unwrap_err().error_type, "Runtime.ExitError");
    drop(process);
    assert!(Process::spawn(Path::new("/nowhere/bootstrap"), &api, [("A", "b")]).is_err());
}

#[tokio::test]
async fn the_real_runtime_runs_as_a_process() {
    // Cargo builds the examples together with the tests, beside them.
    let tests = std::env::current_exe().unwrap();
    let echo = tests.ancestors().nth(2).unwrap().join("examples/echo");
    let api = RuntimeApi::start("contact-sync").await.unwrap();
    let process = Process::spawn(&echo, &api, [("EXTRA", "1")]).unwrap();
    for n in 0..2 {
        assert_eq!(api.invoke(json!({ "n": n })).await, Ok(json!({ "n": n })));
    }
    let error = api.invoke(json!({ "fail": true })).await.unwrap_err();
    assert_eq!(error.error_message, "refused");
    assert!(process.logs().iter().any(|line| line.contains("function:contact-sync")));
}
