//! Where things lie in the table.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;

use super::{PARTITION_KEY, SORT_KEY, item::Item};
use crate::model::{
    fingerprint::{self, Digest},
    ids::{FormId, RecordId, Side, SiteId, SubmissionId},
    run::RunKind,
};

/// The prefix of links, and of reservations of Wix records.
pub(super) const LINK: &str = "link#";
/// The prefix of pointers, and of reservations of external records.
pub(super) const POINTER: &str = "ext#";
/// The prefix of notes for a person.
pub(super) const PARKED: &str = "parked#";
/// The prefix of failed rows.
pub(super) const FAILED: &str = "failed#";
/// The prefix of scheduled runs.
pub(super) const RUN: &str = "run#";
/// The prefix of a site's partition.
const SITE: &str = "site#";
/// The sort key of a site's settings, and the prefix of what is read together with them.
pub(super) const SETTINGS: &str = "settings";
/// The prefix of the pauses of sides.
pub(super) const COOLING: &str = "settings#cool#";
/// The sort key of the right to run anything of a site.
pub(super) const RUNNER: &str = "settings#runner";
/// The partition of the copies of all settings.
pub(super) const REGISTRY: &str = "sites";

/// An item's full key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) partition: String,
    pub(super) sort: String,
}

/// Returns the partition of a site.
pub(super) fn partition(site: &SiteId) -> String {
    format!("{SITE}{site}")
}

/// Returns the site of a partition.
pub(super) fn site_of(partition: &str) -> Option<SiteId> {
    partition.strip_prefix(SITE).map(SiteId::new)
}

/// Returns the prefix of the tombstones of a side.
pub(super) fn tombstones(side: Side) -> String {
    format!("gone#{side}#")
}

/// Returns the prefix of the notes on records of a side.
pub(super) fn notes(side: Side) -> String {
    format!("{PARKED}{side}#")
}

impl Key {
    fn of(site: &SiteId, sort: String) -> Self {
        Self { partition: partition(site), sort }
    }

    /// Where the link or the pointer of a record lies, or its reservation.
    pub(super) fn record(site: &SiteId, side: Side, id: &RecordId) -> Self {
        let prefix = match side {
            Side::Wix => LINK,
            Side::External => POINTER,
        };
        Self::of(site, format!("{prefix}{id}"))
    }

    /// Where the reservation of a match key lies.
    pub(super) fn match_key(site: &SiteId, digest: &Digest) -> Self {
        Self::of(site, format!("key#{}", digest.hex()))
    }

    /// Where the tombstone of a record lies.
    pub(super) fn tombstone(site: &SiteId, side: Side, id: &RecordId, fingerprints: &fingerprint::Key) -> Self {
        let digest = fingerprints.digest(&format!("gone#{side}"), id.as_str());
        Self::of(site, tombstones(side) + &digest.hex())
    }

    /// Where the note on a record lies.
    pub(super) fn parked(site: &SiteId, side: Side, id: &RecordId) -> Self {
        Self::of(site, notes(side) + id.as_str())
    }

    /// Where the failed row of a Wix contact lies.
    pub(super) fn failed(site: &SiteId, id: &RecordId) -> Self {
        Self::of(site, format!("{FAILED}{id}"))
    }

    /// Where a scheduled run lies.
    pub(super) fn run(site: &SiteId, kind: RunKind) -> Self {
        Self::of(site, format!("{RUN}{}", kind.name()))
    }

    /// Where the right to run anything of a site lies.
    pub(super) fn runner(site: &SiteId) -> Self {
        Self::of(site, RUNNER.to_owned())
    }

    /// Where the pause of a side lies.
    pub(super) fn cooling(site: &SiteId, side: Side) -> Self {
        Self::of(site, format!("{COOLING}{side}"))
    }

    /// Where propagated deletes are counted.
    pub(super) fn rail(site: &SiteId) -> Self {
        Self::of(site, "rail".to_owned())
    }

    /// Where a submission of a form lies.
    pub(super) fn submission(site: &SiteId, id: &SubmissionId) -> Self {
        Self::of(site, format!("form#{id}"))
    }

    /// Where an address lies that a form is making a contact with, or just made one with.
    pub(super) fn form_address(site: &SiteId, digest: &Digest) -> Self {
        Self::of(site, format!("made#{}", digest.hex()))
    }

    /// Where it lies what is remembered of an address.
    pub(super) fn subscriber(site: &SiteId, address: &Digest) -> Self {
        Self::of(site, format!("subscriber#{}", address.hex()))
    }

    /// Where the proof of a consent lies.
    pub(super) fn consent(site: &SiteId, address: &Digest, at: Timestamp) -> Self {
        Self::of(site, format!("consent#{}#{at}", address.hex()))
    }

    /// Where the posts to a form from one internet address within the minute of `now` are counted.
    pub(super) fn posts(site: &SiteId, form: &FormId, from: &Digest, now: Timestamp) -> Self {
        Self::of(site, format!("posts#{form}#{}#{}", from.hex(), now.as_second().div_euclid(60)))
    }

    /// Where the claim on a message of a service lies.
    pub(super) fn claim(site: &SiteId, message: &Digest) -> Self {
        Self::of(site, format!("claim#{}", message.hex()))
    }

    /// Where it is noted whose a post is.
    pub(super) fn own_post(site: &SiteId, place: u64) -> Self {
        Self::of(site, format!("post#{place}"))
    }

    /// Where a message of a sender waits for its turn; without a place, what the keys of the whole line begin with.
    pub(super) fn ticket(site: &SiteId, line: &Digest, place: &str) -> Self {
        Self::of(site, format!("line#{}#{place}", line.hex()))
    }

    /// Where the settings of a site lie.
    pub(super) fn settings(site: &SiteId) -> Self {
        Self::of(site, SETTINGS.to_owned())
    }

    /// Where the copy of the settings lies.
    pub(super) fn registry(site: &SiteId) -> Self {
        Self { partition: REGISTRY.to_owned(), sort: site.to_string() }
    }

    /// Returns the two key attributes.
    pub(super) fn item(self) -> Item {
        Item::from([(PARTITION_KEY.to_owned(), AttributeValue::S(self.partition)), (SORT_KEY.to_owned(), AttributeValue::S(self.sort))])
    }
}
