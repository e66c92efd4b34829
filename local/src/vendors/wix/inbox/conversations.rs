//! Conversations and who takes part in them; a participant who becomes another kind of participant gets a new
//! conversation, and the old one is merged into it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{
    super::{
        auth::Identity,
        contact::Contact,
        events::{About, Change},
        refusal::Refusal,
        sent::Sent,
        state::Desk,
    },
    message::Message,
};
use crate::vendors::kit::Ids;

/// How a caller names a participant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParticipantId {
    /// By the id of a contact.
    Contact(String),
    /// By the id of a visitor nobody knows.
    Visitor(String),
    /// By the id of a site member.
    Member(String),
}

/// Who takes part in a conversation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in super::super) enum Participant {
    Visitor(String),
    Contact(String),
    Member { member: String, contact: String },
}

/// What a site's Inbox holds.
#[derive(Default)]
pub(in super::super) struct Inbox {
    /// The site has no Inbox at all.
    pub absent: bool,
    conversations: BTreeMap<String, Conversation>,
    of_participant: BTreeMap<Participant, String>,
    /// Conversations merged away, each with the one it went into.
    moved: BTreeMap<String, String>,
    /// Visitors who became contacts.
    visitors: BTreeMap<String, String>,
    /// Member ids by contact id.
    members: BTreeMap<String, String>,
    /// The last sequence given to a message.
    last_sequence: u64,
}

pub(super) struct Conversation {
    pub id: String,
    pub participant: Participant,
    /// Oldest first.
    pub messages: Vec<Message>,
}

impl ParticipantId {
    /// The one id in `sent`.
    ///
    /// # Errors
    /// 400 when there is none, there are several or it is no GUID.
    pub(super) fn read(sent: &Sent<'_>) -> Result<Self, Refusal> {
        let kind = sent.one_of(&["contactId", "anonymousVisitorId", "memberId"])?;
        let id = sent.required_guid(kind)?;
        Ok(match kind {
            "contactId" => Self::Contact(id),
            "memberId" => Self::Member(id),
            _ => Self::Visitor(id),
        })
    }
}

impl Participant {
    pub fn to_json(&self) -> Value {
        match self {
            Self::Visitor(id) => json!({"anonymousVisitorId": id}),
            Self::Contact(id) => json!({"contactId": id}),
            Self::Member { member, contact } => json!({"memberId": member, "contactId": contact}),
        }
    }

    pub fn contact(&self) -> Option<&str> {
        match self {
            Self::Visitor(_) => None,
            Self::Contact(contact) | Self::Member { contact, .. } => Some(contact),
        }
    }

    /// Who the participant is while using the site; a contact that is no member is some visitor there.
    pub fn identity(&self, ids: &Ids) -> Identity {
        match self {
            Self::Visitor(id) => Identity::Visitor(id.clone()),
            Self::Contact(_) => Identity::Visitor(ids.guid()),
            Self::Member { member, .. } => Identity::Member(member.clone()),
        }
    }
}

impl Inbox {
    pub(super) fn all(&self) -> impl Iterator<Item = &Conversation> {
        self.conversations.values()
    }

    /// Whether the id is or was a conversation's.
    pub(super) fn knows(&self, id: &str) -> bool {
        self.conversations.contains_key(id) || self.moved.contains_key(id)
    }

    pub(super) fn former_ids(&self, id: &str) -> Vec<&str> {
        self.moved.iter().filter(|(_, target)| *target == id).map(|(old, _)| old.as_str()).collect()
    }

    /// The member id of a contact.
    pub fn member_of(&self, contact: &str) -> Option<&str> {
        self.members.get(contact).map(String::as_str)
    }

    /// The next sequence: microseconds, but never the same twice.
    pub(super) fn next_sequence(&mut self, now_ms: i64, micros: u64) -> u64 {
        let by_time = now_ms.unsigned_abs() * 1000 + micros;
        self.last_sequence = by_time.max(self.last_sequence + 1);
        self.last_sequence
    }

