//! Faults of a bus, counted down as they hit.

use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};

use crate::cloud::background::lock;

/// A fault: what happens, how often, and after how many chances.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// What happens.
    #[serde(flatten)]
    pub kind: FaultKind,
    /// How often it still happens.
    #[serde(default = "one")]
    pub times: u32,
    /// How many calls (or events) it lets pass first.
    #[serde(default)]
    pub after: u32,
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum FaultKind {
    /// A call is refused with this status, nothing is taken.
    FailCall {
        /// The HTTP status, 500 unless set.
        #[serde(default = "server_error")]
        status: u16,
    },
    /// The first entries of a call fail, the others land.
    FailEntries {
        /// How many, one unless set.
        #[serde(default = "one")]
        entries: u32,
    },
    /// A call is taken and answered with this status.
    LoseReply {
        /// The HTTP status, 500 unless set.
        #[serde(default = "server_error")]
        status: u16,
    },
    /// An event is delivered this many times more.
    Repeat {
        /// Additional deliveries, one unless set.
        #[serde(default = "one")]
        copies: u32,
    },
    /// An event is delivered this much later.
    Delay {
        /// Milliseconds on the clock.
        ms: u64,
    },
    /// An event is delivered at a random moment of a window, so that later ones may overtake it.
    Reorder {
        /// The window in milliseconds, a second unless set.
        #[serde(default = "second")]
        window_ms: u64,
    },
}

fn one() -> u32 {
    1
}

fn server_error() -> u16 {
    500
}

fn second() -> u64 {
    1_000
}

/// What faults do to one delivery.
#[derive(Default)]
pub(super) struct Delivery {
    pub(super) extra_copies: u32,
    pub(super) delay_ms: u64,
    pub(super) shuffle_within_ms: u64,
}

/// The faults of one bus; clones share them.
#[derive(Clone, Default)]
pub struct Faults(Arc<Mutex<Vec<Fault>>>);

impl Faults {
    /// Adds a fault.
    pub fn add(&self, fault: Fault) {
        lock(&self.0).push(fault);
    }

    /// Adds a fault that happens `times` times from now on.
    pub fn next(&self, kind: FaultKind, times: u32) {
        self.add(Fault { kind, times, after: 0 });
    }

    /// The faults that have not yet been used up.
    #[must_use]
    pub fn list(&self) -> Vec<Fault> {
        lock(&self.0).clone()
    }

    /// Removes every fault.
    pub fn clear(&self) {
        lock(&self.0).clear();
    }

    pub(super) fn fails_call(&self) -> Option<u16> {
        self.hit(|kind| match kind {
            FaultKind::FailCall { status } => Some(*status),
            _ => None,
        })
    }

    pub(super) fn failing_entries(&self) -> u32 {
        let entries = self.hit(|kind| match kind {
            FaultKind::FailEntries { entries } => Some(*entries),
            _ => None,
        });
        entries.unwrap_or_default()
    }

    pub(super) fn loses_reply(&self) -> Option<u16> {
        self.hit(|kind| match kind {
            FaultKind::LoseReply { status } => Some(*status),
            _ => None,
        })
    }

    pub(super) fn delivery(&self) -> Delivery {
        Delivery {
            extra_copies: self.hit(copies).unwrap_or_default(),
            delay_ms: self.hit(delay).unwrap_or_default(),
            shuffle_within_ms: self.hit(window).unwrap_or_default(),
        }
    }

    /// Uses the first fault that `pick` wants. Every fault of that kind lets one chance pass that it was told to skip.
    fn hit<T>(&self, pick: impl Fn(&FaultKind) -> Option<T>) -> Option<T> {
        let mut faults = lock(&self.0);
        let mut found = None;
        for fault in faults.iter_mut() {
            let Some(value) = pick(&fault.kind) else {
                continue;
            };
            if fault.after > 0 {
                fault.after -= 1;
            } else if found.is_none() && fault.times > 0 {
                fault.times -= 1;
                found = Some(value);
            }
        }
        faults.retain(|fault| fault.times > 0);
        found
    }
}

fn copies(kind: &FaultKind) -> Option<u32> {
    match kind {
        FaultKind::Repeat { copies } => Some(*copies),
        _ => None,
    }
}

fn delay(kind: &FaultKind) -> Option<u64> {
    match kind {
        FaultKind::Delay { ms } => Some(*ms),
        _ => None,
    }
}

fn window(kind: &FaultKind) -> Option<u64> {
    match kind {
        FaultKind::Reorder { window_ms } => Some(*window_ms),
        _ => None,
    }
}
