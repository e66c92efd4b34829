//! Bus and queues, handed over within the process.

use std::time::Duration;

use async_trait::async_trait;
use contact_bridge::{
    model::event::Event,
    ports::{ErrorKind, EventBus, StoreError, StoreResult, WorkQueue},
};
use serde_json::json;

use crate::cloud::{
    bus::{Bus, Entry},
    queue::{Attribute, Draft, Queue},
};

pub(super) struct DirectBus(pub Bus);

#[async_trait]
impl EventBus for DirectBus {
    async fn publish(&self, events: &[Event]) -> StoreResult<()> {
        for event in events {
            let entry = Entry {
                source: Some(Event::SOURCE.to_owned()),
                detail_type: Some(event.detail_type()),
                detail: Some(json!(event).to_string()),
                ..Entry::default()
            };
            let put = self.0.put(&[entry]).map_err(|_| StoreError::new(ErrorKind::Unavailable, "publish"))?;
            if put.iter().any(Result::is_err) {
                return Err(StoreError::new(ErrorKind::Unavailable, "publish"));
            }
        }
        Ok(())
    }
}

pub(super) struct DirectQueue {
    pub work: Queue,
    pub dead: Queue,
}

#[async_trait]
impl WorkQueue for DirectQueue {
    async fn defer(&self, event: &Event, delay: Duration) -> StoreResult<()> {
        let body = json!({"source": Event::SOURCE, "detail-type": event.detail_type(), "detail": event}).to_string();
        let draft = Draft { delay: Some(delay), ..Draft::new(body) };
        self.work.send(draft).map_err(|_| StoreError::new(ErrorKind::Unavailable, "defer"))?;
        Ok(())
    }

    async fn dead_letter(&self, body: &str, reason: &str) -> StoreResult<()> {
        let mut draft = Draft::new(body);
        draft.attributes.insert("reason".to_owned(), Attribute::string(reason));
        self.dead.send(draft).map_err(|_| StoreError::new(ErrorKind::Unavailable, "bury"))?;
        Ok(())
    }
}
