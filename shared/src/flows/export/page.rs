//! One page: what is known of its rows, and what becomes of each.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{
    super::run::{Allowance, Step},
    Export,
};
use crate::{
    model::{
        contact::Contact,
        ids::{RecordId, Side},
        link::{Link, Slot},
        listing::{Listed, Page},
        run::FailedRow,
    },
    ports::Known,
    sync::{
        export::{Done, Leg, Tally},
        handed::{Handed, Handing},
        prints, retry,
        scan::{Cursor, Turn},
    },
};

/// So many failed rows are looked through for one that is linked.
const MOST_NOTED: usize = 1_000;

/// A page that was read.
pub(super) struct Sheet {
    /// The rows that the scan has not come across before.
    rows: Vec<Listed>,
    /// Whether rows of it may have been read before: those that need nothing are not counted again.
    again: bool,
    as_of: Timestamp,
    pub(super) next: Option<Cursor>,
}

impl Sheet {
    pub(super) fn new(page: Page, turn: Turn) -> Self {
        let mut fresh = turn.fresh.into_iter().peekable();
        let rows = page.rows.into_iter().enumerate().filter(|(position, _)| fresh.next_if_eq(position).is_some()).map(|(_, row)| lean(row));
        Self { rows: rows.collect(), again: turn.again, as_of: page.as_of, next: turn.next }
    }

    fn latest(&self, leg: Leg) -> Option<Timestamp> {
        let stamp = |row: &Listed| match (leg, row) {
            (Leg::Created, row) => row.created_at(),
            (Leg::Updated, Listed::Contact(contact)) => contact.updated_at,
            (Leg::Updated, Listed::Unreadable { .. }) => None,
        };
        self.rows.iter().filter_map(stamp).max()
    }
}

/// Nothing is written to what a page shows, and the vendor's own form of a thousand contacts is most of what they take.
fn lean(row: Listed) -> Listed {
    match row {
        Listed::Contact(contact) => Listed::Contact(Contact { native: serde_json::Value::Null, ..contact }),
        Listed::Unreadable { .. } => row,
    }
}

/// A contact without a counterpart, and the notes that there are on it.
pub(super) struct Fresh {
    pub(super) contact: Contact,
    pub(super) parked: bool,
    pub(super) failed: Option<FailedRow>,
}

/// What a load of pages goes by.
#[derive(Clone, Copy)]
pub(super) struct Load<'a> {
    pub(super) leg: Leg,
    /// Whether contacts may be made without looking for earlier ones that name them.
    pub(super) unchecked: bool,
    /// Whom contact sync has.
    pub(super) handed: &'a Handed,
}

/// What is to be done with a row.
enum Fate {
    Make(Box<Fresh>),
    HandOver(RecordId),
    Unchanged,
    Buried,
    Waiting,
}

impl Export {
    /// Sees to every row of a page.
    pub(super) async fn carry(&self, sheet: Sheet, load: Load<'_>, allowance: &Allowance) -> Step<Done> {
        allowance.ensure_time()?;
        let (latest, as_of, again, next) = (sheet.latest(load.leg), sheet.as_of, sheet.again, sheet.next);
        let (tally, handed) = self.carry_rows(sheet.rows, load, allowance).await?;
        let mut tally = Tally { pages: 1, ..tally };
        if again {
            (tally.unchanged, tally.waiting, tally.buried) = (0, 0, 0);
            tally.read = tally.accounted();
        }
        Ok(Done { next, latest, as_of, handed, tally })
    }

