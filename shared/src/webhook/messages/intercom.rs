//! Intercom: what customers and teammates write in its messenger and by e-mail.
//!
//! It dates what was said to the second. Ids of parts are numbers in all its samples, and the later part has the greater one; neither is promised.
//! What was said within one second is shown in the order of ids that are numbers.
//!
//! <https://developers.intercom.com/docs/references/webhooks/webhook-models>, <https://developers.intercom.com/docs/webhooks/webhook-notifications>

use aws_lc_rs::hmac;
use html5gum::{Token, Tokenizer};
use jiff::Timestamp;
use nanohtml2text::html2text;
use serde::Deserialize;

use super::{Delivery, Draft, Trust, mac};
use crate::{
    model::message::{Author, Content, Media, Person},
    webhook::{Request, WebhookError, json},
};

pub(super) struct Service;

impl super::Service for Service {
    fn name(&self) -> &'static str {
        "intercom"
    }

    /// There is no time in it: a copy is known by the id of what was said.
    fn verify(&self, request: &Request<'_>, trust: &Trust<'_>) -> Result<(), WebhookError> {
        let header = mac::header(request.headers, "x-hub-signature", WebhookError::Unsigned)?;
        let tag = header.strip_prefix("sha1=").and_then(|tag| hex::decode(tag).ok()).ok_or(WebhookError::Signature)?;
        let signed = mac::is_signed(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, trust.secrets, &[request.body], &[tag]);
        if signed { Ok(()) } else { Err(WebhookError::Signature) }
    }

    fn read(&self, delivery: &Delivery<'_>) -> Result<Vec<Draft>, WebhookError> {
        let notice: Notice = json::parse("notice", delivery.body)?;
        let said = match notice.topic.as_str() {
            "conversation.user.created" => Said::First,
            "conversation.user.replied" | "conversation.admin.replied" => Said::Since,
            _ => return Ok(Vec::new()),
        };
        let item = notice.data.and_then(|data| data.item).ok_or(WebhookError::Missing { part: "notice", field: "data.item" })?;
        Ok(item.drafts(&said))
    }

    #[cfg(test)]
    fn signing(&self) -> super::tests::Signing {
        use super::tests::{BODY, Signing, tag};

        Signing {
            body: BODY,
            header: "x-hub-signature",
            window: None,
            vectors: include_str!("vectors/intercom.json"),
            sign: |signed| {
                let tag = tag(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, signed.secret.as_bytes(), signed.body);
                vec![("x-hub-signature", format!("sha1={}", hex::encode(tag)))]
            },
        }
    }
}

/// Which part of a conversation a notice is about.
enum Said {
    First,
    Since,
}

#[derive(Deserialize)]
struct Notice {
    topic: String,
    data: Option<Data>,
}

#[derive(Deserialize)]
struct Data {
    item: Option<Conversation>,
}

#[derive(Deserialize)]
struct Conversation {
    id: String,
    source: Option<Part>,
    #[serde(rename = "conversation_parts")]
    since: Option<Parts>,
    created_at: Option<i64>,
}

#[derive(Default, Deserialize)]
struct Parts {
    #[serde(default, rename = "conversation_parts")]
    all: Vec<Part>,
}

/// Something that was said: how the conversation began, or went on.
#[derive(Deserialize)]
struct Part {
    id: Option<String>,
    #[serde(rename = "part_type")]
    kind: Option<String>,
    body: Option<String>,
    author: Option<Writer>,
    created_at: Option<i64>,
    #[serde(default)]
    attachments: Vec<Attachment>,
}

#[derive(Deserialize)]
struct Writer {
    r#type: Option<String>,
    name: Option<String>,
    email: Option<String>,
}

#[derive(Deserialize)]
struct Attachment {
    url: Option<String>,
    name: Option<String>,
    content_type: Option<String>,
}

