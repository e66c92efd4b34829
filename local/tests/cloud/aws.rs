use std::collections::BTreeMap;

use aws_config::{BehaviorVersion, Region, SdkConfig, retry::RetryConfig};
use aws_sdk_eventbridge::{config::Credentials, error::ProvideErrorMetadata, types::PutEventsRequestEntry};
use aws_sdk_sqs::types::{MessageAttributeValue, QueueAttributeName, SendMessageBatchRequestEntry};
use contact_bridge_local::cloud::{
    aws::{Aws, Resources},
    bus::{Bus, BusOptions, FaultKind, Pattern, Rule},
    queue::{Queue, QueueOptions},
};
use serde_json::{Value, json};

use crate::{clock, free_port};

struct Stack {
    aws: Aws,
    bus: Bus,
    queue: Queue,
    sdk: SdkConfig,
}

impl Stack {
    fn events(&self) -> aws_sdk_eventbridge::Client {
        aws_sdk_eventbridge::Client::new(&self.sdk)
    }

    fn sqs(&self) -> aws_sdk_sqs::Client {
        aws_sdk_sqs::Client::new(&self.sdk)
    }
}

async fn stack() -> Stack {
    let clock = clock();
    let bus = Bus::new("bridge", &clock, BusOptions::default());
    let queue = Queue::new("work", &clock, QueueOptions::default());
    bus.add_rule(Rule { pattern: Pattern::default(), target: queue.clone() });
    let resources = Resources {
        buses: vec![bus.clone()],
        queues: vec![queue.clone()],
        parameters: BTreeMap::from([("/bridge/key".to_owned(), "secret".to_owned())]),
    };
    let aws = Aws::start(free_port(), resources).await.unwrap();
    let sdk = aws_config::defaults(BehaviorVersion::latest())
        .endpoint_url(aws.url())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("local", "local", None, None, "test"))
        .retry_config(RetryConfig::disabled())
        .load()
        .await;
    Stack { aws, bus, queue, sdk }
}

fn entry(bus: &str, detail: &str) -> PutEventsRequestEntry {
    PutEventsRequestEntry::builder().event_bus_name(bus).source("wix").detail_type("contact.created").detail(detail).build()
}

