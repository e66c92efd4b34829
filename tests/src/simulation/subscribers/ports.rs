//! Both sides and the table as the flow sees them: every call an await point before and after, and every call may fail, or lose its reply.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use contact_bridge::{
    adapters::memory,
    model::{
        contact::{self, Found, MatchKey},
        entity::Entity,
        field::{Field, FieldSpec, Patch},
        fingerprint::Digest,
        ids::{RecordId, Revision, SiteId},
        listing::{Ask, Created, Listed, Page},
        subscriber::{self, Address, Entry, Lowered, MemberStatus, Remembered},
        subscription::{Subscription, SubscriptionStatus},
    },
    ports::{
        Clock, Consents, ContactStore, Draft, ErrorKind, KnownBy, MailingService, Members, PastValue, Roll, StoreError, StoreResult,
        SubscriberLog,
    },
};
use jiff::Timestamp;

use super::{
    super::executor::point,
    Plant,
    world::{Member, Shared, Versions, World, lock, number},
};

/// The most members of a page.
const PAGE: usize = 3;

fn failed<T>(kind: ErrorKind) -> StoreResult<T> {
    Err(StoreError::new(kind, "simulated"))
}

/// Wix, the mailing list and the table.
#[derive(Clone)]
pub struct Sides {
    /// The world.
    pub world: Shared,
    /// What is remembered.
    pub below: Arc<memory::Store>,
    /// The planted bug, if any.
    pub plant: Plant,
}

impl Sides {
    /// Carries out a call, unless it is refused; its reply may be lost, and what it tells is then not known.
    async fn call<T: Send>(
        &self,
        operation: &str,
        act: impl FnOnce(&mut World) -> StoreResult<T> + Send,
        told: impl FnOnce(&mut World, &T) + Send,
    ) -> StoreResult<T> {
        point().await;
        let outcome = {
            let mut world = lock(&self.world);
            if let Some(refusal) = world.draw_refusal() {
                world.trace((operation, "fails"));
                return failed(refusal);
            }
            let outcome = act(&mut world);
            let lost = world.chaos.lost_replies;
            let lost = world.chance(lost);
            world.trace((operation, lost, outcome.is_ok()));
            match &outcome {
                Ok(value) if !lost => told(&mut world, value),
                Ok(_) | Err(_) => {}
            }
            if lost { failed(ErrorKind::Unavailable) } else { outcome }
        };
        point().await;
        outcome
    }

    /// An address gets on the list: only somebody of whom this worker was last told that they are subscribed.
    fn join(world: &mut World, entry: &Entry) -> Member {
        let number = number(&entry.address.as_str().to_lowercase());
        let told = world.told.get(&(world.worker, number)).copied();
        if told != Some(SubscriptionStatus::Subscribed) {
            world.violation(format!("I10: p{number} is sent as subscribed, last heard of as {told:?}"));
        }
        let tags = entry.tags.iter().filter(|(_, on)| **on).map(|(tag, _)| tag.clone()).collect();
        let member = Member { status: MemberStatus::Subscribed, tags };
        world.trace(("joins", number));
        world.put_member(number, member.clone());
        member
    }
}

fn of(address: &Address) -> usize {
    number(&address.as_str().to_lowercase())
}

fn shown_member(number: usize, member: &Member) -> subscriber::Member {
    subscriber::Member { address: super::world::address(number), status: member.status, tags: member.tags.clone() }
}

fn subscription(world: &World, number: usize) -> Subscription {
    let known = world.consents.get(&number).and_then(Versions::now);
    let (at, status) = known.map_or((None, SubscriptionStatus::NotSet), |(at, status)| (Some(World::instant(at)), *status));
    Subscription { status, updated_at: at, ..Subscription::default() }
}

fn tell(world: &mut World, number: usize, status: SubscriptionStatus) {
    let worker = world.worker;
    world.told.insert((worker, number), status);
}

#[async_trait]
impl Consents for Sides {
    async fn subscriptions(&self, addresses: &[Address]) -> StoreResult<Vec<Subscription>> {
        let read = |world: &mut World| Ok(addresses.iter().map(|address| subscription(world, of(address))).collect::<Vec<_>>());
        let told = |world: &mut World, states: &Vec<Subscription>| {
            addresses.iter().zip(states).for_each(|(address, state)| tell(world, of(address), state.status));
        };
        let mut states = self.call("subscriptions", read, told).await?;
        if self.plant == Plant::SendsWhatIsListed {
            let world = lock(&self.world);
            for (address, state) in addresses.iter().zip(&mut states) {
                let shown = world.consents.get(&of(address)).and_then(|versions| versions.shown(world.now));
                state.status = shown.map_or(SubscriptionStatus::NotSet, |(_, status)| *status);
            }
        }
        Ok(states)
    }

    async fn lower(&self, address: &Address, _: &Subscription, _: Lowered) -> StoreResult<Subscription> {
        let number = of(address);
        let lower = |world: &mut World| {
            world.writes += 1;
            if self.plant != Plant::TellsNoWix {
                world.put_consent(number, SubscriptionStatus::Unsubscribed);
                world.tell(number);
            }
            Ok(subscription(world, number))
        };
        self.call("lower", lower, |world, after| tell(world, number, after.status)).await
    }

