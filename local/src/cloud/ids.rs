//! Ids in the shape of UUIDs: counted when time is simulated, random when it is real.

use std::sync::atomic::{AtomicU64, Ordering};

use uuid::Uuid;

use crate::vendors::kit::Clock;

/// Gives out ids that are unique within one resource.
pub(super) struct Ids {
    space: u32,
    counted: bool,
    next: AtomicU64,
}

impl Ids {
    /// Ids of the resource called `name`. Counting on a real clock would repeat ids after a restart, and a claim stored
    /// before it would then swallow a new event.
    pub(super) fn new(name: &str, clock: &Clock) -> Self {
        Self { space: fnv(name), counted: clock.is_manual(), next: AtomicU64::new(1) }
    }

    /// The next id.
    pub(super) fn next(&self) -> String {
        if !self.counted {
            return Uuid::new_v4().to_string();
        }
        let n = self.next.fetch_add(1, Ordering::Relaxed);
        format!("{:08x}-0000-4000-8000-{n:012x}", self.space)
    }
}

/// FNV-1a, which unlike the standard library's hasher is the same in every build.
fn fnv(name: &str) -> u32 {
    name.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}
