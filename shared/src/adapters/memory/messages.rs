//! Bus and secrets in memory, and no queue.

use std::{
    collections::BTreeMap,
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use secrecy::SecretString;

use crate::{
    model::{event::Event, message::Message},
    ports::{ErrorKind, EventBus, MessageBus, Queue, Secrets, StoreError, StoreResult},
};

/// A panic elsewhere leaves the data whole: every change is one step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A bus that keeps what was published.
#[derive(Default)]
pub struct Bus {
    events: Mutex<Vec<Event>>,
    messages: Mutex<Vec<Message>>,
}

impl Bus {
    /// Takes the events published since the last call, oldest first.
    pub fn take(&self) -> Vec<Event> {
        mem::take(&mut lock(&self.events))
    }

    /// Takes the messages published since the last call, oldest first.
    pub fn take_messages(&self) -> Vec<Message> {
        mem::take(&mut lock(&self.messages))
    }
}

#[async_trait]
impl EventBus for Bus {
    async fn publish(&self, events: &[Event]) -> StoreResult<()> {
        lock(&self.events).extend_from_slice(events);
        Ok(())
    }
}

#[async_trait]
impl MessageBus for Bus {
    async fn publish_messages(&self, messages: &[Message]) -> StoreResult<()> {
        lock(&self.messages).extend_from_slice(messages);
        Ok(())
    }
}

/// A queue for whoever has to name one and puts nothing into it: it is always full.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoQueue;

fn full() -> StoreResult<()> {
    Err(StoreError::new(ErrorKind::Unavailable, "put into no queue"))
}

#[async_trait]
impl<T: Sync> Queue<T> for NoQueue {
    async fn put_back(&self, _: &T, _: Duration) -> StoreResult<()> {
        full()
    }

    async fn give_up(&self, _: &T, _: &str) -> StoreResult<()> {
        full()
    }

    async fn give_up_unread(&self, _: &str, _: &str) -> StoreResult<()> {
        full()
    }
}

/// Secrets that are simply given.
#[derive(Default)]
pub struct Vault(Mutex<BTreeMap<String, SecretString>>);

impl Vault {
    /// Puts a secret in, or another in its place.
    pub fn put(&self, name: impl Into<String>, secret: impl Into<String>) {
        lock(&self.0).insert(name.into(), SecretString::from(secret.into()));
    }
}

#[async_trait]
impl Secrets for Vault {
    async fn secret(&self, name: &str) -> StoreResult<SecretString> {
        let found = lock(&self.0).get(name).cloned();
        found.ok_or_else(|| StoreError::new(ErrorKind::NotFound, format!("secret {name}")))
    }
}
