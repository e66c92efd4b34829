//! Messages and activities of external services, on their way to the Inbox.
//!
//! They hold what people wrote. They live in the bus and in the encrypted queue, for a bounded time, and nowhere else.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    contact::MatchKey,
    fingerprint::{Digest, Key},
    ids::{SiteId, SourceId},
    normal, text,
};

/// How many bytes of text one event carries: the bus takes 256 KiB, and the rest of the event and its envelope need room.
const MOST_BYTES: usize = 128 * 1024;
/// How many pictures and files one event carries, each with some 9 KB at most.
const MOST_MEDIA: usize = 10;

/// A message or an activity of a service, or a part of one that is too long for one event.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// The site.
    pub site: SiteId,
    /// The source, by its name in the site's settings.
    pub source: SourceId,
    /// The service that sent it: `twilio`.
    pub service: String,
    /// The service's own id, the same whenever it sends this message again.
    pub id: String,
    /// Which it is of those its service dates alike, where that tells; the smaller one comes first.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub order: u64,
    /// Which part of a long message this is, from 0.
    #[serde(default)]
    pub part: u32,
    /// The customer, whoever wrote.
    pub who: Person,
    /// Who wrote.
    pub author: Author,
    /// What it says.
    pub content: Content,
    /// When it was written, by the service's clock; when it came in, where the service does not say.
    pub at: Timestamp,
    /// How often it was tried and failed for a passing reason.
    #[serde(default)]
    pub attempts: u32,
    /// How often something it needs was looked for and not there: a contact with the address, a conversation, the part before it.
    #[serde(default)]
    pub searches: u32,
}

/// Whose conversation a message belongs to.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The phone number as the service writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// The name, for a contact that has to be created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Who wrote a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Author {
    /// The customer.
    Participant,
    /// Somebody of the business, in the external tool.
    Business,
}

/// What a message says.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Content {
    /// Words, pictures, files.
    Message {
        /// The words; empty if there are none.
        #[serde(default)]
        text: String,
        /// Pictures and files.
        #[serde(default)]
        media: Vec<Media>,
    },
    /// Something the customer did, in one line.
    Activity {
        /// The line.
        text: String,
        /// Where to read more.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        link: Option<String>,
    },
}

/// A picture or a file on the web.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Media {
    /// Where it is.
    pub url: String,
    /// Its media type, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mime: Option<String>,
    /// Its file name, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl Media {
    /// A longer address leads nowhere that could be fetched.
    const LONGEST_URL: usize = 8 * 1024;
    /// As much as Wix takes: <https://dev.wix.com/docs/rest/crm/communication/inbox/messages/message-object>.
    const LONGEST_NAME: usize = 255;
    /// RFC 6838 section 4.2 lets either half of a media type have 127 characters.
    const LONGEST_MIME: usize = 255;

    /// Takes what a service tells of a picture or a file: `None` for what is no address, such as the picture itself in one; a name that is too
    /// long is cut, a media type that is too long left out.
    #[must_use]
    pub fn new(url: String, mime: Option<String>, name: Option<String>) -> Option<Self> {
        let is_address = !url.is_empty() && url.len() <= Self::LONGEST_URL && !url.starts_with("data:");
        is_address.then(|| Self {
            url,
            mime: mime.filter(|mime| mime.len() <= Self::LONGEST_MIME),
            name: name.map(|name| name.chars().take(Self::LONGEST_NAME).collect()),
        })
    }
}

impl Person {
    /// A longer text is no address: RFC 5321 section 4.5.3.1.3 with the brackets taken off.
    const LONGEST_ADDRESS: usize = 254;
    /// As much of a name as Wix takes: <https://dev.wix.com/docs/rest/crm/members-contacts/contacts/contacts/contact-v4/create-contact>.
    const LONGEST_NAME: usize = 100;

