//! What people do on the site meanwhile.

use contact_bridge::model::{
    field::{Field, Patch, Value},
    ids::RecordId,
    subscription::SubscriptionStatus,
};
use rand::Rng;

use super::{
    posts,
    wix::{Author, Known, blank},
    world::World,
};

/// People who unsubscribe.
const WITH_EMAIL: usize = 2;

impl World {
    /// Somebody does something.
    pub fn act(&mut self) {
        match self.rng.random_range(0..20) {
            0..9 => self.on_somebody(Self::edit_company),
            9..12 => self.on_somebody(Self::delete_phone),
            12 => self.on_somebody(Self::delete),
            13 => self.merge(),
            14..17 => self.opt_out(),
            17 => self.opt_in(),
            _ => self.paused = !self.paused,
        }
    }

    /// People were in touch with the site before it had the form.
    pub fn add_by_hand(&mut self, person: usize) {
        let mut contact = blank(self.now);
        let field = if posts::email(person).is_some() { "email" } else { "phone" };
        let mut patch = Patch::from([(Field::from(field), Value::text(posts::key(person)))]);
        if self.rng.random_bool(0.5) {
            patch.insert(Field::from("company"), Value::text("By hand"));
            contact.company_by = Some(Author::Person(self.now));
        }
        contact.write(&patch, self.now);
        let id = RecordId::new(format!("c{:04}", self.contacts.len() + 1));
        self.contacts.insert(id, contact);
    }

    /// Edits every contact by hand.
    pub fn edit_all(&mut self) {
        let all: Vec<_> = self.present().map(|(id, _)| id.clone()).collect();
        for id in all {
            self.edit_company(&id);
        }
    }

    fn on_somebody(&mut self, act: fn(&mut Self, &RecordId)) {
        let present: Vec<_> = self.present().map(|(id, _)| id.clone()).collect();
        if present.is_empty() {
            return;
        }
        let nth = self.rng.random_range(0..present.len());
        if let Some(id) = present.get(nth) {
            self.trace(("act", id.as_str()));
            act(self, id);
        }
    }

    fn change(&mut self, id: &RecordId, patch: &Patch) {
        let now = self.now;
        if let Some(contact) = self.contacts.get_mut(id) {
            contact.write(patch, now);
            contact.touched = now;
        }
    }

    fn edit_company(&mut self, id: &RecordId) {
        let value = if self.chance(85) { Value::text(format!("Edit {}", self.next())) } else { None };
        self.change(id, &Patch::from([(Field::from("company"), value)]));
        let now = self.now;
        if let Some(contact) = self.contacts.get_mut(id) {
            contact.company_by = Some(Author::Person(now));
        }
    }

    /// Deletes one of the numbers that came with submissions.
    fn delete_phone(&mut self, id: &RecordId) {
        let Some(contact) = self.contacts.get(id) else { return };
        let mut phones = contact.list(["phone", "phones"]);
        let own: Vec<_> = phones.iter().filter(|phone| phone.starts_with("7361")).cloned().collect();
        if own.is_empty() {
            return;
        }
        let Some(gone) = own.get(self.rng.random_range(0..own.len())) else { return };
        phones.retain(|phone| phone != gone);
        let primary = phones.first().cloned().and_then(Value::text);
        let others = Value::list(phones.into_iter().skip(1));
        self.deleted.insert(gone.clone());
        self.change(id, &Patch::from([(Field::from("phone"), primary), (Field::from("phones"), others)]));
    }

    fn delete(&mut self, id: &RecordId) {
        let Some(contact) = self.contacts.get_mut(id) else { return };
        contact.gone = true;
        let phones = contact.list(["phone", "phones"]);
        self.deleted.extend(phones);
    }

    /// Merges two contacts: the winner gets what it does not have.
    fn merge(&mut self) {
        let has_email = |id: &&RecordId| self.contacts.get(*id).is_some_and(|contact| !contact.list(["email", "emails"]).is_empty());
        let present: Vec<_> = self.present().map(|(id, _)| id).filter(has_email).cloned().collect();
        if present.len() < 2 {
            return;
        }
        let winner = self.rng.random_range(0..present.len());
        let loser = (winner + self.rng.random_range(1..present.len())) % present.len();
        if let (Some(winner), Some(loser)) = (present.get(winner), present.get(loser)) {
            self.trace(("merge", winner.as_str(), loser.as_str()));
            self.merge_into(winner, loser);
        }
    }

    fn merge_into(&mut self, winner: &RecordId, loser: &RecordId) {
        let now = self.now;
        let Some(lost) = self.contacts.get_mut(loser) else { return };
        (lost.gone, lost.merged) = (true, Some(winner.clone()));
        let lost = lost.clone();
        let Some(contact) = self.contacts.get_mut(winner) else { return };
        let mut patch = Patch::new();
        for names in [["email", "emails"], ["phone", "phones"]] {
            let mut all = contact.list(names);
            let new: Vec<_> = lost.list(names).into_iter().filter(|own| !all.contains(own)).collect();
            all.extend(new);
            let mut all = all.into_iter();
            let [primary, others] = names.map(Field::from);
            patch.extend([(primary, all.next().and_then(Value::text)), (others, Value::list(all))]);
        }
        let labels = Field::from("labels");
        let all_labels = [contact.fields.get(&labels), lost.fields.get(&labels)].into_iter().flatten().max().cloned();
        patch.insert(labels, all_labels);
        if contact.company().is_none() {
            patch.insert(Field::from("company"), lost.company().and_then(Value::text));
            contact.company_by = lost.company_by;
        }
        // The check for duplicates never loses sight of an address.
        let moved = lost.keys.into_iter().map(|(key, known)| (key, Known { indexed: now, checked: known.checked }));
        let own = std::mem::take(&mut contact.keys);
        contact.keys = moved.chain(own).collect();
        self.change(winner, &patch);
    }

    fn opt_out(&mut self) {
        let Some(email) = posts::email(self.rng.random_range(0..WITH_EMAIL)) else { return };
        let (at, complains) = (self.instant(), self.chance(20));
        self.trace(("opt out", &email));
        let known = self.subscriptions.entry(email.clone()).or_default();
        known.status = SubscriptionStatus::Unsubscribed;
        known.complained |= complains;
        known.updated_at = Some(at);
        self.opt_outs.insert(email, self.now);
    }

    fn opt_in(&mut self) {
        let Some(email) = posts::email(self.rng.random_range(0..WITH_EMAIL)) else { return };
        let at = self.instant();
        let known = self.subscriptions.entry(email.clone()).or_default();
        known.status = SubscriptionStatus::Subscribed;
        (known.complained, known.updated_at) = (false, Some(at));
        self.opt_outs.remove(&email);
    }
}
