//! The event bus on Amazon EventBridge.

use async_trait::async_trait;
use aws_sdk_eventbridge::{Client, types::PutEventsRequestEntry};

use super::aws::{MOST_BYTES, detail, detail_of, failure, kind};
use crate::{
    model::{event::Event, message::Message},
    ports::{ErrorKind, EventBus, MessageBus, StoreError, StoreResult},
};

/// Entries in one call: <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html>.
const MOST_ENTRIES: usize = 10;

const OPERATION: &str = "publish events";

/// One bus.
pub struct Bus {
    client: Client,
    name: String,
}

impl Bus {
    /// Makes the adapter of the bus of that name or ARN.
    #[must_use]
    pub fn new(client: Client, name: impl Into<String>) -> Self {
        Self { client, name: name.into() }
    }

    fn entry(&self, detail_type: impl Into<String>, detail: String) -> PutEventsRequestEntry {
        let entry = PutEventsRequestEntry::builder().event_bus_name(&self.name).source(Event::SOURCE).detail_type(detail_type);
        entry.detail(detail).build()
    }

    /// Sends entries in as few calls as the bus takes.
    async fn send_all(&self, entries: Vec<PutEventsRequestEntry>) -> StoreResult<()> {
        let mut call = Vec::new();
        let mut bytes = 0;
        for entry in entries {
            let more = size(&entry);
            if call.len() == MOST_ENTRIES || (bytes + more > MOST_BYTES && !call.is_empty()) {
                self.send(std::mem::take(&mut call)).await?;
                bytes = 0;
            }
            bytes += more;
            call.push(entry);
        }
        if call.is_empty() { Ok(()) } else { self.send(call).await }
    }

    /// Sends entries, and those that fail once more: the bus takes each entry on its own.
    async fn send(&self, entries: Vec<PutEventsRequestEntry>) -> StoreResult<()> {
        let (left, _) = self.put(entries).await?;
        let (left, reason) = if left.is_empty() { (left, None) } else { self.put(left).await? };
        if left.is_empty() {
            return Ok(());
        }
        Err(StoreError::new(reason.as_deref().map_or(ErrorKind::Unavailable, kind), OPERATION))
    }

    /// Sends entries once; returns the ones that failed, and the code of the first failure.
    async fn put(&self, entries: Vec<PutEventsRequestEntry>) -> StoreResult<(Vec<PutEventsRequestEntry>, Option<String>)> {
        let sent = self.client.put_events().set_entries(Some(entries.clone())).send().await;
        let output = sent.map_err(|error| failure(OPERATION, &error))?;
        if output.failed_entry_count() == 0 {
            return Ok((Vec::new(), None));
        }
        let reason = output.entries().iter().find_map(|entry| entry.error_code()).map(ToOwned::to_owned);
        // The answers have the order of the entries; one that is missing counts as failed.
        let mut answers = output.entries().iter();
        let failed = |_: &PutEventsRequestEntry| answers.next().is_none_or(|answer| answer.event_id().is_none());
        Ok((entries.into_iter().filter(failed).collect(), reason))
    }
}

#[async_trait]
impl EventBus for Bus {
    async fn publish(&self, events: &[Event]) -> StoreResult<()> {
        let entry = |event: &Event| Ok(self.entry(event.detail_type(), detail(OPERATION, event)?));
        self.send_all(events.iter().map(entry).collect::<StoreResult<_>>()?).await
    }
}

#[async_trait]
impl MessageBus for Bus {
    async fn publish_messages(&self, messages: &[Message]) -> StoreResult<()> {
        let entry = |message: &Message| Ok(self.entry(Message::DETAIL_TYPE, detail_of(OPERATION, message)?));
        self.send_all(messages.iter().map(entry).collect::<StoreResult<_>>()?).await
    }
}

/// The bytes of an entry as they are counted: <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html>.
fn size(entry: &PutEventsRequestEntry) -> usize {
    [entry.source(), entry.detail_type(), entry.detail()].into_iter().flatten().map(str::len).sum()
}

#[cfg(test)]
mod tests {
    use aws_sdk_eventbridge::config::{BehaviorVersion, Config};
    use serde_json::{Value, json};
    use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

    use super::*;
    use crate::adapters::aws::testing::{bodies, credentials, event, region};