impl Conversation {
    fn drafts(self, said: &Said) -> Vec<Draft> {
        let parts = match said {
            Said::First => Vec::new(),
            Said::Since => self.since.unwrap_or_default().all,
        };
        // A teammate's words belong to the customer who began the conversation.
        let beginner =
            self.source.as_ref().and_then(|source| source.author.as_ref()).filter(|writer| writer.author() == Some(Author::Participant));
        let beginner = beginner.map(Writer::person).unwrap_or_default();
        // The beginning has no time of its own: it is that of the conversation.
        let begun = self.created_at;
        let first = self.source.filter(|_| matches!(said, Said::First));
        let first = first.map(|source| Part { created_at: source.created_at.or(begun), ..source });
        let first = first.and_then(|source| source.draft(&self.id, &beginner));
        let since = parts.into_iter().filter_map(|part| {
            let order = part.order();
            Some(Draft { order, ..part.draft(&self.id, &beginner)? })
        });
        first.into_iter().chain(since).collect()
    }
}

impl Part {
    /// Whether teammates wrote it for each other: a note, or one that does something beside.
    fn is_note(&self) -> bool {
        self.kind.as_deref().is_some_and(|kind| kind.starts_with("note"))
    }

    /// Returns it as a message; `None` for what robots say, for what teammates note among themselves, and for what says nothing.
    fn draft(self, conversation: &str, beginner: &Person) -> Option<Draft> {
        let writer = self.author.as_ref()?;
        let author = writer.author().filter(|_| !self.is_note())?;
        let body = self.body.as_deref().unwrap_or_default();
        let text = html2text(body).replace("\r\n", "\n").trim().to_owned();
        let media: Vec<_> = pictures(body).chain(self.attachments.into_iter().filter_map(Attachment::media)).collect();
        if text.is_empty() && media.is_empty() {
            return None;
        }
        let who = match author {
            Author::Participant => writer.person(),
            Author::Business => beginner.clone(),
        };
        let at = self.created_at.and_then(|seconds| Timestamp::from_second(seconds).ok());
        let id = format!("{conversation}/{}", self.id.as_deref().unwrap_or("source"));
        Some(Draft { id, who, author, content: Content::Message { text, media }, at, order: 0 })
    }

    /// Whatever began the conversation comes before all of its parts.
    fn order(&self) -> u64 {
        self.id.as_deref().and_then(|id| id.parse().ok()).unwrap_or_default()
    }
}

/// Returns the pictures within a text. Its words are shown without them.
fn pictures(html: &str) -> impl Iterator<Item = Media> {
    Tokenizer::new(html).flatten().filter_map(|token| match token {
        Token::StartTag(tag) if *tag.name == b"img" => {
            let url = String::from_utf8(tag.attributes.get(&b"src"[..])?.to_vec()).ok()?;
            Media::new(url, Some("image/*".to_owned()), None)
        }
        _ => None,
    })
}

impl Writer {
    fn author(&self) -> Option<Author> {
        match self.r#type.as_deref() {
            Some("user" | "lead" | "contact") => Some(Author::Participant),
            Some("admin" | "team") => Some(Author::Business),
            _ => None,
        }
    }

    fn person(&self) -> Person {
        Person::new(self.email.as_deref(), None, self.name.as_deref())
    }
}

