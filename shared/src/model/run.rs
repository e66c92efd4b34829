//! Scheduled runs of a site: who runs them, how far they have come, what did not go through.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    field::Field,
    ids::{RecordId, Side, SiteId},
};

/// A kind of scheduled run. Each site has at most one runner of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunKind {
    /// New contacts go to the CRM.
    Export,
    /// Both sides are read completely and compared.
    Audit,
    /// E-mail subscribers go to the mailing service, and opt-outs both ways.
    Subscribers,
    /// Both sides are read completely and matched, and nothing is written: what aligning them would do. Only when somebody asks.
    Preview,
}

impl RunKind {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Export, Self::Audit, Self::Subscribers, Self::Preview];

    /// Returns the short name used in keys and logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Export => "export",
            Self::Audit => "audit",
            Self::Subscribers => "subscribers",
            Self::Preview => "preview",
        }
    }

    /// Finds the kind of a short name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// The right to be the one runner, for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Who has it: a random text.
    pub owner: String,
    /// Until when; after that anybody may take it.
    pub until: Timestamp,
}

/// A run as it is stored.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Run {
    /// Who runs it, if anybody does.
    pub lease: Option<Lease>,
    /// When the timer is to look at it; never by itself without.
    pub due: Option<Timestamp>,
    /// What a person asked of it.
    pub orders: Orders,
    /// How far it has come.
    pub progress: Progress,
}

impl Run {
    /// Tells whether nothing is to be done but to wait for the interval to end.
    #[must_use]
    pub fn rests(&self) -> bool {
        self.lease.is_none() && self.progress.trouble.is_none() && self.due == self.progress.next
    }
}

/// What people asked of a run. Kept apart from its progress, so that neither overwrites the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Orders {
    /// It is to stop within seconds and not to go on by itself.
    pub paused: bool,
    /// When somebody last asked for it to begin at once.
    pub asked_at: Option<Timestamp>,
}

/// How far a run has come, for itself and for people.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Progress {
    /// When it next begins by itself.
    pub next: Option<Timestamp>,
    /// What keeps it from going on.
    pub trouble: Option<Trouble>,
    /// The run's own notes; each kind has its own form.
    pub checkpoint: serde_json::Value,
}

/// What keeps a run from going on. It is tried again by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// What it is.
    pub reason: Reason,
    /// Which side it is about, if it is about one.
    pub side: Option<Side>,
    /// Which fields it is about, if it is about some.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<Field>,
    /// Since when.
    pub since: Timestamp,
    /// How often it was met without progress in between.
    pub times: u32,
    /// When the run is tried again.
    pub until: Timestamp,
}

/// What keeps a run from going on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The vendor's budget is used up.
    Throttled,
    /// The credentials are refused, or lack a scope.
    AccessDenied,
    /// The secret with the credentials cannot be used.
    NoCredentials,
    /// The vendor, or the store, does not answer as it should.
    Unavailable,
    /// The listing says that there is more than it shows.
    CutShort,
    /// Mapped fields do not exist any more.
    MissingFields,
    /// A call is refused for good.
    Refused,
}

/// A row that did not go through. Holds no value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedRow {
    /// The Wix contact.
    pub id: RecordId,
    /// Why, by the short name of the error's kind.
    pub reason: String,
    /// How often it was tried.
    pub attempts: u32,
    /// Since when it fails.
    pub since: Timestamp,
    /// When it is tried again.
    pub again_at: Timestamp,
}

/// A run that the timer is to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// The site.
    pub site: SiteId,
    /// What is to run.
    pub kind: RunKind,
    /// Since when.
    pub at: Timestamp,
}
