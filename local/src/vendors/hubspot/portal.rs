//! One HubSpot account: its contacts and what can be done with them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Map, Value};

use super::{
    contact::{Actor, Contact, Gone},
    errors::{ApiError, Problem},
    events::{Feed, What},
    policy::Policy,
    schema::Schema,
    standard, text, values,
};

/// An archived contact can be restored for so long.
const RESTORABLE_MS: i64 = 90 * 86_400_000;

/// The e-mails beside the first.
pub(super) const MORE_EMAILS: &str = "hs_additional_emails";
/// Properties by whose values contacts are often searched; the unique ones are besides.
const SEARCHED_BY: [&str; 5] = ["email", MORE_EMAILS, "phone", "mobilephone", "hs_whatsapp_phone_number"];

/// When, by whom and under which switches a change is made.
pub(super) struct Change<'a> {
    pub now_ms: i64,
    pub actor: &'a Actor,
    pub policy: &'a Policy,
}

/// The accepted values of a write, by property.
type Accepted = BTreeMap<String, String>;

/// An account.
#[derive(Clone)]
pub(super) struct Portal {
    pub id: u64,
    pub schema: Schema,
    pub contacts: BTreeMap<u64, Contact>,
    pub blocked: BTreeSet<String>,
    pub feed: Feed,
    keys: HashMap<(String, String), u64>,
    /// Whoever ever had a value that is searched by, in lower case: searches may lag behind.
    ever: HashMap<(String, String), BTreeSet<u64>>,
    next_id: u64,
}

impl Portal {
    pub fn new(id: u64, first_contact: u64, feed: Feed) -> Self {
        Self {
            id,
            schema: Schema::standard(),
            contacts: BTreeMap::new(),
            blocked: BTreeSet::new(),
            feed,
            keys: HashMap::new(),
            ever: HashMap::new(),
            next_id: first_contact,
        }
    }

    /// The contact with this id if it is live.
    pub fn live(&self, id: u64) -> Option<&Contact> {
        self.contacts.get(&id).filter(|contact| contact.is_live())
    }

    /// Follows merges from an old id to the record that holds it now.
    pub fn resolve(&self, id: u64) -> Option<&Contact> {
        let mut contact = self.contacts.get(&id)?;
        while let Some((Gone::Merged(winner), _)) = contact.gone {
            contact = self.contacts.get(&winner)?;
        }
        Some(contact)
    }

    /// The live contact with this e-mail (also an additional one) or unique value.
    pub fn by_key(&self, property: &str, value: &str) -> Option<&Contact> {
        let id = self.keys.get(&key(property, value))?;
        self.live(*id)
    }

    /// Tells whether [`Self::ever`] knows of a property.
    pub fn is_searched_by(&self, property: &str) -> bool {
        SEARCHED_BY.contains(&property) || self.schema.get(property).is_some_and(|property| property.unique)
    }

    /// Whoever has this value, or had it, whatever the case of its letters; for additional e-mails, whoever has this word in one. Maybe others.
    pub fn ever(&self, property: &str, value: &str) -> impl Iterator<Item = u64> {
        self.ever.get(&(property.to_owned(), value.to_lowercase())).into_iter().flatten().copied()
    }

