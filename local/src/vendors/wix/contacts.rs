//! Create, get, update, delete, list and query contacts,
//! <https://dev.wix.com/docs/rest/crm/members-contacts/contacts/contacts/contact-v4/introduction>.

use axum::{
    Json,
    body::Bytes,
    extract::{Path, State},
};
use serde_json::{Map, Value, json};

use super::{
    auth::{Asked, Identity},
    contact::{Contact, Flags, Gone},
    contact_fields::{CODES, field, project, projection},
    directory,
    entry::{Entry, Row},
    events::{About, Change},
    filter::Dialect,
    info::Rules,
    listing::{Listing, Page, PageSize, in_order},
    params::Params,
    refusal::{Refusal, body_object, integer, object},
    state::{Desk, World},
    subscriptions::Mirror,
};
use crate::vendors::kit::Lagged;

pub(super) type Reply = Result<Json<Value>, Refusal>;

const PAGE: PageSize = PageSize { default: 50, most: 1000 };

pub(super) async fn create(State(world): State<World>, asked: Asked, body: Bytes) -> Reply {
    let request = body_object(&body)?;
    world.at(&asked, |desk| Ok(Json(json!({"contact": desk.create(&request)?.to_json()}))))
}

pub(super) async fn get(State(world): State<World>, asked: Asked, Path(id): Path<String>, Params(params): Params) -> Reply {
    let wanted = projection(&params)?;
    world.at(&asked, |desk| {
        let (contact, response) = desk.find(&id)?;
        let mut shown = contact.to_json();
        let member = desk.site.inbox.member_of(&contact.id).filter(|_| world.core.switches.flag("member_info"));
        if let (Some(member), Value::Object(shown)) = (member, &mut shown) {
            shown.insert("memberInfo".to_owned(), json!({"memberId": member, "status": "ACTIVE"}));
        }
        Ok(Json(json!({"contact": project(shown, wanted.as_deref()), "responseType": response})))
    })
}

pub(super) async fn update(State(world): State<World>, asked: Asked, Path(id): Path<String>, body: Bytes) -> Reply {
    let request = body_object(&body)?;
    world.at(&asked, |desk| Ok(Json(json!({"contact": desk.update(&id, &request)?.to_json()}))))
}

pub(super) async fn delete(State(world): State<World>, asked: Asked, Path(id): Path<String>) -> Reply {
    world.at(&asked, |desk| desk.delete(&id).map(|()| Json(json!({}))))
}

pub(super) async fn list(State(world): State<World>, asked: Asked, Params(params): Params) -> Reply {
    world.at(&asked, |desk| desk.list(&params, None))
}

pub(super) async fn query(State(world): State<World>, asked: Asked, body: Bytes) -> Reply {
    let request = body_object(&body)?;
    let search = super::info::text(&request, "search", "search", 100)?;
    let empty = Map::new();
    let unwrapped = if world.is("unwrapped_query", "honoured") { &request } else { &empty };
    let query = object(&request, "query")?.unwrap_or(unwrapped);
    // The older documents print an object; it is a list since everything sits under `query`.
    if request.contains_key("query") && query.get("sort").is_some_and(Value::is_object) {
        return Err(Refusal::bare(400, "Expected an array"));
    }
    world.at(&asked, |desk| desk.list(query, search.as_deref()))
}

