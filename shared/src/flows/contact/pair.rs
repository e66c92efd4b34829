//! A linked pair: read both records, merge, write.

use super::{Contacts, Effect, Hint, Step, Stop, notes::Shown, overwritten::Unseen, write::Work};
use crate::{
    model::{
        contact::{Contact, Found},
        field::Field,
        ids::{Pair, RowId, Side},
        link::Link,
    },
    sync::{
        decide::{self, Presence},
        merge::{self, Input, Plan, Policy},
        prints,
    },
};

/// So many tries long an address that another record has is waited for.
const PATIENCE: u32 = 3;

/// Both records of a pair as read, this side first.
pub(super) struct Reads {
    pub(super) this: Found,
    pub(super) other: Found,
}

impl Contacts {
    /// Brings a linked pair in step.
    pub(super) async fn synchronise_pair(&self, hint: Hint<'_>, mut link: Link) -> Step<Effect> {
        let (side, shown) = (hint.side, Shown::of(&link));
        self.ensure_not_being_written(&link)?;
        // A merge event encloses the winner, whose versions say nothing of the record that went into it.
        let enclosed = hint.event.entity.as_ref().and_then(|entity| self.store(side).enclosed(entity));
        let enclosed = enclosed.filter(|contact| contact.id == *link.id(side));
        if is_old_news(hint, &link, enclosed.as_ref()) {
            return Ok(Effect::Unchanged);
        }
        let enclosed = enclosed.filter(|contact| stands_for_a_read(contact, &link));
        let trusts_enclosed = enclosed.is_some();
        let mut this = match enclosed {
            Some(contact) => Found::Present(contact),
            None => self.read(side, link.id(side)).await?,
        };
        let mut unseen = Unseen::Nothing;
        if let Found::Present(contact) = &mut this {
            unseen = self.look_for_overwritten(hint, &mut link, contact).await?;
            if unseen != Unseen::PutBack && self.is_echo(hint, &link, contact) {
                return self.note_version((link, shown), side, contact).await;
            }
        }
        let other = self.read(side.opposite(), link.id(side.opposite())).await?;
        let recovered = self.recover(hint, &mut link, &this, &other).await?;
        if recovered && let Found::Present(contact) = &mut this {
            // What the unanswered write went over is known only now.
            self.look_for_overwritten(hint, &mut link, contact).await?;
        }
        let touched = recovered || unseen != Unseen::Nothing;
        match self.decide(hint, &link, Reads { this, other }) {
            Decision::Merge(contacts) => {
                let mut plan = self.merge(hint, &link, &contacts);
                if trusts_enclosed && (plan.is_grave(side, &link) || link.is_first()) {
                    return Box::pin(self.synchronise_afresh(hint, link)).await;
                }
                self.spare_fields_gone(&mut plan).await?;
                let patient = hint.event.attempts < PATIENCE;
                self.carry_out(Work { prefer: hint.prefer(), patient, shown, touched, ..Work::new(link, plan, *contacts) }).await
            }
            Decision::Other(step, reads) => {
                if touched {
                    let news = self.news(&shown, &link);
                    self.save(&mut link, &news).await?;
                }
                self.end_or_move(hint, link, step, *reads).await
            }
        }
    }

    /// An event's own copy of a record is not taken for more than a hint where values would be lost: read again.
    async fn synchronise_afresh(&self, hint: Hint<'_>, link: Link) -> Step<Effect> {
        let mut event = hint.event.clone();
        event.entity = None;
        Box::pin(self.synchronise_pair(Hint { event: &event, side: hint.side }, link)).await
    }

    /// Keeps the values of one side whose field on the other was deleted altogether: it looks emptied in every record at once.
    async fn spare_fields_gone(&self, plan: &mut Plan) -> Step<()> {
        for side in Side::BOTH {
            let from = side.opposite();
            let mut rows: Vec<RowId> = plan.emptied(side).cloned().collect();
            let field = |id: &RowId| self.mapping.rows().iter().find(|row| row.id() == id).map(|row| row.field(from).clone());
            let fields: Vec<Field> = rows.iter().filter_map(field).collect();
            if fields.is_empty() {
                continue;
            }
            let gone = self.store(from).lacks(&fields).await.map_err(|error| Stop::at(from, error))?;
            rows.retain(|id| field(id).is_some_and(|field| gone.contains(&field)));
            plan.spare(side, &rows);
        }
        Ok(())
    }

