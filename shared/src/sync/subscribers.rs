//! What becomes of an e-mail address that Wix and the mailing service both know, and how far a run over all of them has come.
//!
//! An opt-out on one side is carried to the other once. If its owner opts in again on one side afterwards, neither side is turned once more: the
//! bridge raises nobody's status, and takes nobody off for an old reason.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{export::less, scan::Cursor};
use crate::model::{
    fingerprint::{Digest, Key},
    normal,
    subscriber::{Address, Entry, KeptBack, Lowered, MemberStatus, Remembered},
    subscription::{Subscription, SubscriptionStatus},
};

/// What an opt-out on one side does to the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carry {
    /// The mailing service is told.
    ToService,
    /// Wix is told.
    ToWix(Lowered),
    /// Both sides know; it is remembered.
    Known,
    /// Nothing.
    Nothing,
}

/// Decides what an opt-out does; `member` is how the address stands in the mailing service, if it is on the list or ever was.
#[must_use]
pub fn carry(wix: &Subscription, member: Option<MemberStatus>, known: &Remembered) -> Carry {
    let gets_mails = matches!(member, Some(MemberStatus::Subscribed | MemberStatus::Pending));
    if is_out(wix) {
        return match known.out_in_wix {
            Some(told) if wix.updated_at.is_none_or(|out| out <= told) => Carry::Nothing,
            _ if gets_mails => Carry::ToService,
            _ => Carry::Known,
        };
    }
    let is_ours = known.sent.is_some();
    let may_get_mails = match wix.status {
        SubscriptionStatus::Subscribed | SubscriptionStatus::Pending => true,
        SubscriptionStatus::NotSet => is_ours,
        SubscriptionStatus::Unsubscribed | SubscriptionStatus::Unclear => false,
    };
    match member {
        _ if known.out_in_service.is_some() || !may_get_mails => Carry::Nothing,
        Some(MemberStatus::Unsubscribed) => Carry::ToWix(Lowered::Unsubscribed),
        Some(MemberStatus::Bounced) if !wix.bounced && known.bounced_in_service.is_none() => Carry::ToWix(Lowered::Bounced),
        Some(MemberStatus::Bounced | MemberStatus::Subscribed | MemberStatus::Pending | MemberStatus::Archived | MemberStatus::Other)
        | None => Carry::Nothing,
    }
}

/// Returns what is remembered once that is carried over, or once nobody is out any more; `wix` is what Wix knows by then.
///
/// Whoever is out on both sides is so on each by the same opt-out: an opt-in on one of them alone turns neither.
#[must_use]
pub fn carried(carry: Carry, wix: &Subscription, member: Option<MemberStatus>, known: &Remembered, now: Timestamp) -> Remembered {
    let mut after = known.clone();
    let gets_mails = matches!(member, Some(MemberStatus::Subscribed | MemberStatus::Pending));
    if gets_mails {
        after.out_in_service = None;
        after.bounced_in_service = None;
        after.kept_back = after.kept_back.filter(|why| matches!(why, KeptBack::Invalid(_)));
    }
    if member == Some(MemberStatus::Archived) {
        after.kept_back = Some(KeptBack::Archived);
    }
    match carry {
        Carry::ToService | Carry::ToWix(Lowered::Unsubscribed) => after.out_in_service = Some(now),
        Carry::ToWix(Lowered::Bounced) => after.bounced_in_service = Some(now),
        Carry::Known if member == Some(MemberStatus::Unsubscribed) => after.out_in_service = Some(now),
        Carry::Known | Carry::Nothing => {}
    }
    if !is_out(wix) {
        after.out_in_wix = None;
    } else if carry != Carry::Nothing {
        after.out_in_wix = Some(wix.updated_at.unwrap_or(now));
    }
    after
}

/// Tells whether the address is not to get mails, by what Wix knows.
#[must_use]
pub fn is_out(wix: &Subscription) -> bool {
    wix.status == SubscriptionStatus::Unsubscribed || wix.complained
}

/// Tells whether the address may be sent, by what Wix knows.
#[must_use]
pub fn is_in(wix: &Subscription) -> bool {
    wix.status == SubscriptionStatus::Subscribed && !wix.complained && !wix.bounced
}

