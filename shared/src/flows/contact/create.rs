//! A record without a link: find its counterpart, or make it.

use jiff::SignedDuration;

use super::{
    Contacts, Effect, Hint, RESERVATION_TIME, SOON, Skip, Step, Stop,
    matching::{Candidate, Match, Unclear},
    write::Work,
};
use crate::{
    mapping::Row,
    model::{
        contact::{Contact, Found, MatchKey},
        event::{Event, EventKind},
        field::Fields,
        ids::{Pair, RecordId, RowId, Side},
        link::{Hold, Intent, IntentRow, Link, ParkedReason, Reservation, RowState, Slot},
    },
    ports::{Draft, ErrorKind, Noted, StoreError},
    sync::{enter, merge, prints},
};

/// How often a side may refuse some of a new record's fields before it is parked.
const REFUSALS: usize = 4;
/// When to look again while another worker makes a record of the same person.
pub(super) const WHILE_MADE: SignedDuration = SignedDuration::from_secs(20);

/// A new record's fields, and the rows left out of it.
pub(in crate::flows) type Drafted = (Fields, Vec<(RowId, RowState)>);

impl Contacts {
    /// Finds the counterpart of a record without a link: by the id it carries, by match keys; else makes it.
    ///
    /// While both were read and no link was stored, a delete of either may have come and found nothing to do: once linked, both are read again.
    pub(super) async fn find_counterpart(&self, hint: Hint<'_>, id: &RecordId) -> Step<Effect> {
        let effect = self.link_somehow(hint, id).await?;
        if !matches!(effect, Effect::Created(_) | Effect::Updated { .. } | Effect::Agreed) {
            return Ok(effect);
        }
        let Slot::Linked(link) = self.look_up(hint.side, id).await? else { return Ok(effect) };
        let kind = EventKind::Resync { approve_delete: false, prefer: None };
        let event = Event { kind, entity: None, ..hint.event.clone() };
        match Box::pin(self.synchronise_pair(Hint { event: &event, side: hint.side }, *link)).await? {
            Effect::Unchanged | Effect::Agreed | Effect::Updated { .. } => Ok(effect),
            ended => Ok(ended),
        }
    }

    async fn link_somehow(&self, hint: Hint<'_>, id: &RecordId) -> Step<Effect> {
        let side = hint.side;
        let this = match self.read(side, id).await? {
            Found::Present(contact) => contact,
            Found::Merged(winner) => {
                self.unpark(side, id).await?;
                return Box::pin(self.synchronise(hint, &winner.id)).await;
            }
            Found::Absent => {
                self.unpark(side, id).await?;
                return Ok(Effect::Skipped(Skip::Absent));
            }
        };
        if let Some(other) = self.named_counterpart(side, &this).await? {
            return self.link_pair(side, this, other).await;
        }
        match self.match_by_keys(side, &this).await? {
            Match::One(other) => match self.rivals(side, &this, &other).await? {
                Some(unclear) => self.report_unclear(hint, &this, unclear).await,
                None => self.link_pair(side, this, *other).await,
            },
            Match::Unclear(unclear) => self.report_unclear(hint, &this, unclear).await,
            Match::None => self.make_counterpart(side, this).await,
        }
    }

    /// Leaves the choice to a person, unless the record turns out to be linked: the matches belong to records that were merged into it, or
    /// another worker was at work.
    async fn report_unclear(&self, hint: Hint<'_>, this: &Contact, unclear: Unclear) -> Step<Effect> {
        let side = hint.side;
        let mut followed = false;
        for link in unclear.taken {
            if matches!(self.read(side, link.id(side)).await?, Found::Merged(winner) if winner.id == this.id) {
                // The merge has an event of its own, but that may come late or never.
                self.follow(link, side, this).await?;
                followed = true;
            }
        }
        if followed {
            return Box::pin(self.synchronise(hint, &this.id)).await;
        }
        self.park_because(unclear.reason, (side, &this.id), unclear.because_of).await
    }

