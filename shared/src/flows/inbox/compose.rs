//! A message of a service as the Inbox is to show it.

use crate::model::{
    message::{Content, Media, Message},
    post::{Body, Item, LONGEST_TEXT, Post},
    site::inbox::{Source, Way, is_web},
    text,
};

/// Composes the post of a message, as the source's settings want it.
pub(super) fn post(message: &Message, source: &Source) -> Post {
    let author = source.direction.map_or(message.author, Way::author);
    let body = match &message.content {
        Content::Message { text, media } => Body::Basic(items(text, media)),
        Content::Activity { text, link } => Body::Minimal {
            text: cut(text),
            icon: source.icon.clone(),
            link: link.clone().filter(|link| is_web(link)).or_else(|| source.link.clone()),
        },
    };
    Post { body, author, visibility: source.visibility, badge: source.badge.clone(), notify: source.notify }
}

/// The words in pieces that Wix takes, then pictures and files. One post holds all of them: it is there, or it is not.
fn items(words: &str, media: &[Media]) -> Vec<Item> {
    let words = text::split(words, LONGEST_TEXT, char::len_utf16).into_iter().filter(|piece| !piece.trim().is_empty());
    words.map(|piece| Item::Text(piece.to_owned())).chain(media.iter().map(medium)).collect()
}

/// Services check their own lines; what comes through all the same is cut, for a line cannot go on in a second one.
fn cut(line: &str) -> String {
    text::split(line, LONGEST_TEXT, char::len_utf16).first().map(|piece| (*piece).to_owned()).unwrap_or_default()
}

fn medium(media: &Media) -> Item {
    match media.mime.as_deref() {
        // An address that Wix does not take is shown.
        _ if !is_web(&media.url) => Item::Text(media.url.clone()),
        Some(mime) if mime.starts_with("image/") => Item::Image(media.clone()),
        _ => Item::File(media.clone()),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::{Value, json};

    use super::*;
    use crate::model::{message::Author, site::inbox::Visibility};

    fn message(content: &Value) -> Message {
        let message = json!({
            "site": "s", "source": "sms", "service": "twilio", "id": "SM1", "who": {}, "author": "participant", "content": content,
            "at": Timestamp::UNIX_EPOCH,
        });
        serde_json::from_value(message).unwrap()
    }

    fn source(more: &Value) -> Source {
        let mut source = json!({"kind": "twilio"});
        source.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value(source).unwrap()
    }

    fn basic(text: &str, media: &Value) -> Vec<Item> {
        let Body::Basic(items) = post(&message(&json!({"kind": "message", "text": text, "media": media})), &source(&json!({}))).body else {
            panic!("no message")
        };
        items
    }

    #[test]
    fn a_long_text_is_cut_at_words_in_order() {
        for word in ["word ", "שלום ", "👩‍👩‍👧 "] {
            let text = word.repeat(10_000);
            let pieces: Vec<_> = basic(&text, &json!([]))
                .into_iter()
                .map(|item| match item {
                    Item::Text(text) => text,
                    Item::Image(_) | Item::File(_) => panic!("no text"),
                })
                .collect();
            assert!(pieces.len() > 1 && pieces.iter().all(|piece| piece.encode_utf16().count() <= LONGEST_TEXT && piece.ends_with(' ')));
            assert_eq!(pieces.concat(), text);
        }
    }

    #[test]
    fn pictures_files_and_other_addresses_follow_the_words() {
        let media = json!([
            {"url": "https://a.example/1", "mime": "image/png"}, {"url": "https://a.example/2", "mime": "application/pdf"},
            {"url": "https://a.example/3"}, {"url": "ftp://a.example/4", "mime": "image/png"},
        ]);
        let kinds: Vec<_> = basic(" ", &media)
            .iter()
            .map(|item| match item {
                Item::Text(text) => text.clone(),
                Item::Image(_) => "image".to_owned(),
                Item::File(_) => "file".to_owned(),
            })
            .collect();
        assert_eq!(kinds, ["image", "file", "file", "ftp://a.example/4"]);
    }

    #[test]
    fn the_settings_dress_a_message() {
        let own = source(&json!({
            "visibility": "everybody", "badge": {"text": "SMS"}, "direction": "to_participant", "notify": true, "icon": "https://a.example/i",
            "link": "https://a.example/l",
        }));
        let line = message(&json!({"kind": "activity", "text": "Booked"}));
        let post = post(&line, &own);
        assert_eq!((post.author, post.visibility, post.notify), (Author::Business, Visibility::Everybody, true));
        assert_eq!(post.badge, own.badge);
        let expected = Body::Minimal { text: "Booked".to_owned(), icon: own.icon, link: own.link };
        assert!(post.body == expected);
    }

    #[test]
    fn a_link_of_its_own_comes_first() {
        let own = source(&json!({"link": "https://a.example/l"}));
        for (link, expected) in [("https://b.example", "https://b.example"), ("javascript:1", "https://a.example/l")] {
            let post = post(&message(&json!({"kind": "activity", "text": "Booked", "link": link})), &own);
            assert!(matches!(post.body, Body::Minimal { link: Some(link), .. } if link == expected));
        }
    }
}