/// What is to be sent of a subscribed address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Send {
    /// Nothing: it was sent like this.
    Unchanged,
    /// Nothing: the mailing service does not take it, or it opted out there.
    KeptBack,
    /// Nothing: it was never sent, and is not to be.
    Nothing,
    /// It is added to the list.
    Add,
    /// What the list has of it is changed.
    Change,
}

/// Decides what is sent of a subscribed address; `belongs`: its contact is one of those who are sent.
#[must_use]
pub fn send(known: &Remembered, digest: Digest, belongs: bool) -> Send {
    match (&known.kept_back, known.sent) {
        _ if known.is_off_in_service() => Send::KeptBack,
        (Some(KeptBack::Refused | KeptBack::Archived), _) => Send::KeptBack,
        (Some(KeptBack::Invalid(refused)), _) if *refused == digest => Send::KeptBack,
        (_, Some(sent)) if sent == digest => Send::Unchanged,
        (_, Some(_)) => Send::Change,
        (_, None) if belongs => Send::Add,
        (_, None) => Send::Nothing,
    }
}

/// The keyed digest an address is remembered by: what is known of it on one list says nothing of another.
#[must_use]
pub fn place(key: &Key, list: &str, address: &Address) -> Digest {
    key.digest("subscriber", &format!("{list}\u{1f}{}", normal::email(address.as_str())))
}

/// The keyed digest of what is sent of an address.
#[must_use]
pub fn digest(key: &Key, entry: &Entry) -> Digest {
    let fields = entry.fields.0.iter().map(|(name, value)| format!("{name}={value}\u{1f}"));
    let tags = entry.tags.iter().map(|(name, on)| format!("{name}:{on}\u{1f}"));
    key.digest("sent", &fields.chain(tags).collect::<String>())
}

/// How far the run of a site's subscribers has come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Checkpoint {
    /// The list that all of this is about.
    pub list: Option<String>,
    /// Whatever changed in Wix before is seen to.
    pub wix: Option<Timestamp>,
    /// Whatever changed in the mailing service before is seen to.
    pub service: Option<Timestamp>,
    /// When the last complete pass began.
    pub full: Option<Timestamp>,
    /// The pass under way.
    pub pass: Option<Pass>,
    /// The account of the last pass that ended.
    pub last: Option<Summary>,
}

/// One pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pass {
    /// When it began.
    pub began: Timestamp,
    /// Whether it looks at everybody, and not only at what changed.
    pub full: bool,
    /// When it began by Wix's clock.
    pub wix: Option<Timestamp>,
    /// When it began by the mailing service's clock.
    pub service: Option<Timestamp>,
    /// What it looks at now, and where it goes on.
    pub leg: Leg,
    /// The account so far.
    pub tally: Tally,
}

/// What a pass looks at, in this order: opt-outs first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Leg {
    /// The list's members, so many of them already.
    Members(usize),
    /// Those that its owner took off the list.
    Archived(usize),
    /// Contacts that opted out in Wix.
    OptedOut(Cursor),
    /// Contacts that are subscribed in Wix.
    Subscribed(Cursor),
}

/// A pass that ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// When it began.
    pub began: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// Whether it looked at everybody.
    pub full: bool,
    /// Its account.
    pub tally: Tally,
}

/// What a pass looked at and what it did. Contacts that were read are each counted once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tally {
    /// Members looked at.
    pub members: u64,
    /// Opt-outs the mailing service was told of.
    pub opted_out_there: u64,
    /// Opt-outs, and addresses that mails do not reach, Wix was told of.
    pub opted_out_here: u64,
    /// Contacts read that Wix listed as subscribed.
    pub read: u64,
    /// Added to the list.
    pub added: u64,
    /// Changed in the list.
    pub changed: u64,
    /// As sent before.
    pub unchanged: u64,
    /// Not sent: no address of theirs is subscribed by now, or another contact has it, or they are none of those who are sent.
    pub left_out: u64,
    /// Not sent: opted out in the mailing service, or not taken by it.
    pub kept_back: u64,
    /// Refused now.
    pub refused: u64,
}