    /// Follows the id of the counterpart that the bridge once wrote on the record: a create whose link was not stored. A person may have
    /// copied it, so it counts only if that record is free.
    pub(super) async fn named_counterpart(&self, side: Side, this: &Contact) -> Step<Option<Contact>> {
        let Some(id) = &this.counterpart else { return Ok(None) };
        let other = side.opposite();
        match self.look_up(other, id).await? {
            Slot::Reserved { until, .. } => Err(self.until(until.min(self.clock.now() + WHILE_MADE), "its link is being stored").into()),
            Slot::Linked(link) if link.id(side) == &this.id => Err(self.later(SOON, "its link was stored just now").into()),
            Slot::Linked(_) | Slot::Gone(_) => Ok(None),
            Slot::Free => self.read_present(other, id).await,
        }
    }

    /// Links two records that are one person and merges them: the system of record first, empty never overwrites filled. Where one of them
    /// was made of the other and the reply was lost, the draft is what both agreed on.
    pub(super) async fn link_pair(&self, side: Side, this: Contact, other: Contact) -> Step<Effect> {
        let drafts = Pair::from_side(side, self.draft_of(side, &this, &other).await?, self.draft_of(side.opposite(), &other, &this).await?);
        let contacts = Pair::from_side(side, this, other);
        let mut link = Link::new(contacts.wix.id.clone(), contacts.external.id.clone(), self.clock.now());
        link.held = Some(Hold::MirrorDue);
        for draft in [drafts.wix, drafts.external].into_iter().flatten() {
            enter::begin_with(&mut link, &draft, &self.key, &self.mapping, contacts.of(draft.side));
        }
        let plan = merge::merge(&self.input(&link, &contacts, None));
        self.carry_out(Work { stored: false, touched: true, ..Work::new(link, plan, contacts) }).await
    }

    /// Returns what an earlier worker was about to write when it made `made` of `source`, if it did.
    async fn draft_of(&self, side: Side, source: &Contact, made: &Contact) -> Step<Option<Box<Intent>>> {
        if made.counterpart.as_ref() != Some(&source.id) {
            return Ok(None);
        }
        match self.links.look_up(&self.site.site, side, &source.id).await? {
            Slot::Reserved { draft, .. } => Ok(draft),
            // Heard just now; with the reservation the draft went away, too.
            Slot::Gone(tombstone) if tombstone.cause.is_of_erasure() => Err(self.later(SOON, "it may be somebody who was erased").into()),
            Slot::Linked(_) | Slot::Gone(_) | Slot::Free => Ok(None),
        }
    }

    /// Makes the missing counterpart, under an exclusive reservation, unless an earlier try left one.
    async fn make_counterpart(&self, side: Side, this: Contact) -> Step<Effect> {
        let other = side.opposite();
        let half_made = self.store(other).find_counterpart(&this.id).await.map_err(|error| Stop::at(other, error))?;
        if let Some(found) = half_made
            && let Slot::Free = self.look_up(other, &found.id).await?
        {
            return self.link_pair(side, this, found).await;
        }
        let (fields, states) = self.draft_fields(side, &this);
        let reservation = self.reservation(side, &this, &fields);
        match self.links.reserve(&self.site.site, &reservation, self.clock.now()).await {
            Ok(()) => {}
            Err(error) if matches!(error.kind, ErrorKind::Exists(_)) => {
                return Err(self.later(WHILE_MADE, "another worker makes a record of this person").into());
            }
            Err(error) => return Err(error.into()),
        }
        let made = match self.read(side, &this.id).await {
            // A delete that comes from now on waits for the reservation; one that came before found nothing to do.
            Ok(Found::Absent | Found::Merged(_)) => Err(self.later(SOON, "the record went away").into()),
            Ok(Found::Present(_)) => self.make_reserved(side, &this, (fields, states), &reservation).await,
            Err(stop) => return self.give_back(&reservation, stop).await,
        };
        if made.as_ref().err().is_some_and(Stop::is_certain) || matches!(made, Ok(Effect::Parked(_))) {
            self.links.release(&self.site.site, &reservation).await?;
        }
        made
    }