    async fn contacts_of(&self, addresses: &[Address]) -> StoreResult<Vec<contact::Contact>> {
        let wanted: Vec<usize> = addresses.iter().map(of).collect();
        self.call("contacts of", |world| Ok(shown(world, |contact| wanted.contains(&contact.address))), |_, _| ()).await
    }

    async fn contacts(&self, ask: &Ask, status: SubscriptionStatus, _: &[Field]) -> StoreResult<Page> {
        let list = |world: &mut World| {
            let now = world.now;
            let state = |number: usize| world.consents.get(&number).and_then(|versions| versions.shown(now));
            let mut rows = Vec::new();
            for (id, versions) in &world.contacts {
                let Some((written, Some(contact))) = versions.shown(now) else { continue };
                let Some((changed, known)) = state(contact.address) else { continue };
                if *known == status {
                    rows.push(world.seen(id, contact, written.max(changed)));
                }
            }
            rows.retain(|row| matches(ask, row));
            rows.sort_by_key(|row| (row.created_at, row.id.clone()));
            let total = Some(rows.len() as u64);
            let rows = rows.into_iter().skip(ask.offset).take(PAGE.min(ask.limit)).map(Listed::Contact).collect();
            Ok(Page { rows, limit: PAGE.min(ask.limit), total, as_of: World::instant(now / 1_000 * 1_000) })
        };
        self.call("contacts", list, |_, _| ()).await
    }
}

fn matches(ask: &Ask, contact: &contact::Contact) -> bool {
    let created = contact.created_at.is_some_and(|stamp| match ask.created {
        Created::Any => true,
        Created::From(since) => stamp >= since,
        Created::After(since) => stamp > since,
        Created::At(at) => stamp == at,
    });
    created && ask.updated_since.is_none_or(|since| contact.updated_at.is_some_and(|stamp| stamp >= since))
}

/// What the index shows of contacts.
fn shown(world: &World, wanted: impl Fn(&super::world::Contact) -> bool) -> Vec<contact::Contact> {
    let row = |(id, versions): (&RecordId, &Versions<Option<super::world::Contact>>)| {
        let (at, contact) = versions.shown(world.now)?;
        contact.as_ref().filter(|contact| wanted(contact)).map(|contact| world.seen(id, contact, at))
    };
    let mut rows: Vec<_> = world.contacts.iter().filter_map(row).collect();
    rows.sort_by_key(|row| row.created_at);
    rows
}

#[async_trait]
impl MailingService for Sides {
    async fn fields(&self) -> StoreResult<Vec<String>> {
        failed(ErrorKind::Unsupported)
    }

    async fn members(&self, roll: &Roll) -> StoreResult<Members> {
        let list = |world: &mut World| {
            let now = world.now;
            let shown = |(number, versions): (&usize, &Versions<Member>)| {
                let (at, member) = versions.shown(now)?;
                let is_wanted = (member.status == MemberStatus::Archived) == roll.archived;
                let is_new = roll.since.is_none_or(|since| World::instant(at) >= since);
                (is_wanted && is_new).then(|| (versions.since(), shown_member(*number, member)))
            };
            let mut rows: Vec<_> = world.members.iter().filter_map(shown).collect();
            rows.sort_by_key(|(since, _)| *since);
            let total = rows.len();
            let rows = rows.into_iter().skip(roll.offset).take(PAGE).map(|(_, member)| member).collect();
            Ok(Members { rows, total, as_of: World::instant(now / 1_000 * 1_000) })
        };
        self.call("members", list, |_, _| ()).await
    }

    async fn member(&self, address: &Address) -> StoreResult<Option<subscriber::Member>> {
        let number = of(address);
        let read = |world: &mut World| Ok(world.member(number).map(|member| shown_member(number, &member)));
        self.call("member", read, |_, _| ()).await
    }

    fn most_added(&self) -> usize {
        2
    }

    async fn add(&self, entries: &[Entry]) -> StoreResult<Vec<Result<(), ErrorKind>>> {
        let add = |world: &mut World| {
            world.writes += 1;
            let one = |entry: &Entry| match world.member(of(&entry.address)) {
                Some(member) if self.plant == Plant::RaisesStatus => {
                    if member.status != MemberStatus::Subscribed {
                        world.violation(format!("I10: the status of p{} is raised", of(&entry.address)));
                    }
                    Ok(())
                }
                Some(_) => Err(ErrorKind::Exists(None)),
                None => {
                    Self::join(world, entry);
                    Ok(())
                }
            };
            Ok(entries.iter().map(one).collect())
        };
        self.call("add", add, |_, _| ()).await
    }

    async fn put(&self, entry: &Entry) -> StoreResult<Option<subscriber::Member>> {
        let number = of(&entry.address);
        let put = |world: &mut World| {
            world.writes += 1;
            let Some(mut member) = world.member(number) else { return Ok(None) };
            for (tag, on) in &entry.tags {
                if *on {
                    member.tags.insert(tag.clone())
                } else {
                    member.tags.remove(tag)
                };
            }
            world.put_member(number, member.clone());
            Ok(Some(shown_member(number, &member)))
        };
        self.call("put", put, |_, _| ()).await
    }

