//! Anything else: plain JSON with the signature of Standard Webhooks.
//!
//! <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>

use jiff::Timestamp;
use serde::Deserialize;

use super::{Delivery, Draft, Trust};
use crate::{
    model::{
        message::{Author, Content, Media, Person},
        site::inbox::is_web,
    },
    webhook::{Request, WebhookError, json, standard_webhooks},
};

/// As much as Wix shows in one line: <https://dev.wix.com/docs/rest/crm/communication/inbox/messages/message-object>.
const LONGEST_LINE: usize = 16_384;
const MOST_MEDIA: usize = 20;
const WEB: &str = "must be an http or https address of at most 2000 characters";

pub(super) struct Service;

impl super::Service for Service {
    fn name(&self) -> &'static str {
        "plain"
    }

    fn verify(&self, request: &Request<'_>, trust: &Trust<'_>) -> Result<(), WebhookError> {
        standard_webhooks::Delivery::of(request)?.verify(request, trust.secrets, trust.now)
    }

    fn read(&self, delivery: &Delivery<'_>) -> Result<Vec<Draft>, WebhookError> {
        let id = standard_webhooks::id(delivery.headers)?;
        let sent: Sent = json::parse_named(delivery.body)?;
        let who = sent.who()?;
        let (author, at) = (sent.from.into(), sent.at);
        Ok(vec![Draft { id: id.to_owned(), who, author, content: sent.content()?, at, order: 0 }])
    }

    #[cfg(test)]
    fn signing(&self) -> super::tests::Signing {
        use aws_lc_rs::hmac;
        use base64::{Engine, engine::general_purpose::STANDARD};

        use super::tests::{BODY, Signing, tag};

        Signing {
            body: BODY,
            header: "webhook-signature",
            window: Some(300),
            vectors: include_str!("vectors/plain.json"),
            sign: |signed| {
                let key = STANDARD.decode(signed.secret).unwrap();
                let tag = STANDARD.encode(tag(hmac::HMAC_SHA256, &key, &format!("msg_1.{}.{}", signed.sent, signed.body)));
                let (id, sent) = ("msg_1".to_owned(), signed.sent.to_string());
                vec![("webhook-id", id), ("webhook-timestamp", sent), ("webhook-signature", format!("v1,{tag}"))]
            },
        }
    }
}

