//! Messages: what may be sent, what comes of it, how it is read back.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use contact_bridge_local::vendors::kit::{Fault, FaultKind};
use serde_json::{Value, json};

use super::{
    chat::{MESSAGES, message, note, sent, texts},
    client::{Answer, START_MS, Wix, named},
};

/// A request with one part of its message replaced; null takes it away.
fn with(conversation: &str, key: &str, value: Value) -> Value {
    let mut request = note(conversation);
    request["message"][key] = value;
    request
}

fn picture(url: &str) -> Value {
    json!({"basic": {"items": [{"image": {"url": url, "width": 1200}}]}})
}

#[tokio::test]
async fn a_message_comes_back_with_what_wix_adds() {
    let wix = Wix::start().await;
    let conversation = wix.conversation_with(named("Ada")).await;
    let mut request = note(&conversation);
    request["message"]["badges"] =
        json!([{"text": "Chat", "iconUrl": "https://x.io/a.png", "badgeVisibility": "BUSINESS", "color": "red"}]);
    request["message"]["externalId"] = json!("dropped");
    let shown = sent(&wix.post(MESSAGES, request).await);
    let id = shown["id"].as_str().unwrap();
    assert_eq!((id.len(), &shown["sequence"]), (16, &json!(id)));
    assert!(id.starts_with(&START_MS.to_string()));
    assert_eq!((&shown["sender"], &shown["appId"]), (&json!({"appId": "app"}), &json!("app")));
    assert_eq!(shown["badges"], json!([{"text": "Chat", "iconUrl": "https://x.io/a.png", "badgeVisibility": "BUSINESS"}]));
    assert_eq!((&shown["createdDate"], &shown["silent"]), (&json!("2026-02-02T02:40:00.000Z"), &json!(false)));
    assert_eq!((&shown["sourceChannel"], &shown["targetChannels"]), (&json!("UNKNOWN_CHANNEL_TYPE"), &json!([])));
    assert!(shown.get("externalId").is_none());
}

#[tokio::test]
async fn a_repeat_posts_twice_and_ids_grow() {
    let wix = Wix::start().await;
    let conversation = wix.conversation_with(named("Ada")).await;
    let mut ids = Vec::new();
    for _ in 0..20 {
        ids.push(wix.text(&conversation, "Hello").await["sequence"].as_str().unwrap().parse::<u64>().unwrap());
    }
    assert!(ids.is_sorted_by(|a, b| a < b), "{ids:?}");
    assert_eq!(texts(&wix.messages(&conversation, "").await).len(), 20);
}