    pub fn fresh_id(&mut self) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        id
    }

    /// Creates a contact.
    pub fn create(&mut self, input: &Map<String, Value>, change: &Change<'_>) -> Result<u64, ApiError> {
        let accepted = self.accept(input, change)?;
        let named = ["email", "firstname", "lastname"].iter().any(|name| accepted.get(*name).is_some_and(|value| !value.is_empty()));
        if change.policy.create_needs_name && !named {
            return Err(ApiError::invalid("At least one of the following properties is required: email, firstname, lastname"));
        }
        self.check_unique(None, &accepted, change)?;
        let id = self.fresh_id();
        let mut contact = Contact::new(id, change.now_ms);
        contact.set("hs_object_id", &id.to_string(), change.now_ms, change.actor);
        contact.set("createdate", &text::iso(change.now_ms), change.now_ms, change.actor);
        contact.touch(change.now_ms, change.actor);
        self.contacts.insert(id, contact);
        self.feed.emit(id, What::Creation, change);
        self.apply(id, &accepted, change);
        Ok(id)
    }

    /// Changes a live contact.
    pub fn update(&mut self, id: u64, input: &Map<String, Value>, change: &Change<'_>) -> Result<(), ApiError> {
        if self.live(id).is_none() {
            return Err(ApiError::not_found());
        }
        let mut accepted = self.accept(input, change)?;
        self.settle(id, &mut accepted, change)?;
        self.check_unique(Some(id), &accepted, change)?;
        self.apply(id, &accepted, change);
        Ok(())
    }

    /// Archives a contact; an unknown id is no error.
    pub fn archive(&mut self, id: u64, change: &Change<'_>) {
        let Some(contact) = self.contacts.get_mut(&id).filter(|contact| contact.is_live()) else {
            return;
        };
        contact.archived_ms = Some(change.now_ms);
        self.reindex(id);
        self.feed.emit(id, What::Deletion, change);
    }

    /// Brings an archived contact back, as a person does within 90 days.
    pub fn restore(&mut self, id: u64, change: &Change<'_>) -> Result<(), ApiError> {
        let contact = self.contacts.get(&id).filter(|contact| contact.gone.is_none());
        let (contact, archived) = contact.and_then(|contact| Some((contact, contact.archived_ms?))).ok_or_else(ApiError::not_found)?;
        if change.now_ms - archived > RESTORABLE_MS {
            return Err(ApiError::not_found());
        }
        if let Some(other) = self.keys_of(contact).iter().find_map(|key| self.keys.get(key)) {
            return Err(ApiError::conflict(*other, true));
        }
        if let Some(contact) = self.contacts.get_mut(&id) {
            contact.archived_ms = None;
            contact.touch(change.now_ms, change.actor);
        }
        self.reindex(id);
        self.feed.emit(id, What::Restore, change);
        Ok(())
    }

    /// Erases a contact for good.
    pub fn erase(&mut self, id: u64, change: &Change<'_>) {
        let Some(contact) = self.contacts.get_mut(&id).filter(|contact| contact.gone.is_none()) else {
            return;
        };
        let was_live = contact.is_live();
        contact.gone = Some((Gone::Erased, change.now_ms));
        contact.values.clear();
        self.reindex(id);
        let deletion = was_live.then_some(What::Deletion);
        let mut kinds: Vec<What> = deletion.into_iter().chain([What::PrivacyDeletion]).collect();
        if change.policy.privacy_event_first {
            kinds.reverse();
        }
        for kind in kinds {
            self.feed.emit(id, kind, change);
        }
    }

    /// Puts a record back as it was, or takes it out if it was not there.
    pub fn undo(&mut self, id: u64, before: Option<Contact>) {
        if let Some(contact) = self.contacts.get_mut(&id) {
            contact.gone = Some((Gone::Erased, 0));
        }
        self.reindex(id);
        self.contacts.remove(&id);
        if let Some(mut contact) = before {
            contact.keys.clear();
            self.contacts.insert(id, contact);
            self.reindex(id);
        }
    }

    /// Puts a record in the index, or takes it out, after its state changed.
    pub fn reindex(&mut self, id: u64) {
        let Some(contact) = self.contacts.get(&id) else {
            return;
        };
        let new = if contact.is_live() { self.keys_of(contact) } else { Vec::new() };
        for old in &contact.keys {
            if self.keys.get(old) == Some(&id) {
                self.keys.remove(old);
            }
        }
        for key in searched(contact).chain(new.iter().cloned()) {
            self.ever.entry((key.0, key.1.to_lowercase())).or_default().insert(id);
        }
        for key in &new {
            self.keys.insert(key.clone(), id);
        }
        if let Some(contact) = self.contacts.get_mut(&id) {
            contact.keys = new;
        }
    }

    fn keys_of(&self, contact: &Contact) -> Vec<(String, String)> {
        let emails = contact.value("email").map(str::to_owned).into_iter().chain(contact.additional_emails());
        let mut keys: Vec<(String, String)> = emails.map(|email| key("email", &email)).collect();
        for property in self.schema.iter().filter(|property| property.unique) {
            keys.extend(contact.value(&property.name).map(|value| key(&property.name, value)));
        }
        keys
    }

    /// Checks every value of a write and tells all problems at once.
    fn accept(&self, input: &Map<String, Value>, change: &Change<'_>) -> Result<Accepted, ApiError> {
        let mut accepted = Accepted::new();
        let mut problems = Vec::new();
        for (name, value) in input {
            let Some(property) = self.schema.get(name) else {
                let message = format!("Property \"{name}\" does not exist");
                problems.push(Problem::new(name, "PROPERTY_DOESNT_EXIST", message));
                continue;
            };
            if property.read_only && !(name == "hs_email_optout" && change.actor.is_person()) {
                let message = format!("\"{name}\" is a read only property; its value cannot be set.");
                problems.push(Problem::new(name, "READ_ONLY_VALUE", message));
                continue;
            }
            match values::accept(property, value, change.policy) {
                Ok(value) => {
                    accepted.insert(name.clone(), value);
                }
                Err(problem) => problems.push(problem),
            }
        }
        if problems.is_empty() { Ok(accepted) } else { Err(ApiError::values(problems)) }
    }

    /// Turns what was sent into what an existing contact takes: stages, added options, swapped e-mails.
    fn settle(&self, id: u64, accepted: &mut Accepted, change: &Change<'_>) -> Result<(), ApiError> {
        let Some(contact) = self.contacts.get(&id) else {
            return Ok(());
        };
        if let (Some(new), Some(old)) = (accepted.get("lifecyclestage"), contact.value("lifecyclestage")) {
            let back = !new.is_empty() && stage(new) < stage(old) && !change.actor.is_person();
            if back && change.policy.lifecycle_back_refused {
                let message = format!("lifecyclestage cannot move backward from {old} to {new}");
                return Err(ApiError::values(vec![Problem::new("lifecyclestage", "INVALID_OPTION", message)]));
            }
            if back {
                accepted.remove("lifecyclestage");
            }
        }
        for (name, value) in accepted.iter_mut() {
            if let Some(added) = self.added_options(name, value) {
                *value = union(contact.value(name).unwrap_or_default(), added);
            }
        }
        let email = accepted.get("email").filter(|email| !email.is_empty());
        let mut additional = contact.additional_emails();
        if let Some(email) = email.filter(|_| !accepted.contains_key("hs_additional_emails")) {
            let before = additional.len();
            additional.retain(|each| !each.eq_ignore_ascii_case(email));
            if additional.len() < before {
                additional.extend(contact.value("email").map(str::to_owned));
                accepted.insert("hs_additional_emails".to_owned(), additional.join(";"));
            }
        }
        Ok(())
    }

    fn added_options<'a>(&self, name: &str, value: &'a str) -> Option<&'a str> {
        self.schema.get(name).filter(|property| property.is_multiple())?;
        value.strip_prefix(';')
    }

    fn check_unique(&self, own: Option<u64>, accepted: &Accepted, change: &Change<'_>) -> Result<(), ApiError> {
        let additional = accepted.get("hs_additional_emails").map(String::as_str).unwrap_or_default();
        let emails = accepted.get("email").map(String::as_str).into_iter().chain(additional.split(';'));
        for email in emails.filter(|email| !email.is_empty()) {
            if let Some(other) = self.owner("email", email).filter(|other| Some(*other) != own) {
                return Err(ApiError::conflict(other, change.policy.conflict_names_id));
            }
            if change.policy.blocked_email_refused && self.blocked.contains(&email.to_lowercase()) {
                let message = format!("Email address {email} is blocked");
                return Err(ApiError::values(vec![Problem::new("email", "BLOCKED_EMAIL", message)]));
            }
        }
        for (name, value) in accepted.iter().filter(|(name, _)| self.schema.get(name).is_some_and(|p| p.unique)) {
            if let Some(other) = self.owner(name, value).filter(|other| Some(*other) != own) {
                let own = own.map_or_else(|| "a new object".to_owned(), |id| id.to_string());
                let message = format!("Cannot set {name} to {value} on {own}. {other} already has that value.");
                return Err(ApiError::values(vec![Problem::new(name, "CONFLICTING_UNIQUE_VALUE", message)]));
            }
        }
        Ok(())
    }

    fn owner(&self, property: &str, value: &str) -> Option<u64> {
        self.keys.get(&key(property, value)).copied()
    }

    /// Stores what differs and reports it; an equal value is no change.
    pub fn apply(&mut self, id: u64, accepted: &Accepted, change: &Change<'_>) {
        let Some(contact) = self.contacts.get_mut(&id) else {
            return;
        };
        let mut changed = Vec::new();
        for (name, value) in accepted {
            let value = value.strip_prefix(';').unwrap_or(value);
            if contact.value(name).unwrap_or_default() != value {
                contact.set(name, value, change.now_ms, change.actor);
                changed.push((name.clone(), value.to_owned()));
            }
        }
        if changed.is_empty() && !change.policy.touch_without_change {
            return;
        }
        contact.touch(change.now_ms, change.actor);
        self.reindex(id);
        for (name, value) in changed {
            let shown = self.event_value(&name, value, change.policy);
            self.feed.emit(id, What::PropertyChange(name, shown), change);
        }
    }

    fn event_value(&self, name: &str, value: String, policy: &Policy) -> String {
        let is_date = self.schema.get(name).is_some_and(|property| property.kind == super::schema::Kind::Date);
        let ms = text::day(&value).filter(|_| is_date && policy.event_dates_in_ms);
        ms.map_or(value, |ms| ms.to_string())
    }
}

/// What a contact is searched by, beside what is unique.
fn searched(contact: &Contact) -> impl Iterator<Item = (String, String)> {
    let whole = SEARCHED_BY.iter().filter_map(|name| Some(((*name).to_owned(), contact.value(name)?.to_owned())));
    let words = text::words(contact.value(MORE_EMAILS).unwrap_or_default());
    whole.chain(words.into_iter().map(|word| (MORE_EMAILS.to_owned(), word)))
}

/// Index key of a unique value; e-mails do not care for case.
fn key(property: &str, value: &str) -> (String, String) {
    let value = if property == "email" { value.to_lowercase() } else { value.to_owned() };
    (property.to_owned(), value)
}

fn stage(value: &str) -> usize {
    let position = standard::LIFECYCLE.iter().position(|each| *each == value);
    position.unwrap_or(usize::MAX)
}

fn union(old: &str, added: &str) -> String {
    let mut list: Vec<&str> = old.split(';').filter(|each| !each.is_empty()).collect();
    for each in added.split(';').filter(|each| !each.is_empty()) {
        if !list.contains(&each) {
            list.push(each);
        }
    }
    list.join(";")
}