    /// Takes what a service tells of a person: blank values and what cannot be an address are left out, a name that is too long is cut.
    #[must_use]
    pub fn new(email: Option<&str>, phone: Option<&str>, name: Option<&str>) -> Self {
        let filled = |text: Option<&str>| text.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
        let address = |text| filled(text).filter(|text| text.len() <= Self::LONGEST_ADDRESS);
        Self {
            email: address(email).filter(|text| text.contains('@')),
            phone: address(phone).filter(|text| text.chars().any(|letter| letter.is_ascii_digit())),
            name: filled(name).map(|text| text.chars().take(Self::LONGEST_NAME).collect()),
        }
    }

    /// Returns what the person is looked up by, the surer key first; `country` (ISO 3166-1 alpha-2) is that of phone numbers without a prefix.
    #[must_use]
    pub fn keys(&self, country: Option<&str>) -> Vec<MatchKey> {
        let email = self.email.as_deref().map(|email| MatchKey::Email(normal::email(email)));
        let phone = self.phone.as_deref().map(|phone| MatchKey::Phone(normal::phone(phone, country)));
        email.into_iter().chain(phone).collect()
    }
}

impl Message {
    /// The detail type of messages on the bus.
    pub const DETAIL_TYPE: &'static str = "message.received";

    /// Returns what stands for the message in keys and logs: its id may be anything, an address too.
    #[must_use]
    pub fn digest(&self, key: &Key) -> Digest {
        self.digest_of_part(key, self.part)
    }

    /// Returns the digest of another part of the same message.
    #[must_use]
    pub fn digest_of_part(&self, key: &Key, part: u32) -> Digest {
        // The id comes last: it alone may hold any character.
        key.digest("message", &format!("{}/{}/{part}/{}", self.service, self.source, self.id))
    }

    /// Returns what tells the order of a sender's messages; the smaller one comes first.
    #[must_use]
    pub const fn turn(&self) -> (Timestamp, u64, u32) {
        (self.at, self.order, self.part)
    }

