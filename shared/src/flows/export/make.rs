//! Contacts without a counterpart: looked for in the CRM, and made there in batches.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use futures::{StreamExt, stream::FuturesUnordered};
use jiff::SignedDuration;

use super::{
    super::{
        candidates::Search,
        contact::{Drafted, RESERVATION_TIME},
        run::{Allowance, Step, Stop},
    },
    Export,
    failed::is_of_all,
    page::Fresh,
};
use crate::{
    model::{
        contact::Contact,
        field::Field,
        ids::{RecordId, Side},
        link::{Hold, ParkedReason, Reservation, RowState},
    },
    ports::{self, Draft, ErrorKind, Row, StoreError, Whose},
    sync::{batches, enter, export::Tally},
};

/// How long what a batch reserves is held where the CRM does not see to it that a record is made once: others of the page, and of those that are
/// carried out beside it, were compared with the CRM before. Longer than any invocation.
const WHILE_OTHERS_ARE_MADE: SignedDuration = SignedDuration::from_mins(16);
/// How often the CRM may refuse some of a new record's fields before it is parked.
const REFUSALS: usize = 4;
/// After so many calls without a row that landed, it is not a row's fault.
const FUTILE: usize = 7;

/// What became of contacts without a counterpart.
#[derive(Default)]
pub(super) struct Made {
    pub(super) tally: Tally,
    /// Those that take a closer look.
    pub(super) handed_over: Vec<RecordId>,
}

/// A contact on its way into the CRM.
struct Job {
    row: Fresh,
    drafted: Drafted,
    reservation: Reservation,
}

impl Job {
    fn id(&self) -> &RecordId {
        &self.row.contact.id
    }

    fn draft(&self) -> Draft {
        Draft { counterpart: self.id().clone(), fields: self.drafted.0.clone() }
    }
}

/// A batch between its calls.
#[derive(Default)]
struct Batch {
    made: Made,
    /// Rows to be sent once more, without what was refused.
    again: Vec<Job>,
    landed: Vec<(Job, Contact)>,
    /// Under these nothing was made.
    unused: Vec<Reservation>,
    stop: Option<Stop>,
}

impl Export {
    /// Makes the counterparts of contacts that have none. Whatever may have one already is handed over instead.
    pub(super) async fn make_all(&self, rows: Vec<Fresh>, unchecked: bool, allowance: &Allowance) -> Step<Made> {
        let mut made = Made::default();
        if rows.is_empty() {
            return Ok(made);
        }
        allowance.ensure_room().await?;
        let candidates = self.with_candidates(&rows, unchecked, allowance).await?;
        let (matched, free): (Vec<Fresh>, Vec<Fresh>) = rows.into_iter().partition(|row| candidates.contains(&row.contact.id));
        made.handed_over.extend(matched.into_iter().map(|row| row.contact.id));
        let jobs: Vec<Job> = free.into_iter().map(|row| self.job(row)).collect();
        let apart = batches::apart(&jobs.iter().map(|job| job.reservation.keys.clone()).collect::<Vec<_>>());
        let (first, twins): (Vec<_>, Vec<_>) = jobs.into_iter().zip(apart).partition(|(_, first)| *first);
        made.handed_over.extend(twins.into_iter().map(|(job, _)| job.row.contact.id));
        let mut jobs = first.into_iter().map(|(job, _)| job).peekable();
        let batches = std::iter::from_fn(|| jobs.peek().is_some().then(|| jobs.by_ref().take(self.upload.most_rows()).collect()));
        let batches: Vec<Vec<Job>> = batches.collect();
        // All of them end, whatever becomes of one: what landed is linked.
        let ends: Vec<Step<Made>> =
            batches.into_iter().map(|jobs| self.make_batch(jobs, allowance)).collect::<FuturesUnordered<_>>().collect().await;
        for end in ends {
            let Made { tally, handed_over } = end?;
            made.tally.add(&tally);
            made.handed_over.extend(handed_over);
        }
        Ok(made)
    }

    fn job(&self, row: Fresh) -> Job {
        let drafted = self.contacts.draft_fields(Side::Wix, &row.contact);
        let reservation = self.contacts.reservation(Side::Wix, &row.contact, &drafted.0);
        Job { row, drafted, reservation }
    }

    /// The jobs of a page are drawn up at once, and the last ones wait long for their turn.
    fn held_from_now(&self, mut jobs: Vec<Job>) -> Vec<Job> {
        let time = if self.upload.makes_once() { RESERVATION_TIME } else { WHILE_OTHERS_ARE_MADE };
        for job in &mut jobs {
            job.reservation.until = self.now() + time;
        }
        jobs
    }

