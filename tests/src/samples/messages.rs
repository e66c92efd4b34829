//! What services write into the webhooks that become messages, and how they sign them.
//!
//! <https://www.twilio.com/docs/messaging/guides/webhook-request>, <https://developer.calendly.com/api-docs/c1ddc06ce1f1c-webhook-payload>

use std::collections::BTreeMap;

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::STANDARD};
use contact_bridge::{
    model::message::Message,
    webhook::{Channel, MessagesVerifier, Request, Sender},
};
use http::{HeaderMap, Method};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use url::form_urlencoded;

use super::{PUBLIC_URL, SITE, Sent};

/// Signs for every service.
pub const SECRET: &str = include_str!("../../../events/keys/message-secret.txt");

/// Makes the requests of all services.
pub(super) fn all(now: Timestamp) -> Vec<Sent> {
    let twilio = [
        ("twilio-sms", sms(&[("Body", "Is the table by the window free? 🙂")])),
        (
            "twilio-whatsapp-image",
            sms(&[
                ("From", "whatsapp:+12025550143"),
                ("To", "whatsapp:+12025550100"),
                ("Body", "Like this one"),
                ("ProfileName", "Ada"),
                ("WaId", "12025550143"),
                ("MessageType", "image"),
                ("NumMedia", "1"),
                ("MediaUrl0", "https://media.example.com/table.jpg"),
                ("MediaContentType0", "image/jpeg"),
            ]),
        ),
        ("twilio-status", sms(&[("MessageStatus", "delivered"), ("To", "+12025550143"), ("From", "+12025550100")])),
    ];
    let calendly = [
        ("calendly-invitee-created", "invitee.created", json!({})),
        (
            "calendly-invitee-rescheduled",
            "invitee.created",
            json!({"old_invitee": "https://api.calendly.com/scheduled_events/D/invitees/H"}),
        ),
        ("calendly-invitee-canceled", "invitee.canceled", json!({"cancellation": {"canceled_by": "Ada", "reason": "A cold"}})),
        ("calendly-invitee-canceled-by-rescheduling", "invitee.canceled", json!({"rescheduled": true})),
    ];
    let contact = json!({"email": "ada@example.com", "name": "Ada Lovelace"});
    let plain = [
        ("plain-message", json!({"contact": contact, "text": "When do you open?", "sent_at": now})),
        ("plain-message-of-the-business", json!({"contact": contact, "from": "business", "text": "At nine.", "sent_at": now})),
        (
            "plain-activity",
            json!({"type": "activity", "contact": contact, "text": "Left a review", "link": "https://reviews.example.com/7"}),
        ),
    ];
    let twilio = twilio.into_iter().map(|(name, form)| by_twilio(name, &form));
    let calendly = calendly.into_iter().map(|(name, event, more)| by_calendly(name, &notice(event, &more, now), now));
    let plain = plain.into_iter().map(|(name, body)| in_plain(name, &body, now));
    twilio.chain(calendly).chain(plain).collect()
}

/// Returns what intake makes of a request.
pub(super) fn messages(sent: &Sent, channel: &Channel, headers: &HeaderMap, now: Timestamp) -> Vec<Message> {
    let secrets = [(channel.service(), format!("*={SECRET}").into())];
    let request = Request::new(&Method::POST, &sent.path, headers, sent.body.as_bytes(), usize::MAX);
    let opened = request.and_then(|request| MessagesVerifier::new(PUBLIC_URL, &secrets).verify(&request, channel, now)?.messages());
    opened.expect("samples are well-signed and readable")
}

/// Returns the channel of a request, if it is one for messages.
pub(super) fn channel(sent: &Sent) -> Option<Channel> {
    match Sender::of_path(&sent.path)? {
        Sender::Messages(channel) => Some(channel),
        Sender::Wix | Sender::Hubspot(_) => None,
    }
}

fn sms(more: &[(&str, &str)]) -> BTreeMap<String, String> {
    let usual = [
        ("AccountSid", "AC00000000000000000000000000000000"),
        ("ApiVersion", "2010-04-01"),
        ("From", "+12025550143"),
        ("MessageSid", "SM0123456789abcdef0123456789abcdef"),
        ("NumMedia", "0"),
        ("NumSegments", "1"),
        ("SmsStatus", "received"),
        ("To", "+12025550100"),
    ];
    usual.iter().chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn notice(event: &str, more: &Value, now: Timestamp) -> Value {
    let start = now + SignedDuration::from_hours(48);
    let mut payload = json!({
        "uri": "https://api.calendly.com/scheduled_events/E/invitees/I",
        "email": "ada@example.com",
        "name": "Ada Lovelace",
        "status": "active",
        "timezone": "Europe/London",
        "rescheduled": false,
        "questions_and_answers": [],
        "scheduled_event": {
            "uri": "https://api.calendly.com/scheduled_events/E",
            "name": "Tasting",
            "start_time": start.to_string(),
            "end_time": (start + SignedDuration::from_mins(30)).to_string(),
        },
    });
    if let (Value::Object(payload), Value::Object(more)) = (&mut payload, more.clone()) {
        payload.extend(more);
    }
    json!({"event": event, "created_at": now, "created_by": "https://api.calendly.com/users/U", "payload": payload})
}

fn tag(algorithm: hmac::Algorithm, key: &[u8], text: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(algorithm, key), text.as_bytes()).as_ref().to_vec()
}

/// Signs the URL and the parameters in order.
fn by_twilio(name: &'static str, form: &BTreeMap<String, String>) -> Sent {
    let path = format!("/webhooks/twilio/{SITE}/sms");
    let text = format!("{PUBLIC_URL}{path}{}", form.iter().flat_map(|(name, value)| [name.as_str(), value]).collect::<String>());
    let signature = STANDARD.encode(tag(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, SECRET.as_bytes(), &text));
    let headers = vec![("content-type", "application/x-www-form-urlencoded; charset=UTF-8".to_owned()), ("x-twilio-signature", signature)];
    Sent { name, path, headers, body: form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish() }
}

/// Signs the time and the body.
fn by_calendly(name: &'static str, notice: &Value, now: Timestamp) -> Sent {
    let (body, sent) = (notice.to_string(), now.as_second());
    let signature = hex::encode(tag(hmac::HMAC_SHA256, SECRET.as_bytes(), &format!("{sent}.{body}")));
    let headers = vec![("content-type", "application/json".to_owned()), ("calendly-webhook-signature", format!("t={sent},v1={signature}"))];
    Sent { name, path: format!("/webhooks/calendly/{SITE}/bookings"), headers, body }
}

/// Signs id, time and body, as Standard Webhooks has it.
fn in_plain(name: &'static str, body: &Value, now: Timestamp) -> Sent {
    let (body, sent) = (body.to_string(), now.as_second());
    let key = STANDARD.decode(SECRET).expect("the test secret is base64");
    let signature = STANDARD.encode(tag(hmac::HMAC_SHA256, &key, &format!("msg_{name}.{sent}.{body}")));
    let headers = vec![
        ("content-type", "application/json".to_owned()),
        ("webhook-id", format!("msg_{name}")),
        ("webhook-timestamp", sent.to_string()),
        ("webhook-signature", format!("v1,{signature}")),
    ];
    Sent { name, path: format!("/webhooks/plain/{SITE}"), headers, body }
}
