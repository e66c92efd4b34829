//! Bus, queue and secrets in memory.

use std::{
    collections::BTreeMap,
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use secrecy::SecretString;

use crate::{
    model::{event::Event, message::Message, submission::Submission},
    ports::{ErrorKind, EventBus, MessageBus, MessageQueue, Secrets, StoreError, StoreResult, SubmissionQueue, WorkQueue},
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

/// A queue that keeps what was put back and what was given up.
#[derive(Default)]
pub struct Queue {
    deferred: Mutex<Vec<(Event, Duration)>>,
    held: Mutex<Vec<(Submission, Duration)>>,
    put_back: Mutex<Vec<(Message, Duration)>>,
    dead: Mutex<Vec<DeadLetter>>,
}

/// A message that was given up. Its body is contact data.
#[derive(Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// The message as it came.
    pub body: String,
    /// Why it was given up.
    pub reason: String,
}

impl Queue {
    /// Takes what was put back since the last call, with the delay asked for.
    pub fn take_deferred(&self) -> Vec<(Event, Duration)> {
        mem::take(&mut lock(&self.deferred))
    }

    /// Takes the submissions that were put in since the last call, with the delay asked for.
    pub fn take_held(&self) -> Vec<(Submission, Duration)> {
        mem::take(&mut lock(&self.held))
    }

    /// Takes the messages put back since the last call, with the delay asked for.
    pub fn take_put_back(&self) -> Vec<(Message, Duration)> {
        mem::take(&mut lock(&self.put_back))
    }

    /// Takes what was given up since the last call.
    pub fn take_dead(&self) -> Vec<DeadLetter> {
        mem::take(&mut lock(&self.dead))
    }
}

#[async_trait]
impl WorkQueue for Queue {
    async fn defer(&self, event: &Event, delay: Duration) -> StoreResult<()> {
        lock(&self.deferred).push((event.clone(), delay));
        Ok(())
    }

    async fn dead_letter(&self, body: &str, reason: &str) -> StoreResult<()> {
        lock(&self.dead).push(DeadLetter { body: body.to_owned(), reason: reason.to_owned() });
        Ok(())
    }
}

#[async_trait]
impl SubmissionQueue for Queue {
    async fn hold(&self, submission: &Submission, delay: Duration) -> StoreResult<()> {
        lock(&self.held).push((submission.clone(), delay));
        Ok(())
    }

    async fn give_up(&self, body: &str, reason: &str) -> StoreResult<()> {
        self.dead_letter(body, reason).await
    }
}

#[async_trait]
impl MessageQueue for Queue {
    async fn put_back(&self, message: &Message, delay: Duration) -> StoreResult<()> {
        lock(&self.put_back).push((message.clone(), delay));
        Ok(())
    }

    async fn give_up(&self, body: &str, reason: &str) -> StoreResult<()> {
        self.dead_letter(body, reason).await
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