    /// Returns which contacts the CRM may have already: by the id that a record names, by e-mail, else by phone, as contact sync would.
    async fn with_candidates(&self, rows: &[Fresh], unchecked: bool, allowance: &Allowance) -> Step<BTreeSet<RecordId>> {
        let at_crm = |error| Stop::at(Side::External, error);
        if unchecked && self.upload.count(Whose::Strangers).await.map_err(at_crm)? == 0 {
            return Ok(BTreeSet::new());
        }
        let ids: Vec<RecordId> = rows.iter().map(|row| row.contact.id.clone()).collect();
        let named = if unchecked { Vec::new() } else { self.upload.named(&ids).await.map_err(at_crm)? };
        let mut candidates: BTreeSet<RecordId> = named.into_iter().collect();
        let open: Vec<&Contact> = rows.iter().map(|row| &row.contact).filter(|contact| !candidates.contains(&contact.id)).collect();
        let search = Search { contacts: &self.contacts, upload: self.upload.as_ref(), allowance };
        candidates.extend(search.candidates(&open).await?.into_keys());
        Ok(candidates)
    }

    async fn make_batch(&self, jobs: Vec<Job>, allowance: &Allowance) -> Step<Made> {
        let _turn = allowance.ensure_turn().await?;
        allowance.ensure_room().await?;
        let site = &self.contacts.site.site;
        let jobs = self.held_from_now(jobs);
        let reservations: Vec<Reservation> = jobs.iter().map(|job| job.reservation.clone()).collect();
        let taken = self.batches.reserve_many(site, &reservations, self.now()).await?;
        let (jobs, others): (Vec<_>, Vec<_>) = jobs.into_iter().zip(taken).partition(|(_, taken)| *taken);
        let mut batch = Batch::default();
        batch.made.handed_over.extend(others.into_iter().map(|(job, _)| job.row.contact.id));
        batch.again = jobs.into_iter().map(|(job, _)| job).collect();
        for round in 0..=REFUSALS {
            if batch.again.is_empty() || batch.stop.is_some() {
                break;
            }
            // Whatever stops it, what landed is linked.
            if let Err(stop) = self.send_round(round, &mut batch).await {
                batch.stop = Some(stop);
            }
        }
        batch.unused.extend(std::mem::take(&mut batch.again).into_iter().map(|job| job.reservation));
        self.link_landed(&mut batch).await?;
        self.batches.release_many(site, &batch.unused).await?;
        match batch.stop {
            Some(stop) => Err(stop),
            None => Ok(batch.made),
        }
    }

    async fn send_round(&self, round: usize, batch: &mut Batch) -> Step<()> {
        let mut jobs = std::mem::take(&mut batch.again);
        if round > 0 {
            jobs = self.draft_anew(jobs, batch).await?;
        }
        self.send(jobs, round < REFUSALS, batch).await
    }

    /// If the next answer is lost, what was left out must not pass for something that a person took away.
    async fn draft_anew(&self, jobs: Vec<Job>, batch: &mut Batch) -> Step<Vec<Job>> {
        let mut jobs = self.held_from_now(jobs);
        for job in &mut jobs {
            let draft = self.contacts.draft_intent(Side::Wix, &job.row.contact, &job.drafted.0);
            job.reservation.draft = Some(Box::new(draft));
        }
        let reservations: Vec<Reservation> = jobs.iter().map(|job| job.reservation.clone()).collect();
        let held = self.batches.reserve_many(&self.contacts.site.site, &reservations, self.now()).await?;
        let (jobs, others): (Vec<_>, Vec<_>) = jobs.into_iter().zip(held).partition(|(_, held)| *held);
        batch.made.handed_over.extend(others.into_iter().map(|(job, _)| job.row.contact.id));
        Ok(jobs.into_iter().map(|(job, _)| job).collect())
    }

    /// Sends rows once, and sorts them by what became of each.
    async fn send(&self, jobs: Vec<Job>, again: bool, batch: &mut Batch) -> Step<()> {
        let drafts: Vec<Draft> = jobs.iter().map(Job::draft).collect();
        let rows = match self.upload(&drafts).await {
            Ok(rows) => rows,
            Err(error) => {
                if !error.kind.is_ambiguous() {
                    batch.unused.extend(jobs.into_iter().map(|job| job.reservation));
                }
                batch.stop = Some(Self::stop_of_all(error));
                return Ok(());
            }
        };
        let mut jobs: BTreeMap<RecordId, Job> = jobs.into_iter().map(|job| (job.id().clone(), job)).collect();
        for (id, outcome) in rows {
            let Some(job) = jobs.remove(&id) else { continue };
            match outcome {
                Ok(contact) => batch.landed.push((job, contact)),
                Err(error) => self.refused(job, error, again, batch).await?,
            }
        }
        Ok(())
    }

    /// Sends drafts; a batch that fails for a passing reason is halved, in case it is a row's fault.
    async fn upload(&self, drafts: &[Draft]) -> Result<Vec<Row>, StoreError> {
        let (mut rows, mut open, mut failures) = (Vec::with_capacity(drafts.len()), VecDeque::from([drafts]), 0);
        while let Some(drafts) = open.pop_front() {
            let error = match self.upload.upload(drafts).await {
                Ok(done) => {
                    rows.extend(done);
                    continue;
                }
                Err(error) => error,
            };
            failures += 1;
            match drafts {
                _ if rows.is_empty() && (!error.kind.is_ambiguous() || failures >= FUTILE) => return Err(error),
                _ if !error.kind.is_ambiguous() => {
                    let left = drafts.iter().chain(open.drain(..).flatten());
                    rows.extend(left.map(|draft| (draft.counterpart.clone(), Err(StoreError::new(error.kind.clone(), &*error.operation)))));
                }
                [draft] => rows.push((draft.counterpart.clone(), Err(error))),
                _ => open.extend(<[_; 2]>::from(drafts.split_at(drafts.len() / 2))),
            }
        }
        Ok(rows)
    }