impl Attachment {
    fn media(self) -> Option<Media> {
        Media::new(self.url?, self.content_type, self.name)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::tests::{read, text};
    use crate::model::message::{Author, Content, Message};

    fn notice(topic: &str, parts: &Value) -> Vec<Message> {
        let source = json!({"id": "s1", "body": "<p>Hello &amp; <b>good</b> morning</p>", "author": {"type": "user", "id": "u1", "name": "Ada", "email": "ada@example.com"}});
        let item = json!({"type": "conversation", "id": "123", "source": source, "conversation_parts": {"conversation_parts": parts}});
        read("intercom", &json!({"type": "notification_event", "id": "n1", "topic": topic, "data": {"item": item}})).unwrap()
    }

    fn part(id: &str, writer: &str, body: &str) -> Value {
        let author = json!({"type": writer, "id": "x", "name": "X", "email": "x@example.com"});
        json!({"id": id, "part_type": "comment", "body": body, "author": author, "created_at": 1_795_176_000})
    }

    #[test]
    fn a_conversation_begins_with_its_source() {
        let message = &notice("conversation.user.created", &json!([]))[0];
        assert_eq!((text(message).as_str(), message.author, message.id.as_str()), ("Hello & good morning", Author::Participant, "123/s1"));
        assert_eq!(message.who.email.as_deref(), Some("ada@example.com"));
    }

    #[test]
    fn a_reply_is_of_who_wrote_it_to_whom_the_conversation_is_with() {
        let own = &notice("conversation.user.replied", &json!([part("p1", "lead", "<p>one</p><p>two</p>")]))[0];
        assert_eq!((own.author, own.id.as_str(), own.who.email.as_deref()), (Author::Participant, "123/p1", Some("x@example.com")));
        assert!(text(own).starts_with("one") && text(own).ends_with("two") && !text(own).contains('\r'));
        let theirs = &notice("conversation.admin.replied", &json!([part("p2", "admin", "At nine.")]))[0];
        assert_eq!((theirs.author, theirs.who.email.as_deref()), (Author::Business, Some("ada@example.com")));
        assert_eq!(theirs.at.to_string(), "2026-11-20T12:00:00Z");
    }

    #[test]
    fn what_is_said_within_a_second_comes_in_the_order_of_its_ids() {
        let said = |id: &str| notice("conversation.user.replied", &json!([part(id, "user", id)])).remove(0);
        let mut all = ["1001", "abc", "999"].map(said);
        all.sort_by_key(Message::turn);
        assert_eq!(all.map(|message| text(&message)), ["abc", "999", "1001"]);
    }

    #[test]
    fn a_conversation_begins_before_it_goes_on() {
        let source = json!({"id": "70000", "body": "Hello", "author": {"type": "user", "email": "ada@example.com"}});
        let item = json!({"id": "123", "source": source, "created_at": 1_795_176_000});
        let began = &read("intercom", &json!({"topic": "conversation.user.created", "data": {"item": item}})).unwrap()[0];
        let reply = &notice("conversation.user.replied", &json!([part("12", "user", "Anybody?")]))[0];
        assert_eq!(began.at.to_string(), "2026-11-20T12:00:00Z");
        assert!(began.turn() < reply.turn());
    }

    #[test]
    fn robots_notes_and_pings_say_nothing() {
        assert!(
            notice("conversation.admin.replied", &json!([part("p3", "bot", "I am a robot"), part("p4", "admin", "<p> </p>")])).is_empty()
        );
        for kind in ["note", "note_and_reopen"] {
            let mut note = part("p6", "admin", "He never pays.");
            note["part_type"] = json!(kind);
            assert!(notice("conversation.admin.replied", &json!([note])).is_empty(), "{kind}");
        }
        for topic in ["ping", "conversation.admin.closed", "contact.created"] {
            assert!(notice(topic, &json!([part("p5", "user", "Hi")])).is_empty(), "{topic}");
        }
    }

    #[test]
    fn attachments_are_files() {
        let mut with_file = part("p6", "user", "");
        with_file["attachments"] =
            json!([{"type": "upload", "name": "a.png", "url": "https://files.example.com/a.png", "content_type": "image/png"}]);
        assert_eq!(notice("conversation.user.replied", &json!([with_file])).len(), 1);
    }

    #[test]
    fn a_picture_within_the_text_comes_behind_it() {
        for (body, words, url) in [
            (r#"<p>Look:</p><img src="https://files.example.com/a.png?x=1&amp;y=2">"#, "Look:", "https://files.example.com/a.png?x=1&y=2"),
            (r#"<div class="c"><IMG alt='' SRC='https://files.example.com/b.png'/></div>"#, "", "https://files.example.com/b.png"),
        ] {
            let message = &notice("conversation.user.replied", &json!([part("p8", "user", body)]))[0];
            let Content::Message { media, .. } = &message.content else { panic!("{body}") };
            assert_eq!((text(message).as_str(), media.len(), media[0].url.as_str()), (words, 1, url));
            assert!(media[0].mime.as_deref().unwrap().starts_with("image/"));
        }
    }

    #[test]
    fn a_notice_without_a_conversation_is_refused_by_name() {
        let refused = read("intercom", &json!({"topic": "conversation.user.replied"})).unwrap_err();
        assert_eq!(refused.to_string(), "notice lacks data.item");
    }

    #[test]
    fn any_html_is_read() {
        for body in ["<", "<a", "<a href='", "&", "&#x110000;", "<p>é</", "<!--", &"<a>".repeat(2_000)] {
            let _ = notice("conversation.user.replied", &json!([part("p7", "user", body)]));
        }
    }
}
