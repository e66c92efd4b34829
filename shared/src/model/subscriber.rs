//! Addresses of a mailing list: what the mailing service has of them, what it is to have, and what is remembered of them.
//!
//! Consent belongs to an address, not to a contact. Nothing here raises anybody's status.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{fingerprint::Digest, ids::RecordId};

/// An e-mail address as its side spells it. Contact data: never logged, never stored.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Address(String);

impl Address {
    /// Takes an address as it is spelled.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns the address as it is spelled.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Hides the address.
impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Address(..)")
    }
}

/// Where a member of a mailing list stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberStatus {
    /// Gets mails.
    Subscribed,
    /// Was asked to confirm, and did not yet.
    Pending,
    /// Opted out, or complained about a mail.
    Unsubscribed,
    /// Mails do not arrive.
    Bounced,
    /// The list's owner took it off the list. Nobody opted out.
    Archived,
    /// Is on the list, but never was to get its mails.
    Other,
}

/// What Wix is told of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lowered {
    /// Its owner opted out.
    Unsubscribed,
    /// Mails do not arrive.
    Bounced,
}

/// A member of a mailing list, as the mailing service has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its address.
    pub address: Address,
    /// Where it stands.
    pub status: MemberStatus,
    /// Its tags.
    pub tags: BTreeSet<String>,
}

/// What the mailing service is to know of an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The address.
    pub address: Address,
    /// Values by the service's names of its fields; an empty one clears.
    pub fields: Values,
    /// Tags it is to have (true) or not to have; all others stay as they are.
    pub tags: BTreeMap<String, bool>,
}

/// Values of a mailing service's fields, by its names. Contact data.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Values(pub BTreeMap<String, String>);

/// Shows names only.
impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// What is remembered of an address, under its keyed digest: what was sent on the strength of which state, and which opt-outs were carried over.
/// Holds no value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Remembered {
    /// Counts writes; a write is conditional on it.
    pub version: u64,
    /// When somebody was about to send it, and it is not known yet what became of that.
    pub adding: Option<Timestamp>,
    /// The contact whose values were sent.
    pub contact: Option<RecordId>,
    /// The keyed digest of what was sent last; nothing of an address that was never sent.
    pub sent: Option<Digest>,
    /// When that was.
    pub sent_at: Option<Timestamp>,
    /// When the consent it was sent on the strength of was given or last changed, by Wix's clock.
    pub consent_at: Option<Timestamp>,
    /// The opt-out in Wix that the mailing service was told of: when it was last changed there, or when it was told where Wix does not say.
    pub out_in_wix: Option<Timestamp>,
    /// When Wix was told that the address opted out in the mailing service.
    pub out_in_service: Option<Timestamp>,
    /// When Wix was told that mails of the mailing service do not arrive.
    pub bounced_in_service: Option<Timestamp>,
    /// Why nothing is sent to the mailing service although Wix has the address as subscribed.
    pub kept_back: Option<KeptBack>,
}

impl Remembered {
    /// Tells whether the address is known to get no mails from the mailing service: it opted out there, or they do not arrive.
    #[must_use]
    pub const fn is_off_in_service(&self) -> bool {
        self.out_in_service.is_some() || self.bounced_in_service.is_some()
    }
}

/// Why nothing of a subscribed address is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeptBack {
    /// The mailing service does not take the address: it was deleted there for good, or opted out before it was known here.
    Refused,
    /// The list's owner took it off the list.
    Archived,
    /// The mailing service refuses what was sent of it; something else is tried.
    Invalid(Digest),
}
