//! How a stack is set up.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use crate::{
    cloud::{dynamo::Storage, queue::MAX_BATCH},
    vendors::kit::Clock,
};

/// Where a manual clock starts unless told otherwise: 2026-09-01, 08:00 UTC.
const START_MS: i64 = 1_788_249_600_000;

/// How to start a stack.
pub struct Options {
    /// The clock of everything: of the bridge, the cloud and both vendors.
    pub clock: Clock,
    /// Where links and sites are kept.
    pub store: StoreKind,
    /// Whether to count what the embedded `DynamoDB` consumes; each of its calls then goes through one more hop.
    pub metered: bool,
    /// Whether a manual clock moves on as soon as nobody has anything to do, and not a millisecond later: for long runs on one thread.
    pub hurried: bool,
    /// How long, by a manual clock, one more invocation of contact sync takes beside its waits. None of it, and all that is due is invoked for in the
    /// same instant, and put back in it if it has to wait.
    pub invocation: Duration,
    /// The most messages contact sync gets at once, at most ten; with one, runs are reproducible.
    pub batch: usize,
    /// The seed of all ids.
    pub seed: u64,
    /// Where the servers listen.
    pub listen: Listen,
}

/// Where links and sites are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreKind {
    /// In memory, without `DynamoDB`.
    Memory,
    /// In the embedded `DynamoDB`, through the official SDK.
    DynamoDb(Storage),
}

/// Where the servers listen; port 0 takes a free one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listen {
    /// The HTTP gateway, to which the vendors post their webhooks.
    pub gateway: SocketAddr,
    /// The simulated Wix.
    pub wix: SocketAddr,
    /// The simulated `HubSpot`.
    pub hubspot: SocketAddr,
    /// The AWS endpoint: bus and queues.
    pub aws: SocketAddr,
    /// The control API.
    pub control: SocketAddr,
    /// The simulated Mailchimp.
    pub mailchimp: SocketAddr,
    /// The simulated Pipedrive.
    pub pipedrive: SocketAddr,
}

impl Listen {
    /// Seven neighbouring ports of the loopback interface, in the order of the fields; all free ones if `first` is 0.
    #[must_use]
    pub const fn from_port(first: u16) -> Self {
        const fn at(first: u16, place: u16) -> SocketAddr {
            let port = if first == 0 { 0 } else { first.saturating_add(place) };
            SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), port)
        }
        Self {
            gateway: at(first, 0),
            wix: at(first, 1),
            hubspot: at(first, 2),
            aws: at(first, 3),
            control: at(first, 4),
            mailchimp: at(first, 5),
            pipedrive: at(first, 6),
        }
    }
}

impl Default for Listen {
    fn default() -> Self {
        Self::from_port(0)
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            clock: Clock::manual(START_MS),
            store: StoreKind::Memory,
            metered: false,
            hurried: false,
            invocation: Duration::ZERO,
            batch: MAX_BATCH,
            seed: 1,
            listen: Listen::default(),
        }
    }
}
