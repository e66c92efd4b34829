//! The work queue and its dead letters on Amazon SQS.

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_sqs::{Client, types::MessageAttributeValue};
use serde_json::{Value, json};

use super::aws::{detail, detail_of, failure};
use crate::{
    model::{event::Event, message::Message, submission::Submission},
    ports::{self, ErrorKind, StoreError, StoreResult},
};

/// The longest delay of a message: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html>.
const MOST_DELAY: u64 = 900;

/// A queue, and where its dead letters go.
pub struct Queue {
    client: Client,
    url: String,
    dead_letters: String,
}

impl Queue {
    /// Makes the adapter of the queues with these URLs.
    #[must_use]
    pub fn new(client: Client, url: impl Into<String>, dead_letters: impl Into<String>) -> Self {
        Self { client, url: url.into(), dead_letters: dead_letters.into() }
    }

    async fn send(&self, operation: String, body: String, delay: Duration) -> StoreResult<()> {
        let seconds = delay.as_secs() + u64::from(delay.subsec_nanos() > 0);
        let seconds = i32::try_from(seconds.min(MOST_DELAY)).unwrap_or_default();
        let call = self.client.send_message().queue_url(&self.url).message_body(body).delay_seconds(seconds);
        call.send().await.map_err(|error| failure(operation, &error))?;
        Ok(())
    }

    async fn bury(&self, body: &str, reason: &str) -> StoreResult<()> {
        let operation = "send a dead letter";
        let reason = MessageAttributeValue::builder().data_type("String").string_value(reason).build();
        let reason = reason.map_err(|error| StoreError::new(ErrorKind::Invalid(Vec::new()), operation).caused_by(error))?;
        let call = self.client.send_message().queue_url(&self.dead_letters).message_body(body).message_attributes("reason", reason);
        call.send().await.map_err(|error| failure(operation, &error))?;
        Ok(())
    }
}

#[async_trait]
impl ports::Queue<Event> for Queue {
    async fn put_back(&self, event: &Event, delay: Duration) -> StoreResult<()> {
        let operation = format!("put back an event of {}", event.site);
        let body = envelope(&operation, &event.detail_type(), &detail(&operation, event)?)?;
        self.send(operation, body, delay).await
    }

    async fn give_up(&self, event: &Event, reason: &str) -> StoreResult<()> {
        let operation = format!("give up an event of {}", event.site);
        self.bury(&envelope(&operation, &event.detail_type(), &detail(&operation, event)?)?, reason).await
    }

    async fn give_up_unread(&self, body: &str, reason: &str) -> StoreResult<()> {
        self.bury(body, reason).await
    }
}

#[async_trait]
impl ports::Queue<Submission> for Queue {
    async fn put_back(&self, submission: &Submission, delay: Duration) -> StoreResult<()> {
        let operation = format!("put back submission {}", submission.id);
        let body = detail_of(&operation, submission)?;
        self.send(operation, body, delay).await
    }

    async fn give_up(&self, submission: &Submission, reason: &str) -> StoreResult<()> {
        self.bury(&detail_of(&format!("give up submission {}", submission.id), submission)?, reason).await
    }

    async fn give_up_unread(&self, body: &str, reason: &str) -> StoreResult<()> {
        self.bury(body, reason).await
    }
}

#[async_trait]
impl ports::Queue<Message> for Queue {
    async fn put_back(&self, message: &Message, delay: Duration) -> StoreResult<()> {
        let operation = format!("put back a message of {}", message.site);
        let body = envelope(&operation, Message::DETAIL_TYPE, &detail_of(&operation, message)?)?;
        self.send(operation, body, delay).await
    }

    async fn give_up(&self, message: &Message, reason: &str) -> StoreResult<()> {
        let operation = format!("give up a message of {}", message.site);
        self.bury(&envelope(&operation, Message::DETAIL_TYPE, &detail_of(&operation, message)?)?, reason).await
    }

    async fn give_up_unread(&self, body: &str, reason: &str) -> StoreResult<()> {
        self.bury(body, reason).await
    }
}

/// Wraps an event like the bus does when its rule delivers it
/// (<https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html>), so that the worker reads one form.
fn envelope(operation: &str, detail_type: &str, detail: &str) -> StoreResult<String> {
    let detail: Value =
        serde_json::from_str(detail).map_err(|error| StoreError::new(ErrorKind::Invalid(Vec::new()), operation).caused_by(error))?;
    Ok(json!({"source": Event::SOURCE, "detail-type": detail_type, "detail": detail}).to_string())
}

#[cfg(test)]
mod tests {
    use aws_sdk_sqs::config::{BehaviorVersion, Config};
    use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

    use super::*;
    use crate::adapters::aws::testing::{bodies, credentials, event, region};
    use crate::ports::Queue as _;

