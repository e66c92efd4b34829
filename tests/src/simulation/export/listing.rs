//! Both sides' listings, as runs read them.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use async_trait::async_trait;
use contact_bridge::{
    adapters::http::Limiter,
    model::{
        contact::Contact,
        ids::{RecordId, Side},
        listing::{Ask, Created, Listed, Page},
        run::RunKind,
    },
    ports::{ErrorKind, Kept, Listing, ReadMany, Slice, Snapshot, StoreError, StoreResult},
    sync::{
        export::{Checkpoint, Done, Settings, Tally},
        scan::Read,
    },
};
use jiff::{Timestamp, TimestampRound, Unit};

use super::{
    super::{
        vendor,
        world::{Record, lock},
    },
    Plant,
    stage::Stage,
    witness::checkpoint,
};

/// One side of a site as runs read it.
#[derive(Clone)]
pub struct Reader {
    /// The site.
    pub stage: Arc<Stage>,
    /// The side.
    pub side: Side,
    /// The pace that its calls keep to.
    pub pace: Option<Arc<Limiter>>,
}

/// Shows a record by its side's clock.
#[must_use]
pub fn by_own_clock(stage: &Stage, side: Side, contact: Contact) -> Contact {
    let ahead = if side == Side::Wix { stage.habits().ahead } else { 0 };
    let own = |stamp: Option<Timestamp>| stamp.and_then(|stamp| Timestamp::from_millisecond(stamp.as_millisecond() + ahead).ok());
    Contact { created_at: own(contact.created_at), updated_at: own(contact.updated_at), ..contact }
}

impl Reader {
    /// Begins a call: it arrives, and perhaps fails.
    pub(super) async fn begin(&self, operation: &str) -> StoreResult<()> {
        self.stage.arrive(self.side, self.pace.as_deref(), operation).await?;
        let mut world = lock(&self.stage.world);
        let failure = world.draw_failure();
        world.trace((operation, self.side, failure.as_ref().map(ErrorKind::name)));
        failure.map_or(Ok(()), |kind| Err(StoreError::new(kind, operation)))
    }

    /// Returns what the listing shows now.
    fn shown(&self) -> Vec<Contact> {
        self.stage.observe();
        let now = self.stage.now();
        let shown: Vec<(RecordId, Record)> = {
            let books = self.stage.books();
            books.indexes.of(self.side).shown(now).map(|(id, record)| (id.clone(), record.clone())).collect()
        };
        let own = |(id, record): &(RecordId, Record)| by_own_clock(&self.stage, self.side, vendor::contact(self.side, id, record));
        shown.iter().map(own).collect()
    }

    fn as_of(&self) -> Timestamp {
        let now = self.stage.now() + self.stage.habits().ahead;
        let now = Timestamp::from_millisecond(now).unwrap_or(Timestamp::UNIX_EPOCH);
        now.round(TimestampRound::new().smallest(Unit::Second).mode(jiff::RoundMode::Floor)).unwrap_or(now)
    }

    fn list(&self, ask: &Ask) -> Page {
        let habits = self.stage.habits();
        let mut matching: Vec<Contact> = self.shown().into_iter().filter(|contact| matches(ask, contact)).collect();
        // Those of one instant come in any order; in another one each time only where their number is told, else nobody could know them all.
        let nonce = if habits.tells_total { self.stage.below(i64::MAX) } else { i64::try_from(matching.len()).unwrap_or(0) };
        matching.sort_by_key(|contact| (contact.created_at, shuffled(&contact.id, nonce)));
        let total = habits.tells_total.then_some(matching.len() as u64);
        let most = if self.stage.chance(habits.short_pages) { ask.limit.div_ceil(2) } else { ask.limit };
        let rows: Vec<Listed> = matching.into_iter().skip(ask.offset).take(most).map(|contact| self.listed(contact)).collect();
        Page { rows, limit: ask.limit, total, as_of: self.as_of() }
    }

    fn listed(&self, contact: Contact) -> Listed {
        if self.stage.chance(self.stage.habits().garbled_rows) {
            return Listed::Unreadable { id: Some(contact.id), created_at: contact.created_at };
        }
        Listed::Contact(contact)
    }

