//! Get or create a conversation, and get one, <https://dev.wix.com/docs/rest/crm/communication/inbox/conversations/introduction>.

use axum::{
    Json,
    body::Bytes,
    extract::{Path, State},
};
use serde_json::json;

use super::{
    super::{
        auth::Asked,
        contacts::Reply,
        naming::camel_object,
        refusal::{Refusal, body_object},
        sent::{Sent, Unit},
        state::{Desk, World},
    },
    conversations::{Participant, ParticipantId},
};

pub(super) async fn get_or_create(State(world): State<World>, asked: Asked, body: Bytes) -> Reply {
    let request = camel_object(body_object(&body)?);
    let named = ParticipantId::read(&Sent::request(&request, Unit::Characters).required("participantId")?)?;
    world.at(&asked, |desk| {
        desk.inbox_exists()?;
        let participant = desk.participant(&named)?;
        let (id, is_new) = desk.conversation_of(participant);
        let conversation = desk.show_conversation(desk.conversation(&id)?);
        Ok(Json(json!({"conversation": conversation, "newConversation": is_new})))
    })
}

pub(super) async fn get(State(world): State<World>, asked: Asked, Path(id): Path<String>) -> Reply {
    if world.is_conversation_elsewhere(&asked, &id) {
        return Err(Refusal::coded(403, "NOT_OWNED_BY_BUSINESS", "The conversation is of another business."));
    }
    world.at(&asked, |desk| Ok(Json(json!({"conversation": desk.show_conversation(desk.conversation(&id)?)}))))
}

impl World {
    /// Whether the conversation is of another site than the call.
    pub(super) fn is_conversation_elsewhere(&self, asked: &Asked, id: &str) -> bool {
        self.with(|state| state.sites.values().any(|site| site.instance_id != asked.instance_id && site.inbox.knows(id)))
    }
}

impl Desk<'_> {
    /// The participant a caller names; what no document says is decided by switches.
    fn participant(&self, named: &ParticipantId) -> Result<Participant, Refusal> {
        let unknown = || Refusal::bare(404, "The participant was not found");
        match (self.known_participant(named), named) {
            (Some(Participant::Member { .. }), ParticipantId::Contact(_)) if self.world.is("inbox_member_by_contact", "refused") => {
                Err(unknown())
            }
            (Some(found), _) => Ok(found),
            (None, _) if self.world.is("inbox_unknown_contact", "404") => Err(unknown()),
            (None, ParticipantId::Contact(id)) if self.world.is("inbox_unknown_contact", "create") => Ok(Participant::Contact(id.clone())),
            (None, _) => Err(Refusal::bare(400, "The participant does not exist")),
        }
    }
}
