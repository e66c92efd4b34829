//! Tasks that end with their owner.

use std::{
    future::Future,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::task::JoinHandle;

/// A running task, stopped when this is dropped.
#[must_use = "the task stops when this is dropped"]
pub struct Background(Vec<JoinHandle<()>>);

impl Background {
    /// Runs `future` until it ends or this is dropped.
    pub fn spawn(future: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(vec![tokio::spawn(future)])
    }

    /// Holds several tasks as one.
    pub fn all(tasks: impl IntoIterator<Item = Self>) -> Self {
        Self(tasks.into_iter().flat_map(|mut task| std::mem::take(&mut task.0)).collect())
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        for task in &self.0 {
            task.abort();
        }
    }
}

/// Locks `mutex`; a panic elsewhere while it was held does not matter, for every change under a lock here is complete.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
