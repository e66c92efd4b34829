//! What calls cost, for benchmarks.

use std::sync::{Mutex, PoisonError};

use aws_sdk_dynamodb::types::ConsumedCapacity;

/// Capacity units, as the service bills them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Units {
    /// Read units: half a unit for each 4 KB read eventually consistently, one if consistently, two in a transaction.
    pub read: f64,
    /// Write units: one for each KB written, two in a transaction.
    pub write: f64,
}

/// Adds up the units that calls consumed. A write refused by its condition is not reported by the service, though billed.
#[derive(Debug, Default)]
pub struct Capacity(Mutex<Units>);

impl Capacity {
    /// Returns the units consumed so far.
    #[must_use]
    pub fn units(&self) -> Units {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, read: f64, write: f64) {
        let mut units = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        units.read += read;
        units.write += write;
    }

    pub(super) fn add_read(&self, consumed: Option<&ConsumedCapacity>) {
        self.add(total(consumed), 0.0);
    }

    pub(super) fn add_write(&self, consumed: Option<&ConsumedCapacity>) {
        self.add(0.0, total(consumed));
    }
}

fn total(consumed: Option<&ConsumedCapacity>) -> f64 {
    consumed.and_then(ConsumedCapacity::capacity_units).unwrap_or_default()
}
