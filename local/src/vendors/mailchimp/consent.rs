//! What writes make of members: who may subscribe whom, and what follows.

use super::{
    mail::Kind,
    member::{Member, hash_of},
    merge,
    problem::Problem,
    status::{Actor, Status},
    wish::Wish,
    world::Desk,
};
use crate::vendors::kit::Lagged;

/// What became of a written member.
pub(super) struct Written {
    pub member: Member,
    pub new: bool,
}

impl Desk<'_> {
    /// The member of this hash as it is now, an archived one too.
    pub fn find(&self, hash: &str) -> Result<Member, Problem> {
        self.list.members.get(hash).map(Lagged::current).cloned().ok_or_else(Problem::not_found)
    }

    /// `PUT`: changes the member of this hash, or adds it.
    pub fn put(&mut self, hash: &str, wish: &Wish) -> Result<Written, Problem> {
        let email = wish.address()?;
        let known = self.find(hash).ok();
        let always = self.world.core.switches.flag("status_if_new_required");
        if wish.status_if_new.is_none() && (always || (known.is_none() && wish.status.is_none())) {
            return Err(Problem::field("status_if_new", "This value should not be blank."));
        }
        match known {
            Some(member) => {
                let as_new = member.status == Status::Archived && self.world.core.switches.is("put_archived", "as_new");
                let status = wish.status.or(wish.status_if_new.filter(|_| as_new));
                self.change(&member, wish, status)
            }
            None if hash_of(email) != hash => Err(Problem::field("email_address", "The address does not belong to the hash in the path.")),
            None => self.add(wish, wish.status_if_new.or(wish.status)),
        }
    }

    /// `PATCH`: changes the member of this hash.
    pub fn patch(&mut self, hash: &str, wish: &Wish) -> Result<Written, Problem> {
        let member = self.find(hash)?;
        self.change(&member, wish, wish.status)
    }

    /// `POST`: adds a member; one that is archived may be added again.
    pub fn post(&mut self, wish: &Wish) -> Result<Written, Problem> {
        let email = wish.address()?;
        let status = wish.status.ok_or_else(|| Problem::field("status", "This value should not be blank."))?;
        match self.find(&hash_of(email)).ok() {
            None => self.add(wish, Some(status)),
            Some(member) if member.status == Status::Archived => self.change(&member, wish, Some(status)),
            Some(member) => Err(self.exists(&member.email)),
        }
    }

    /// `DELETE`: archives a member.
    pub fn archive(&mut self, hash: &str) -> Result<(), Problem> {
        let member = self.find(hash)?;
        if member.status == Status::Archived {
            return match self.world.core.switches.word("archive_again").as_str() {
                "204" => Ok(()),
                "405" => Err(Problem::new(405, "Method Not Allowed", "This list member cannot be removed.")),
                _ => Err(Problem::not_found()),
            };
        }
        let archived = Member { status: Status::Archived, ..member.clone() };
        self.settle(Some(&member), archived);
        Ok(())
    }

    /// Deletes a member for good: the address cannot be put back.
    pub fn forget(&mut self, hash: &str) -> Result<(), Problem> {
        let member = self.find(hash)?;
        let gone = Member { status: Status::Archived, ..member.clone() };
        self.tell(Some(&member), &gone);
        self.list.members.remove(hash);
        self.list.forgotten.insert(hash.to_owned(), member.email);
        Ok(())
    }

    pub fn exists(&self, email: &str) -> Problem {
        let detail = format!("{email} is already a list member. Use PUT to insert or update list members.");
        let named = self.world.core.switches.is("member_exists_title", "Member Exists");
        Problem::new(400, if named { "Member Exists" } else { "Invalid Resource" }, detail)
    }

    pub fn add(&mut self, wish: &Wish, status: Option<Status>) -> Result<Written, Problem> {
        let email = wish.address()?;
        let status = status.ok_or_else(|| Problem::field("status", "This value should not be blank."))?;
        check_address(email)?;
        self.refuse_forgotten(email, status)?;
        let source = if self.actor == Actor::Contact { "Hosted Signup Form" } else { "API - Generic" };
        let mut member = Member::new(email, source, self.now_ms, &self.world.ids);
        member.plain.clone_from(&wish.plain);
        merge::fill(&self.list.fields, &mut member.merge, &self.known_fields(wish)?, wish.skip_required)?;
        self.turn(&mut member, status)?;
        self.list.forgotten.remove(&member.hash());
        let fires = self.world.core.switches.flag("tags_in_body_fire");
        self.add_tags(&mut member, wish.tags.as_deref().unwrap_or_default(), fires);
        Ok(Written { member: self.settle(None, member), new: true })
    }

    pub fn change(&mut self, before: &Member, wish: &Wish, status: Option<Status>) -> Result<Written, Problem> {
        let mut after = before.clone();
        after.plain.extend(wish.plain.clone());
        if wish.merge.is_some() {
            merge::fill(&self.list.fields, &mut after.merge, &self.known_fields(wish)?, wish.skip_required)?;
        }
        if let Some(email) = wish.email.as_deref().filter(|email| hash_of(email) != before.hash()) {
            self.rename(&mut after, email)?;
        }
        if let Some(status) = status {
            self.turn(&mut after, status)?;
        }
        let asked_again = status == Some(Status::Pending) && before.status == Status::Pending;
        if asked_again && self.world.core.switches.flag("pending_again_mails") {
            self.mail(&after.email, Kind::Confirmation);
        }
        Ok(Written { member: self.settle(Some(before), after), new: false })
    }

    /// Gives a member a status, if the actor may.
    fn turn(&self, member: &mut Member, wanted: Status) -> Result<(), Problem> {
        let by_person = self.actor == Actor::Contact;
        let asks = wanted == Status::Pending && self.world.core.switches.is("compliance_pending", "refused");
        if member.compliance && !by_person && (wanted == Status::Subscribed || asks) {
            return Err(Problem::compliance(&member.email));
        }
        let turned = member.status != wanted;
        member.status = wanted;
        match wanted {
            Status::Subscribed => {
                member.compliance = false;
                member.reason = None;
                member.opted_in_ms = member.opted_in_ms.filter(|_| !turned).or(Some(self.now_ms));
            }
            Status::Unsubscribed | Status::Cleaned if turned => {
                member.compliance |= by_person || self.world.core.switches.is("api_unsubscribe", "final");
                member.reason = Some(if wanted == Status::Cleaned { "hard" } else { "manual" });
                member.unsubscribed_ms = Some(self.now_ms);
            }
            Status::Unsubscribed | Status::Cleaned | Status::Pending | Status::Transactional | Status::Archived => {}
        }
        Ok(())
    }

    fn rename(&self, member: &mut Member, email: &str) -> Result<(), Problem> {
        match self.world.core.switches.word("put_other_address").as_str() {
            "ignored" => return Ok(()),
            "refused" => return Err(Problem::field("email_address", "The address does not belong to the hash in the path.")),
            _ => check_address(email)?,
        }
        self.refuse_forgotten(email, member.status)?;
        if self.list.members.contains_key(&hash_of(email)) {
            return Err(self.exists(email));
        }
        email.clone_into(&mut member.email);
        Ok(())
    }

    fn refuse_forgotten(&self, email: &str, status: Status) -> Result<(), Problem> {
        let may =
            self.actor == Actor::Contact || (status == Status::Pending && self.world.core.switches.is("forgotten_pending", "accepted"));
        if !may && self.list.forgotten.contains_key(&hash_of(email)) {
            return Err(Problem::forgotten(email));
        }
        Ok(())
    }

    /// The values sent, if the audience has all their fields or does not mind.
    fn known_fields(&self, wish: &Wish) -> Result<serde_json::Map<String, serde_json::Value>, Problem> {
        let sent = wish.merge.clone().unwrap_or_default();
        let unknown = |tag: &&String| !self.list.fields.iter().any(|field| field.tag == **tag);
        match sent.keys().find(unknown) {
            Some(tag) if self.world.core.switches.is("unknown_merge_field", "refused") => {
                Err(Problem::merge_fields(vec![(tag.clone(), "This merge field does not exist".to_owned())]))
            }
            _ => Ok(sent),
        }
    }

    /// Adds tags; each new one starts its automation if `fires`.
    pub fn add_tags(&mut self, member: &mut Member, names: &[String], fires: bool) {
        for name in names {
            let id = self.list.tag_id(name);
            if member.tags.insert(name.clone(), id).is_none() && fires {
                self.mail(&member.email, Kind::TagAutomation);
            }
        }
    }

    /// Stores a written member; events and mails follow if it differs.
    pub fn settle(&mut self, before: Option<&Member>, mut after: Member) -> Member {
        let differs = before != Some(&after);
        if !differs && !self.world.core.switches.flag("touch_without_change") {
            return after;
        }
        after.changed_ms = self.now_ms;
        if let Some(old) = before.filter(|before| before.hash() != after.hash()) {
            self.list.members.remove(&old.hash());
        }
        self.store(after.clone());
        self.tell(before, &after);
        self.mail_after(before, &after);
        after
    }

    /// Stores a member; lists see it after the lag, people's writes at once.
    pub fn store(&mut self, member: Member) {
        let lag = if self.actor == Actor::Api { self.world.core.switches.number("visibility_lag_ms") } else { 0 };
        let (hash, visible_ms) = (member.hash(), self.now_ms + lag);
        match self.list.members.get_mut(&hash) {
            Some(known) => known.write(member, self.now_ms, visible_ms),
            None => {
                self.list.members.insert(hash, Lagged::new(member, visible_ms));
            }
        }
    }
}

/// Addresses that Mailchimp turns away: without the shape of one, or under the top-level domain `.invalid`.
fn check_address(email: &str) -> Result<(), Problem> {
    let shape = email.split_once('@').is_some_and(|(local, domain)| {
        let labels = domain.split('.').collect::<Vec<_>>();
        !local.is_empty() && labels.len() > 1 && labels.iter().all(|label| !label.is_empty()) && !email.contains([' ', ',', ';'])
    });
    let domain = email.rsplit('@').next().unwrap_or_default();
    if !shape || email.matches('@').count() != 1 {
        return Err(Problem::invalid("Please provide a valid email address."));
    }
    if domain.to_lowercase().ends_with(".invalid") {
        return Err(Problem::invalid(format!("{email} looks fake or invalid, please enter a real email address.")));
    }
    Ok(())
}