#[tokio::test]
async fn a_lost_reply_still_posted() {
    let wix = Wix::start().await;
    let conversation = wix.conversation_with(named("Ada")).await;
    wix.sim.fault(Fault::once(FaultKind::LoseReply, "POST /inbox/v2/messages")).unwrap();
    let request = wix.request(reqwest::Method::POST, MESSAGES).header("authorization", &wix.token);
    assert!(request.json(&note(&conversation)).send().await.is_err());
    assert_eq!(texts(&wix.messages(&conversation, "").await), ["Hello"]);
    wix.sim.fault(Fault::status(503, "POST /inbox/v2/*")).unwrap();
    assert_eq!(wix.post(MESSAGES, note(&conversation)).await.status, 503);
    assert_eq!(wix.sim.core().calls.of("POST /inbox/v2/messages"), 2);
    assert_eq!(wix.sim.conversations(None).unwrap()[0]["messages"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn contents_keep_the_published_limits() {
    let wix = Wix::start().await;
    let conversation = wix.conversation_with(named("Ada")).await;
    let long = |length| "x".repeat(length);
    let form = |fields: usize| json!({"form": {"fields": vec![json!({"name": "a", "value": "b"}); fields]}});
    let template = |key: &str, value: Value| json!({"template": {key: value}});
    for (content, path, rule) in [
        (json!({}), "message.content", "REQUIRED_ONE_OF"),
        (json!({"payload": {"type": "MINIMAL"}}), "message.content", "REQUIRED_ONE_OF"),
        (json!({"basic": {}}), "message.content.basic.items", "MIN_SIZE"),
        (json!({"basic": {"items": [{}]}}), "message.content.basic.items[0]", "REQUIRED_ONE_OF"),
        (json!({"basic": {"items": [{"text": ""}]}}), "message.content.basic.items[0].text", "MIN_LENGTH"),
        (json!({"basic": {"items": [{"text": long(16_385)}]}}), "message.content.basic.items[0].text", "MAX_LENGTH"),
        (json!({"minimal": {}}), "message.content.minimal.text", "REQUIRED_FIELD"),
        (json!({"minimal": {"text": "a", "iconUrl": "/a.png"}}), "message.content.minimal.iconUrl", "FORMAT"),
        (json!({"minimal": {"text": "a", "url": format!("https://x.io/{}", long(2000))}}), "message.content.minimal.url", "MAX_LENGTH"),
        (json!({"minimal": {"text": "a"}, "previewText": long(257)}), "message.content.previewText", "MAX_LENGTH"),
        (form(0), "message.content.form.fields", "MIN_SIZE"),
        (form(16), "message.content.form.fields", "MAX_SIZE"),
        (json!({"form": {"title": long(257), "fields": [{}]}}), "message.content.form.title", "MAX_LENGTH"),
        (json!({"form": {"fields": [{"name": long(8193)}]}}), "message.content.form.fields[0].name", "MAX_LENGTH"),
        (template("orientation", json!("ROUND")), "message.content.template.orientation", "ENUM"),
        (template("textLines", json!(vec!["a"; 11])), "message.content.template.textLines", "MAX_SIZE"),
        (template("textLines", json!([long(513)])), "message.content.template.textLines[0]", "MAX_LENGTH"),
        (template("buttons", json!(vec![json!({"label": "a"}); 11])), "message.content.template.buttons", "MAX_SIZE"),
        (template("buttons", json!([{}])), "message.content.template.buttons[0].label", "REQUIRED_FIELD"),
    ] {
        assert_eq!(wix.say(&conversation, content).await.violation(), (400, path, rule));
    }
    let two = json!({"minimal": {"text": "a"}, "basic": {"items": [{"text": "a"}]}});
    assert_eq!(wix.say(&conversation, two).await.status, 400);
    assert_eq!(wix.say(&conversation, json!({"system": {"text": "a"}})).await.status, 403);
    sent(&wix.say(&conversation, json!({"basic": {"items": [{"text": long(16_384)}]}})).await);
}

#[tokio::test]
async fn lengths_are_counted_as_the_switch_says() {
    let wix = Wix::start().await;
    let conversation = wix.conversation_with(named("Ada")).await;
    let smiles = json!({"minimal": {"text": "😀".repeat(16_384)}});
    sent(&wix.say(&conversation, smiles.clone()).await);
    wix.set("message_text_unit", "utf16");
    assert_eq!(wix.say(&conversation, smiles).await.violation().2, "MAX_LENGTH");
}

#[tokio::test]
async fn forms_templates_and_files_are_kept_without_what_is_unknown() {
    let wix = Wix::start().await;
    let conversation = wix.conversation_with(named("Ada")).await;
    let form =
        json!({"form": {"title": "Order", "fields": [{"name": "Size"}], "media": [{"file": {"url": "https://x.io/a.pdf", "size": 3}}]}});
    let shown = sent(&wix.say(&conversation, form).await);
    let expected = json!({"title": "Order", "fields": [{"name": "Size", "value": ""}], "media": [{"file": {"url": "https://x.io/a.pdf"}}]});
    assert_eq!(shown["content"]["form"], expected);
    let template = json!({"template": {"title": "T", "buttons": [{"label": "Go", "postbackProperties": {"interactionId": "7"}}]}});
    let button = sent(&wix.say(&conversation, template).await)["content"]["template"]["buttons"][0].clone();
    assert_eq!(button["postbackProperties"], json!({"appId": "app", "interactionId": "7"}));
    let image = sent(&wix.say(&conversation, picture("https://x.io/a.png")).await)["content"]["basic"]["items"][0]["image"].clone();
    assert_eq!(image.to_string(), r#"{"height":0.0,"url":"https://x.io/a.png","width":1200.0}"#);
}

#[tokio::test]
async fn media_that_cannot_be_fetched_are_refused() {
    let wix = Wix::start().await;
    let conversation = wix.conversation_with(named("Ada")).await;
    for url in ["", "a.png", "ftp://x.io/a.png", "https://x.invalid/a.png"] {
        assert_eq!(wix.say(&conversation, picture(url)).await.code(), (400, "INVALID_MEDIA_URL"), "{url}");
    }
    wix.set("invalid_media_url_status", "404");
    assert_eq!(wix.say(&conversation, picture("a.png")).await.code(), (404, "INVALID_MEDIA_URL"));
}

#[tokio::test]
async fn envelopes_keep_the_published_rules() {
    let wix = Wix::start().await;
    let conversation = wix.conversation_with(named("Ada")).await;
    let badge = json!({"text": "a"});
    for (key, value, path, rule) in [
        ("content", json!(null), "message.content", "REQUIRED_FIELD"),
        ("visibility", json!("EVERYBODY"), "message.visibility", "ENUM"),
        ("direction", json!("INBOUND"), "message.direction", "ENUM"),
        ("badges", json!([badge, badge]), "message.badges", "MAX_SIZE"),
        ("badges", json!([{"iconUrl": "a"}]), "message.badges[0].iconUrl", "FORMAT"),
        ("targetChannels", json!(["FAX"]), "message.targetChannels[0]", "ENUM"),
        ("targetChannelIds", json!(vec!["a"; 101]), "message.targetChannelIds", "MAX_SIZE"),
        ("sourceChannelId", json!("x".repeat(101)), "message.sourceChannelId", "MAX_LENGTH"),
        ("silent", json!("yes"), "message.silent", "TYPE"),
        ("createdDate", json!("yesterday"), "message.createdDate", "FORMAT"),
    ] {
        assert_eq!(wix.post(MESSAGES, with(&conversation, key, value)).await.violation(), (400, path, rule));
    }
    let nowhere = json!({"message": note(&conversation)["message"]});
    assert_eq!(wix.post(MESSAGES, nowhere).await.violation(), (400, "conversationId", "REQUIRED_FIELD"));
    assert_eq!(wix.post(MESSAGES, json!({"conversationId": conversation})).await.violation(), (400, "message", "REQUIRED_FIELD"));
    assert_eq!(wix.post(MESSAGES, note("17")).await.violation(), (400, "conversationId", "FORMAT"));
}

#[tokio::test]
async fn visibility_and_direction_are_required_unless_switched() {
    let wix = Wix::start().await;
    let conversation = wix.conversation_with(named("Ada")).await;
    for (key, default) in [("visibility", "BUSINESS"), ("direction", "PARTICIPANT_TO_BUSINESS")] {
        let without = with(&conversation, key, json!(null));
        let refused = wix.post(MESSAGES, without.clone()).await;
        assert_eq!(refused.violation(), (400, format!("message.{key}").as_str(), "REQUIRED_FIELD"));
        wix.set(&format!("missing_{key}"), default);
        assert_eq!(sent(&wix.post(MESSAGES, without).await)[key], default);
    }
}

#[tokio::test]
async fn a_direction_beside_the_message_is_ignored_unless_honoured() {
    let wix = Wix::start().await;
    let conversation = wix.conversation_with(named("Ada")).await;
    let mut beside = with(&conversation, "direction", json!(null));
    beside["direction"] = json!("PARTICIPANT_TO_BUSINESS");
    assert_eq!(wix.post(MESSAGES, beside.clone()).await.violation(), (400, "message.direction", "REQUIRED_FIELD"));
    let mut both = note(&conversation);
    both["direction"] = json!("PARTICIPANT_TO_BUSINESS");
    assert_eq!(sent(&wix.post(MESSAGES, both).await)["direction"], "BUSINESS_TO_PARTICIPANT");
    wix.set("top_level_direction", "honoured");
    assert_eq!(sent(&wix.post(MESSAGES, beside).await)["direction"], "PARTICIPANT_TO_BUSINESS");
}

#[tokio::test]
async fn who_sends_is_the_caller_or_the_participant() {
    let wix = Wix::start().await;
    let contact = wix.create(named("Ada")).await.id();
    let conversation = wix.id_of(json!({"contactId": contact})).await;
    let as_participant = |direction: &str| {
        let mut request = with(&conversation, "direction", json!(direction));
        request["send_as"] = json!("PARTICIPANT");
        request
    };
    let shown = sent(&wix.post(MESSAGES, as_participant("PARTICIPANT_TO_BUSINESS")).await);
    assert_eq!((&shown["sender"], &shown["appId"]), (&json!({"contactId": contact}), &json!("app")));
    sent(&wix.post(MESSAGES, as_participant("BUSINESS_TO_PARTICIPANT")).await);
    wix.set("send_as_mismatch", "403");
    let refused = wix.post(MESSAGES, as_participant("BUSINESS_TO_PARTICIPANT")).await;
    assert_eq!(refused.code(), (403, "IDENTITY_DOES_NOT_MATCH"));
    let mut as_team = note(&conversation);
    as_team["sendAs"] = json!("BUSINESS_USER");
    assert_eq!(wix.post(MESSAGES, as_team.clone()).await.code(), (403, "IDENTITY_DOES_NOT_MATCH"));
    as_team["sendAs"] = json!("BOSS");
    assert_eq!(wix.post(MESSAGES, as_team).await.violation(), (400, "sendAs", "ENUM"));
}

#[tokio::test]
async fn a_claimed_date_counts_only_if_switched() {
    let wix = Wix::start().await;
    let conversation = wix.conversation_with(named("Ada")).await;
    let dated = with(&conversation, "createdDate", json!("2025-01-01T00:00:00Z"));
    assert_eq!(sent(&wix.post(MESSAGES, dated.clone()).await)["createdDate"], "2026-02-02T02:40:00.000Z");
    wix.set("message_backdating", true);
    assert_eq!(sent(&wix.post(MESSAGES, dated).await)["createdDate"], "2025-01-01T00:00:00.000Z");
}

#[tokio::test]
async fn nobody_is_mailed_unless_the_message_asks_for_it() {
    let wix = Wix::start().await;
    let conversation = wix.conversation_with(json!({"emails": {"items": [{"email": "Ada@x.io"}]}})).await;
    wix.text(&conversation, "Hello").await;
    assert_eq!(wix.get("/_control/mails").await.body["mails"], json!([]));
    let mut loud = note(&conversation);
    loud["sendNotifications"] = json!(true);
    sent(&wix.post(MESSAGES, loud).await);
    let mails = wix.sim.mails(None).unwrap();
    assert_eq!((mails.len(), &mails[0]["kind"], &mails[0]["to"]), (1, &json!("inbox_notification"), &json!("ada@x.io")));
    wix.delete("/_control/mails").await;
    assert!(wix.sim.mails(Some("s1")).unwrap().is_empty());
}

#[tokio::test]
async fn messages_are_listed_from_the_newest_back() {
    let wix = Wix::start().await;
    let conversation = wix.conversation_with(named("Ada")).await;
    for n in 0..32 {
        wix.text(&conversation, &n.to_string()).await;
    }
    let first = wix.messages(&conversation, "").await;
    let expected: Vec<String> = (2..32).rev().map(|n| n.to_string()).collect();
    assert_eq!(texts(&first), expected);
    let next = cursor(&first, "next").unwrap();
    assert!(cursor(&first, "prev").is_none());
    // What is said meanwhile shifts nothing.
    wix.text(&conversation, "late").await;
    let second = wix.messages(&conversation, &format!("&paging.cursor={next}")).await;
    assert_eq!((texts(&second), cursor(&second, "next")), (vec!["1".to_owned(), "0".to_owned()], None));
    let back = wix.messages(&conversation, &format!("&paging.limit=2&paging.cursor={}", cursor(&second, "prev").unwrap())).await;
    assert_eq!(texts(&back), ["3", "2"]);
    assert_eq!(back.body["pagingMetadata"]["count"], 2);
    let oldest = wix.messages(&conversation, "&paging.limit=2&sorting.fieldName=message_sequence&sorting.order=ASC").await;
    assert_eq!(texts(&oldest), ["0", "1"]);
    let more =
        wix.messages(&conversation, &format!("&paging.limit=2&sorting.order=ASC&paging.cursor={}", cursor(&oldest, "next").unwrap())).await;
    assert_eq!(texts(&more), ["2", "3"]);
}

fn cursor(answer: &Answer, way: &str) -> Option<String> {
    answer.body["pagingMetadata"]["cursors"][way].as_str().map(str::to_owned)
}

#[tokio::test]
async fn lists_keep_the_published_rules() {
    let wix = Wix::start().await;
    let conversation = wix.conversation_with(named("Ada")).await;
    for n in 0..3 {
        wix.text(&conversation, &n.to_string()).await;
    }
    let next = cursor(&wix.messages(&conversation, "&paging.limit=1").await, "next").unwrap();
    for (more, path, rule) in [
        ("&paging.limit=101".to_owned(), "paging.limit", "MAX"),
        ("&paging.limit=0".to_owned(), "paging.limit", "MAX"),
        ("&sorting.fieldName=createdDate".to_owned(), "sorting.fieldName", "ENUM"),
        ("&paging.cursor=nonsense".to_owned(), "paging.cursor", "CUSTOM"),
        (format!("&sorting.order=ASC&paging.cursor={next}"), "paging.cursor", "CUSTOM"),
    ] {
        assert_eq!(wix.messages(&conversation, &more).await.violation(), (400, path, rule));
    }
    let other = wix.get(&format!("{MESSAGES}?conversationId={conversation}&visibility=BUSINESS&paging.cursor={next}")).await;
    assert_eq!(other.violation(), (400, "paging.cursor", "CUSTOM"));
    assert_eq!(wix.get(&format!("{MESSAGES}?conversationId={conversation}")).await.violation(), (400, "visibility", "REQUIRED_FIELD"));
    assert_eq!(wix.get(&format!("{MESSAGES}?visibility=BUSINESS")).await.violation(), (400, "conversationId", "REQUIRED_FIELD"));
}

#[tokio::test]
async fn packed_and_dotted_parameters_list_the_same() {
    let wix = Wix::start().await;
    let conversation = wix.conversation_with(named("Ada")).await;
    let hidden = with(&conversation, "visibility", json!("BUSINESS"));
    sent(&wix.post(MESSAGES, hidden).await);
    let wanted = json!({"conversationId": conversation, "visibility": "BUSINESS", "paging": {"limit": 5}});
    let packed = wix.get(&format!("{MESSAGES}?.r={}", URL_SAFE_NO_PAD.encode(wanted.to_string()))).await;
    assert_eq!(texts(&packed), ["Hello"]);
    assert!(texts(&wix.messages(&conversation, "").await).is_empty());
}

#[tokio::test]
async fn lists_can_lag_behind() {
    let wix = Wix::start().await;
    wix.set("inbox_lag_ms", 5000);
    let conversation = wix.conversation_with(named("Ada")).await;
    wix.text(&conversation, "Hello").await;
    assert!(texts(&wix.messages(&conversation, "").await).is_empty());
    wix.sim.clock().advance(Duration::from_secs(5));
    assert_eq!(texts(&wix.messages(&conversation, "").await), ["Hello"]);
    assert_eq!(wix.post(MESSAGES, message("17", &json!({}))).await.status, 400);
}
