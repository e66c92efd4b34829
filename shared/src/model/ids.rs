//! Newtypes for ids and versions, and the two sides they belong to.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Wraps the text as it came from its owner, unchanged.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// Returns the text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }
    };
}

text_id! {
    /// A site: one installation of the app on one Wix site, the Wix `instanceId`.
    SiteId
}
text_id! {
    /// The id of a contact on one side, opaque.
    RecordId
}
text_id! {
    /// A version of a record as its side names it: the Wix `revision`, HubSpot's `updatedAt`.
    Revision
}
text_id! {
    /// A row of a mapping: stable while the owner edits the rest of the mapping.
    RowId
}
text_id! {
    /// A form of a site: the last part of its address.
    FormId
}
text_id! {
    /// A submission of a form: a keyed digest in hexadecimal, which nobody can guess who did not make the submission.
    SubmissionId
}
text_id! {
    /// A conversation of the Inbox, opaque.
    ConversationId
}
text_id! {
    /// A source of messages, by its name in the site's settings.
    SourceId
}

impl RecordId {
    /// Reads a field that people can type into, in which the id of a record belongs; `None` if the text cannot be one. Ids go to logs and to
    /// keys, what people type does not.
    #[must_use]
    pub fn typed(text: &str) -> Option<Self> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        ((1..=64).contains(&text.len()) && text.bytes().all(plain)).then(|| Self::new(text))
    }
}

impl Revision {
    /// Tells whether this revision is at or after `other`, where both are counters (Wix); `None` where they are not.
    #[must_use]
    pub fn has_reached(&self, other: &Self) -> Option<bool> {
        Some(self.counter()? >= other.counter()?)
    }

    /// Returns the counter, where revisions are counters (Wix): such a side takes writes conditional on them.
    #[must_use]
    pub fn counter(&self) -> Option<u64> {
        self.0.parse().ok()
    }

    /// Returns the instant, where revisions are instants (`HubSpot`).
    #[must_use]
    pub fn instant(&self) -> Option<jiff::Timestamp> {
        self.0.parse().ok()
    }
}

/// One of the two systems kept in step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Wix.
    Wix,
    /// The external system, a CRM.
    External,
}

impl Side {
    /// Both sides, Wix first.
    pub const BOTH: [Self; 2] = [Self::Wix, Self::External];

    /// Returns the other side.
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Wix => Self::External,
            Self::External => Self::Wix,
        }
    }

    /// Returns the short name used in keys and logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Wix => "wix",
            Self::External => "ext",
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A value for each side, so that the two cannot be mixed up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Pair<T> {
    /// The Wix side's.
    pub wix: T,
    /// The external side's.
    pub external: T,
}

impl<T> Pair<T> {
    /// Makes a pair from the value of `side` and that of the opposite one.
    pub fn from_side(side: Side, this: T, other: T) -> Self {
        match side {
            Side::Wix => Self { wix: this, external: other },
            Side::External => Self { wix: other, external: this },
        }
    }

    /// Returns the value of `side`.
    pub const fn of(&self, side: Side) -> &T {
        match side {
            Side::Wix => &self.wix,
            Side::External => &self.external,
        }
    }

    /// Returns the value of `side`, to change.
    pub const fn of_mut(&mut self, side: Side) -> &mut T {
        match side {
            Side::Wix => &mut self.wix,
            Side::External => &mut self.external,
        }
    }

    /// Applies `f` to each side's value.
    pub fn map<U>(self, mut f: impl FnMut(Side, T) -> U) -> Pair<U> {
        Pair { wix: f(Side::Wix, self.wix), external: f(Side::External, self.external) }
    }

    /// Borrows both.
    pub const fn as_ref(&self) -> Pair<&T> {
        Pair { wix: &self.wix, external: &self.external }
    }
}
