//! The relay of messages under everything that can go wrong: repeated, late and reordered deliveries, throttling, failures, lost replies,
//! listings that lag, contacts that are merged meanwhile, and workers that crash at any await point. A checker that knows what was sent
//! looks into every conversation at the end.

pub mod check;
pub mod history;
pub mod ports;
pub mod world;

use clap::ValueEnum;

/// A bug that can be planted, to see that the checker finds it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Plant {
    /// None: the shipped code.
    #[default]
    None,
    /// Claims are not kept: whoever gets a message posts it.
    NoClaims,
    /// A claim is anybody's at once.
    ClaimsExpireAtOnce,
    /// The conversation is not looked at before a message in doubt is posted.
    NoLook,
    /// Whatever says the same is taken for the message in doubt, whosever it is.
    OwnsAnything,
    /// Nobody waits for an earlier message.
    NoLines,
    /// A message that failed is not delivered again.
    AcknowledgesFailures,
}

#[cfg(test)]
mod tests {
    use super::{history::run, *};
    use crate::simulation::plants::all;

    #[test]
    fn every_message_appears_once_and_in_order() {
        for seed in 0..400 {
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