    /// A row did not land.
    async fn refused(&self, mut job: Job, error: StoreError, again: bool, batch: &mut Batch) -> Step<()> {
        match &error.kind {
            ErrorKind::Invalid(fields) if again && self.leave_out(&mut job, fields) => {
                self.ensure_fields_exist(fields, batch).await?;
                batch.again.push(job);
                return Ok(());
            }
            ErrorKind::Invalid(_) | ErrorKind::Forbidden | ErrorKind::Unsupported | ErrorKind::Corrupt => {
                self.park(job.id(), ParkedReason::Refused, &mut batch.made).await?;
                tracing::info!(site = %self.contacts.site.site, record = %job.id(), error = %error, "The CRM refuses a contact.");
            }
            // The CRM has such a record, which nobody found: contact sync finds out whose it is.
            ErrorKind::Exists(_) => batch.made.handed_over.push(job.id().clone()),
            _ if is_of_all(&error) => batch.stop = Some(Stop::at(Side::External, error)),
            _ => {
                self.note_failed(job.id(), job.row.failed.as_ref(), &error, &mut batch.made).await?;
                if error.kind.is_ambiguous() {
                    // It may have been made: its reservation keeps what was drafted until somebody looks.
                    return Ok(());
                }
            }
        }
        batch.unused.push(job.reservation);
        Ok(())
    }

    /// Leaves refused fields out of a draft; tells whether the draft has such fields, and others.
    fn leave_out(&self, job: &mut Job, refused: &[Field]) -> bool {
        let rows = self.contacts.mapping.rows().iter().filter(|row| refused.contains(row.field(Side::External)));
        let states: Vec<_> = rows.map(|row| (row.id().clone(), RowState::Refused(Side::External))).collect();
        let (fields, noted) = &mut job.drafted;
        let before = fields.len();
        fields.retain(|field, _| !refused.contains(field));
        noted.extend(states);
        !fields.is_empty() && fields.len() < before
    }

    /// A field that the CRM refuses is refused for its value, or does not exist any more: then leaving it out would lose it for everybody.
    async fn ensure_fields_exist(&self, fields: &[Field], batch: &mut Batch) -> Step<()> {
        let schema = self.contacts.stores.external.schema().await.map_err(|error| Stop::at(Side::External, error))?;
        let missing: Vec<Field> = fields.iter().filter(|field| schema.iter().all(|spec| spec.field != **field)).cloned().collect();
        if !missing.is_empty() {
            batch.stop = Some(Stop::MissingFields(Side::External, missing));
        }
        Ok(())
    }

    fn stop_of_all(error: StoreError) -> Stop {
        match error.kind {
            ErrorKind::Invalid(fields) if !fields.is_empty() => Stop::MissingFields(Side::External, fields),
            _ => Stop::at(Side::External, error),
        }
    }

    /// Links what was made. A record that somebody else linked meanwhile is looked at once more.
    async fn link_landed(&self, batch: &mut Batch) -> Step<()> {
        let (site, now) = (&self.contacts.site.site, self.now());
        let links: Vec<ports::Made> = batch.landed.iter().map(|(job, made)| self.linked(job, made)).collect();
        let linked = self.batches.link_many(site, &links, now).await?;
        let mut settled = Vec::new();
        for ((job, _), linked) in batch.landed.iter().zip(linked) {
            if linked {
                batch.made.tally.created += 1;
                let retried = job.row.failed.as_ref().map(|row| row.id.clone());
                batch.made.handed_over.extend(retried.clone());
                settled.extend(retried);
            } else {
                batch.made.handed_over.push(job.id().clone());
            }
        }
        Ok(self.means.runs.forgive(site, &settled).await?)
    }

    /// The link of a record just made. A note from before is taken off the list; one about its rows is put on it.
    fn linked(&self, job: &Job, made: &Contact) -> ports::Made {
        let (fields, states) = &job.drafted;
        let left_out = enter::left_out(&self.contacts.mapping, Side::External, fields, made).into_iter();
        let states = states.iter().cloned().chain(left_out.map(|row| (row, RowState::Refused(Side::External)))).collect();
        let mut link = self.contacts.link_of(Side::Wix, &job.row.contact, made, states);
        // The scan that shows the ids may have passed it long ago.
        link.held = job.row.failed.as_ref().map(|_| Hold::MirrorDue);
        let mut notes = self.contacts.notes_on_rows(&link);
        notes.retain(|(side, _), note| note.is_some() || (*side == Side::Wix && job.row.parked));
        ports::Made { link, notes, reservation: job.reservation.clone() }
    }
}
