//! Messages that say the same, or were said in the same second: every one of them appears, once and in its turn.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    super::{
        lab::START,
        switches::{Vendor, at_switches},
    },
    Chat,
    failures::{at_post, mishaps},
    services::intercom,
};

const REPLIED: &str = "conversation.user.replied";

/// What Ada says in a second of the scenario.
fn said_at(second: i64, id: usize, more: &Value) -> Value {
    let start: Timestamp = START.parse().unwrap();
    let mut part = json!({"id": id.to_string(), "created_at": start.as_second() + second});
    part.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    part
}

fn words(text: &str) -> Value {
    json!({"body": format!("<p>{text}</p>")})
}

fn picture() -> Value {
    json!({"body": "", "attachments": [{"url": "https://files.example.com/a.png", "name": "a.png", "content_type": "image/png"}]})
}

/// Says this within one second, the last first, while one of the posts goes wrong; again and again, with everything that can go wrong.
async fn say_while_posts_fail(chat: &Chat, said: [Value; 3], shown: [&str; 3]) {
    let ada = chat.ada().await;
    let mut expected = Vec::new();
    let faults = mishaps().into_iter().flat_map(|kind| (0..2).map(move |after| (kind, after)));
    for (round, (kind, after)) in faults.enumerate() {
        let mut fault = at_post(kind);
        fault.after = after;
        chat.lab.fault(Vendor::Wix, fault);
        // The ids get a digit more in between.
        for (nth, more) in said.iter().enumerate().rev() {
            intercom(&chat.lab, REPLIED, &said_at(i64::try_from(round).unwrap(), 98 + 3 * round + nth, more)).await;
        }
        chat.lab.settle().await;
        expected.extend(shown);
        assert_eq!(chat.said_to(&ada).await, expected, "{kind:?} after {after}");
    }
    assert!(chat.reasons().is_empty(), "{:?}", chat.reasons());
}

#[tokio::test]
async fn the_same_words_within_one_second_stand_there_as_often_as_they_were_said() {
    at_switches(&["inbox_lag_ms"], async |lab| {
        let chat = Chat::open(lab).await;
        say_while_posts_fail(&chat, ["ok", "ok", "fine"].map(words), ["ok", "ok", "fine"]).await;
    })
    .await;
}

#[tokio::test]
async fn pictures_within_one_second_stand_there_as_often_as_they_were_sent() {
    at_switches(&["inbox_lag_ms"], async |lab| {
        let chat = Chat::open(lab).await;
        say_while_posts_fail(&chat, [picture(), picture(), words("Which one?")], ["<image>", "<image>", "Which one?"]).await;
    })
    .await;
}
