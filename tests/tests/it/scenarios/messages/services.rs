//! What the services post in scenarios: well-signed, and taken unless a scenario says otherwise.

use jiff::Timestamp;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::super::lab::{Lab, START};

/// An SMS that came in for the source `sms`.
pub async fn sms(lab: &Lab, id: &str, from: &str, text: &str) {
    let form = [("MessageSid", id), ("From", from), ("To", "+12025550100"), ("Body", text), ("SmsStatus", "received")];
    assert_eq!(twilio(lab, &form).await, StatusCode::OK);
}

/// Twilio posts a form for the source `sms`.
pub async fn twilio(lab: &Lab, form: &[(&str, &str)]) -> StatusCode {
    lab.stack.services(&lab.site).twilio("sms", form).await.unwrap()
}

/// Calendly posts a notice of an invitee for the source `calendly`.
pub async fn calendly(lab: &Lab, event: &str, invitee: &str, more: &Value) {
    let mut payload = json!({
        "uri": format!("https://api.calendly.com/scheduled_events/E/invitees/{invitee}"), "email": "ada@example.com", "name": "Ada",
        "timezone": "America/New_York", "rescheduled": false,
        "scheduled_event": {"name": "Tasting", "start_time": "2026-04-02T14:00:00Z"},
    });
    payload.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let notice = json!({"event": event, "created_at": lab.stack.app.means.clock.now(), "payload": payload}).to_string();
    assert_eq!(lab.stack.services(&lab.site).calendly("calendly", notice).await.unwrap(), StatusCode::OK);
}

/// Intercom posts a notice of something said in Ada's conversation for the source `chat`.
pub async fn intercom(lab: &Lab, topic: &str, part: &Value) {
    let ada = json!({"type": "user", "name": "Ada", "email": "ada@example.com"});
    let mut said = json!({"part_type": "comment", "author": ada, "created_at": lab.stack.app.means.clock.now().as_second()});
    said.as_object_mut().unwrap().extend(part.as_object().unwrap().clone());
    let item = json!({
        "type": "conversation", "id": "7", "source": {"id": "s", "author": ada}, "conversation_parts": {"conversation_parts": [said]},
    });
    let notice = json!({"type": "notification_event", "topic": topic, "data": {"item": item}}).to_string();
    assert_eq!(lab.stack.services(&lab.site).intercom("chat", notice).await.unwrap(), StatusCode::OK);
}

/// A tool posts a body for the source `plain`.
pub async fn plain_bytes(lab: &Lab, id: &str, body: &str) -> StatusCode {
    lab.stack.services(&lab.site).plain("plain", id, body.to_owned()).await.unwrap()
}

/// A tool posts a message of Ada's for the source `plain`.
pub async fn plain(lab: &Lab, id: &str, more: &Value) {
    let mut body = json!({"contact": {"email": "ada@example.com", "name": "Ada"}});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    assert_eq!(plain_bytes(lab, id, &body.to_string()).await, StatusCode::OK);
}

/// A tool posts words of Ada's, written so many seconds after scenarios begin.
pub async fn words(lab: &Lab, id: &str, second: i64, text: &str) {
    let start: Timestamp = START.parse().unwrap();
    let written = start + jiff::SignedDuration::from_secs(second);
    plain(lab, id, &json!({"text": text, "sent_at": written})).await;
}