    /// Returns the right to make a record's counterpart with these fields, to be taken.
    pub(in crate::flows) fn reservation(&self, side: Side, this: &Contact, fields: &Fields) -> Reservation {
        let (emails, phones): (Vec<_>, Vec<_>) = self.match_keys(side, this).into_iter().partition(|key| matches!(key, MatchKey::Email(_)));
        Reservation {
            side,
            id: this.id.clone(),
            // Colleagues share a phone: one that comes with an e-mail must not hold the others up.
            keys: self.key_digests(if emails.is_empty() { &phones } else { &emails }),
            owner: (self.owner)(),
            until: self.clock.now() + RESERVATION_TIME,
            draft: Some(Box::new(self.draft_intent(side, this, fields))),
        }
    }

    async fn make_reserved(&self, side: Side, this: &Contact, drafted: Drafted, reservation: &Reservation) -> Step<Effect> {
        let other = side.opposite();
        let (mut fields, mut states) = drafted;
        for _ in 0..=REFUSALS {
            let draft = Draft { counterpart: this.id.clone(), fields: fields.clone() };
            let error = match self.store(other).create(&draft).await {
                Ok(made) => {
                    let left_out = enter::left_out(&self.mapping, other, &fields, &made);
                    states.extend(left_out.into_iter().map(|row| (row, RowState::Refused(other))));
                    return self.store_made(side, this, made, states, reservation).await;
                }
                Err(error) => error,
            };
            match &error.kind {
                ErrorKind::Exists(known) => return self.already_there(side, this, known.clone(), error, reservation).await,
                ErrorKind::Invalid(named) => {
                    let refused: Vec<RowId> =
                        self.mapping.rows().iter().filter(|row| named.contains(row.field(other))).map(|row| row.id().clone()).collect();
                    if refused.is_empty() {
                        return self.park(side, &this.id, ParkedReason::Refused).await;
                    }
                    fields.retain(|field, _| !named.contains(field));
                    states.extend(refused.into_iter().map(|row| (row, RowState::Refused(other))));
                    // If the next answer is lost, what was left out must not pass for something that a person took away.
                    let draft = Some(Box::new(self.draft_intent(side, this, &fields)));
                    let again = Reservation { draft, ..reservation.clone() };
                    self.links.reserve(&self.site.site, &again, self.clock.now()).await?;
                }
                ErrorKind::Forbidden => return self.park(side, &this.id, ParkedReason::Refused).await,
                _ => return Err(Stop::at(other, error)),
            }
        }
        self.park(side, &this.id, ParkedReason::Refused).await
    }

    /// The other side says that it has such a record: link it if it is free and certain, else report it.
    async fn already_there(
        &self,
        side: Side,
        this: &Contact,
        known: Option<RecordId>,
        error: StoreError,
        reservation: &Reservation,
    ) -> Step<Effect> {
        let Some(id) = known else {
            return match self.match_by_keys(side, this).await? {
                Match::One(found) => self.adopt(side, this, *found, reservation).await,
                Match::Unclear(unclear) => self.park_because(unclear.reason, (side, &this.id), unclear.because_of).await,
                Match::None => Err(Stop::at(side.opposite(), error)),
            };
        };
        let Some(found) = self.read_present(side.opposite(), &id).await? else {
            return Err(self.later(SOON, "the match went away").into());
        };
        match self.availability(side, this, &found).await? {
            Candidate::Available => self.adopt(side, this, found, reservation).await,
            Candidate::Linked(_) => {
                let because_of = vec![(side.opposite(), found.id)];
                self.park_because(ParkedReason::MatchIsLinked, (side, &this.id), because_of).await
            }
        }
    }

