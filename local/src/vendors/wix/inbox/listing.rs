//! The messages of a conversation, page by page from the newest back,
//! <https://dev.wix.com/docs/rest/crm/communication/inbox/messages/list-messages>.

use axum::{Json, extract::State};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{
    super::{
        auth::Asked,
        contacts::Reply,
        naming::camel_object,
        params::Params,
        refusal::{Refusal, integer, object},
        sent::{Sent, Unit},
        state::{Desk, World},
    },
    message::{Message, VISIBILITIES},
};

const DEFAULT_LIMIT: i64 = 30;
const HIGHEST_LIMIT: i64 = 100;

pub(super) async fn list(State(world): State<World>, asked: Asked, Params(params): Params) -> Reply {
    let params = camel_object(params);
    let (conversation, wanted) = Wanted::read(&params)?;
    if world.is_conversation_elsewhere(&asked, &conversation) {
        return Err(Refusal::coded(401, "NOT_JOINED_CHATROOM", "The caller takes no part in the conversation."));
    }
    world.at(&asked, |desk| {
        if desk.site.inbox.absent && world.is("no_inbox_on_list", "401") {
            return Err(Refusal::coded(401, "NO_INBOX_INSTANCE", "The site has no Inbox."));
        }
        desk.inbox_exists()?;
        Ok(Json(desk.page(&conversation, &wanted)?))
    })
}

/// What a list call asks for.
struct Wanted {
    visibility: String,
    descending: bool,
    limit: usize,
    cursor: Option<Cursor>,
}

/// Where a page goes on; it is of use only with the visibility and the order it was made for.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Cursor {
    visibility: String,
    descending: bool,
    sequence: u64,
    /// Towards the start of the list.
    back: bool,
}

impl Wanted {
    fn read(params: &Map<String, Value>) -> Result<(String, Self), Refusal> {
        let sent = Sent::request(params, Unit::Characters);
        let conversation = sent.required_guid("conversationId")?;
        let visibility = sent.word("visibility", VISIBILITIES)?.ok_or_else(|| sent.missing("visibility"))?;
        let empty = Map::new();
        let limit = integer(object(params, "paging")?.unwrap_or(&empty), "limit")?.unwrap_or(DEFAULT_LIMIT);
        let limit = Some(limit).filter(|limit| (1..=HIGHEST_LIMIT).contains(limit)).and_then(|limit| usize::try_from(limit).ok());
        let too_high = || Refusal::field("paging.limit", "MAX", "must be 1 to 100", &json!({"threshold": HIGHEST_LIMIT}));
        let wanted =
            Self { visibility: visibility.to_owned(), descending: descending(&sent)?, limit: limit.ok_or_else(too_high)?, cursor: None };
        let cursor = sent.object("paging")?.map(|paging| paging.text("cursor", 0..=16_000)).transpose()?.flatten();
        let cursor = cursor.filter(|text| !text.is_empty()).map(|text| wanted.own_cursor(&text)).transpose()?;
        Ok((conversation, Self { cursor, ..wanted }))
    }

    fn own_cursor(&self, text: &str) -> Result<Cursor, Refusal> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok();
        let cursor = bytes.and_then(|bytes| serde_json::from_slice::<Cursor>(&bytes).ok());
        let fits = |cursor: &Cursor| cursor.visibility == self.visibility && cursor.descending == self.descending;
        cursor.filter(fits).ok_or_else(|| Refusal::field("paging.cursor", "CUSTOM", "is not a cursor of this list", &json!({})))
    }

    /// Whether the message lies in the direction of the cursor.
    fn is_ahead(&self, message: &Message) -> bool {
        self.cursor.as_ref().is_none_or(|cursor| {
            // Onwards from newest to oldest is the same way as back from oldest to newest.
            if cursor.back == self.descending { message.sequence > cursor.sequence } else { message.sequence < cursor.sequence }
        })
    }

    fn cursor(&self, at: Option<&&Message>, back: bool) -> Option<String> {
        let sequence = at?.sequence;
        let cursor = Cursor { visibility: self.visibility.clone(), descending: self.descending, sequence, back };
        Some(URL_SAFE_NO_PAD.encode(serde_json::to_vec(&cursor).unwrap_or_default()))
    }
}

fn descending(sent: &Sent<'_>) -> Result<bool, Refusal> {
    let Some(sorting) = sent.object("sorting")? else {
        return Ok(true);
    };
    sorting.word("fieldName", &["message_sequence", "sequence"])?;
    Ok(sorting.word("order", &["ASC", "DESC"])? != Some("ASC"))
}

impl Desk<'_> {
    fn page(&self, conversation: &str, wanted: &Wanted) -> Result<Value, Refusal> {
        let messages = &self.conversation(conversation)?.messages;
        let all = wanted.visibility == "BUSINESS";
        let mut listed: Vec<&Message> = messages.iter().filter(|message| message.is_listed(all, self.now_ms)).collect();
        if wanted.descending {
            listed.reverse();
        }
        let (start, end) = bounds(&listed, wanted);
        let shown = listed.get(start..end).unwrap_or_default();
        let next = wanted.cursor(shown.last().filter(|_| end < listed.len()), false);
        let prev = wanted.cursor(shown.first().filter(|_| start > 0), true);
        let cursors: Map<String, Value> =
            [("next", next), ("prev", prev)].into_iter().filter_map(|(name, cursor)| Some((name.to_owned(), cursor?.into()))).collect();
        let messages: Vec<&Value> = shown.iter().map(|message| &message.shown).collect();
        Ok(json!({"messages": messages, "pagingMetadata": {"count": messages.len(), "cursors": cursors}}))
    }
}

/// Where the page starts and ends in the whole list.
fn bounds(listed: &[&Message], wanted: &Wanted) -> (usize, usize) {
    if wanted.cursor.as_ref().is_some_and(|cursor| cursor.back) {
        let end = listed.iter().take_while(|message| wanted.is_ahead(message)).count();
        return (end.saturating_sub(wanted.limit), end);
    }
    let start = listed.iter().take_while(|message| !wanted.is_ahead(message)).count();
    (start, (start + wanted.limit).min(listed.len()))
}