    /// Sees to every row; each is in the account once.
    async fn carry_rows(&self, rows: Vec<Listed>, load: Load<'_>, allowance: &Allowance) -> Step<(Tally, Vec<(RecordId, Handing)>)> {
        let mut tally = Tally { read: rows.len() as u64, ..Tally::default() };
        let (mut contacts, mut unreadable) = (Vec::with_capacity(rows.len()), Vec::new());
        for row in rows {
            match row {
                Listed::Contact(contact) => contacts.push(contact),
                Listed::Unreadable { id, .. } => unreadable.push(id),
            }
        }
        self.note_unreadable(unreadable, &mut tally).await?;
        let now = self.now();
        let listed: BTreeMap<RecordId, Handing> = contacts.iter().map(|contact| (contact.id.clone(), Handing::of(contact, now))).collect();
        let ids: Vec<RecordId> = contacts.iter().map(|contact| contact.id.clone()).collect();
        let known = self.batches.look_up_many(&self.contacts.site.site, Side::Wix, &ids).await?;
        let (mut fresh, mut handed_over) = (Vec::new(), Vec::new());
        for (contact, known) in contacts.into_iter().zip(known) {
            match self.fate(contact, known, load.handed) {
                Fate::Make(row) => fresh.push(*row),
                Fate::HandOver(id) => handed_over.push(id),
                Fate::Unchanged => tally.unchanged += 1,
                Fate::Buried => tally.buried += 1,
                Fate::Waiting => tally.waiting += 1,
            }
        }
        let made = self.make_all(fresh, load.unchecked, allowance).await?;
        handed_over.extend(made.handed_over);
        self.hand_over(&handed_over).await?;
        tally.add(&Tally { handed_over: handed_over.len() as u64, ..made.tally });
        let handed = handed_over.into_iter().filter_map(|id| Some((id.clone(), *listed.get(&id)?))).collect();
        Ok((tally, handed))
    }

    fn fate(&self, contact: Contact, known: Known, handed: &Handed) -> Fate {
        let under_way = handed.has(&contact, self.now());
        match known.slot {
            Slot::Linked(link) => match (self.differs(&contact, &link), under_way) {
                (false, _) => Fate::Unchanged,
                (true, true) => Fate::Waiting,
                (true, false) => Fate::HandOver(contact.id),
            },
            Slot::Gone(_) => Fate::Buried,
            Slot::Reserved { .. } | Slot::Free if under_way => Fate::Waiting,
            // Somebody makes its counterpart, or died while doing so: then what was drafted counts, not what is there now.
            Slot::Reserved { .. } => Fate::HandOver(contact.id),
            Slot::Free => match (known.parked, known.failed) {
                (Some(parked), _) if !self.contacts.changed_since(&contact, &parked) => Fate::Waiting,
                (_, Some(_)) => Fate::Waiting,
                (parked, failed) => Fate::Make(Box::new(Fresh { contact, parked: parked.is_some(), failed })),
            },
        }
    }

    /// Tells whether a contact is not as it was agreed on.
    pub(super) fn differs(&self, contact: &Contact, link: &Link) -> bool {
        prints::differs(&self.contacts.key, &self.contacts.mapping, Side::Wix, contact, &link.anchors.wix.base)
    }

    /// Notes rows that cannot be understood: the vendor may send them in another form the next time. Those that are noted already have their
    /// own tries, which do not begin anew because a row is listed again, and those that were given up wait for a person.
    async fn note_unreadable(&self, ids: Vec<Option<RecordId>>, tally: &mut Tally) -> Step<()> {
        if ids.is_empty() {
            return Ok(());
        }
        let (site, runs, now) = (&self.contacts.site.site, &self.means.runs, self.now());
        let count = ids.len() as u64;
        let ids: Vec<RecordId> = ids.into_iter().flatten().collect();
        let known = self.batches.look_up_many(site, Side::Wix, &ids).await?;
        let is_linked = |known: &Known| matches!(known.slot, Slot::Linked(_));
        // Beside a link its failed row does not show.
        let noted = if known.iter().any(is_linked) { runs.failed(site, None, MOST_NOTED).await? } else { Vec::new() };
        let before = *tally;
        let mut rows = Vec::new();
        for (id, known) in ids.into_iter().zip(known) {
            match known {
                Known { slot: Slot::Gone(_), .. } => tally.buried += 1,
                Known { parked: Some(_), .. } | Known { failed: Some(_), .. } => tally.waiting += 1,
                _ if noted.iter().any(|row| row.id == id) => tally.waiting += 1,
                _ => rows.push(FailedRow {
                    id,
                    reason: "unreadable".to_owned(),
                    attempts: 1,
                    since: now,
                    again_at: retry::row(1, now).unwrap_or(now),
                }),
            }
        }
        tally.failed += count - (tally.buried - before.buried) - (tally.waiting - before.waiting);
        Ok(runs.fail(site, &rows).await?)
    }
}
