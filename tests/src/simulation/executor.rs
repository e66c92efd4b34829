//! A single-threaded executor whose every await point is a decision of the history.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, Waker},
};

/// An await point: gives the scheduler the chance to run another worker, or to crash this one.
#[derive(Debug, Default)]
pub struct Point(bool);

impl Future for Point {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.0 {
            return Poll::Ready(());
        }
        self.0 = true;
        // A worker's own futures side by side are polled only when woken.
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

/// Returns an await point.
#[must_use]
pub fn point() -> Point {
    Point::default()
}

/// A running worker. Dropping it is a crash.
pub struct Task<T>(Pin<Box<dyn Future<Output = T>>>);

impl<T> Task<T> {
    /// Makes a worker that has not begun.
    pub fn new(future: impl Future<Output = T> + 'static) -> Self {
        Self(Box::pin(future))
    }

    /// Runs it to its next await point; returns its result if it ends.
    pub fn step(&mut self) -> Option<T> {
        match self.0.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(result) => Some(result),
            Poll::Pending => None,
        }
    }
}
