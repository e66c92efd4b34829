//! The list's members, and the contacts that opted out, against what the other side knows of them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::{Subscribers, at_wix, opt_out::Standing};
use crate::{
    flows::run::{Allowance, Step},
    model::{
        contact::{Contact, Found},
        listing::Listed,
        normal,
        subscriber::{Address, Entry, KeptBack, Member, MemberStatus, Remembered, Values},
        subscription::SubscriptionStatus,
    },
    ports::Roll,
    sync::{
        scan::Cursor,
        subscribers::{Carry, Done, Leg, Tally, carry, is_out},
    },
};

/// By when a contact that was just made shows in every listing.
const VISIBLE: SignedDuration = SignedDuration::from_mins(15);

impl Subscribers {
    /// Members of the list: who opted out there, and who opted out in Wix; in a complete pass also who is none of those any more who are sent.
    pub(super) async fn members(&self, since: Option<Timestamp>, offset: usize, full: bool, allowance: &Allowance) -> Step<Done> {
        let page = self.service.members(&Roll { since, archived: false, offset }).await?;
        let addresses: Vec<Address> = page.rows.iter().map(|member| member.address.clone()).collect();
        let known = self.remembered(&addresses).await?;
        let wix = self.consents.subscriptions(&addresses).await.map_err(at_wix)?;
        let mut tally = Tally { members: page.rows.len() as u64, ..Tally::default() };
        for ((member, known), wix) in page.rows.iter().zip(&known).zip(&wix) {
            let back = known.is_off_in_service() && gets_mails(member.status);
            if back || carry(wix, Some(member.status), known) != Carry::Nothing {
                allowance.ensure_room().await?;
                count(&mut tally, &self.reconcile(&member.address).await?);
            }
        }
        if full {
            let since_long = |known: &Remembered| known.sent_at.is_none_or(|sent| sent + VISIBLE <= self.now());
            let members: Vec<(&Member, &Remembered)> = page.rows.iter().zip(&known).filter(|(_, known)| since_long(known)).collect();
            tally.changed += self.untag_strangers(&members, allowance).await?;
            tally.read += tally.changed;
        }
        let next = offset + page.rows.len();
        let more = !page.rows.is_empty() && next < page.total;
        Ok(Done { next: more.then_some(Leg::Members(next)), as_of: Some(page.as_of), tally })
    }

    /// Members that the list's owner took off it: they are not put back.
    pub(super) async fn archived(&self, since: Option<Timestamp>, offset: usize, allowance: &Allowance) -> Step<Done> {
        allowance.ensure_room().await?;
        let page = self.service.members(&Roll { since, archived: true, offset }).await?;
        let addresses: Vec<Address> = page.rows.iter().map(|member| member.address.clone()).collect();
        for (address, known) in addresses.iter().zip(self.remembered(&addresses).await?) {
            if known.kept_back != Some(KeptBack::Archived) {
                allowance.ensure_room().await?;
                self.reconcile(address).await?;
            }
        }
        let next = offset + page.rows.len();
        let more = !page.rows.is_empty() && next < page.total;
        let tally = Tally { members: page.rows.len() as u64, ..Tally::default() };
        Ok(Done { next: more.then_some(Leg::Archived(next)), as_of: Some(page.as_of), tally })
    }

    /// Contacts that opted out in Wix: all their addresses, since only Wix can tell which one a contact's status is about.
    pub(super) async fn opted_out(&self, since: Option<Timestamp>, cursor: &Cursor, allowance: &Allowance) -> Step<Done> {
        let page = self.listed(SubscriptionStatus::Unsubscribed, since, cursor).await?;
        let addresses: Vec<Address> = page.rows.iter().flat_map(addresses_of).collect();
        let known = self.remembered(&addresses).await?;
        let wix = self.consents.subscriptions(&addresses).await.map_err(at_wix)?;
        let mut tally = Tally::default();
        for ((address, known), wix) in addresses.iter().zip(&known).zip(&wix) {
            // How it stands on the list is not known here; if nobody was told of the opt-out, it is looked at.
            if is_out(wix) && carry(wix, Some(MemberStatus::Subscribed), known) != Carry::Nothing {
                allowance.ensure_room().await?;
                count(&mut tally, &self.reconcile(address).await?);
            }
        }
        Ok(Done { next: page.next.map(Leg::OptedOut), as_of: Some(page.as_of), tally })
    }

    /// Takes our tags off members whose contact is gone, has another address by now, or is none of those who are sent. Nobody opted out:
    /// their subscription stays. Returns how many.
    async fn untag_strangers(&self, members: &[(&Member, &Remembered)], allowance: &Allowance) -> Step<u64> {
        let ours = || members.iter().filter(|(member, _)| member.tags.contains(&self.settings.tag));
        let addresses: Vec<Address> = ours().map(|(member, _)| member.address.clone()).collect();
        let contacts = self.consents.contacts_of(&addresses).await.map_err(at_wix)?;
        let belonging: BTreeSet<String> =
            contacts.iter().filter(|contact| self.belongs(contact)).filter_map(super::send::primary).collect();
        let mut untagged = 0;
        for (member, known) in ours().filter(|(member, _)| !belonging.contains(&normal::email(member.address.as_str()))) {
            allowance.ensure_room().await?;
            if !self.is_still_sent(&member.address, known).await? {
                let tags: BTreeMap<String, bool> = self.own_tags().map(|tag| (tag.to_owned(), false)).collect();
                self.change(&Entry { address: member.address.clone(), fields: Values::default(), tags }, None).await?;
                untagged += 1;
            }
        }
        Ok(untagged)
    }

    /// Tells whether the contact whose values were sent still has the address, as another one than its primary.
    async fn is_still_sent(&self, address: &Address, known: &Remembered) -> Step<bool> {
        let Some(id) = &known.contact else { return Ok(false) };
        let Found::Present(contact) = self.contacts.get(id).await.map_err(at_wix)? else { return Ok(false) };
        Ok(self.belongs(&contact) && has(&contact, address))
    }
}

const fn gets_mails(status: MemberStatus) -> bool {
    matches!(status, MemberStatus::Subscribed | MemberStatus::Pending)
}

fn count(tally: &mut Tally, standing: &Standing) {
    match standing.carried {
        Carry::ToService => tally.opted_out_there += 1,
        Carry::ToWix(_) => tally.opted_out_here += 1,
        Carry::Known | Carry::Nothing => {}
    }
}

/// Tells whether a contact has an address.
pub(super) fn has(contact: &Contact, address: &Address) -> bool {
    addresses(contact).iter().any(|own| normal::email(own.as_str()) == normal::email(address.as_str()))
}

/// All addresses of a row.
pub(super) fn addresses_of(row: &Listed) -> Vec<Address> {
    match row {
        Listed::Contact(contact) => addresses(contact),
        Listed::Unreadable { .. } => Vec::new(),
    }
}

/// All addresses of a contact, the primary one first.
fn addresses(contact: &Contact) -> Vec<Address> {
    let values = ["email", "emails"].iter().filter_map(|field| contact.get(&(*field).into()));
    values.flat_map(|value| value.elements().iter().map(Address::new)).collect()
}
