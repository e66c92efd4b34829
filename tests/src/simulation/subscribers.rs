//! The sync of e-mail subscribers under everything that can go wrong: people opt out and in on either side at any moment, share addresses, change them and
//! go; listings lag; runs and events meet, die and lose replies; the table is lost. A checker that sees both sides whole judges each address at rest.

pub mod check;
pub mod history;
pub mod people;
pub mod ports;
pub mod world;

use clap::ValueEnum;

/// A bug that can be planted, to see that the checker finds it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Plant {
    /// None: the shipped code.
    #[default]
    None,
    /// What a listing showed counts as consent.
    SendsWhatIsListed,
    /// An address is added without a word of it in the table.
    AddsUnannounced,
    /// Opt-outs that were carried over are not remembered.
    ForgetsOptOuts,
    /// Who is on the list already is added as subscribed.
    RaisesStatus,
    /// The mailing service is not told of opt-outs.
    TellsNoService,
    /// Wix is not told of opt-outs.
    TellsNoWix,
    /// What was sent is not remembered.
    ForgetsWhatWasSent,
}

impl Plant {
    /// Returns the invariant that the bug breaks.
    #[must_use]
    pub const fn breaks(self) -> &'static str {
        match self {
            Self::None => "",
            Self::ForgetsWhatWasSent | Self::ForgetsOptOuts => "I3",
            Self::SendsWhatIsListed | Self::AddsUnannounced | Self::RaisesStatus | Self::TellsNoService | Self::TellsNoWix => "I10",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{history::run, *};
    use crate::simulation::plants::all;

    #[test]
    fn nobody_is_sent_who_opted_out_and_everybody_who_is_subscribed() {
        for seed in 0..150 {
            let violations = run(seed, Plant::None).violations;
            assert!(violations.is_empty(), "seed {seed}: {violations:#?}");
        }
    }

    #[test]
    fn a_seed_is_a_history() {
        assert_eq!(run(7, Plant::None).traces, run(7, Plant::None).traces);
        assert_ne!(run(7, Plant::None).traces, run(8, Plant::None).traces);
    }

    #[test]
    fn every_planted_bug_is_found() {
        for plant in all::<Plant>() {
            let finds = |seed: &u64| run(*seed, plant).violations.iter().any(|told| told.contains(plant.breaks()));
            let Some(seed) = (0..1_500).find(finds) else { panic!("{plant:?} is not found") };
            assert_eq!(run(seed, Plant::None).violations, Vec::<String>::new(), "seed {seed} finds more than {plant:?}");
        }
    }
}
