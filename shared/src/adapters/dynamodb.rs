//! Links and sites in one DynamoDB table.
//!
//! | partition key `PK` | sort key `SK` | holds |
//! | --- | --- | --- |
//! | `site#<site>` | `link#<wix id>` | the link: `ext` (the external id), `version`, `body` (everything else, packed) |
//! | | `link#<wix id>` | while there is no link, a reservation: `holder`, `held_until` |
//! | | `ext#<external id>` | the pointer of a link: `wix` (the Wix id); while there is none, a reservation |
//! | | `key#<digest>` | the reservation of a match key: `holder`, `held_until` |
//! | | `gone#<side>#<digest of the id>` | a tombstone: `cause`, `ended_at`, `counterpart`; no expiry |
//! | | `parked#<side>#<id>` | a note for a person: `note` |
//! | | `rail` | how many deletes were propagated lately, by the minute: `spent` |
//! | | `form#<submission>` | where a submission of a form stands: `form_id`, `submitted_at`, `stage`, `progress`; `holder`, `held_until` |
//! | | `made#<digest of the address>` | the reservation of an address that a form makes a contact with; then `contact`, `held_until` |
//! | | `consent#<digest of the address>#<instant>` | the proof of a consent: `form_id`, `submission`, `text_version`; no expiry |
//! | | `posts#<form>#<digest of the internet address>#<minute since the epoch>` | how many posts came within that minute: `spent` |
//! | | `claim#<digest>` | the claim on a message of a service: `holder`, `held_until`, `unsure_since`, `left`; without a holder it is done with |
//! | | `line#<digest>#<place>` | a message of one sender that waits to be posted, in the order of turns: `since` |
//! | | `post#<place>` | which message a post is: `message` |
//! | | `run#<kind>` | a scheduled run: `holder` and `held_until` of its lease, `progress`, what people asked of it, `due_in` and `due_at` |
//! | | `failed#<wix id>` | a row of an export that did not go through: `row`, `again_at` |
//! | | `settings` | the site's settings: `version`, `settings` |
//! | | `settings#cool#<side>` | nothing may be sent to the side before `held_until`; lies here to be read together with the settings |
//! | | `settings#runner` | the right to run anything of the site: `holder`, `held_until`; whether its budgets are `claimed`, without a holder by a run that is to be continued until then; until when events wait: `busy_until`; lies here for the same reason |
//! | `sites` | `<site>` | a copy of the settings, written in the same transaction, so that all sites can be listed |
//!
//! The index `due`, of `due_in` and `due_at`, holds the keys of the runs that the timer is to look at.
//!
//! Reservations, rails, counts, submissions, claims, lines and posts carry `expires_at` (epoch seconds), the table's TTL attribute. TTL only tidies up, up to days
//! late (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html>): whether something has expired is told by
//! the instant that comes with the call, and by whoever reads a reservation.
//!
//! The link lies under its Wix id, so that an update needs no second item. A link and its pointer are made and ended in one
//! transaction, conditional on the absence of both; a secondary index would be neither unique nor consistent.
//!
//! **One partition key per site.** A partition takes 1,000 write and 3,000 read units a second, and a partition key that is hot
//! is split between its sort keys (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/burst-adaptive-capacity.html>).
//! Wix lets an app make 200 requests a minute on a site, and each synchronised contact costs a handful of units, so a site stays
//! two orders of magnitude below the limit. Spreading it over shards would buy nothing and make counting and listing a scatter.
//! `sites` is written only when settings are saved and read only by sweeps.
//!
//! **Units.** Finding a link takes one eventually consistent read of less than 4 KB, and one more from the external side if this
//! process has not met the record yet; saving it takes one write unit while the item is below 1 KB, which packing keeps it at for some 14 mapped rows. Only an
//! answer that leads to a new record, "free" or "gone", is read consistently. Lining up takes one write unit, and half a read unit more for every 2 KB of
//! tickets ahead, of which a hundred are looked at.
//!
//! No item holds a contact's value: bases and keys are keyed digests. A tombstone names its record by a digest as well, so that
//! nothing of an erased person remains; with another deployment secret the tombstones can no longer be found.

mod batches;
mod call;
mod capacity;
mod claims;
mod codec;
mod item;
mod key;
mod lines;
mod links;
mod look_up;
mod pointers;
mod runs;
mod sites;
mod submissions;
mod subscribers;
mod write;

use std::sync::Arc;

use aws_sdk_dynamodb::{Client, types::ReturnConsumedCapacity};
use secrecy::{ExposeSecret, SecretString};

pub use self::capacity::{Capacity, Units};
use self::pointers::Pointers;
use crate::{
    model::{fingerprint, ids::SiteId},
    ports::Clock,
};

/// The name of the table's partition key, a string.
pub const PARTITION_KEY: &str = "PK";
/// The name of the table's sort key, a string.
pub const SORT_KEY: &str = "SK";
/// The name of the index of runs that the timer is to look at.
pub const DUE_INDEX: &str = "due";
/// The name of the index's partition key, a string.
pub const DUE_IN: &str = "due_in";
/// The name of the index's sort key, a number.
pub const DUE_AT: &str = "due_at";
/// The name of the table's TTL attribute, a number.
pub const EXPIRY: &str = "expires_at";

/// Links and sites in a table.
pub struct Store {
    client: Client,
    table: String,
    secret: SecretString,
    clock: Arc<dyn Clock>,
    pointers: Pointers,
    capacity: Option<Arc<Capacity>>,
}

impl Store {
    /// Makes the store over a table that exists. The deployment's secret keys the digests in tombstones; the clock is waited on
    /// between the batches of a purge that the service is too busy for.
    #[must_use]
    pub fn new(client: Client, table: impl Into<String>, secret: SecretString, clock: Arc<dyn Clock>) -> Self {
        Self { client, table: table.into(), secret, clock, pointers: Pointers::default(), capacity: None }
    }

    /// Counts what the calls cost.
    #[must_use]
    pub fn counting(mut self, capacity: Arc<Capacity>) -> Self {
        self.capacity = Some(capacity);
        self
    }

    /// Asks for a call's cost only if it is counted.
    fn cost(&self) -> Option<ReturnConsumedCapacity> {
        self.capacity.as_ref().map(|_| ReturnConsumedCapacity::Total)
    }

    fn fingerprints(&self, site: &SiteId) -> fingerprint::Key {
        fingerprint::Key::derive(self.secret.expose_secret().as_bytes(), site)
    }
}
