//! What a ticked box may do to an address's subscription.
//!
//! The bridge raises nobody's status by itself: here the person did, and there is proof of it. Even so, whoever opted out stays out, unless
//! the form's owner lets the form bring people back and the box was ticked after the opt-out, however far apart the clocks are that tell it.

use jiff::Timestamp;

use super::SKEW;
use crate::model::{
    submission::Subscribed,
    subscription::{Subscription, SubscriptionStatus},
};

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consent {
    /// Subscribe the address.
    Subscribe,
    /// Leave it as it is.
    Leave(Subscribed),
}

/// Decides what a box that was ticked at an instant does. `resubscribe`: the form may bring back who opted out before.
#[must_use]
pub fn decide(known: &Subscription, ticked_at: Timestamp, resubscribe: bool) -> Consent {
    let is_newer = known.updated_at.is_some_and(|updated| updated + SKEW < ticked_at);
    match known.status {
        SubscriptionStatus::Subscribed => Consent::Leave(Subscribed::Already),
        // The site asks people to confirm: a box is not that confirmation.
        SubscriptionStatus::Pending => Consent::Leave(Subscribed::Pending),
        SubscriptionStatus::NotSet if !known.complained => Consent::Subscribe,
        SubscriptionStatus::NotSet | SubscriptionStatus::Unsubscribed if resubscribe && is_newer => Consent::Subscribe,
        SubscriptionStatus::NotSet | SubscriptionStatus::Unsubscribed | SubscriptionStatus::Unclear => Consent::Leave(Subscribed::OptedOut),
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    const TICKED: Timestamp = Timestamp::UNIX_EPOCH;

    #[test]
    fn nobody_is_subscribed_against_a_later_decision() {
        use SubscriptionStatus::{NotSet, Pending, Subscribed as On, Unclear, Unsubscribed};
        const IN: Consent = Consent::Subscribe;
        let out = Consent::Leave(Subscribed::OptedOut);
        // The status, a complaint, seconds from the last change to the tick, whether the form may bring people back.
        for (status, complained, seconds, resubscribe, expected) in [
            (NotSet, false, None, false, IN),
            (NotSet, false, Some(-9), false, IN),
            (NotSet, true, Some(121), false, out),
            (NotSet, true, Some(121), true, IN),
            (Unsubscribed, false, Some(121), false, out),
            (Unsubscribed, false, Some(121), true, IN),
            (Unsubscribed, false, Some(120), true, out),
            (Unsubscribed, false, Some(0), true, out),
            (Unsubscribed, false, Some(-9), true, out),
            (Unclear, false, Some(999), true, out),
            (Unsubscribed, false, None, true, out),
            (On, false, Some(9), true, Consent::Leave(Subscribed::Already)),
            (Pending, false, Some(9), true, Consent::Leave(Subscribed::Pending)),
        ] {
            let updated_at = seconds.map(|seconds| TICKED - SignedDuration::from_secs(seconds));
            let known = Subscription { status, complained, updated_at, ..Subscription::default() };
            assert_eq!(decide(&known, TICKED, resubscribe), expected, "{known:?} {resubscribe}");
        }
    }
}
