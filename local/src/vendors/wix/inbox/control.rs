//! Control calls on Inbox: what visitors and contacts write, and who they turn out to be.

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Query, State},
    routing::{get, post, put},
};
use serde_json::{Map, Value, json};

use super::{
    super::{
        auth::{Asked, Identity, person},
        control::told,
        mails::OfSite,
        refusal::Refusal,
        state::{Site, World},
    },
    conversations::{Conversation, ParticipantId},
    message::{TO_BUSINESS, VISIBILITIES},
    sending::Draft,
};
use crate::vendors::kit::{ControlError, parse_object, text_of};

pub(in super::super) const CALLS: &[(&str, &str)] = &[
    ("GET /_control/conversations?site=", "every conversation with all its messages and the ids it had before"),
    (
        "POST /_control/messages",
        "{\"site\"?, \"contact\" or \"visitor\" or \"member\"?, \"text\", \"visibility\"?}: a person writes to the business; a new visitor without id",
    ),
    ("POST /_control/identify", "{\"site\"?, \"visitor\", \"contact\"}: the visitor turns out to be the contact"),
    ("PUT /_control/inbox", "{\"site\"?, \"installed\"}: whether the site has an Inbox"),
];

type Reply = Result<Json<Value>, ControlError>;

pub(in super::super) fn routes() -> Router<World> {
    Router::new()
        .route("/_control/conversations", get(conversations))
        .route("/_control/messages", post(write))
        .route("/_control/identify", post(identify))
        .route("/_control/inbox", put(install))
}

async fn conversations(State(world): State<World>, Query(of): Query<OfSite>) -> Reply {
    Ok(Json(json!({"conversations": world.all_conversations(of.site.as_deref())?})))
}

async fn write(State(world): State<World>, body: Bytes) -> Reply {
    let request = Value::Object(parse_object(&body)?);
    let named = |key: &str| request.get(key).and_then(Value::as_str).map(str::to_owned);
    let who = match (named("contact"), named("member"), named("visitor")) {
        (Some(id), None, None) => ParticipantId::Contact(id),
        (None, Some(id), None) => ParticipantId::Member(id),
        (None, None, id) => ParticipantId::Visitor(id.unwrap_or_else(|| world.ids.guid())),
        _ => return Err("contact, visitor, member: at most one can be named".into()),
    };
    let visibility = named("visibility").unwrap_or_else(|| "BUSINESS_AND_PARTICIPANT".to_owned());
    let visibility = VISIBILITIES.iter().find(|word| **word == visibility).ok_or("visibility: is not a known value")?;
    world.write_as(named("site").as_deref(), &who, text_of(&request, "text")?, visibility).map(Json)
}

async fn identify(State(world): State<World>, body: Bytes) -> Reply {
    let request = Value::Object(parse_object(&body)?);
    let site = request.get("site").and_then(Value::as_str);
    world.identify(site, text_of(&request, "visitor")?, text_of(&request, "contact")?)?;
    Ok(Json(json!({})))
}

async fn install(State(world): State<World>, body: Bytes) -> Reply {
    let request = Value::Object(parse_object(&body)?);
    let installed = request.get("installed").and_then(Value::as_bool).ok_or("installed: must be true or false")?;
    world.set_inbox(request.get("site").and_then(Value::as_str), installed)?;
    Ok(Json(json!({})))
}

impl World {
    pub(in super::super) fn all_conversations(&self, site: Option<&str>) -> Result<Vec<Value>, ControlError> {
        self.of_sites(site, |site| site.inbox.all().map(|conversation| show(site, conversation)).collect())
    }

    /// The participant writes in the chat of the site.
    pub(in super::super) fn write_as(
        &self,
        site: Option<&str>,
        who: &ParticipantId,
        text: &str,
        visibility: &'static str,
    ) -> Result<Value, ControlError> {
        let at_site = person(self, site).map_err(told)?;
        let participant = self.at(&at_site, |desk| {
            desk.inbox_exists()?;
            desk.known_participant(who).ok_or_else(|| Refusal::bare(404, "contact or member: no such participant"))
        });
        let participant = participant.map_err(told)?;
        let asked = Asked { identity: participant.identity(&self.ids), ..at_site };
        self.at(&asked, |desk| {
            let (conversation, _) = desk.conversation_of(participant.clone());
            let message = desk.post(&conversation, &participant, chat(text, visibility));
            Ok(json!({"conversationId": conversation, "participant": participant.to_json(), "message": message}))
        })
        .map_err(told)
    }

    pub(in super::super) fn identify(&self, site: Option<&str>, visitor: &str, contact: &str) -> Result<(), ControlError> {
        let at_site = person(self, site).map_err(told)?;
        let asked = Asked { identity: Identity::Visitor(visitor.to_owned()), ..at_site };
        self.at(&asked, |desk| desk.identify(visitor, contact)).map_err(told)
    }

    pub(in super::super) fn set_inbox(&self, site: Option<&str>, installed: bool) -> Result<(), ControlError> {
        let asked = person(self, site).map_err(told)?;
        self.at(&asked, |desk| {
            desk.site.inbox.absent = !installed;
            Ok(())
        })
        .map_err(told)
    }
}

fn chat(text: &str, visibility: &'static str) -> Draft {
    Draft {
        content: json!({"previewText": text.chars().take(256).collect::<String>(), "basic": {"items": [{"text": text}]}}),
        visibility,
        direction: TO_BUSINESS,
        as_participant: true,
        notifies: false,
        rest: json!({"badges": [], "targetChannels": [], "sourceChannel": "CHAT", "targetChannelIds": [], "silent": false}),
        dated_ms: None,
    }
}

fn show(site: &Site, conversation: &Conversation) -> Value {
    let messages: Vec<&Value> = conversation.messages.iter().map(|message| &message.shown).collect();
    let mut shown = Map::new();
    shown.insert("id".to_owned(), conversation.id.clone().into());
    shown.insert("site".to_owned(), site.instance_id.clone().into());
    shown.insert("participant".to_owned(), conversation.participant.to_json());
    shown.insert("formerIds".to_owned(), json!(site.inbox.former_ids(&conversation.id)));
    shown.insert("messages".to_owned(), json!(messages));
    Value::Object(shown)
}