    async fn opt_out(&self, address: &Address) -> StoreResult<()> {
        let number = of(address);
        let out = |world: &mut World| {
            world.writes += 1;
            let member = world.member(number).filter(|member| member.status == MemberStatus::Subscribed);
            if let Some(member) = member.filter(|_| self.plant != Plant::TellsNoService) {
                world.put_member(number, Member { status: MemberStatus::Unsubscribed, ..member });
                world.tell(number);
            }
            Ok(())
        };
        self.call("opt out", out, |_, ()| ()).await
    }
}

#[async_trait]
impl SubscriberLog for Sides {
    async fn remembered(&self, site: &SiteId, addresses: &[Digest]) -> StoreResult<Vec<Remembered>> {
        self.call("remembered", |_| Ok(()), |_, ()| ()).await?;
        self.below.remembered(site, addresses).await
    }

    async fn remember(&self, site: &SiteId, address: &Digest, known: &Remembered) -> StoreResult<()> {
        let mut known = known.clone();
        match self.plant {
            Plant::ForgetsOptOuts => (known.out_in_wix, known.out_in_service, known.bounced_in_service) = (None, None, None),
            Plant::ForgetsWhatWasSent => known.sent = None,
            Plant::AddsUnannounced if known.adding.is_some() => return Ok(()),
            _ => {}
        }
        let outcome = self.call("remember", |_| Ok(()), |_, ()| ()).await;
        if matches!(&outcome, Err(error) if error.kind != ErrorKind::Unavailable) {
            return outcome;
        }
        outcome?;
        self.below.remember(site, address, &known).await?;
        let mut world = lock(&self.world);
        world.writes += 1;
        let (now, key) = (world.now, super::history::key());
        let place = |number: &usize| contact_bridge::sync::subscribers::place(&key, "list", &super::world::address(*number)) == *address;
        if let Some(number) = (0..super::world::ADDRESSES).find(place) {
            let wishes = world.wishes.entry(number).or_default();
            wishes.is_noted = known.is_off_in_service();
            if wishes.is_noted && wishes.noted <= wishes.out {
                wishes.noted = now;
            }
        }
        Ok(())
    }
}

fn unused<T>() -> StoreResult<T> {
    failed(ErrorKind::Unsupported)
}

#[async_trait]
impl ContactStore for Sides {
    async fn get(&self, id: &RecordId) -> StoreResult<Found> {
        let read = |world: &mut World| {
            let (at, contact) = world.contacts.get(id).and_then(Versions::now).unwrap_or((0, &None));
            Ok(contact.as_ref().map_or(Found::Absent, |contact| Found::Present(world.seen(id, contact, at))))
        };
        self.call("get", read, |_, _| ()).await
    }

    fn enclosed(&self, _: &Entity) -> Option<contact::Contact> {
        None
    }

    fn known_by(&self) -> KnownBy {
        KnownBy::default()
    }

    async fn find(&self, key: &MatchKey) -> StoreResult<Vec<contact::Contact>> {
        let (MatchKey::Email(key) | MatchKey::Phone(key)) = key;
        let wanted = number(&key.to_lowercase());
        self.call("find", |world| Ok(shown(world, |contact| contact.address == wanted)), |_, _| ()).await
    }

    async fn find_counterpart(&self, _: &RecordId) -> StoreResult<Option<contact::Contact>> {
        unused()
    }

    async fn create(&self, _: &Draft) -> StoreResult<contact::Contact> {
        unused()
    }

    async fn update(&self, _: &contact::Contact, _: &Patch) -> StoreResult<contact::Contact> {
        unused()
    }

    async fn set_counterpart(&self, _: &contact::Contact, _: &RecordId) -> StoreResult<contact::Contact> {
        unused()
    }

    async fn delete(&self, _: &RecordId) -> StoreResult<()> {
        unused()
    }

    async fn erase(&self, _: &RecordId) -> StoreResult<()> {
        unused()
    }

    async fn merge(&self, _: &contact::Contact, _: &RecordId) -> StoreResult<contact::Contact> {
        unused()
    }

    async fn history(&self, _: &RecordId, _: &Field, _: &Revision) -> StoreResult<Vec<PastValue>> {
        unused()
    }

    async fn schema(&self) -> StoreResult<Vec<FieldSpec>> {
        unused()
    }

    async fn lacks(&self, _: &[Field]) -> StoreResult<Vec<Field>> {
        unused()
    }

    async fn set_up(&self) -> StoreResult<String> {
        unused()
    }
}

/// The clock of a world, which the wait of one worker moves for all.
pub struct WorldClock(pub Shared);

#[async_trait]
impl Clock for WorldClock {
    fn now(&self) -> Timestamp {
        World::instant(lock(&self.0).now)
    }

    async fn sleep(&self, duration: Duration) {
        point().await;
        lock(&self.0).now += i64::try_from(duration.as_millis()).unwrap_or(0);
        point().await;
    }
}