impl Desk<'_> {
    pub fn create(&mut self, request: &Map<String, Value>) -> Result<Contact, Refusal> {
        let sent = object(request, "info")?.ok_or_else(insufficient)?;
        let info = self.rules().create(sent)?;
        let contact = Contact {
            id: self.world.ids.guid(),
            revision: 1,
            source: self.source(),
            created_ms: self.now_ms,
            updated_ms: self.now_ms,
            activity: (self.now_ms, "CONTACT_CREATED"),
            info,
            flags: Flags::default(),
            mirror: Mirror::default(),
            gone: None,
        };
        if !contact.has_substance() {
            return Err(insufficient());
        }
        if request.get("allowDuplicates") != Some(&Value::Bool(true)) {
            self.refuse_duplicate(&contact, None)?;
        }
        let contact = self.store(contact);
        self.raise_created(&contact);
        Ok(contact)
    }

    /// A contact, or the one it was merged into.
    pub fn find(&self, id: &str) -> Result<(Contact, &'static str), Refusal> {
        let mut id = id.to_owned();
        let mut response = "REGULAR";
        loop {
            let found = self.site.contacts.get(&id).map(Lagged::current).ok_or_else(Refusal::no_contact)?;
            match &found.gone {
                None => return Ok((found.clone(), response)),
                Some(Gone::Deleted) => return Err(Refusal::no_contact()),
                Some(Gone::MergedInto(target)) => {
                    id.clone_from(target);
                    response = "MERGED";
                }
            }
        }
    }

    pub fn update(&mut self, id: &str, request: &Map<String, Value>) -> Result<Contact, Refusal> {
        let before = self.contact(id)?;
        let revision =
            integer(request, "revision")?.ok_or_else(|| Refusal::field("revision", "REQUIRED_FIELD", "must not be empty", &json!({})))?;
        let sent = object(request, "info")?.ok_or_else(nothing_to_update)?;
        if revision != before.revision {
            let text = "Contact has been updated since the requested revision.";
            return Err(Refusal::coded(409, "CONTACT_ALREADY_CHANGED", text));
        }
        let (info, written) = self.rules().update(&before.info, sent)?;
        if !written {
            return Err(nothing_to_update());
        }
        let after = Contact { info, ..before.clone() };
        self.judge_update(&before, &after, sent, request)?;
        Ok(self.commit(&before, after))
    }

    fn judge_update(
        &self,
        before: &Contact,
        after: &Contact,
        sent: &Map<String, Value>,
        request: &Map<String, Value>,
    ) -> Result<(), Refusal> {
        if !after.has_substance() {
            return Err(insufficient());
        }
        if before.flags.member && before.primary_email() != after.primary_email() {
            let text = "The primary email of a site member cannot be changed here.";
            return Err(Refusal::coded(428, "CANNOT_UPDATE_MEMBER_EMAIL", text));
        }
        let sends = |key: &str| sent.get(key).is_some_and(|value| !value.is_null());
        let checks = sends("emails") || (sends("phones") && after.emails().next().is_none());
        if checks && request.get("allowDuplicates") != Some(&Value::Bool(true)) {
            self.refuse_duplicate(after, Some(before))?;
        }
        Ok(())
    }

    /// Stores a changed contact with a new revision and raises the event, as the switch for no-ops says.
    pub fn commit(&mut self, before: &Contact, mut after: Contact) -> Contact {
        let unchanged = before.substance() == after.substance() && before.flags == after.flags;
        if unchanged && self.world.is("noop_patch", "nothing") {
            return before.clone();
        }
        after.revision += 1;
        after.updated_ms = self.now_ms;
        let after = self.store(after);
        if !unchanged || self.world.is("noop_patch", "bump_and_event") {
            self.raise_updated(&after, before);
        }
        after
    }

    pub fn delete(&mut self, id: &str) -> Result<(), Refusal> {
        let contact = match self.contact(id) {
            Err(_) if self.world.is("delete_unknown", "200") => return Ok(()),
            found => found?,
        };
        refuse_deletion(contact.flags)?;
        let gone = Contact { gone: Some(Gone::Deleted), updated_ms: self.now_ms, ..contact };
        let gone = self.store(gone);
        self.raise_deleted(&gone);
        Ok(())
    }

    /// Deletes a contact for a privacy request, whatever would forbid a normal deletion.
    pub fn anonymize(&mut self, id: &str) -> Result<(), Refusal> {
        let contact = self.contact(id)?;
        let entity = json!({"id": contact.id});
        self.erase_conversation(id);
        self.store(Contact { gone: Some(Gone::Deleted), info: Map::new(), updated_ms: self.now_ms, ..contact });
        self.raise(About { anonymized: true, ..About::contact(id) }, &Change::Deleted(entity));
        Ok(())
    }

    pub fn list(&self, of: &Map<String, Value>, search: Option<&str>) -> Reply {
        let wanted = projection(of)?;
        let listing = self.listing(of)?.capped(self.world.core.switches.number("page_cap"));
        let found: Vec<Row<'_>> = match listing.filter.sought().filter(|_| self.now_ms >= self.site.settled_ms) {
            // Nothing lags, so searches see what the directory knows.
            Some(sought) => self.known(&sought).map(Row::of).filter(|row| is_found(row, search)).collect(),
            None => self.visible().map(Row::of).filter(|row| is_found(row, search)).collect(),
        };
        let shuffles = self.world.is("ties", "shuffled");
        let rank = |position| if shuffles { self.world.ids.below(u64::MAX) } else { in_order(position) };
        let Page { entries, metadata } = listing.page(found, self.world.flag("total_omitted"), rank);
        let contacts: Vec<Value> = entries.into_iter().map(|row| project(row.into_json(), wanted.as_deref())).collect();
        Ok(Json(json!({"contacts": contacts, "pagingMetadata": metadata})))
    }

    /// Reads filter, sort and paging of a contact query.
    pub fn listing(&self, of: &Map<String, Value>) -> Result<Listing, Refusal> {
        let field = |name: &str| field(name, &self.site.fields);
        let dialect = Dialect { field: &field, codes: CODES, switches: &self.world.core.switches };
        Listing::read(of, &dialect, PAGE, "createdDate")
    }

    pub fn rules(&self) -> Rules<'_> {
        Rules { switches: &self.world.core.switches, ids: &self.world.ids, labels: &self.site.labels, fields: &self.site.fields }
    }

    fn source(&self) -> Value {
        match &self.asked.identity {
            Identity::App(id) => {
                json!({"sourceType": self.world.core.switches.word("source_type"), "appId": id})
            }
            Identity::User(_) => json!({"sourceType": "ADMIN"}),
            Identity::Key(_) => json!({"sourceType": "OTHER"}),
            Identity::Visitor(_) | Identity::Member(_) => json!({"sourceType": "WIX_CHAT"}),
        }
    }

    /// E-mails are looked for on other contacts; phones only when there is no e-mail.
    fn refuse_duplicate(&self, contact: &Contact, before: Option<&Contact>) -> Result<(), Refusal> {
        let mut emails: Vec<String> = contact.emails().collect();
        if emails.is_empty() {
            return self.refuse_duplicate_phone(contact);
        }
        if self.world.is("duplicate_check", "primary") {
            emails = contact.primary_email().into_iter().collect();
        }
        if let Some(before) = before.filter(|_| self.world.is("duplicate_check_on_update", "added")) {
            emails.retain(|email| !before.emails().any(|known| known == *email));
        }
        let has = |email: &String| first_other(contact, self.site.directory.with_email(email)).map(|id| (id, email.clone()));
        let twin = emails.iter().filter_map(has).min();
        twin.map_or(Ok(()), |(other, email)| Err(duplicate(&other, "duplicateEmail", &email)))
    }

    fn refuse_duplicate_phone(&self, contact: &Contact) -> Result<(), Refusal> {
        let has = |digits: String| Some((first_other(contact, self.site.directory.with_phone(&digits))?, digits));
        let twin = directory::phones(contact).filter_map(has).min();
        twin.map_or(Ok(()), |(other, phone)| Err(duplicate(&other, "duplicatePhone", &phone)))
    }
}