    /// A page counts as done before any of its rows is.
    fn enter_at_once(&self, ask: &Ask, page: &Page) -> Option<()> {
        let (runs, site) = (&self.stage.backend.runs, &self.stage.site);
        let mut run = self.stage.backend.finish(runs.run(site, RunKind::Export)).ok()?;
        let lease = run.lease.clone()?;
        let mut notes: Checkpoint = checkpoint(RunKind::Export, &run.progress.checkpoint).unwrap_or_default();
        notes.begin(lock(&self.stage.world).instant());
        let pass = notes.pass.clone()?;
        if pass.cursor.ask(&pass.scan, self.most_rows()) != *ask {
            return None;
        }
        let turn = pass.cursor.turn(Read { rows: &page.rows, limit: page.limit, total: page.total }).ok()?;
        let latest = page.rows.iter().filter_map(Listed::created_at).max();
        let done = Done { next: turn.next, latest, as_of: page.as_of, handed: Vec::new(), tally: Tally::default() };
        let settings = self.stage.backend.finish(self.stage.backend.sites.site(site)).ok()??.export;
        notes.enter(done, Settings { include: settings.include, overlap: settings.overlap() }, lock(&self.stage.world).instant());
        run.progress.checkpoint = serde_json::to_value(&notes).ok()?;
        let kept = Kept { progress: &run.progress, until: Some(lease.until), due: run.due, claimed_until: None };
        self.stage.backend.finish(runs.keep(site, RunKind::Export, &lease.owner, kept)).ok()?;
        Some(())
    }
}

fn matches(ask: &Ask, contact: &Contact) -> bool {
    let created = contact.created_at.is_some_and(|stamp| match ask.created {
        Created::Any => true,
        Created::From(since) => stamp >= since,
        Created::After(since) => stamp > since,
        Created::At(at) => stamp == at,
    });
    created && ask.updated_since.is_none_or(|since| contact.updated_at.is_some_and(|stamp| stamp >= since))
}

fn shuffled(id: &RecordId, nonce: i64) -> u64 {
    let mut hasher = DefaultHasher::new();
    (id.as_str(), nonce).hash(&mut hasher);
    hasher.finish()
}

#[async_trait]
impl Listing for Reader {
    fn most_rows(&self) -> usize {
        self.stage.habits().page
    }

    async fn page(&self, ask: &Ask) -> StoreResult<Page> {
        self.begin("list").await?;
        let ask = match (self.stage.plant, ask.created) {
            (Plant::CutsGroups, Created::From(stamp)) => Ask { created: Created::After(stamp), ..*ask },
            _ => *ask,
        };
        let page = self.list(&ask);
        self.stage.saw_page();
        let shown: Vec<&str> = page.rows.iter().filter_map(Listed::id).map(RecordId::as_str).collect();
        lock(&self.stage.world).trace(("listed", format!("{:?} {} {}", ask.created, ask.offset, ask.limit), shown));
        if self.stage.plant == Plant::EntersBeforeTheRows {
            self.enter_at_once(&ask, &page);
        }
        self.stage.point().await;
        Ok(page)
    }
}

#[async_trait]
impl Snapshot for Reader {
    async fn snapshot(&self, after: Option<&str>) -> StoreResult<Slice> {
        self.begin("snapshot").await?;
        let mut rows: Vec<Contact> =
            self.shown().into_iter().filter(|contact| after.is_none_or(|after| contact.id.as_str() > after)).collect();
        rows.sort_by(|one, other| one.id.cmp(&other.id));
        let most = self.stage.habits().page;
        let is_last = rows.len() <= most;
        rows.truncate(most);
        let next = rows.last().filter(|_| !is_last).map(|last| last.id.as_str().to_owned());
        self.stage.point().await;
        Ok(Slice { rows: rows.into_iter().map(Listed::Contact).collect(), next })
    }
}

#[async_trait]
impl ReadMany for Reader {
    /// Wix answers from its index, the CRM does not.
    async fn read_many(&self, ids: &[RecordId]) -> StoreResult<Vec<Contact>> {
        self.begin("read many").await?;
        let found = if self.side == Side::Wix {
            self.shown().into_iter().filter(|contact| ids.contains(&contact.id)).collect()
        } else {
            let world = lock(&self.stage.world);
            let present = ids.iter().filter_map(|id| Some((id, world.sides.of(self.side).present(id)?)));
            present.map(|(id, record)| vendor::contact(self.side, id, record)).collect()
        };
        self.stage.point().await;
        Ok(found)
    }
}
