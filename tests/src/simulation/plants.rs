//! Bugs that can be planted to see that the checker finds them. Each takes one obligation away that the flows rely on.
//!
//! That a create looks for an earlier half-made one is not among them: on a CRM that makes a record of one key once, beside a Wix that refuses a second
//! one with an address, nothing shows it. A CRM that makes twice does; the contract suite for CRMs has one (`tests/it/crms`).

use clap::ValueEnum;

/// A planted bug.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Plant {
    /// None: the shipped code.
    #[default]
    None,
    /// The intent is not stored before the write.
    NoIntent,
    /// The base is what was sent, not what was returned.
    BaseIsWhatWasSent,
    /// The reservation is get-or-create, not exclusive, and creates do not collide on a key of ours.
    CreateIsNotIdempotent,
    /// Links are stored unconditionally.
    SavesUnconditionally,
    /// Wix is written without a revision.
    WritesWithoutRevision,
    /// Tombstones are not kept.
    NoTombstones,
    /// The id of a merged record reads as deleted.
    MergeReadsAsDelete,
    /// A failed read counts as absence.
    FailureReadsAsAbsence,
    /// Overwritten edits are not looked for in the history.
    NoHistory,
    /// The history takes what people typed after a write of ours for ours.
    HistoryTakesAllForOurs,
    /// An event encloses the latest version of a record under the number of an older one.
    EnclosesTheLatest,
    /// A field that has the value to be written passes for proof that an unanswered write was carried out.
    CoincidenceIsProof,
    /// A version that has nothing to carry over is not noted.
    VersionsAreNotNoted,
    /// The rails let every delete pass.
    NoRails,
    /// An event that failed is not delivered again.
    AcknowledgesFailures,
}

/// All bugs that can be planted in a kind of histories.
#[must_use]
pub fn all<P: ValueEnum + Copy + Default + PartialEq>() -> Vec<P> {
    P::value_variants().iter().copied().filter(|plant| *plant != P::default()).collect()
}