impl Tally {
    /// Adds another account.
    pub const fn add(&mut self, other: &Self) {
        self.members += other.members;
        self.opted_out_there += other.opted_out_there;
        self.opted_out_here += other.opted_out_here;
        self.read += other.read;
        self.added += other.added;
        self.changed += other.changed;
        self.unchanged += other.unchanged;
        self.left_out += other.left_out;
        self.kept_back += other.kept_back;
        self.refused += other.refused;
    }

    /// Returns how many contacts are accounted for; all that were read, once a page is done.
    #[must_use]
    pub const fn accounted(&self) -> u64 {
        self.added + self.changed + self.unchanged + self.left_out + self.kept_back + self.refused
    }
}

/// A page of a pass that is done.
#[derive(Clone, Debug, Default)]
pub struct Done {
    /// Where the leg goes on; nothing if it is over.
    pub next: Option<Leg>,
    /// When it was listed, by its side's clock.
    pub as_of: Option<Timestamp>,
    /// The account of the page.
    pub tally: Tally,
}

impl Checkpoint {
    /// Begins anew where the settings name another list by now.
    #[must_use]
    pub fn of_list(self, list: &str) -> Self {
        if self.list.as_deref() == Some(list) { self } else { Self { list: Some(list.to_owned()), ..Self::default() } }
    }

    /// Begins a pass, unless one is under way; a complete one where none was yet, or one is due.
    pub fn begin(&mut self, now: Timestamp, full_interval: Duration) {
        let full = self.wix.is_none()
            || self.service.is_none()
            || self.full.is_none_or(|began| began.saturating_add(full_interval).is_ok_and(|due| due <= now));
        self.pass.get_or_insert(Pass { began: now, full, wix: None, service: None, leg: Leg::Members(0), tally: Tally::default() });
    }

    /// Enters a page that is done; `overlap` is how far the next pass looks back.
    pub fn enter(&mut self, done: Done, overlap: Duration, now: Timestamp) {
        let Some(mut pass) = self.pass.take() else { return };
        pass.tally.add(&done.tally);
        let as_of = match pass.leg {
            Leg::Members(_) | Leg::Archived(_) => &mut pass.service,
            Leg::OptedOut(_) | Leg::Subscribed(_) => &mut pass.wix,
        };
        *as_of = as_of.or(done.as_of);
        let following = match pass.leg {
            Leg::Members(_) => Some(Leg::Archived(0)),
            // A complete pass has compared every member with Wix.
            Leg::Archived(_) if !pass.full => Some(Leg::OptedOut(Cursor::Start)),
            Leg::Archived(_) | Leg::OptedOut(_) => Some(Leg::Subscribed(Cursor::Start)),
            Leg::Subscribed(_) => None,
        };
        match done.next.or(following) {
            Some(leg) => self.pass = Some(Pass { leg, ..pass }),
            None => self.end(&pass, overlap, now),
        }
    }

