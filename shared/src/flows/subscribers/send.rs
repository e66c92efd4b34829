//! Whoever is subscribed in Wix goes to the list.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt, TryStreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use tracing::warn;

use super::{
    Subscribers, again, at_wix,
    roll::{addresses_of, has},
};
use crate::{
    flows::run::{Allowance, Step},
    model::{
        contact::{Contact, Found, MatchKey},
        field::Value,
        ids::RecordId,
        listing::Listed,
        normal,
        subscriber::{Address, Entry, KeptBack, Remembered, Values},
        subscription::{Subscription, SubscriptionStatus},
    },
    ports::{ErrorKind, StoreError, StoreResult},
    sync::{
        export::less,
        scan::Cursor,
        subscribers::{Done, Leg, Pass, Send, Tally, digest, is_in, send},
    },
};

/// So many contacts are seen to at a time: their consent is asked for right before they are sent.
const AT_A_TIME: usize = 500;
/// So many members are changed at the same time.
const CHANGES_AT_A_TIME: usize = 4;
/// So many notes are written at the same time.
const NOTES_AT_A_TIME: usize = 16;
/// What was about to be sent is sent by then, or never: longer than any invocation.
const LONGEST_ADDING: SignedDuration = SignedDuration::from_mins(16);

/// A subscribed address, whose values it gets, and what is remembered of it.
pub(super) struct Wanted {
    entry: Entry,
    contact: RecordId,
    belongs: bool,
    wix: Subscription,
    known: Remembered,
}

/// Stops a run whose time is over, or that a person wants to stop.
async fn go_on(allowance: Option<&Allowance>) -> Step<()> {
    match allowance {
        Some(allowance) => allowance.ensure_room().await,
        None => Ok(()),
    }
}

impl Subscribers {
    /// Contacts that are subscribed in Wix. Whoever the list's owner took off it since the pass, which may have stood still for days, looked at
    /// the list is noted before, or they would be put back.
    pub(super) async fn subscribed(&self, since: Option<Timestamp>, pass: &Pass, cursor: &Cursor, allowance: &Allowance) -> Step<Done> {
        let looked = pass.service.map(|looked| less(looked, self.site.export.overlap()));
        let mut offset = looked.map(|_| 0);
        while let Some(from) = offset {
            let done = self.archived(looked, from, allowance).await?;
            offset = done.next.and_then(|leg| if let Leg::Archived(next) = leg { Some(next) } else { None });
        }
        let page = self.listed(SubscriptionStatus::Subscribed, since, cursor).await?;
        let mut tally = Tally::default();
        for rows in page.rows.chunks(AT_A_TIME) {
            tally.add(&self.send_all(rows, Some(allowance)).await?);
        }
        Ok(Done { next: page.next.map(Leg::Subscribed), as_of: Some(page.as_of), tally })
    }

    /// Sends the contact of an address, if it is to be sent.
    pub(super) async fn send_one(&self, address: &Address) -> Step<()> {
        let found = self.contacts.find(&MatchKey::Email(address.as_str().to_owned())).await.map_err(at_wix)?;
        let Some(contact) = found.into_iter().find(|contact| has(contact, address)) else { return Ok(()) };
        self.send_all(&[Listed::Contact(contact)], None).await.map(drop)
    }

    /// Sends contacts; whoever has an allowance stops when its time is over. What is sent is remembered by then, and the rest comes again.
    async fn send_all(&self, rows: &[Listed], allowance: Option<&Allowance>) -> Step<Tally> {
        go_on(allowance).await?;
        let mut tally = Tally { read: rows.len() as u64, ..Tally::default() };
        let wanted = self.wanted(rows).await?;
        tally.left_out = (rows.len() - wanted.len()) as u64;
        let (mut new, mut changed) = (Vec::new(), Vec::new());
        for wanted in wanted {
            match send(&wanted.known, digest(&self.key, &wanted.entry), wanted.belongs) {
                Send::Unchanged => tally.unchanged += 1,
                Send::KeptBack => tally.kept_back += 1,
                Send::Nothing => tally.left_out += 1,
                Send::Add => new.push(wanted),
                Send::Change => changed.push(wanted),
            }
        }
        changed.extend(self.add(new, allowance, &mut tally).await?);
        let changes = stream::iter(changed).map(|wanted| async move {
            go_on(allowance).await?;
            self.change(&wanted.entry, Some(&wanted)).await
        });
        // All of them end, whatever becomes of one: what the list was told is remembered.
        let ends: Vec<Step<bool>> = changes.buffer_unordered(CHANGES_AT_A_TIME).collect().await;
        let taken = ends.into_iter().collect::<Step<Vec<bool>>>()?;
        let refused = taken.iter().filter(|taken| !**taken).count() as u64;
        tally.refused += refused;
        tally.changed += taken.len() as u64 - refused;
        Ok(tally)
    }

