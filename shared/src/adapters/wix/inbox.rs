//! The Wix Inbox, over the REST API v2 (<https://dev.wix.com/docs/rest/crm/communication/inbox/introduction>), and the few things about
//! contacts that the relay wants to know.

mod wire;

use std::collections::BTreeSet;

use async_trait::async_trait;
use jiff::Timestamp;
use reqwest::{Method, Url};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use self::wire::{MessageReply, MessagesReply, message};
use super::{
    Client, Credentials,
    call::Call,
    lists::{Emails, Phones, holds_any},
    refusal::Refusal,
    store::is_about_the_filter,
};
use crate::{
    model::{
        contact::{Found, MatchKey},
        ids::{ConversationId, RecordId},
        message::Person,
        normal,
        post::{Post, Posted},
    },
    ports::{ErrorKind, Inbox, Order, StoreError, StoreResult},
};

/// Messages on one page of a listing: <https://dev.wix.com/docs/rest/crm/communication/inbox/messages/list-messages>.
const PAGE: &str = "100";
/// So many pages are looked at: more messages than a busy conversation sees while a post is in doubt.
const MOST_PAGES: usize = 5;

#[derive(Deserialize)]
struct ConversationReply {
    conversation: ConversationBody,
    #[serde(default, rename = "newConversation")]
    is_new: bool,
}

#[derive(Deserialize)]
struct ConversationBody {
    id: ConversationId,
}

#[derive(Deserialize)]
struct ContactReply {
    contact: ContactBody,
}

#[derive(Deserialize)]
struct ContactBody {
    id: RecordId,
}

