//! Listings: what is asked of them, and what a page holds.

use std::fmt;

use jiff::Timestamp;

use super::{contact::Contact, ids::RecordId};

/// A page to be listed: contacts in the order of their creation, the oldest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Only those changed at or after this instant.
    pub updated_since: Option<Timestamp>,
    /// Only those created then.
    pub created: Created,
    /// How many of them to skip.
    pub offset: usize,
    /// How many at most.
    pub limit: usize,
}

/// When the contacts of a page were created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Created {
    /// At any time.
    Any,
    /// At or after this instant.
    From(Timestamp),
    /// After this instant.
    After(Timestamp),
    /// At this very instant.
    At(Timestamp),
}

/// One row of a page.
#[derive(Clone)]
pub enum Listed {
    /// A contact. It is for comparing and converting; whoever writes to it reads it first.
    Contact(Contact),
    /// What cannot be understood.
    Unreadable {
        /// Its id, if that can be told.
        id: Option<RecordId>,
        /// When it was created, if that can be told.
        created_at: Option<Timestamp>,
    },
}

impl Listed {
    /// Returns the id, if it can be told.
    #[must_use]
    pub const fn id(&self) -> Option<&RecordId> {
        match self {
            Self::Contact(contact) => Some(&contact.id),
            Self::Unreadable { id, .. } => id.as_ref(),
        }
    }

    /// Returns when it was created, if that can be told.
    #[must_use]
    pub const fn created_at(&self) -> Option<Timestamp> {
        match self {
            Self::Contact(contact) => contact.created_at,
            Self::Unreadable { created_at, .. } => *created_at,
        }
    }
}

/// Shows ids only.
impl fmt::Debug for Listed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Listed").field(&self.id()).finish()
    }
}

/// A page of a listing.
#[derive(Clone, Debug)]
pub struct Page {
    /// The rows, readable or not.
    pub rows: Vec<Listed>,
    /// How many were asked for in the end: fewer than wanted, where the reply would have been too long.
    pub limit: usize,
    /// How many there are in all that were asked for, before `offset` and `limit`, if the side tells.
    pub total: Option<u64>,
    /// When the page was listed, at the latest, by the side's clock.
    pub as_of: Timestamp,
}