fn first_other<'a>(contact: &Contact, mut ids: impl Iterator<Item = &'a str>) -> Option<String> {
    ids.find(|id| *id != contact.id).map(str::to_owned)
}

pub(super) fn refuse_deletion(flags: Flags) -> Result<(), Refusal> {
    let refuse = |code| Err(Refusal::coded(428, code, "The contact cannot be deleted."));
    match flags {
        Flags { owner: true, .. } => refuse("CANNOT_DELETE_MEMBER_OWNER_OR_CONTRIBUTOR"),
        Flags { member: true, .. } => refuse("CANNOT_DELETE_MEMBER"),
        Flags { billing: true, .. } => refuse("CANNOT_DELETE_CONTACT_WITH_BILLING_SUBSCRIPTION"),
        _ => Ok(()),
    }
}

/// Search compares whole values of names, e-mails and phones.
pub(super) fn is_found(contact: &Row<'_>, search: Option<&str>) -> bool {
    let Some(search) = search.filter(|text| !text.is_empty()) else {
        return true;
    };
    let none = super::definitions::Definitions::default();
    ["info.name.first", "info.name.last", "info.emails.email", "info.phones.phone"]
        .iter()
        .filter_map(|name| field(name, &none))
        .any(|field| contact.values(&field).iter().any(|value| value.as_str().is_some_and(|v| v.eq_ignore_ascii_case(search))))
}

fn duplicate(other: &str, by: &str, value: &str) -> Refusal {
    let data = json!({"duplicateContactId": other, by: value});
    Refusal::with_data(409, "DUPLICATE_CONTACT_EXISTS", "Duplicate contact exists.", &data)
}

fn insufficient() -> Refusal {
    Refusal::coded(400, "INSUFFICIENT_CONTACT_DATA", "A contact needs a name, an email or a phone.")
}

fn nothing_to_update() -> Refusal {
    Refusal::coded(400, "INSUFFICIENT_UPDATE_CONTACT_DATA", "Nothing to update.")
}