    /// Links a record that was found while holding a reservation.
    async fn adopt(&self, side: Side, this: &Contact, found: Contact, reservation: &Reservation) -> Step<Effect> {
        if let Some(unclear) = self.rivals(side, this, &found).await? {
            return self.park_because(unclear.reason, (side, &this.id), unclear.because_of).await;
        }
        self.links.release(&self.site.site, reservation).await?;
        self.link_pair(side, this.clone(), found).await
    }

    /// Converts a record's fields into the other side's form; rows without a counterpart there are left out and noted.
    pub(in crate::flows) fn draft_fields(&self, side: Side, this: &Contact) -> Drafted {
        let other = side.opposite();
        let (mut fields, mut states) = (Fields::new(), Vec::new());
        for row in self.mapping.rows().iter().filter(|row| row.flows_to(other)) {
            match row.convert(other, row.read(side, &this.fields).as_ref()) {
                Ok(value) => fields.extend(row.write(other, value).map(|value| (row.field(other).clone(), value))),
                Err(_) => states.push((row.id().clone(), RowState::Unconvertible(other))),
            }
        }
        (fields, states)
    }

    /// Gives a reservation back under which nothing was tried.
    async fn give_back(&self, reservation: &Reservation, stop: Stop) -> Step<Effect> {
        self.links.release(&self.site.site, reservation).await?;
        Err(stop)
    }

    /// Returns what to store before a record is made: the same as before any other write.
    pub(in crate::flows) fn draft_intent(&self, side: Side, this: &Contact, fields: &Fields) -> Intent {
        let other = side.opposite();
        let row = |row: &Row| {
            let value = row.read(other, fields);
            IntentRow {
                source: prints::print(&self.key, row, side, row.read(side, &this.fields).as_ref()),
                target: prints::print(&self.key, row, other, value.as_ref()),
                loose: prints::loose(&self.key, row, value.as_ref()),
                agreed: None,
            }
        };
        let rows = self.mapping.rows().iter().map(|own| (own.id().clone(), row(own))).collect();
        Intent { side: other, until: self.clock.now(), rows }
    }

    /// Stores the link of a record just made, with what both sides have.
    async fn store_made(
        &self,
        side: Side,
        this: &Contact,
        made: Contact,
        states: Vec<(RowId, RowState)>,
        reservation: &Reservation,
    ) -> Step<Effect> {
        let other = side.opposite();
        let mut contacts = Pair::from_side(side, this.clone(), made);
        let now = self.clock.now();
        let mut bare = Link::new(contacts.wix.id.clone(), contacts.external.id.clone(), now);
        // Tried again by whoever looks at the link next.
        let _ = self.mirror(&mut bare, &mut contacts).await;
        let mut link = Link { held: bare.held, ..self.link_of(side, this, contacts.of(other), states) };
        for side in Side::BOTH {
            link.anchors.of_mut(side).revision.clone_from(&contacts.of(side).revision);
        }
        let notes = self.notes_on_rows(&link);
        self.links.link(&self.site.site, Noted { link: &link, notes: &notes }, Some(reservation), now).await?;
        Ok(Effect::Created(other))
    }
}

impl Contacts {
    /// Returns the link of a record with the one just made of it: what each side has is what both agreed on.
    pub(in crate::flows) fn link_of(&self, side: Side, this: &Contact, made: &Contact, states: Vec<(RowId, RowState)>) -> Link {
        let contacts = Pair::from_side(side, this, made);
        let mut link = Link::new(contacts.wix.id.clone(), contacts.external.id.clone(), self.clock.now());
        link.rows = states.into_iter().collect();
        for side in Side::BOTH {
            let (anchor, contact) = (link.anchors.of_mut(side), contacts.of(side));
            anchor.base = prints::base(&self.key, &self.mapping, side, contact);
            anchor.revision.clone_from(&contact.revision);
        }
        link
    }
}

impl Stop {
    /// Tells whether what was tried was certainly not carried out, so that its reservation can be given back.
    fn is_certain(&self) -> bool {
        match self {
            Self::Later(_) => true,
            Self::Failed { error, .. } => !error.kind.is_ambiguous(),
        }
    }
}