    /// What the list is to know of contacts whose address is subscribed as of now, each address once.
    async fn wanted(&self, rows: &[Listed]) -> Step<Vec<Wanted>> {
        let addresses: Vec<Address> = rows.iter().flat_map(addresses_of).collect();
        // Before the states: what somebody notes after that is not overlooked when it is announced that an address is about to be sent.
        let notes = self.remembered(&addresses).await?;
        let notes: BTreeMap<String, Remembered> =
            addresses.iter().zip(notes).map(|(address, known)| (normal::email(address.as_str()), known)).collect();
        let states = self.consents.subscriptions(&addresses).await.map_err(at_wix)?;
        let states: BTreeMap<String, Subscription> =
            addresses.iter().zip(states).map(|(address, state)| (normal::email(address.as_str()), state)).collect();
        let state_of = |address: &Address| states.get(&normal::email(address.as_str()));
        let mut chosen: Vec<(&Contact, Address)> = Vec::new();
        let mut seen = BTreeSet::new();
        let contacts = rows.iter().filter_map(|row| if let Listed::Contact(contact) = row { Some((row, contact)) } else { None });
        // An address is sent for the sake of whoever belongs to those who are sent.
        let (belonging, others): (Vec<_>, Vec<_>) = contacts.partition(|(_, contact)| self.belongs(contact));
        for (row, contact) in belonging.into_iter().chain(others) {
            let own = addresses_of(row).into_iter().find(|address| state_of(address).is_some_and(is_in));
            if let Some(address) = own.filter(|address| seen.insert(normal::email(address.as_str()))) {
                chosen.push((contact, address));
            }
        }
        let mut wanted = Vec::new();
        for (contact, address) in chosen {
            let known = notes.get(&normal::email(address.as_str())).cloned().unwrap_or_default();
            if !self.is_anothers(contact, &address, &known).await? {
                let wix = state_of(&address).cloned().unwrap_or_default();
                let belongs = self.belongs(contact);
                wanted.push(Wanted { entry: self.entry(contact, address, belongs), contact: contact.id.clone(), belongs, wix, known });
            }
        }
        Ok(wanted)
    }

    /// Tells whether the values of another contact stand for the address, which has it still: one of those who are sent before one who is not,
    /// and then whoever was there first.
    async fn is_anothers(&self, contact: &Contact, address: &Address, known: &Remembered) -> Step<bool> {
        let Some(other) = known.contact.as_ref().filter(|other| **other != contact.id) else { return Ok(false) };
        let Found::Present(other) = self.contacts.get(other).await.map_err(at_wix)? else { return Ok(false) };
        let rank = |contact: &Contact| (!self.belongs(contact), contact.created_at, contact.id.clone());
        Ok(has(&other, address) && rank(&other) < rank(contact))
    }

    /// Adds addresses that were never sent; returns those that the list has all the same.
    async fn add(&self, new: Vec<Wanted>, allowance: Option<&Allowance>, tally: &mut Tally) -> Step<Vec<Wanted>> {
        let mut there = Vec::new();
        let mut new = new.into_iter().peekable();
        while new.peek().is_some() {
            go_on(allowance).await?;
            let batch: Vec<Wanted> = new.by_ref().take(self.service.most_added()).collect();
            let batch = self.announce(batch, tally).await?;
            let entries: Vec<Entry> = batch.iter().map(|wanted| wanted.entry.clone()).collect();
            for (wanted, outcome) in batch.into_iter().zip(self.service.add(&entries).await?) {
                match outcome {
                    Ok(()) => {
                        self.sent(&wanted.entry, Some(&wanted)).await?;
                        tally.added += 1;
                    }
                    Err(ErrorKind::Exists(_)) => there.push(wanted),
                    Err(kind) => {
                        self.refused(&wanted, &kind).await?;
                        tally.refused += 1;
                    }
                }
            }
        }
        Ok(there)
    }

    /// Notes that addresses are about to be sent, so that whoever meets an opt-out meanwhile knows that the list may have them any moment. Those that
    /// somebody noted something about since they were read are left to the next pass.
    async fn announce(&self, batch: Vec<Wanted>, tally: &mut Tally) -> StoreResult<Vec<Wanted>> {
        let notes = stream::iter(batch).map(|mut wanted| async move {
            let after = Remembered { adding: Some(self.now()), version: wanted.known.version + 1, ..wanted.known.clone() };
            match self.log.remember(&self.site.site, &self.place(&wanted.entry.address), &after).await {
                Ok(()) => {
                    wanted.known = after;
                    Ok(Some(wanted))
                }
                Err(StoreError { kind: ErrorKind::Stale, .. }) => Ok(None),
                Err(error) => Err(error),
            }
        });
        let noted: Vec<Option<Wanted>> = notes.buffered(NOTES_AT_A_TIME).try_collect().await?;
        tally.left_out += noted.iter().filter(|noted| noted.is_none()).count() as u64;
        Ok(noted.into_iter().flatten().collect())
    }

