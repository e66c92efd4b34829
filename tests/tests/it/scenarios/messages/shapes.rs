//! What a message looks like in the Inbox.

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{
    at_every_switch_of_the_inbox,
    services::{calendly, intercom, plain, plain_bytes, sms, twilio, words},
};

#[tokio::test]
async fn an_sms_is_the_customers_and_costs_three_calls() {
    at_every_switch_of_the_inbox(async |chat| {
        let ada = chat.ada().await;
        sms(&chat.lab, "SM1", "+12025550143", "Is the table free? 🙂 שלום").await;
        chat.lab.settle().await;
        let messages = chat.messages_of(&ada).await;
        let message = &messages[0];
        assert_eq!(message["content"]["basic"]["items"], json!([{"text": "Is the table free? 🙂 שלום"}]));
        assert_eq!((&message["direction"], &message["visibility"]), (&json!("PARTICIPANT_TO_BUSINESS"), &json!("BUSINESS")));
        assert_eq!((&message["sender"]["contactId"], &message["badges"][0]["text"]), (&json!(ada), &json!("twilio")));
        chat.lab.forget_calls();
        sms(&chat.lab, "SM2", "+12025550143", "Hello?").await;
        chat.lab.settle().await;
        let expected = [("POST /contacts/v4/contacts/query", 1), ("POST /inbox/v2/conversations", 1), ("POST /inbox/v2/messages", 1)];
        // Where a message touches the contact, contact sync reads it.
        let calls: Vec<_> = chat.calls().into_iter().filter(|(route, _)| route.starts_with("POST")).collect();
        assert_eq!(calls, expected.map(|(route, count)| (route.to_owned(), count)));
    })
    .await;
}