    pub(super) fn add(&mut self, conversation: &str, message: Message) {
        if let Some(held) = self.conversations.get_mut(conversation) {
            held.messages.push(message);
        }
    }

    fn open(&mut self, id: String, participant: Participant) {
        self.of_participant.insert(participant.clone(), id.clone());
        self.conversations.insert(id.clone(), Conversation { id, participant, messages: Vec::new() });
    }

    /// Takes a conversation away; its id leads to `target` from now on, if there is one.
    fn close(&mut self, id: &str, target: Option<&str>) -> Vec<Message> {
        let Some(closed) = self.conversations.remove(id) else {
            return Vec::new();
        };
        self.of_participant.remove(&closed.participant);
        let former: Vec<String> = self.former_ids(id).into_iter().map(str::to_owned).collect();
        for id in former.into_iter().chain([id.to_owned()]) {
            match target {
                Some(target) => self.moved.insert(id, target.to_owned()),
                None => self.moved.remove(&id),
            };
        }
        closed.messages
    }

    fn take_in(&mut self, id: &str, messages: Vec<Message>) {
        if let Some(held) = self.conversations.get_mut(id) {
            held.messages.extend(messages);
            held.messages.sort_by_key(|message| message.sequence);
        }
    }
}

impl Desk<'_> {
    /// Refuses when the site has no Inbox.
    ///
    /// # Errors
    /// 404 `INBOX_INSTANCE_NOT_FOUND`.
    pub(super) fn inbox_exists(&self) -> Result<(), Refusal> {
        if self.site.inbox.absent {
            return Err(Refusal::coded(404, "INBOX_INSTANCE_NOT_FOUND", "The site has no Inbox."));
        }
        Ok(())
    }

    /// The participant a caller names, as far as the site knows it; any visitor may come.
    pub(super) fn known_participant(&self, named: &ParticipantId) -> Option<Participant> {
        let inbox = &self.site.inbox;
        let of_contact = |id: &str| {
            let contact = self.contact(id).ok()?.id;
            Some(match inbox.members.get(&contact) {
                Some(member) => Participant::Member { member: member.clone(), contact },
                None => Participant::Contact(contact),
            })
        };
        match named {
            ParticipantId::Contact(id) => of_contact(id),
            ParticipantId::Visitor(id) => {
                inbox.visitors.get(id).map_or_else(|| Some(Participant::Visitor(id.clone())), |contact| of_contact(contact))
            }
            ParticipantId::Member(id) => {
                let contact = inbox.members.iter().find(|(_, member)| *member == id).map(|(contact, _)| contact)?;
                of_contact(contact)
            }
        }
    }

    /// The conversation of a participant and whether it is new.
    pub(super) fn conversation_of(&mut self, participant: Participant) -> (String, bool) {
        if let Some(id) = self.site.inbox.of_participant.get(&participant) {
            return (id.clone(), false);
        }
        let id = self.world.ids.guid();
        self.site.inbox.open(id.clone(), participant);
        (id, true)
    }

    /// The conversation with this id, or the one it was merged into.
    ///
    /// # Errors
    /// 404 `CONVERSATION_NOT_FOUND`.
    pub(super) fn conversation(&self, id: &str) -> Result<&Conversation, Refusal> {
        let inbox = &self.site.inbox;
        let moved = inbox.moved.get(id).filter(|_| self.world.is("merged_conversation", "answers"));
        let id = moved.map_or(id, String::as_str);
        let missing = || Refusal::coded(404, "CONVERSATION_NOT_FOUND", "Conversation was not found.");
        inbox.conversations.get(id).ok_or_else(missing)
    }

    /// A visitor gave a name or an address and is a contact from now on.
    pub(super) fn identify(&mut self, visitor: &str, contact: &str) -> Result<(), Refusal> {
        let contact = self.contact(contact)?.id;
        self.site.inbox.visitors.insert(visitor.to_owned(), contact.clone());
        let now = self.known_participant(&ParticipantId::Contact(contact)).ok_or_else(Refusal::no_contact)?;
        self.gather(&[Participant::Visitor(visitor.to_owned())], &now);
        Ok(())
    }

    /// A contact registered or left as a site member.
    pub fn set_member(&mut self, contact: &str, is_member: bool) {
        let plain = Participant::Contact(contact.to_owned());
        let held = self.site.inbox.members.get(contact).cloned();
        let as_member = |member| Participant::Member { member, contact: contact.to_owned() };
        match (held, is_member) {
            (None, true) => {
                let member = self.world.ids.guid();
                self.site.inbox.members.insert(contact.to_owned(), member.clone());
                self.gather(&[plain], &as_member(member));
            }
            (Some(member), false) => {
                self.site.inbox.members.remove(contact);
                self.gather(&[as_member(member)], &plain);
            }
            (None, false) | (Some(_), true) => {}
        }
    }

    /// The conversations of merged contacts become one.
    pub fn merge_conversations(&mut self, target: &str, sources: &[Contact]) {
        for contact in self.site.inbox.visitors.values_mut() {
            if sources.iter().any(|source| source.id == *contact) {
                target.clone_into(contact);
            }
        }
        let Some(target) = self.known_participant(&ParticipantId::Contact(target.to_owned())) else {
            return;
        };
        let mut old: Vec<Participant> = sources.iter().map(|source| Participant::Contact(source.id.clone())).collect();
        let merges = old.iter().any(|source| self.site.inbox.of_participant.contains_key(source));
        if merges && self.world.is("merged_contacts_conversation", "new") {
            old.insert(0, target.clone());
        }
        self.gather(&old, &target);
    }

    /// What a person wrote goes with the person.
    pub fn erase_conversation(&mut self, contact: &str) {
        if let Some(participant) = self.known_participant(&ParticipantId::Contact(contact.to_owned()))
            && let Some(id) = self.site.inbox.of_participant.get(&participant).cloned()
        {
            self.site.inbox.close(&id, None);
        }
    }

    /// Merges the conversations of `old` into the one of `now`, which is new unless `now` has one that is not old.
    fn gather(&mut self, old: &[Participant], now: &Participant) {
        let inbox = &mut self.site.inbox;
        let ids: Vec<String> = old.iter().filter_map(|participant| inbox.of_participant.get(participant).cloned()).collect();
        if ids.is_empty() {
            return;
        }
        let kept = inbox.of_participant.get(now).filter(|id| !ids.contains(id)).cloned();
        let target = kept.clone().unwrap_or_else(|| self.world.ids.guid());
        let messages: Vec<Message> = ids.iter().flat_map(|id| inbox.close(id, Some(&target))).collect();
        if kept.is_none() {
            inbox.open(target.clone(), now.clone());
        }
        inbox.take_in(&target, messages);
        // The entity of this event is neither of the conversations.
        let entity = self.world.ids.guid();
        let body = json!({"oldConversationIds": ids, "targetConversationId": target});
        self.raise(About::inbox("conversation", &entity), &Change::Acted("conversations_merged", body));
    }

    pub(super) fn show_conversation(&self, conversation: &Conversation) -> Value {
        let contact = conversation.participant.contact().and_then(|id| self.contact(id).ok());
        let name = contact.map_or_else(|| "Visitor".to_owned(), |contact| display_name(&contact.info));
        json!({
            "id": conversation.id,
            "participant": conversation.participant.to_json(),
            "channels": ["CHAT"],
            "businessDisplayData": {"name": "Simulated site"},
            "participantDisplayData": {"name": name},
        })
    }
}

fn display_name(info: &Map<String, Value>) -> String {
    let part = |key: &str| info.get("name").and_then(|name| name.get(key)).and_then(Value::as_str).unwrap_or_default();
    format!("{} {}", part("first"), part("last")).trim().to_owned()
}