    /// Tells whether an address may get onto the list any moment.
    pub(super) fn is_being_added(&self, known: &Remembered) -> bool {
        known.adding.is_some_and(|at| at + LONGEST_ADDING > self.now())
    }

    /// Changes what the list has of an address, and sees to it that an opt-out met on the way is carried over; tells whether the service took it.
    pub(super) async fn change(&self, entry: &Entry, wanted: Option<&Wanted>) -> Step<bool> {
        let member = match self.service.put(entry).await {
            Ok(Some(member)) => member,
            // It was on the list, and somebody gave it up there: nobody is put back.
            Ok(None) => {
                if let Some(wanted) = wanted {
                    self.refused(wanted, &ErrorKind::NotFound).await?;
                }
                return Ok(false);
            }
            Err(error) if matches!(error.kind, ErrorKind::Forbidden | ErrorKind::Invalid(_)) => {
                if let Some(wanted) = wanted {
                    self.refused(wanted, &error.kind).await?;
                }
                return Ok(false);
            }
            Err(error) => return Err(error.into()),
        };
        self.sent(entry, wanted).await?;
        self.reconcile_member(entry, member.status).await?;
        Ok(true)
    }

    /// An opt-out, or an absence, that a write came across.
    async fn reconcile_member(&self, entry: &Entry, status: crate::model::subscriber::MemberStatus) -> Step<()> {
        use crate::model::subscriber::MemberStatus::{Archived, Bounced, Unsubscribed};
        if matches!(status, Unsubscribed | Bounced | Archived) {
            self.reconcile(&entry.address).await?;
        }
        Ok(())
    }

    /// Remembers what was sent, and on the strength of what.
    async fn sent(&self, entry: &Entry, wanted: Option<&Wanted>) -> Step<()> {
        again(|| async {
            let known = self.remembered(std::slice::from_ref(&entry.address)).await?.pop().unwrap_or_default();
            let mut after = Remembered {
                sent: Some(digest(&self.key, entry)),
                sent_at: Some(self.now()),
                kept_back: None,
                adding: None,
                ..known.clone()
            };
            if let Some(wanted) = wanted {
                after.contact = Some(wanted.contact.clone());
                after.consent_at = wanted.wix.updated_at;
            }
            Ok(self.remember(&entry.address, &known, after).await?)
        })
        .await
    }

    async fn refused(&self, wanted: &Wanted, kind: &ErrorKind) -> Step<()> {
        warn!(site = %self.site.site, contact = %wanted.contact, reason = kind.name(), "The mailing service does not take a subscriber.");
        let address = &wanted.entry.address;
        let why = match kind {
            ErrorKind::Invalid(_) => KeptBack::Invalid(digest(&self.key, &wanted.entry)),
            _ => KeptBack::Refused,
        };
        again(|| async {
            let known = self.remembered(std::slice::from_ref(address)).await?.pop().unwrap_or_default();
            Ok(self.remember(address, &known, Remembered { kept_back: Some(why), adding: None, ..known.clone() }).await?)
        })
        .await
    }

    /// Tells whether a contact is one of those who are sent.
    pub(super) fn belongs(&self, contact: &Contact) -> bool {
        let own = contact.get(&"labels".into()).map(Value::elements).unwrap_or_default();
        self.settings.labels.is_empty() || self.settings.labels.iter().any(|label| own.contains(label))
    }

    /// The tags that the bridge gives and takes.
    pub(super) fn own_tags(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.settings.tag.as_str()).chain(self.settings.label_tags.values().map(String::as_str))
    }

    fn entry(&self, contact: &Contact, address: Address, belongs: bool) -> Entry {
        let text = |field| contact.get(field).map(|value| value.elements().join(", ")).unwrap_or_default();
        let fields = self.settings.fields.iter().map(|(name, field)| (name.clone(), text(field))).collect();
        let labels = contact.get(&"labels".into()).map(Value::elements).unwrap_or_default();
        let mut tags: BTreeMap<String, bool> = self.own_tags().map(|tag| (tag.to_owned(), false)).collect();
        tags.insert(self.settings.tag.clone(), belongs);
        for (_, tag) in self.settings.label_tags.iter().filter(|(label, _)| belongs && labels.contains(label)) {
            tags.insert(tag.clone(), true);
        }
        Entry { address, fields: Values(fields), tags }
    }
}

/// The primary address of a contact, as addresses are compared.
pub(super) fn primary(contact: &Contact) -> Option<String> {
    contact.get(&"email".into()).and_then(|value| value.as_text()).map(normal::email)
}