    /// A bus that answers each call with whether its entries are taken, then takes everything.
    async fn bus(answers: &[&[bool]]) -> (Bus, MockServer) {
        let server = MockServer::builder().start().await;
        for taken in answers {
            let entries: Vec<_> = taken
                .iter()
                .map(|taken| if *taken { json!({"EventId": "e"}) } else { json!({"ErrorCode": "ThrottlingException"}) })
                .collect();
            let failed = taken.iter().filter(|taken| !**taken).count();
            let answer = ResponseTemplate::new(200).set_body_json(json!({"FailedEntryCount": failed, "Entries": entries}));
            Mock::given(any()).respond_with(answer).up_to_n_times(1).mount(&server).await;
        }
        Mock::given(any()).respond_with(ResponseTemplate::new(200).set_body_json(json!({"FailedEntryCount": 0}))).mount(&server).await;
        let config = Config::builder().behavior_version(BehaviorVersion::latest()).region(region()).credentials_provider(credentials());
        (Bus::new(Client::from_conf(config.endpoint_url(server.uri()).build()), "contacts"), server)
    }

    /// The records of each call's entries.
    async fn records(server: &MockServer) -> Vec<Vec<String>> {
        let detail = |entry: &Value| serde_json::from_str::<Event>(entry["Detail"].as_str().unwrap()).unwrap();
        let records =
            |call: &Value| call["Entries"].as_array().unwrap().iter().map(|entry| detail(entry).record.unwrap().to_string()).collect();
        bodies(server).await.iter().map(records).collect()
    }

    #[tokio::test]
    async fn an_event_is_an_entry() {
        let (bus, server) = bus(&[]).await;
        bus.publish(&[event("a", 5)]).await.unwrap();
        let calls = bodies(&server).await;
        let entry = &calls[0]["Entries"][0];
        assert_eq!(
            (&entry["EventBusName"], &entry["Source"], &entry["DetailType"]),
            (&json!("contacts"), &json!("contact-bridge"), &json!("contact.created"))
        );
        assert_eq!(serde_json::from_str::<Event>(entry["Detail"].as_str().unwrap()).unwrap(), event("a", 5));
    }

    #[tokio::test]
    async fn a_call_has_ten_entries_at_most() {
        let (bus, server) = bus(&[]).await;
        let events: Vec<_> = (0..23).map(|number| event(&number.to_string(), 0)).collect();
        bus.publish(&events).await.unwrap();
        assert_eq!(records(&server).await.iter().map(Vec::len).collect::<Vec<_>>(), [10, 10, 3]);
    }

    #[tokio::test]
    async fn a_call_has_no_more_bytes_than_the_bus_takes() {
        let (bus, server) = bus(&[]).await;
        bus.publish(&[event("a", 100_000), event("b", 100_000), event("c", 100_000)]).await.unwrap();
        assert_eq!(records(&server).await, [vec!["a", "b"], vec!["c"]]);
    }

    #[tokio::test]
    async fn an_event_too_large_goes_without_its_entity() {
        let (bus, server) = bus(&[]).await;
        bus.publish(&[event("a", 300_000)]).await.unwrap();
        let calls = bodies(&server).await;
        assert_eq!(serde_json::from_str::<Event>(calls[0]["Entries"][0]["Detail"].as_str().unwrap()).unwrap(), event("a", 0));
    }

    #[tokio::test]
    async fn failed_entries_are_sent_once_more() {
        let (bus, server) = bus(&[&[true, false, true]]).await;
        bus.publish(&[event("a", 0), event("b", 0), event("c", 0)]).await.unwrap();
        assert_eq!(records(&server).await, [vec!["a", "b", "c"], vec!["b"]]);
    }

    #[tokio::test]
    async fn entries_that_fail_twice_are_an_error() {
        let (bus, _server) = bus(&[&[false], &[false]]).await;
        assert_eq!(bus.publish(&[event("a", 0)]).await.unwrap_err().kind, ErrorKind::Unavailable);
    }

    #[tokio::test]
    async fn without_events_nothing_is_sent() {
        let (bus, server) = bus(&[]).await;
        bus.publish(&[]).await.unwrap();
        assert!(bodies(&server).await.is_empty());
    }
}