#[derive(Deserialize)]
struct MemberReply {
    contact: MemberBody,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MemberBody {
    #[serde(default)]
    member_info: Option<MemberInfo>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MemberInfo {
    #[serde(default)]
    member_id: Option<String>,
}

/// Whom a conversation is with.
#[derive(Clone, Copy)]
enum Participant<'a> {
    Contact(&'a RecordId),
    Member(&'a str),
}

/// So many more are asked for where others than those looked for may be among them.
const STRANGERS: usize = 10;

/// Returns the contacts, if all of them are those that were asked for.
fn all(found: Vec<Option<RecordId>>) -> StoreResult<Vec<RecordId>> {
    found.into_iter().collect::<Option<_>>().ok_or_else(|| StoreError::new(ErrorKind::Garbled, "wix query sender"))
}

#[async_trait]
impl Inbox for Client {
    async fn contacts_of(&self, key: &MatchKey, order: Order, most: usize) -> StoreResult<Vec<RecordId>> {
        match key {
            MatchKey::Email(email) => {
                let holds = |info: &Json| holds_any(info, "emails", &Emails, email);
                all(self.ids_by("info.emails.email", "info.emails", json!({"$eq": email}), (order, most), holds).await?)
            }
            MatchKey::Phone(phone) => {
                let entry = Phones(self.settings.default_country.as_deref());
                let holds = |info: &Json| holds_any(info, "phones", &entry, phone);
                if phone.starts_with('+') {
                    let found = self.ids_by("info.phones.e164Phone", "info.phones", json!({"$eq": phone}), (order, most), holds).await?;
                    let found = all(found)?;
                    if !found.is_empty() {
                        return Ok(found);
                    }
                }
                // Who has no country in Wix may have another one's number in the same form.
                let forms = normal::phone_forms(phone, self.settings.default_country.as_deref());
                let by = |condition| self.ids_by("info.phones.phone", "info.phones", condition, (order, most + STRANGERS), holds);
                let mut found = match by(json!({"$in": forms})).await {
                    // How long a list may be is not documented.
                    Err(error) if is_about_the_filter(&error.kind) => {
                        let mut found = Vec::new();
                        for form in &forms {
                            found.extend(by(json!({"$eq": form})).await?);
                        }
                        found
                    }
                    found => found?,
                };
                let mut seen = BTreeSet::new();
                found.retain(|id| id.as_ref().is_some_and(|id| seen.insert(id.clone())));
                Ok(found.into_iter().flatten().take(most).collect())
            }
        }
    }

    async fn add_contact(&self, person: &Person) -> StoreResult<RecordId> {
        let call = Call::write("wix create sender", Method::POST, self.url(&["contacts", "v4", "contacts"]));
        let info = wire::info(person, self.settings.default_country.as_deref());
        let reply: ContactReply = self.call(&call.body(json!({"info": info, "allowDuplicates": false}))).await?;
        Ok(reply.contact.id)
    }

    /// A contact that was merged away a moment ago may still be found, and what Wix makes of it here is not documented: it may refuse, or open a
    /// conversation with nobody. So a contact without a conversation is read first; one that was merged leads to the one it went into.
    async fn conversation_with(&self, contact: &RecordId) -> StoreResult<ConversationId> {
        let opened = match self.get_or_create(Participant::Contact(contact)).await {
            Ok(reply) if !reply.is_new => return Ok(reply.conversation.id),
            Ok(reply) => Some(reply.conversation.id),
            Err(StoreError { kind: ErrorKind::NotFound, .. }) => None,
            Err(failure) => return Err(failure),
        };
        match (self.read(contact).await?, opened) {
            (Found::Present(_), Some(opened)) => Ok(opened),
            (Found::Present(_), None) => self.conversation_with_member(contact).await,
            (Found::Merged(winner), _) => Ok(self.get_or_create(Participant::Contact(&winner.id)).await?.conversation.id),
            (Found::Absent, _) => Err(StoreError::new(ErrorKind::NotFound, format!("wix conversation with {contact}"))),
        }
    }

    async fn posted(&self, conversation: &ConversationId, since: Timestamp) -> StoreResult<Vec<Posted>> {
        let mut posted = Vec::new();
        let mut cursor = None;
        for _ in 0..MOST_PAGES {
            let page = self.page_of(conversation, cursor.as_deref()).await?;
            let (newer, is_over) = page.ours(self.app_id(), since);
            posted.extend(newer);
            cursor = page.next();
            if is_over || cursor.is_none() {
                break;
            }
        }
        posted.sort_by_key(|posted: &Posted| posted.place);
        Ok(posted)
    }

    async fn post(&self, conversation: &ConversationId, post: &Post) -> StoreResult<Option<u64>> {
        let operation = format!("wix post to {conversation}");
        let call = Call::write(&operation, Method::POST, self.inbox_url("messages")).body(message(conversation, post));
        let reply: MessageReply = self.call(&call).await?;
        Ok(reply.message.place())
    }
}

impl Client {
    fn inbox_url(&self, rest: &str) -> Url {
        self.url(&["inbox", "v2", rest])
    }

    /// The app that what we post is told to be from; with an API key there is none.
    const fn app_id(&self) -> Option<&str> {
        match &self.settings.credentials {
            Credentials::App { app_id, .. } => Some(app_id.as_str()),
            Credentials::ApiKey { .. } => None,
        }
    }

    /// Queries contacts by one field, for their ids alone and what shows that the filter was heeded: one that Wix does not understand may be
    /// ignored, and then everybody matches.
    async fn ids_by(
        &self,
        filter: &str,
        shown: &str,
        condition: Json,
        (order, most): (Order, usize),
        holds: impl Fn(&Json) -> bool + Send + Sync,
    ) -> StoreResult<Vec<Option<RecordId>>> {
        let operation = "wix query sender";
        let (name, order) = match order {
            Order::FirstCreated => ("createdDate", "ASC"),
            Order::LastActive => ("lastActivity.activityDate", "DESC"),
        };
        let body = json!({"query": {
            "filter": {filter: condition},
            "fields": ["id", shown],
            "sort": [{"fieldName": name, "order": order}],
            "paging": {"limit": most, "offset": 0},
        }});
        let call = Call::read(operation, Method::POST, self.url(&["contacts", "v4", "contacts", "query"])).body(body);
        let reply: wire::ContactsReply = self.call(&call).await?;
        Ok(reply.contacts.into_iter().map(|contact| holds(&contact.info).then_some(contact.id)).collect())
    }

    /// Opens the conversation with a contact that Wix does not know as a participant: members are to be addressed by their own id
    /// (<https://dev.wix.com/docs/rest/crm/communication/inbox/conversations/introduction>), which a contact may show. `Unsupported` if it does not.
    async fn conversation_with_member(&self, contact: &RecordId) -> StoreResult<ConversationId> {
        let operation = format!("wix member of {contact}");
        let call = Call::read(&operation, Method::GET, self.url(&["contacts", "v4", "contacts", contact.as_str()]));
        let reply: MemberReply = self.call(&call).await?;
        let member = reply.contact.member_info.and_then(|info| info.member_id);
        let member = member.ok_or_else(|| StoreError::new(ErrorKind::Unsupported, operation))?;
        Ok(self.get_or_create(Participant::Member(&member)).await?.conversation.id)
    }

    async fn get_or_create(&self, participant: Participant<'_>) -> StoreResult<ConversationReply> {
        let (kind, id) = match participant {
            Participant::Contact(id) => ("contactId", id.as_str()),
            Participant::Member(id) => ("memberId", id),
        };
        let operation = format!("wix conversation with {id}");
        // Asked twice, it is the same conversation: this counts as a read.
        let call = Call::read(operation, Method::POST, self.inbox_url("conversations"));
        let reply = self.call(&call.body(json!({"participantId": {kind: id}}))).await;
        reply.map_err(|mut refusal: Refusal| {
            // The participant is all that can be wrong, and no code is documented for it.
            let is_refused = refusal.status.is_some_and(|status| matches!(status.as_u16(), 400 | 404));
            if is_refused && refusal.code.as_deref() != Some("INBOX_INSTANCE_NOT_FOUND") {
                refusal.error.kind = ErrorKind::NotFound;
            }
            refusal.into()
        })
    }

    async fn page_of(&self, conversation: &ConversationId, cursor: Option<&str>) -> StoreResult<MessagesReply> {
        let mut url = self.inbox_url("messages");
        url.query_pairs_mut()
            .append_pair("conversationId", conversation.as_str())
            .append_pair("visibility", "BUSINESS")
            .append_pair("paging.limit", PAGE)
            .extend_pairs(cursor.map(|cursor| ("paging.cursor", cursor)));
        Ok(self.call(&Call::read(format!("wix messages of {conversation}"), Method::GET, url)).await?)
    }
}