#[derive(Deserialize)]
struct Sent {
    #[serde(default)]
    r#type: Type,
    #[serde(default)]
    from: From,
    contact: Contact,
    #[serde(default)]
    text: String,
    #[serde(default)]
    media: Vec<Medium>,
    link: Option<String>,
    #[serde(rename = "sent_at")]
    at: Option<Timestamp>,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Type {
    #[default]
    Message,
    Activity,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum From {
    #[default]
    Participant,
    Business,
}

impl std::convert::From<From> for Author {
    fn from(from: From) -> Self {
        match from {
            From::Participant => Self::Participant,
            From::Business => Self::Business,
        }
    }
}

#[derive(Deserialize)]
struct Contact {
    email: Option<String>,
    phone: Option<String>,
    name: Option<String>,
}

#[derive(Deserialize)]
struct Medium {
    url: String,
    r#type: Option<String>,
    name: Option<String>,
}

fn refuse<T>(field: impl Into<String>, rule: &'static str) -> Result<T, WebhookError> {
    Err(WebhookError::Field { field: field.into(), rule })
}

impl Sent {
    fn who(&self) -> Result<Person, WebhookError> {
        let Contact { email, phone, name } = &self.contact;
        let who = Person::new(email.as_deref(), phone.as_deref(), name.as_deref());
        let filled = |text: &Option<String>| text.as_deref().is_some_and(|text| !text.trim().is_empty());
        if filled(email) && who.email.is_none() {
            return refuse("contact.email", "must be an e-mail address of at most 254 characters");
        }
        if filled(phone) && who.phone.is_none() {
            return refuse("contact.phone", "must be a phone number");
        }
        if who.email.is_none() && who.phone.is_none() {
            return refuse("contact", "must have an email or a phone");
        }
        Ok(who)
    }

    fn content(self) -> Result<Content, WebhookError> {
        match self.r#type {
            Type::Message => self.message(),
            Type::Activity => self.activity(),
        }
    }

    fn message(self) -> Result<Content, WebhookError> {
        if self.text.trim().is_empty() && self.media.is_empty() {
            return refuse("text", "must not be empty where there is no media");
        }
        if self.link.is_some() {
            return refuse("link", "only an activity has one");
        }
        if self.media.len() > MOST_MEDIA {
            return refuse("media", "must have at most 20 entries");
        }
        let media = self.media.into_iter().enumerate().map(|(nth, Medium { url, r#type, name })| {
            let taken = if is_web(&url) { Media::new(url, r#type, name) } else { None };
            taken.map_or_else(|| refuse(format!("media[{nth}].url"), WEB), Ok)
        });
        Ok(Content::Message { text: self.text, media: media.collect::<Result<_, _>>()? })
    }

    fn activity(self) -> Result<Content, WebhookError> {
        if self.text.trim().is_empty() || self.text.encode_utf16().count() > LONGEST_LINE {
            return refuse("text", "must have 1 to 16384 characters in an activity");
        }
        if !self.media.is_empty() {
            return refuse("media", "only a message has any");
        }
        if self.link.as_deref().is_some_and(|link| !is_web(link)) {
            return refuse("link", WEB);
        }
        Ok(Content::Activity { text: self.text, link: self.link })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::tests::{read, read_bytes, text};
    use crate::model::message::{Author, Content};

    fn sent(more: &Value) -> Value {
        let mut sent = json!({"contact": {"email": "ada@example.com"}, "text": "Hello 👋 שלום"});
        sent.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        sent
    }

    #[test]
    fn the_least_is_an_address_and_a_text() {
        let message = &read("plain", &sent(&json!({}))).unwrap()[0];
        assert_eq!((text(message).as_str(), message.author), ("Hello 👋 שלום", Author::Participant));
        assert_eq!(message.id, "msg_1");
    }

    #[test]
    fn the_most_is_taken_as_well() {
        let media =
            json!([{"url": "https://example.com/a.png", "type": "image/png", "name": "a.png"}, {"url": "https://example.com/b.pdf"}]);
        let sent = sent(&json!({"from": "business", "media": media, "sent_at": "2026-09-01T08:00:00Z", "unknown": 1}));
        let message = &read("plain", &sent).unwrap()[0];
        assert_eq!((message.author, message.at.to_string().as_str()), (Author::Business, "2026-09-01T08:00:00Z"));
        assert!(matches!(&message.content, Content::Message { media, .. } if media.len() == 2));
        let activity =
            super::super::tests::read("plain", &self::sent(&json!({"type": "activity", "link": "https://example.com"}))).unwrap();
        assert!(matches!(&activity[0].content, Content::Activity { link: Some(_), .. }));
    }

    #[test]
    fn what_is_wrong_is_named_and_not_quoted() {
        let long = "x".repeat(16_385);
        for (more, expected) in [
            (json!({"contact": {}}), "contact: must have an email or a phone"),
            (json!({"contact": {"email": "", "phone": " "}}), "contact: must have an email or a phone"),
            (json!({"contact": {"email": "ada"}}), "contact.email: must be an e-mail address of at most 254 characters"),
            (json!({"contact": {"phone": "ask for Ada"}}), "contact.phone: must be a phone number"),
            (json!({"contact": {"email": ["ada@example.com", "b@example.com"]}}), "contact.email: is not what it should be"),
            (json!({"contact": null}), "contact: is not what it should be"),
            (json!({"text": " "}), "text: must not be empty where there is no media"),
            (json!({"text": 7}), "text: is not what it should be"),
            (json!({"type": "call"}), "type: is not what it should be"),
            (json!({"sent_at": "yesterday"}), "sent_at: is not what it should be"),
            (json!({"link": "https://example.com"}), "link: only an activity has one"),
            (
                json!({"media": [{"url": "file:///etc/passwd"}]}),
                "media[0].url: must be an http or https address of at most 2000 characters",
            ),
            (json!({"type": "activity", "text": long}), "text: must have 1 to 16384 characters in an activity"),
            (json!({"type": "activity", "media": [{"url": "https://example.com"}]}), "media: only a message has any"),
            (json!({"type": "activity", "link": "example"}), "link: must be an http or https address of at most 2000 characters"),
        ] {
            assert_eq!(read("plain", &sent(&more)).unwrap_err().to_string(), expected, "{more}");
        }
        assert_eq!(read_bytes("plain", b"{\"text\": \"\xff\"}").unwrap_err().to_string(), "text: is not what it should be");
        assert_eq!(read_bytes("plain", b"ada@example.com").unwrap_err().to_string(), "body: is not what it should be");
    }
}
