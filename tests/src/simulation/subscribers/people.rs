//! People at work, on both sides.

use std::collections::BTreeSet;

use contact_bridge::model::{ids::RecordId, subscriber::MemberStatus, subscription::SubscriptionStatus};
use rand::Rng;

use super::world::{ADDRESSES, Contact, Member, World};

impl World {
    /// Somebody does something.
    pub fn act(&mut self) {
        let (what, number) = (self.rng.random_range(0..100), self.rng.random_range(0..ADDRESSES));
        self.now += self.rng.random_range(0..3) * self.rng.random_range(0..2_000);
        match what {
            0..18 => self.add_somebody(number),
            18..38 => self.opt_out_in_wix(number),
            38..54 => self.opt_in_in_wix(number),
            54..70 => self.opt_out_in_service(number),
            70..78 => self.sign_up(number),
            78..84 => self.change_address(number),
            84..88 => self.rename(),
            88..94 => self.go(),
            _ => self.archive(number),
        }
    }

    /// A contact is added; addresses may be shared.
    pub fn add_somebody(&mut self, number: usize) {
        let (id, name) = (RecordId::new(format!("w{}", self.contacts.len() + 1)), self.next());
        self.trace(("add", id.as_str(), number));
        self.put_contact(&id, Some(Contact { address: number, name }));
        if self.chance(70) && self.consent(number) == SubscriptionStatus::NotSet {
            self.opt_in_in_wix(number);
        }
    }

    fn has_contact(&self, number: usize) -> bool {
        self.present().iter().any(|(_, contact)| contact.address == number)
    }

    /// Somebody opts out in Wix.
    pub fn opt_out_in_wix(&mut self, number: usize) {
        if self.consent(number) == SubscriptionStatus::Unsubscribed || !self.has_contact(number) {
            return;
        }
        self.trace(("out of Wix", number));
        self.put_consent(number, SubscriptionStatus::Unsubscribed);
        self.wishes.entry(number).or_default().out = self.now;
        self.tell(number);
    }

    fn opt_in_in_wix(&mut self, number: usize) {
        if self.consent(number) == SubscriptionStatus::Subscribed || !self.has_contact(number) {
            return;
        }
        self.trace(("into Wix", number));
        self.put_consent(number, SubscriptionStatus::Subscribed);
        self.wishes.entry(number).or_default().in_wix = self.now;
        self.tell(number);
    }

    fn opt_out_in_service(&mut self, number: usize) {
        let Some(member) = self.member(number).filter(|member| member.status == MemberStatus::Subscribed) else { return };
        self.trace(("out of the list", number));
        self.put_member(number, Member { status: MemberStatus::Unsubscribed, ..member });
        let now = self.now;
        let wishes = self.wishes.entry(number).or_default();
        wishes.out = now;
        wishes.is_hidden = wishes.is_noted;
        self.tell(number);
    }

    /// Somebody signs up with a form of the mailing service.
    fn sign_up(&mut self, number: usize) {
        let member = self.member(number);
        if member.as_ref().is_some_and(|member| member.status == MemberStatus::Subscribed) {
            return;
        }
        self.trace(("into the list", number));
        let tags = member.map(|member| member.tags).unwrap_or_default();
        self.put_member(number, Member { status: MemberStatus::Subscribed, tags });
        self.wishes.entry(number).or_default().in_service = self.now;
        self.tell(number);
    }

    fn anybody(&mut self) -> Option<(RecordId, Contact)> {
        let present = self.present();
        let nth = if present.is_empty() { 0 } else { self.rng.random_range(0..present.len()) };
        present.get(nth).cloned()
    }

    fn change_address(&mut self, number: usize) {
        let Some((id, contact)) = self.anybody() else { return };
        self.trace(("moves", id.as_str(), number));
        self.put_contact(&id, Some(Contact { address: number, ..contact }));
    }

    fn rename(&mut self) {
        let Some((id, contact)) = self.anybody() else { return };
        let name = self.next();
        self.trace(("is renamed", id.as_str()));
        self.put_contact(&id, Some(Contact { name, ..contact }));
    }

    fn go(&mut self) {
        let Some((id, _)) = self.anybody() else { return };
        self.trace(("goes", id.as_str()));
        self.put_contact(&id, None);
    }

    /// The list's owner takes a member off it.
    fn archive(&mut self, number: usize) {
        let Some(member) = self.member(number).filter(|member| member.status == MemberStatus::Subscribed) else { return };
        self.trace(("archived", number));
        self.put_member(number, Member { status: MemberStatus::Archived, ..member });
        self.wishes.entry(number).or_default().was_archived = true;
    }

    /// Somebody is on the list from the beginning.
    pub fn is_there_before(&mut self, number: usize) {
        let status = if self.chance(50) { MemberStatus::Subscribed } else { MemberStatus::Unsubscribed };
        self.put_member(number, Member { status, tags: BTreeSet::new() });
        let now = self.now;
        let wishes = self.wishes.entry(number).or_default();
        if status == MemberStatus::Unsubscribed { wishes.out = now } else { wishes.in_service = now }
    }
}