#[tokio::test]
async fn the_sdk_puts_events() {
    let stack = stack().await;
    let answer = stack.events().put_events().entries(entry("bridge", r#"{"id":"c-1"}"#)).send().await.unwrap();
    assert_eq!(answer.failed_entry_count(), 0);
    let body = stack.queue.receive(1).remove(0).message.body;
    let event: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(event["id"].as_str(), answer.entries()[0].event_id());
    assert_eq!(event["detail"], json!({ "id": "c-1" }));
    assert_eq!(stack.aws.calls().get("AWSEvents.PutEvents"), Some(&1));
}

#[tokio::test]
async fn the_sdk_sees_which_entries_failed() {
    let stack = stack().await;
    let put = stack.events().put_events().entries(entry("bridge", "not json")).entries(entry("bridge", "{}"));
    let answer = put.entries(entry("nowhere", "{}")).send().await.unwrap();
    let codes: Vec<_> = answer.entries().iter().map(|entry| entry.error_code()).collect();
    assert_eq!(codes, [Some("MalformedDetail"), None, Some("InvalidArgument")]);
    assert_eq!(answer.failed_entry_count(), 2);
    assert_eq!(stack.queue.counts().visible, 1);
}

#[tokio::test]
async fn the_sdk_sees_a_refused_call_and_a_lost_reply() {
    let stack = stack().await;
    let put = |detail: &str| stack.events().put_events().entries(entry("bridge", detail)).send();
    let too_big = put(&format!("{{\"a\":\"{}\"}}", "x".repeat(256 * 1024))).await.unwrap_err();
    assert_eq!(too_big.code(), Some("ValidationException"));
    stack.bus.faults().next(FaultKind::FailCall { status: 500 }, 1);
    let failed = put("{}").await.unwrap_err().into_service_error();
    assert!(failed.is_internal_exception());
    assert!(stack.queue.is_empty());
    stack.bus.faults().next(FaultKind::LoseReply { status: 500 }, 1);
    assert!(put("{}").await.is_err());
    assert_eq!(stack.queue.counts().visible, 1);
}

#[tokio::test]
async fn the_sdk_sends_a_message() {
    let stack = stack().await;
    let url = stack.sqs().get_queue_url().queue_name("work").send().await.unwrap().queue_url.unwrap();
    assert_eq!(url, stack.aws.queue_url("work"));
    let reason = MessageAttributeValue::builder().data_type("String").string_value("poison").build().unwrap();
    let send = stack.sqs().send_message().queue_url(&url).message_body("a").message_attributes("reason", reason);
    let id = send.delay_seconds(900).send().await.unwrap().message_id.unwrap();
    let message = stack.queue.messages().remove(0);
    assert_eq!((message.id, message.body), (id, "a".to_owned()));
    assert_eq!(message.attributes["reason"].string_value.as_deref(), Some("poison"));
    let attributes = stack.sqs().get_queue_attributes().queue_url(&url).attribute_names(QueueAttributeName::All);
    let attributes = attributes.send().await.unwrap().attributes.unwrap();
    assert_eq!(attributes[&QueueAttributeName::ApproximateNumberOfMessagesDelayed], "1");
}

#[tokio::test]
async fn the_sdk_sees_a_refused_message() {
    let stack = stack().await;
    let (sqs, url) = (stack.sqs(), stack.aws.queue_url("work"));
    let send = |delay, bytes: usize| sqs.send_message().queue_url(&url).delay_seconds(delay).message_body("x".repeat(bytes)).send();
    for (delay, bytes, expected) in
        [(901, 1, "InvalidParameterValue"), (-1, 1, "InvalidParameterValue"), (0, 1_048_577, "InvalidParameterValue")]
    {
        let error = send(delay, bytes).await.unwrap_err();
        assert_eq!(error.code(), Some(expected), "{delay} {bytes}");
    }
    let nowhere = sqs.send_message().queue_url(stack.aws.queue_url("nowhere")).message_body("a").send().await.unwrap_err();
    assert!(nowhere.into_service_error().is_queue_does_not_exist());
    assert!(stack.queue.is_empty());
}

#[tokio::test]
async fn the_sdk_sends_a_batch_of_which_some_fail() {
    let stack = stack().await;
    let entry = |id: &str, delay| SendMessageBatchRequestEntry::builder().id(id).message_body("a").delay_seconds(delay).build().unwrap();
    let send = |entries: Vec<_>| stack.sqs().send_message_batch().queue_url(stack.aws.queue_url("work")).set_entries(Some(entries)).send();
    let answer = send(vec![entry("one", 0), entry("two", 901)]).await.unwrap();
    assert_eq!(answer.successful()[0].id(), "one");
    assert_eq!((answer.failed()[0].id(), answer.failed()[0].code()), ("two", "InvalidParameterValue"));
    let same = send(vec![entry("one", 0), entry("one", 0)]).await.unwrap_err();
    assert!(same.into_service_error().is_batch_entry_ids_not_distinct());
    let many = send((0..11).map(|n| entry(&n.to_string(), 0)).collect()).await.unwrap_err();
    assert!(many.into_service_error().is_too_many_entries_in_batch_request());
}

#[tokio::test]
async fn the_sdk_receives_and_deletes() {
    let stack = stack().await;
    let (sqs, url) = (stack.sqs(), stack.aws.queue_url("work"));
    sqs.send_message().queue_url(&url).message_body("a").send().await.unwrap();
    let received = sqs.receive_message().queue_url(&url).visibility_timeout(60).send().await.unwrap();
    let message = &received.messages()[0];
    assert_eq!(message.body(), Some("a"));
    assert_eq!(stack.queue.next_due(), Some(stack.queue.clock().now_ms() + 60_000));
    sqs.delete_message().queue_url(&url).receipt_handle(message.receipt_handle().unwrap()).send().await.unwrap();
    assert!(stack.queue.is_empty());
}

#[tokio::test]
async fn parameters_are_read_and_unsigned_calls_refused() {
    let stack = stack().await;
    let call = |signed: bool, target: &'static str, body: Value| {
        let request = reqwest::Client::new().post(stack.aws.url()).header("x-amz-target", target);
        let request = if signed { request.header("authorization", "AWS4-HMAC-SHA256 ...") } else { request };
        async move { request.json(&body).send().await.unwrap() }
    };
    let found: Value = call(true, "AmazonSSM.GetParameter", json!({ "Name": "/bridge/key" })).await.json().await.unwrap();
    assert_eq!(found["Parameter"]["Value"], "secret");
    let many: Value = call(true, "AmazonSSM.GetParameters", json!({ "Names": ["/bridge/key", "/no"] })).await.json().await.unwrap();
    assert_eq!(many["InvalidParameters"], json!(["/no"]));
    assert_eq!(call(false, "AmazonSSM.GetParameter", json!({ "Name": "/bridge/key" })).await.status(), 403);
    assert_eq!(call(true, "AmazonSSM.PutParameter", json!({})).await.status(), 400);
}