    async fn queue(answer: ResponseTemplate) -> (Queue, MockServer) {
        let server = MockServer::builder().start().await;
        Mock::given(any()).respond_with(answer).mount(&server).await;
        let config = Config::builder().behavior_version(BehaviorVersion::latest()).region(region()).credentials_provider(credentials());
        let config = config.endpoint_url(server.uri()).build();
        let (work, dead) = (format!("{}/0/work", server.uri()), format!("{}/0/dead", server.uri()));
        (Queue::new(Client::from_conf(config), work, dead), server)
    }

    /// A queue that takes what it is sent; the answer leaves out the digests, which the SDK then does not compare.
    async fn taking() -> (Queue, MockServer) {
        queue(ResponseTemplate::new(200).set_body_json(json!({"MessageId": "m"}))).await
    }

    async fn only_request(server: &MockServer) -> Value {
        let mut bodies = bodies(server).await;
        assert_eq!(bodies.len(), 1);
        bodies.remove(0)
    }

    fn text(value: &Value) -> &str {
        value.as_str().unwrap()
    }

    #[tokio::test]
    async fn an_event_is_put_back_in_the_envelope_of_the_bus() {
        let (queue, server) = taking().await;
        queue.put_back(&event("a", 5), Duration::from_millis(1500)).await.unwrap();
        let request = only_request(&server).await;
        assert!(text(&request["QueueUrl"]).ends_with("/0/work"));
        assert_eq!(request["DelaySeconds"], 2);
        let body: Value = serde_json::from_str(text(&request["MessageBody"])).unwrap();
        assert_eq!(body, json!({"source": "contact-bridge", "detail-type": "contact.created", "detail": event("a", 5)}));
    }

    #[tokio::test]
    async fn a_submission_is_held_as_it_is() {
        let (queue, server) = taking().await;
        let submission = json!({"site": "s", "form": "f", "id": "i", "named": true, "at": "2026-11-20T12:00:00Z",
            "values": {"email": ["ada@example.com"]}, "consent": true, "attempts": 2});
        let held: Submission = serde_json::from_value(submission.clone()).unwrap();
        queue.put_back(&held, Duration::from_secs(90)).await.unwrap();
        let request = only_request(&server).await;
        assert_eq!(request["DelaySeconds"], 90);
        assert_eq!(serde_json::from_str::<Value>(text(&request["MessageBody"])).unwrap(), submission);
    }

    #[tokio::test]
    async fn a_delay_is_cut_to_what_the_queue_takes() {
        let (queue, server) = taking().await;
        queue.put_back(&event("a", 0), Duration::from_hours(1)).await.unwrap();
        assert_eq!(only_request(&server).await["DelaySeconds"], 900);
    }

    #[tokio::test]
    async fn an_event_too_large_goes_without_its_entity() {
        let (queue, server) = taking().await;
        queue.put_back(&event("a", 300_000), Duration::ZERO).await.unwrap();
        let request = only_request(&server).await;
        let body: Value = serde_json::from_str(text(&request["MessageBody"])).unwrap();
        assert_eq!(body["detail"], json!(event("a", 0)));
    }

    #[tokio::test]
    async fn a_dead_letter_keeps_its_body_and_tells_its_reason() {
        let (queue, server) = taking().await;
        ports::Queue::<Event>::give_up_unread(&queue, "{not even JSON", "unreadable").await.unwrap();
        let request = only_request(&server).await;
        assert!(text(&request["QueueUrl"]).ends_with("/0/dead"));
        assert_eq!(request["MessageBody"], "{not even JSON");
        assert_eq!(request["MessageAttributes"]["reason"], json!({"DataType": "String", "StringValue": "unreadable"}));
    }

    #[tokio::test]
    async fn what_is_given_up_can_be_moved_back() {
        let (queue, server) = taking().await;
        queue.give_up(&event("a", 5), "poison").await.unwrap();
        queue.put_back(&event("a", 5), Duration::ZERO).await.unwrap();
        let sent = bodies(&server).await;
        assert_eq!(sent[0]["MessageBody"], sent[1]["MessageBody"]);
        assert!(text(&sent[0]["QueueUrl"]).ends_with("/0/dead") && text(&sent[1]["QueueUrl"]).ends_with("/0/work"));
    }

    #[tokio::test]
    async fn a_refusal_is_an_error_without_the_message() {
        let answer = json!({"__type": "com.amazonaws.sqs#QueueDoesNotExist", "message": "no queue for {not even JSON"});
        let (queue, _server) = queue(ResponseTemplate::new(400).set_body_json(answer)).await;
        let error = ports::Queue::<Event>::give_up_unread(&queue, "{not even JSON", "unreadable").await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Corrupt);
        assert!(!format!("{error} {error:?}").contains("not even"));
    }
}
