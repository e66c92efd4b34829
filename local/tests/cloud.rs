//! The cloud's parts, driven the way the functions and their callers drive them.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "these are tests")]

#[path = "cloud/aws.rs"]
mod aws;
#[path = "cloud/bus.rs"]
mod bus;
#[path = "cloud/dynamo.rs"]
mod dynamo;
#[path = "cloud/gateway.rs"]
mod gateway;
#[path = "cloud/queue.rs"]
mod queue;
#[path = "cloud/runtime_api.rs"]
mod runtime_api;
#[path = "cloud/timer.rs"]
mod timer;
#[path = "cloud/worker.rs"]
mod worker;

use std::net::SocketAddr;

use contact_bridge_local::vendors::kit::Clock;

/// A moment to start from: 2026-01-01T00:00:00Z.
const START: i64 = 1_767_225_600_000;

fn clock() -> Clock {
    Clock::manual(START)
}

fn free_port() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}
