//! What an onlooker of the runs knows: who has the right to run, what was listed, made and refused.

use std::collections::BTreeMap;

use contact_bridge::{
    model::{
        ids::RecordId,
        run::{Lease, RunKind},
    },
    sync::export::{Checkpoint, Summary},
};
use jiff::Timestamp;

use super::stage::Stage;
use crate::simulation::world::lock;

/// What was seen so far.
#[derive(Debug, Default)]
pub struct Witness {
    /// Who runs the site, and until when.
    runner: Option<Lease>,
    /// Runners that were told to stop, and how many pages they listed since.
    stopped: BTreeMap<String, u32>,
    /// Pairs that runs made.
    pub linked: u64,
    /// When the last pass that ended began, and how many pairs were in the accounts of those before.
    passes: (Option<Timestamp>, u64),
    /// The account of the last pass that ended.
    last: u64,
    /// How often each contact was refused for good.
    pub refused: BTreeMap<RecordId, u32>,
}

impl Witness {
    /// Returns how many pairs are in the accounts of all passes.
    #[must_use]
    pub const fn counted(&self) -> u64 {
        self.passes.1 + self.last
    }

    fn saw_pass(&mut self, last: &Summary) {
        if self.passes.0 != Some(last.began) {
            self.passes = (Some(last.began), self.passes.1 + self.last);
        }
        self.last = last.tally.created;
    }
}

/// Reads the notes of an export.
#[must_use]
pub fn checkpoint(kind: RunKind, notes: &serde_json::Value) -> Option<Checkpoint> {
    let is_own = kind == RunKind::Export && !notes.is_null();
    is_own.then(|| serde_json::from_value(notes.clone()).ok()).flatten()
}

impl Stage {
    /// A runner got the right to run. There is one at a time: the site's budgets are its alone.
    pub fn saw_lease(&self, lease: &Lease, now: i64) {
        let held = self.books().witness.runner.replace(lease.clone());
        if let Some(held) = held.filter(|held| held.until.as_millisecond() > now && held.owner != lease.owner) {
            self.violation("I13", format!("{} runs while {} may", lease.owner, held.owner));
        }
    }

    /// A runner stored how far it has come, or that it is over; without the right to run it must be refused.
    pub fn saw_keep(&self, owner: &str, goes_on: bool) {
        let is_own = {
            let mut books = self.books();
            let is_own = books.witness.runner.as_ref().is_some_and(|lease| lease.owner == owner);
            if !goes_on && is_own {
                books.witness.runner = None;
            }
            is_own
        };
        if !is_own {
            self.violation("I13", format!("{owner} stores how far it has come, and is not the runner"));
        }
    }

    /// A runner was told to stop.
    pub fn saw_stop(&self, owner: &str) {
        self.books().witness.stopped.entry(owner.to_owned()).or_default();
    }

    /// I12: a page was listed. One may be on its way when a run is told to stop; it begins no other.
    pub fn saw_page(&self) {
        let mut books = self.books();
        let witness = &mut books.witness;
        let runner = witness.runner.as_ref().map(|lease| lease.owner.clone());
        let pages = runner.and_then(|owner| witness.stopped.get_mut(&owner)).map_or(0, |pages| {
            *pages += 1;
            *pages
        });
        drop(books);
        if pages > 1 {
            self.violation("I12", "a run goes on that was told to stop");
        }
    }

    /// I14: how far an export has come was stored: its every row is accounted for.
    pub fn saw_checkpoint(&self, kind: RunKind, notes: &serde_json::Value) {
        let Some(checkpoint) = checkpoint(kind, notes) else { return };
        checkpoint.last.iter().for_each(|last| self.books().witness.saw_pass(last));
        let tallies = checkpoint.pass.iter().map(|pass| pass.tally).chain(checkpoint.last.iter().map(|last| last.tally));
        for tally in tallies.filter(|tally| tally.read != tally.accounted()) {
            self.violation("I14", format!("{} rows were read, {} are accounted for: {tally:?}", tally.read, tally.accounted()));
        }
    }

    /// Notes a violation.
    pub fn violation(&self, invariant: &str, what: impl AsRef<str>) {
        lock(&self.world).violation(invariant, what);
    }
}
