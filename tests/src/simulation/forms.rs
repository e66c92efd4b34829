//! External forms under everything that can go wrong: senders that deliver again, several workers, throttling, failures, lost replies, an index
//! that lags, people who edit, merge, delete and unsubscribe meanwhile, and workers that crash at any await point. A checker that knows
//! every submission and every act of a person watches each write and looks at every contact at the end.

pub mod chaos;
pub mod check;
pub mod history;
pub mod people;
pub mod ports;
pub mod posts;
pub mod store;
pub mod witness;
pub mod wix;
mod workers;
pub mod world;

use clap::ValueEnum;

/// A bug that can be planted, to see that the checker finds it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Plant {
    /// None: the shipped code.
    #[default]
    None,
    /// Claims are not heeded: whoever gets a submission deals with it.
    NoClaims,
    /// A claim is anybody's at once.
    ClaimsExpireAtOnce,
    /// Whoever wants to make a contact may.
    NoReservations,
    /// Whoever unsubscribed looks as if they had never been heard of.
    IgnoresOptOuts,
    /// A filled value is overridden although the form keeps it.
    OverridesFilled,
    /// Nobody looks whether a contact has changed since the form was submitted.
    OverridesNewer,
    /// A job that failed is not delivered again.
    AcknowledgesFailures,
    /// The proof of a consent is not stored.
    NoProof,
}

#[cfg(test)]
mod tests {
    use super::{history::run, *};
    use crate::simulation::plants::all;

    #[test]
    fn every_submission_takes_effect_once() {
        for seed in 0..300 {
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
            let found = (0..400).any(|seed| !run(seed, plant).violations.is_empty());
            assert!(found, "{plant:?} is not found");
        }
    }
}