    /// Cuts a message that is too long for one event into parts, at words. Pictures and files come with the last words, and behind them.
    #[must_use]
    pub fn parts(self) -> Vec<Self> {
        let Content::Message { text, media } = &self.content else { return vec![self] };
        if text.len() * 6 <= MOST_BYTES && media.len() <= MOST_MEDIA {
            return vec![self];
        }
        let mut texts = text::split(text, MOST_BYTES, json_bytes);
        let last = texts.pop().unwrap_or_default();
        let mut chunks = media.chunks(MOST_MEDIA);
        let words = texts.into_iter().map(|text| (text, &[][..])).chain([(last, chunks.next().unwrap_or_default())]);
        let contents = words.chain(chunks.map(|media| ("", media)));
        let part = |(part, (text, media)): (u32, (&str, &[Media]))| Self {
            part,
            content: Content::Message { text: text.to_owned(), media: media.to_vec() },
            ..self.clone()
        };
        (0..).zip(contents).map(part).collect()
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants it so")]
const fn is_zero(order: &u64) -> bool {
    *order == 0
}

/// Returns how many bytes a character takes in JSON.
fn json_bytes(letter: char) -> usize {
    match letter {
        '"' | '\\' => 2,
        letter if letter.is_control() => 6,
        letter => letter.len_utf8(),
    }
}

/// Shows where it belongs and nothing of what it says.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Message");
        shown.field("site", &self.site).field("source", &self.source).field("service", &self.service).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> Message {
        let media = vec![Media { url: "https://example.com/a.png".to_owned(), mime: None, name: None }];
        Message {
            site: SiteId::from("s"),
            source: SourceId::from("sms"),
            service: "twilio".to_owned(),
            id: "SM1".to_owned(),
            order: 0,
            part: 0,
            who: Person::new(None, Some("+12025550143"), None),
            author: Author::Participant,
            content: Content::Message { text: text.to_owned(), media },
            at: Timestamp::UNIX_EPOCH,
            attempts: 0,
            searches: 0,
        }
    }

    fn text_and_media(message: &Message) -> (&str, usize) {
        match &message.content {
            Content::Message { text, media } => (text, media.len()),
            Content::Activity { text, .. } => (text, 0),
        }
    }

    #[test]
    fn a_megabyte_fits_into_events_and_loses_nothing() {
        for word in ["plain words ", "\"\\\u{1} ", "שלום עולם ", "👩‍👩‍👧 ", "無間斷"] {
            let text = word.repeat(1_000_000 / word.len());
            let parts = message(&text).parts();
            assert!(parts.len() > 1);
            assert!(parts.iter().all(|part| serde_json::to_vec(part).unwrap().len() < 140 * 1024), "{word}");
            assert!(parts.iter().zip(0..).all(|(part, nth)| part.part == nth));
            assert_eq!(parts.iter().map(|part| text_and_media(part).0).collect::<String>(), text);
            let media: Vec<_> = parts.iter().map(|part| text_and_media(part).1).collect();
            assert_eq!((media.last(), media.iter().sum::<usize>()), (Some(&1), 1));
        }
    }

    #[test]
    fn many_files_fit_into_events_and_none_is_lost() {
        let url = format!("https://example.com/{}", "a".repeat(8_000));
        let name = || Some("\u{1F600}".repeat(300));
        let media: Vec<_> = (0..35).filter_map(|nth| Media::new(format!("{url}{nth}"), None, name())).collect();
        for text in ["", &"word ".repeat(60_000)] {
            let parts = Message { content: Content::Message { text: text.to_owned(), media: media.clone() }, ..message("") }.parts();
            assert!(parts.iter().all(|part| serde_json::to_vec(part).unwrap().len() < 250 * 1024));
            assert_eq!(parts.iter().map(|part| text_and_media(part).1).sum::<usize>(), 35);
            assert_eq!(parts.iter().map(|part| text_and_media(part).0).collect::<String>(), text);
            assert!(parts.iter().zip(0..).all(|(part, nth)| part.part == nth));
        }
    }

    #[test]
    fn what_is_no_address_is_no_file() {
        let long = "a".repeat(10_000);
        for url in ["", "data:image/png;base64,AAAA", &format!("https://example.com/{long}")] {
            assert!(Media::new(url.to_owned(), None, None).is_none());
        }
        let media = Media::new("https://example.com/a".to_owned(), Some(long.clone()), Some(long)).unwrap();
        assert_eq!((media.mime, media.name.map(|name| name.len())), (None, Some(255)));
    }

    #[test]
    fn a_short_message_is_one_part() {
        assert!(message("hello").parts() == [message("hello")]);
    }

    #[test]
    fn parts_sources_and_services_have_digests_of_their_own() {
        let key = Key::derive(b"deployment", &SiteId::from("s"));
        let (own, mut other) = (message("a"), message("b"));
        assert_eq!(own.digest(&key), other.digest(&key));
        other.source = SourceId::from("sms2");
        assert_ne!(own.digest(&key), other.digest(&key));
        assert_ne!(own.digest(&key), own.digest_of_part(&key, 1));
    }

    #[test]
    fn what_cannot_be_an_address_is_none() {
        let long = "9".repeat(300);
        let person = Person::new(Some(" "), Some(&long), Some(&long));
        assert!(person.keys(None).is_empty());
        assert_eq!(person.name.unwrap().len(), 100);
        assert!(Person::new(Some("ada"), Some("-"), None).keys(None).is_empty());
        let keys = Person::new(Some(" Ada@Example.com"), Some("202-555-0143"), None).keys(Some("US"));
        assert!(keys == [MatchKey::Email("ada@example.com".to_owned()), MatchKey::Phone("+12025550143".to_owned())]);
    }

    #[test]
    fn nothing_that_was_said_is_shown() {
        let shown = format!("{:?}", message("hello"));
        assert!(!shown.contains("hello") && !shown.contains("2025550143") && !shown.contains("SM1"), "{shown}");
    }
}
