//! A contact as one side has it.

use std::fmt;

use jiff::Timestamp;

use super::{
    field::{Field, Fields, Value},
    ids::{RecordId, Revision},
};

/// One record of one side, as it was read.
#[derive(Clone)]
pub struct Contact {
    /// Its id on its side.
    pub id: RecordId,
    /// Its version, where the side has versions.
    pub revision: Option<Revision>,
    /// When it was created, by its side's clock.
    pub created_at: Option<Timestamp>,
    /// When it was last changed, by its side's clock.
    pub updated_at: Option<Timestamp>,
    /// The id of its counterpart as the bridge once wrote it on the record: HubSpot's `wix_contact_id`, Wix's extended field.
    /// A hint: a person can copy it to another record.
    pub counterpart: Option<RecordId>,
    /// The filled fields.
    pub fields: Fields,
    /// The vendor's own form of the record, for its adapter alone: what a write needs to keep (tags, item ids) and the bridge does not map.
    pub native: serde_json::Value,
}

impl Contact {
    /// Returns the value of a field.
    #[must_use]
    pub fn get(&self, field: &Field) -> Option<&Value> {
        self.fields.get(field)
    }
}

/// Shows ids only: contact data never reaches a log.
impl fmt::Debug for Contact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Contact").field("id", &self.id).field("revision", &self.revision).finish_non_exhaustive()
    }
}

/// What a read of one id by its side finds.
#[derive(Clone, Debug)]
pub enum Found {
    /// The record, under the id asked for.
    Present(Contact),
    /// The id was merged away; this is the record it went into.
    Merged(Contact),
    /// No such record, or it is deleted.
    Absent,
}

/// What a contact is looked up by when there is no link.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum MatchKey {
    /// An e-mail address, compared case-insensitively.
    Email(String),
    /// A phone number, E.164 where it can be parsed.
    Phone(String),
}

/// Hides the value.
impl fmt::Debug for MatchKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Email(_) => "Email(..)",
            Self::Phone(_) => "Phone(..)",
        })
    }
}
