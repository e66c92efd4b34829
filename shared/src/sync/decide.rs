//! The presence table: what to do with a pair, before any field is looked at.

use crate::model::{contact::Found, site::OnDelete};

/// How a linked record stands against its anchor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// There, and as agreed.
    Unchanged,
    /// There, and different from what was agreed.
    Changed,
    /// Positively absent: a read by id, or a delete event confirmed by one.
    Absent,
    /// Its id leads to another record by now.
    Merged,
}

impl Presence {
    /// Judges what a read by id found; `changed` says whether a mapped row differs from the base.
    #[must_use]
    pub const fn of(found: &Found, changed: bool) -> Self {
        match found {
            Found::Present(_) if changed => Self::Changed,
            Found::Present(_) => Self::Unchanged,
            Found::Merged(_) => Self::Merged,
            Found::Absent => Self::Absent,
        }
    }
}

/// What to do with a linked pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing changed.
    Nothing,
    /// Merge per field.
    Merge,
    /// The other side's id leads elsewhere: move the link first.
    Repoint,
    /// This side's record is gone: delete the counterpart, if the rails allow.
    DeleteOther,
    /// This side's record is gone: end the link, leave the counterpart.
    Unlink,
    /// Both are gone.
    Bury,
    /// Gone here, changed there: nothing is deleted and nothing created, a person decides.
    Hold,
}

/// Decides for a linked pair from where each side stands: `this` is the side the event came from.
#[must_use]
pub const fn step(this: Presence, other: Presence, on_delete: OnDelete) -> Step {
    use Presence::{Absent, Changed, Merged, Unchanged};
    match (this, other) {
        (Unchanged, Unchanged) => Step::Nothing,
        (Changed | Unchanged, Changed) | (Changed, Unchanged) => Step::Merge,
        (Merged, _) | (_, Merged) => Step::Repoint,
        (Absent, Absent) => Step::Bury,
        (Absent, Changed) | (Changed, Absent) => Step::Hold,
        (Absent, Unchanged) | (Unchanged, Absent) => match on_delete {
            OnDelete::Propagate => Step::DeleteOther,
            OnDelete::Unlink => Step::Unlink,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::{Presence::*, *};

    #[test]
    fn an_edit_holds_back_a_deletion() {
        for on_delete in [OnDelete::Propagate, OnDelete::Unlink] {
            assert_eq!(step(Absent, Changed, on_delete), Step::Hold);
            assert_eq!(step(Changed, Absent, on_delete), Step::Hold);
        }
    }

    #[test]
    fn the_table_is_the_same_from_either_side() {
        for this in [Unchanged, Changed, Absent, Merged] {
            for other in [Unchanged, Changed, Absent, Merged] {
                for on_delete in [OnDelete::Propagate, OnDelete::Unlink] {
                    assert_eq!(step(this, other, on_delete), step(other, this, on_delete), "{this:?} {other:?}");
                }
            }
        }
    }

    #[test]
    fn a_deletion_follows_the_policy() {
        assert_eq!(step(Absent, Unchanged, OnDelete::Propagate), Step::DeleteOther);
        assert_eq!(step(Absent, Unchanged, OnDelete::Unlink), Step::Unlink);
        assert_eq!(step(Absent, Absent, OnDelete::Unlink), Step::Bury);
    }
}
