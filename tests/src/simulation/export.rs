//! Scheduled exports and full comparisons under everything that can go wrong: contacts that come in groups, change and go while pages are read,
//! listings that lag, clocks that differ, runners that die, live on or meet, rows and batches that are refused, answers that are lost, and an owner who
//! pauses, asks, saves and takes the app away. Contact sync works beside the runs, with few webhooks or none. A checker that sees both sides whole
//! judges each site at rest.

pub mod check;
pub mod draw;
pub mod habits;
pub mod history;
pub mod index;
pub mod listing;
pub mod people;
pub mod shop;
pub mod site;
pub mod stage;
pub mod store;
pub mod upload;
pub mod vendor;
pub mod witness;

use clap::ValueEnum;

/// A bug that can be planted, to see that the checker finds it.
///
/// That contacts are made without a reservation changes nothing that could be seen: the CRM has one record of a key and of an address, and who links
/// second is handed over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Plant {
    /// None: the shipped code.
    #[default]
    None,
    /// The watermark is our clock's now.
    WatermarkIsNow,
    /// A pass looks back no further than the watermark.
    LooksBackNowhere,
    /// A page counts as done as soon as it is read.
    EntersBeforeTheRows,
    /// A page begins behind the instant of the last contact of the page before.
    CutsGroups,
    /// What a batch's answer says of rows that did not land is not heard.
    ForgetsRefusedRows,
    /// Rows that failed are not noted.
    ForgetsFailedRows,
    /// Whoever wants to run a site may.
    NoLeases,
    /// How far a run has come is not stored.
    KeepsNoCheckpoint,
    /// A run that is paused goes on.
    HeedsNoPause,
    /// An upload does not look for a record that names the contact, or has its address.
    UploadsTwice,
    /// What is for contact sync is not published.
    HandsNothingOver,
    /// Nobody compares both sides when the app comes back.
    ComparesNobodyAfterwards,
}

impl Plant {
    /// Returns the invariant that the bug breaks.
    #[must_use]
    pub const fn breaks(self) -> &'static str {
        match self {
            Self::None => "",
            Self::WatermarkIsNow
            | Self::LooksBackNowhere
            | Self::EntersBeforeTheRows
            | Self::CutsGroups
            | Self::ForgetsFailedRows
            | Self::ComparesNobodyAfterwards => "I11",
            Self::ForgetsRefusedRows | Self::HandsNothingOver => "I14",
            Self::NoLeases => "I13",
            Self::KeepsNoCheckpoint | Self::HeedsNoPause => "I12",
            Self::UploadsTwice => "I7",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{history::run, *};
    use crate::simulation::{backend::Backend, plants::all};

    #[test]
    fn whatever_is_created_or_changed_is_handed_over() {
        for seed in 0..16 {
            let violations = run(seed, Plant::None, &Backend::memory).violations;
            assert!(violations.is_empty(), "seed {seed}: {violations:#?}");
        }
    }

    #[test]
    fn a_seed_is_a_history() {
        assert_eq!(run(7, Plant::None, &Backend::memory).traces, run(7, Plant::None, &Backend::memory).traces);
        assert_ne!(run(7, Plant::None, &Backend::memory).traces, run(8, Plant::None, &Backend::memory).traces);
    }

    #[test]
    fn every_planted_bug_is_found() {
        for plant in all::<Plant>() {
            let finds = |seed: &u64| run(*seed, plant, &Backend::memory).violations.iter().any(|told| told.contains(plant.breaks()));
            let Some(seed) = (0..100).find(finds) else { panic!("{plant:?} is not found") };
            assert_eq!(run(seed, Plant::None, &Backend::memory).violations, Vec::<String>::new(), "seed {seed} finds more than {plant:?}");
        }
    }
}