    fn end(&mut self, pass: &Pass, overlap: Duration, now: Timestamp) {
        // A complete pass meets Wix first where it compares the members.
        let wix = pass.wix.map(|listed| if pass.full { listed.min(pass.began) } else { listed });
        self.wix = self.wix.max(wix.map(|began| less(began, overlap)));
        self.service = self.service.max(pass.service.map(|began| less(began, overlap)));
        if pass.full {
            self.full = Some(pass.began);
        }
        self.last = Some(Summary { began: pass.began, ended: now, full: pass.full, tally: pass.tally });
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::model::subscriber::Values;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn wix(status: SubscriptionStatus, second: i64) -> Subscription {
        Subscription { status, updated_at: Some(at(second)), ..Subscription::default() }
    }

    const OUT: Carry = Carry::ToWix(Lowered::Unsubscribed);

    #[test]
    fn an_opt_out_is_carried_once_and_nobody_is_raised() {
        use MemberStatus::{Archived, Bounced, Other, Pending, Subscribed, Unsubscribed};
        use SubscriptionStatus::{NotSet, Subscribed as In, Unclear, Unsubscribed as Out};
        let new = Remembered::default();
        let sent = Remembered { sent: Some(Key::derive(b"k", &"s".into()).digest("a", "b")), ..Remembered::default() };
        let told = |second| Remembered { out_in_wix: Some(at(second)), ..sent.clone() };
        let told_of_bounce = carried(Carry::ToWix(Lowered::Bounced), &wix(In, 1), Some(Bounced), &sent, at(2));
        let heard = Remembered { out_in_service: Some(at(5)), ..sent.clone() };
        for (wix, member, known, expected) in [
            (wix(In, 1), Some(Subscribed), &sent, Carry::Nothing),
            (wix(In, 1), Some(Unsubscribed), &new, OUT),
            (wix(In, 1), Some(Unsubscribed), &sent, OUT),
            // Both differ at the start, it was carried, and its owner opted in again in Wix.
            (wix(In, 9), Some(Unsubscribed), &heard, Carry::Nothing),
            (wix(In, 1), Some(Bounced), &sent, Carry::ToWix(Lowered::Bounced)),
            (Subscription { bounced: true, ..wix(In, 1) }, Some(Bounced), &sent, Carry::Nothing),
            // Absence, and what the list's owner does, is no opt-out.
            (wix(In, 1), None, &sent, Carry::Nothing),
            (wix(In, 1), Some(Archived), &sent, Carry::Nothing),
            (wix(In, 1), Some(Other), &sent, Carry::Nothing),
            (wix(NotSet, 1), Some(Unsubscribed), &new, Carry::Nothing),
            (wix(NotSet, 1), Some(Unsubscribed), &sent, OUT),
            (wix(NotSet, 1), Some(Subscribed), &new, Carry::Nothing),
            (wix(Out, 5), Some(Subscribed), &new, Carry::ToService),
            (wix(Out, 5), Some(Pending), &sent, Carry::ToService),
            (wix(Out, 5), Some(Unsubscribed), &sent, Carry::Known),
            (wix(Out, 5), None, &new, Carry::Known),
            // Mails did not arrive; then the owner opted out of an older one.
            (wix(In, 1), Some(Bounced), &told_of_bounce, Carry::Nothing),
            (Subscription { bounced: true, ..wix(In, 1) }, Some(Unsubscribed), &told_of_bounce, OUT),
            // What Wix says is not understood.
            (wix(Unclear, 1), Some(Subscribed), &sent, Carry::Nothing),
            (wix(Unclear, 1), Some(Unsubscribed), &sent, Carry::Nothing),
            // Told already, and its owner signed up again in the mailing service.
            (wix(Out, 5), Some(Subscribed), &told(5), Carry::Nothing),
            (wix(Out, 6), Some(Subscribed), &told(5), Carry::ToService),
            (Subscription { complained: true, ..wix(In, 5) }, Some(Subscribed), &sent, Carry::ToService),
        ] {
            assert_eq!(carry(&wix, member, known), expected, "{wix:?} {member:?} {known:?}");
        }
    }

    #[test]
    fn whoever_opts_in_again_on_one_side_turns_neither() {
        use MemberStatus::{Subscribed, Unsubscribed};
        use SubscriptionStatus::{Subscribed as In, Unsubscribed as Out};
        let new = Remembered::default();
        // Out in the mailing service, carried to Wix, in again in Wix; or in again in the mailing service.
        let first = carry(&wix(In, 1), Some(Unsubscribed), &new);
        let after = carried(first, &wix(Out, 7), Some(Unsubscribed), &new, at(7));
        assert_eq!(first, Carry::ToWix(Lowered::Unsubscribed));
        assert_eq!(carry(&wix(In, 9), Some(Unsubscribed), &after), Carry::Nothing);
        assert_eq!(carry(&wix(Out, 7), Some(Subscribed), &after), Carry::Nothing);
        // Who then opts out once more is heard.
        let again = carried(Carry::Nothing, &wix(Out, 7), Some(Subscribed), &after, at(8));
        assert_eq!(carry(&wix(In, 9), Some(Unsubscribed), &again), Carry::ToWix(Lowered::Unsubscribed));
        // The same the other way round, also where what was done could not be remembered.
        for (carried_over, member) in [(Carry::ToService, Some(Subscribed)), (Carry::Known, Some(Unsubscribed))] {
            let after = carried(carried_over, &wix(Out, 5), member, &new, at(7));
            assert_eq!(carry(&wix(In, 9), Some(Unsubscribed), &after), Carry::Nothing);
            assert_eq!(carry(&wix(Out, 5), Some(Subscribed), &after), Carry::Nothing);
            let back = carried(Carry::Nothing, &wix(In, 9), Some(Unsubscribed), &after, at(9));
            assert_eq!(send(&back, Key::derive(b"k", &"s".into()).digest("a", "b"), true), Send::KeptBack);
        }
    }

    #[test]
    fn what_opted_out_or_was_refused_is_not_sent() {
        let key = Key::derive(b"k", &"s".into());
        let entry = |name: &str| Entry {
            address: Address::new("a@b.example"),
            fields: Values(BTreeMap::from([("FNAME".to_owned(), name.to_owned())])),
            tags: BTreeMap::new(),
        };
        let (old, new) = (digest(&key, &entry("Ada")), digest(&key, &entry("Eva")));
        let known = |sent, kept_back| Remembered { sent, kept_back, ..Remembered::default() };
        for (known, belongs, expected) in [
            (known(None, None), true, Send::Add),
            (known(None, None), false, Send::Nothing),
            (known(Some(old), None), true, Send::Change),
            (known(Some(new), None), true, Send::Unchanged),
            (known(Some(old), Some(KeptBack::Archived)), true, Send::KeptBack),
            (known(None, Some(KeptBack::Refused)), true, Send::KeptBack),
            (known(None, Some(KeptBack::Invalid(new))), true, Send::KeptBack),
            (known(None, Some(KeptBack::Invalid(old))), true, Send::Add),
            (Remembered { out_in_service: Some(at(1)), ..known(Some(old), None) }, true, Send::KeptBack),
        ] {
            assert_eq!(send(&known, new, belongs), expected, "{known:?}");
        }
    }

    #[test]
    fn the_legs_follow_each_other_and_opt_outs_come_first() {
        let mut checkpoint = Checkpoint::default();
        let (day, overlap) = (Duration::from_hours(24), Duration::from_mins(5));
        let mut legs = |now: i64| {
            checkpoint.begin(at(now), day);
            let mut seen = Vec::new();
            while let Some(pass) = &checkpoint.pass {
                seen.push(pass.leg.clone());
                checkpoint.enter(Done { as_of: Some(at(now)), ..Done::default() }, overlap, at(now));
            }
            (seen, checkpoint.clone())
        };
        let (full, after) = legs(100_000);
        assert_eq!(full, [Leg::Members(0), Leg::Archived(0), Leg::Subscribed(Cursor::Start)]);
        assert_eq!((after.wix, after.service, after.full), (Some(at(99_700)), Some(at(99_700)), Some(at(100_000))));
        let (changes, after) = legs(100_900);
        assert_eq!(changes, [Leg::Members(0), Leg::Archived(0), Leg::OptedOut(Cursor::Start), Leg::Subscribed(Cursor::Start)]);
        assert_eq!((after.wix, after.full), (Some(at(100_600)), Some(at(100_000))));
        assert_eq!(legs(100_000 + 86_400).0.len(), 3);
    }

    #[test]
    fn another_list_is_begun_anew() {
        let (key, ada) = (Key::derive(b"k", &"s".into()), Address::new("ada@example.com"));
        assert_ne!(place(&key, "a", &ada), place(&key, "b", &ada));
        let seen = Checkpoint { wix: Some(at(1)), ..Checkpoint::default().of_list("a") };
        assert_eq!(seen.clone().of_list("a"), seen);
        assert_eq!(seen.of_list("b"), Checkpoint { list: Some("b".to_owned()), ..Checkpoint::default() });
    }

    #[test]
    fn an_opt_out_during_a_complete_pass_is_in_the_next_one() {
        let (mut checkpoint, overlap) = (Checkpoint::default(), Duration::from_mins(5));
        checkpoint.begin(at(100_000), Duration::from_hours(24));
        for listed in [100_001, 102_000, 103_600] {
            checkpoint.enter(Done { as_of: Some(at(listed)), ..Done::default() }, overlap, at(listed));
        }
        assert_eq!((checkpoint.pass, checkpoint.wix), (None, Some(at(99_700))));
    }
}