#[tokio::test]
async fn what_we_posted_comes_back_and_is_not_posted_again() {
    at_every_switch_of_the_inbox(async |chat| {
        let ada = chat.ada().await;
        sms(&chat.lab, "SM1", "+12025550143", "Hello?").await;
        chat.lab.settle().await;
        assert_eq!(chat.said_to(&ada).await, ["Hello?"]);
        assert_eq!(chat.lab.stack.wix.next_due(), None, "the webhook about it was taken");
        assert!(chat.lab.stack.message_queue().is_empty() && chat.reasons().is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_message_of_the_business_is_the_businesss() {
    at_every_switch_of_the_inbox(async |chat| {
        let ada = chat.ada().await;
        plain(&chat.lab, "m1", &json!({"from": "business", "text": "At nine."})).await;
        let sent =
            [("MessageSid", "SM7"), ("From", "+12025550100"), ("To", "+12025550143"), ("Direction", "outbound-api"), ("Body", "Or ten.")];
        assert_eq!(twilio(&chat.lab, &sent).await, StatusCode::OK);
        chat.lab.settle().await;
        let messages = chat.messages_of(&ada).await;
        assert_eq!(messages.len(), 2);
        for message in messages {
            assert_eq!((&message["direction"], &message["sender"]["contactId"]), (&json!("BUSINESS_TO_PARTICIPANT"), &Value::Null));
        }
    })
    .await;
}

#[tokio::test]
async fn a_chat_goes_on_in_the_inbox_on_both_sides() {
    at_every_switch_of_the_inbox(async |chat| {
        let ada = chat.ada().await;
        let asked = json!({"id": "1", "body": "<p>Is it <b>this</b> one?</p><img src=\"https://files.example.com/a.png\">"});
        intercom(&chat.lab, "conversation.user.replied", &asked).await;
        chat.lab.settle().await;
        let teammate = json!({"type": "admin", "name": "Grace", "email": "grace@example.com"});
        let note = json!({"id": "2", "part_type": "note_and_reopen", "body": "Never pays.", "author": teammate});
        intercom(&chat.lab, "conversation.admin.replied", &note).await;
        let answer = json!({"id": "3", "body": "<p>It is.</p>", "author": teammate});
        for _ in 0..2 {
            intercom(&chat.lab, "conversation.admin.replied", &answer).await;
            chat.lab.settle().await;
        }
        assert_eq!(chat.said_to(&ada).await, ["Is it this one?<image>", "It is."]);
        let messages = chat.messages_of(&ada).await;
        let directions = messages.iter().map(|message| message["direction"].as_str().unwrap());
        assert!(directions.eq(["PARTICIPANT_TO_BUSINESS", "BUSINESS_TO_PARTICIPANT"]));
    })
    .await;
}

#[tokio::test]
async fn an_appointment_is_one_line() {
    at_every_switch_of_the_inbox(async |chat| {
        let ada = chat.ada().await;
        chat.sources(&json!({"icon": "https://example.com/calendar.png", "link": "https://calendly.com/app"})).await;
        calendly(&chat.lab, "invitee.created", "I1", &json!({})).await;
        chat.lab.settle().await;
        // Moved: the old one is canceled, a new one is made, in any order.
        let old = json!({"old_invitee": "https://api.calendly.com/scheduled_events/E/invitees/I1"});
        calendly(&chat.lab, "invitee.created", "I2", &old).await;
        calendly(&chat.lab, "invitee.canceled", "I1", &json!({"rescheduled": true})).await;
        chat.lab.settle().await;
        calendly(&chat.lab, "invitee.canceled", "I2", &json!({"cancellation": {"reason": "A cold"}})).await;
        calendly(&chat.lab, "invitee_no_show.created", "I2", &json!({})).await;
        chat.lab.settle().await;
        let when = "Tasting, Thu 2 Apr 2026, 10:00 (America/New_York)";
        assert_eq!(
            chat.said_to(&ada).await,
            [format!("Booked: {when}"), format!("Rescheduled: {when}"), format!("Canceled: {when}. A cold")]
        );
        let line = &chat.messages_of(&ada).await[0];
        let icon =
            json!({"text": format!("Booked: {when}"), "iconUrl": "https://example.com/calendar.png", "url": "https://calendly.com/app"});
        assert_eq!((&line["content"]["minimal"], &line["direction"]), (&icon, &json!("PARTICIPANT_TO_BUSINESS")));
    })
    .await;
}

#[tokio::test]
async fn a_long_text_is_in_pieces_and_in_order() {
    at_every_switch_of_the_inbox(async |chat| {
        let ada = chat.ada().await;
        for (nth, word) in ["word ", "שלום ", "👩‍👩‍👧 "].into_iter().enumerate() {
            let text = word.repeat(40_000 / word.chars().count());
            plain(&chat.lab, &format!("m{nth}"), &json!({"text": text})).await;
            chat.lab.settle().await;
            let messages = chat.messages_of(&ada).await;
            let items = messages[nth]["content"]["basic"]["items"].as_array().unwrap();
            assert!(items.len() > 2 && items.iter().all(|item| item["text"].as_str().unwrap().ends_with(' ')));
            assert_eq!(super::words(&messages[nth]), text);
        }
    })
    .await;
}

#[tokio::test]
async fn a_megabyte_is_all_there_once_and_in_order() {
    at_every_switch_of_the_inbox(async |chat| {
        let ada = chat.ada().await;
        let text = (0..120_000).map(|number| format!("{number:07} ")).collect::<Vec<_>>().concat();
        plain(&chat.lab, "m1", &json!({"text": text})).await;
        words(&chat.lab, "m2", 1_000_000, "That was long.").await;
        chat.lab.settle().await;
        let said = chat.said_to(&ada).await;
        assert!(said.len() > 5 && said.last().unwrap() == "That was long.");
        assert!(said[..said.len() - 1].concat() == text);
    })
    .await;
}

#[tokio::test]
async fn pictures_and_files_are_shown_or_linked() {
    at_every_switch_of_the_inbox(async |chat| {
        let ada = chat.ada().await;
        let media =
            |host: &str| json!([{"url": format!("https://{host}/a.png"), "type": "image/png"}, {"url": format!("https://{host}/b.pdf")}]);
        plain(&chat.lab, "m1", &json!({"text": "Look:", "media": media("files.example.com")})).await;
        chat.lab.settle().await;
        plain(&chat.lab, "m2", &json!({"media": media("unreachable.invalid")})).await;
        chat.lab.settle().await;
        let linked = "https://unreachable.invalid/a.pnghttps://unreachable.invalid/b.pdf";
        assert_eq!(chat.said_to(&ada).await, ["Look:<image><file>", linked]);
    })
    .await;
}

#[tokio::test]
async fn what_is_wrong_is_answered_and_loses_nothing_else() {
    at_every_switch_of_the_inbox(async |chat| {
        let ada = chat.ada().await;
        for body in [
            json!({"text": "Hi"}).to_string(),
            json!({"contact": {"name": "Ada"}, "text": "Hi"}).to_string(),
            json!({"contact": {"email": "ada@example.com"}, "text": " \n"}).to_string(),
            "ada@example.com".to_owned(),
        ] {
            assert_eq!(plain_bytes(&chat.lab, "m1", &body).await, StatusCode::BAD_REQUEST, "{body}");
        }
        let long = json!({"contact": {"email": "ada@example.com"}, "text": "x".repeat(1_048_576)}).to_string();
        assert_eq!(plain_bytes(&chat.lab, "m1", &long).await, StatusCode::PAYLOAD_TOO_LARGE);
        words(&chat.lab, "m1", 0, "Hi").await;
        chat.lab.settle().await;
        assert_eq!(chat.said_to(&ada).await, ["Hi"]);
        assert_eq!(chat.reasons(), Vec::<String>::new());
    })
    .await;
}