    /// Remembers a newer version in which nothing is to be carried over. An event of an older one that comes later is old news then, and
    /// another worker that decided on an older one fails to store its intent.
    async fn note_version(&self, (mut link, shown): (Link, Shown), side: Side, contact: &Contact) -> Step<Effect> {
        let news = self.news(&shown, &link);
        let anchor = link.anchors.of_mut(side);
        if anchor.revision != contact.revision || !news.is_empty() {
            anchor.revision.clone_from(&contact.revision);
            self.save(&mut link, &news).await?;
        }
        Ok(Effect::Unchanged)
    }

    /// Tells whether this side is as agreed, so that the other need not be read: an edit there has its own event.
    fn is_echo(&self, hint: Hint<'_>, link: &Link, contact: &Contact) -> bool {
        let asked = hint.prefer().is_some() || matches!(hint.event.kind, crate::model::event::EventKind::Resync { .. });
        let plain = link.intent.is_none() && link.held.is_none() && !asked;
        plain && !prints::differs(&self.key, &self.mapping, hint.side, contact, &link.anchors.of(hint.side).base)
    }

    fn decide(&self, hint: Hint<'_>, link: &Link, reads: Reads) -> Decision {
        let changed = |side: Side, found: &Found| match found {
            Found::Present(contact) => prints::differs(&self.key, &self.mapping, side, contact, &link.anchors.of(side).base),
            Found::Merged(_) | Found::Absent => false,
        };
        let this = Presence::of(&reads.this, changed(hint.side, &reads.this));
        let other = Presence::of(&reads.other, changed(hint.side.opposite(), &reads.other));
        match (reads.this, reads.other) {
            (Found::Present(this), Found::Present(other)) => Decision::Merge(Box::new(Pair::from_side(hint.side, this, other))),
            (this_read, other_read) => {
                Decision::Other(decide::step(this, other, self.site.on_delete), Box::new(Reads { this: this_read, other: other_read }))
            }
        }
    }

    pub(super) fn policy(&self, prefer: Option<Side>) -> Policy {
        let system_of_record = self.site.system_of_record.unwrap_or(Side::Wix);
        Policy { system_of_record, on_conflict: self.site.on_conflict, prefer }
    }

    fn merge(&self, hint: Hint<'_>, link: &Link, contacts: &Pair<Contact>) -> Plan {
        merge::merge(&self.input(link, contacts, hint.prefer()))
    }

    pub(super) fn input<'a>(&'a self, link: &'a Link, contacts: &'a Pair<Contact>, prefer: Option<Side>) -> Input<'a> {
        Input { mapping: &self.mapping, key: &self.key, policy: self.policy(prefer), contacts: contacts.as_ref(), link }
    }
}

/// Tells whether an event is about a version that was dealt with already; spares both reads.
fn is_old_news(hint: Hint<'_>, link: &Link, enclosed: Option<&Contact>) -> bool {
    if link.intent.is_some() || link.held.is_some() || hint.prefer().is_some() || hint.approves_delete() {
        return false;
    }
    let told = enclosed.and_then(|contact| contact.revision.as_ref());
    let anchor = link.anchors.of(hint.side).revision.as_ref();
    told.zip(anchor).and_then(|(told, anchor)| anchor.has_reached(told)).unwrap_or(false)
}

/// Tells whether the record an event encloses can stand for a read.
fn stands_for_a_read(enclosed: &Contact, link: &Link) -> bool {
    enclosed.revision.is_some() && link.intent.is_none() && link.held.is_none()
}

enum Decision {
    Merge(Box<Pair<Contact>>),
    Other(decide::Step, Box<Reads>),
}
