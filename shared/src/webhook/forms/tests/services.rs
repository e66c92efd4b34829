//! What the services send.

use super::*;

fn typeform(body: &Value) -> Post {
    let text = body.to_string();
    Post::json(body).header("typeform-signature", &format!("sha256={}", tag(b"k", text.as_bytes())))
}

fn tally(body: &Value) -> Post {
    let text = body.to_string();
    Post::json(body).header("tally-signature", &tag(b"k", text.as_bytes()))
}

fn jotform(body: &str) -> Post {
    Post::new("application/x-www-form-urlencoded", body).query("token=k")
}

#[test]
fn typeform_answers_are_known_by_their_reference() {
    let answer = |kind: &str, value: Value, question: Value| json!({"type": kind, kind: value, "field": question});
    let body = json!({"event_id": "e", "event_type": "form_response", "form_response": {
    "form_id": "f", "token": "t-1", "submitted_at": "2026-11-20T11:59:00Z", "hidden": {"source": "ad"},
    "answers": [
        answer("email", json!("ada@example.com"), json!({"id": "q1", "ref": "mail", "type": "email"})),
        answer("choices", json!({"ids": ["1"], "labels": ["Tea", "Cake"]}), json!({"id": "likes", "type": "multiple_choice"})),
    ]}});
    let filled = typeform(&body).opened(&service("typeform"), &["k"]).unwrap();
    assert_eq!(filled.id.as_deref(), Some("t-1"));
    assert_eq!(filled.at, Some("2026-11-20T11:59:00Z".parse().unwrap()));
    assert_eq!(lines(&filled), ["mail=ada@example.com", "likes=Tea", "likes=Cake", "hidden.source=ad"]);
}

#[test]
fn every_kind_of_typeform_answer_has_its_texts() {
    for (kind, value, expected) in [
        ("text", json!("🐝"), &["🐝"][..]),
        ("boolean", json!(true), &["true"]),
        ("number", json!(7), &["7"]),
        ("phone_number", json!("+16465550132"), &["+16465550132"]),
        ("choice", json!({"id": "c", "label": "Tea", "ref": "r"}), &["Tea"]),
        ("choice", json!({"other": "Milk"}), &["Milk"]),
        ("choices", json!({"choices": [{"id": "c", "label": "Tea"}]}), &["Tea"]),
        ("payment", json!({"amount": "1"}), &[]),
    ] {
        let answers = json!([{"type": kind, kind: value, "field": {"id": "q"}}]);
        let body = json!({"event_type": "form_response", "form_response": {"token": "t", "answers": answers}});
        let filled = typeform(&body).opened(&service("typeform"), &["k"]).unwrap();
        assert_eq!(filled.entries.texts("q").collect::<Vec<_>>(), expected, "{kind}");
    }
}

#[test]
fn tally_answers_are_known_by_key_and_by_label() {
    let options = json!([{"id": "o1", "text": "Tea"}, {"id": "o2", "text": "Cake"}]);
    let body = json!({"eventId": "e", "eventType": "FORM_RESPONSE", "createdAt": "2026-11-20T12:00:00Z", "data": {
        "responseId": "r", "submissionId": "s-1", "createdAt": "2026-11-20T11:59:00.000Z", "fields": [
            {"key": "q_1", "label": "Email", "type": "INPUT_EMAIL", "value": "ada@example.com"},
            {"key": "q_2", "label": "q_2", "type": "DROPDOWN", "value": ["o2", "free text"], "options": options}]}});
    let filled = tally(&body).opened(&service("tally"), &["k"]).unwrap();
    assert_eq!((filled.id.as_deref(), filled.at), (Some("s-1"), Some("2026-11-20T11:59:00Z".parse().unwrap())));
    assert_eq!(lines(&filled), ["q_1=ada@example.com", "Email=ada@example.com", "q_2=Cake", "q_2=free text"]);
}

#[test]
fn jotform_hides_json_in_a_form() {
    let raw = json!({"q3_name": {"first": "Ada"}, "q4_email": "ada@example.com"}).to_string();
    let body: String = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("formID", "1"), ("submissionID", "9"), ("rawRequest", &raw), ("pretty", "..")])
        .finish();
    let filled = jotform(&body).opened(&service("jotform"), &["k"]).unwrap();
    assert_eq!(filled.id.as_deref(), Some("9"));
    assert_eq!(lines(&filled), ["q3_name.first=Ada", "q4_email=ada@example.com"]);
    for (body, field) in
        [("rawRequest={}", "submissionID"), ("submissionID=9", "rawRequest"), ("submissionID=9&rawRequest=[", "rawRequest")]
    {
        assert_eq!(jotform(body).refused(&service("jotform"), &["k"]).field(), field);
    }
}

#[test]
fn what_is_no_submission_is_of_no_concern() {
    for post in [
        typeform(&json!({"event_type": "form_response_partial", "form_response": {"token": "t"}})),
        typeform(&json!({"event_type": "ping"})),
    ] {
        assert!(matches!(post.open(&service("typeform"), &["k"], now()), Ok(Opened::Other)));
    }
    let ping = tally(&json!({"eventType": "PING"}));
    assert!(matches!(ping.open(&service("tally"), &["k"], now()), Ok(Opened::Other)));
}

#[test]
fn what_is_well_signed_and_not_as_documented_is_refused() {
    for refusal in [
        typeform(&json!({})).refused(&service("typeform"), &["k"]),
        typeform(&json!({"event_type": "form_response", "form_response": {}})).refused(&service("typeform"), &["k"]),
        typeform(&json!([])).refused(&service("typeform"), &["k"]),
        tally(&json!({"eventType": 1})).refused(&service("tally"), &["k"]),
        tally(&json!({"eventType": "FORM_RESPONSE", "data": {"fields": [{}]}})).refused(&service("tally"), &["k"]),
    ] {
        assert_eq!((refusal.status().as_u16(), refusal.field()), (400, "body"));
        assert_eq!(refusal.rule(), "must be JSON of the documented form");
    }
}

#[test]
fn the_time_of_standard_webhooks_is_that_of_the_submission() {
    let earlier = now() - jiff::SignedDuration::from_hours(6);
    for (timestamp, expected) in [
        (json!(null), now()),
        (json!(earlier), earlier),
        (json!(now() + jiff::SignedDuration::from_hours(1)), now()),
        (json!("yesterday"), now()),
        (json!(7), now()),
    ] {
        let body = json!({"timestamp": timestamp, "data": {"email": "ada@example.com"}}).to_string();
        let sent = now().as_second().to_string();
        let post = Post::new("application/json", body.as_str()).header("webhook-id", "m").header("webhook-timestamp", &sent);
        let post = post.header("webhook-signature", &format!("v1,{}", tag(b"a plain secret", format!("m.{sent}.{body}").as_bytes())));
        let filled = post.opened(&service("standard_webhooks"), &["a plain secret"]).unwrap();
        assert_eq!((filled.id.as_deref(), filled.at), (Some("m"), Some(expected)), "{timestamp}");
        assert!(lines(&filled).contains(&"data.email=ada@example.com".to_owned()));
    }
}
