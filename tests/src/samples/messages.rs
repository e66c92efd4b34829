//! What services write into the webhooks that become messages, and how they sign them.
//!
//! <https://www.twilio.com/docs/messaging/guides/webhook-request>, <https://developer.calendly.com/api-docs/c1ddc06ce1f1c-webhook-payload>

use std::collections::BTreeMap;

use aws_lc_rs::{digest, hmac};
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
            json!({"type": "activity", "contact": contact, "text": "Left a review", "link": "https://reviews.example.com/7", "sent_at": now}),
        ),
    ];
    let intercom =
        [("intercom-user-replied", "conversation.user.replied", "user"), ("intercom-admin-replied", "conversation.admin.replied", "admin")];
    let twilio = twilio.into_iter().map(|(name, form)| by_twilio(name, &form));
    let calendly = calendly.into_iter().map(|(name, event, more)| by_calendly(name, &notice(event, &more, now), now));
    let plain = plain.into_iter().map(|(name, body)| in_plain(name, &body, now));
    let intercom = intercom.into_iter().map(|(name, topic, writer)| by_intercom(name, &conversation(topic, writer, now)));
    twilio.chain(intercom).chain(calendly).chain(plain).collect()
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
        Sender::Wix | Sender::Hubspot(_) | Sender::Pipedrive(_) | Sender::Mailchimp(_) => None,
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

fn conversation(topic: &str, writer: &str, now: Timestamp) -> Value {
    let customer = json!({"type": "user", "id": "U", "name": "Ada Lovelace", "email": "ada@example.com"});
    let author =
        if writer == "user" { customer.clone() } else { json!({"type": writer, "id": "A", "name": "Grace", "email": "grace@example.org"}) };
    let part = json!({"type": "conversation_part", "id": "P", "part_type": "comment", "body": "<p>Is the table <b>free</b> &amp; by the window?</p>",
        "author": author, "created_at": now.as_second(), "attachments": []});
    let item = json!({"type": "conversation", "id": "123", "source": {"id": "S", "body": "<p>Hello</p>", "author": customer},
        "conversation_parts": {"type": "conversation_part.list", "conversation_parts": [part]}});
    json!({"type": "notification_event", "id": "notif_1", "topic": topic, "app_id": "W", "created_at": now.as_second(),
        "delivery_attempts": 1, "data": {"type": "notification_event_data", "item": item}})
}

/// Signs any body so that each service takes it for its own: the target it is sent to, and the headers.
#[must_use]
pub fn signed(path: &str, body: &[u8], now: Timestamp) -> (String, HeaderMap) {
    let sent = now.as_second().to_string();
    let parts = |parts: &[&[u8]]| parts.concat();
    let base64_key = STANDARD.decode(SECRET).unwrap_or_default();
    // Twilio binds a body that is no form by its digest in the URL.
    let target = format!("{path}?bodySHA256={}", hex::encode(digest::digest(&digest::SHA256, body)));
    let calendly = hex::encode(tag_of(hmac::HMAC_SHA256, SECRET.as_bytes(), &parts(&[sent.as_bytes(), b".", body])));
    let plain = STANDARD.encode(tag_of(hmac::HMAC_SHA256, &base64_key, &parts(&[b"m.", sent.as_bytes(), b".", body])));
    let intercom = hex::encode(tag_of(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, SECRET.as_bytes(), body));
    let twilio = tag(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, SECRET.as_bytes(), &format!("{PUBLIC_URL}{target}"));
    let headers = [
        ("calendly-webhook-signature", format!("t={sent},v1={calendly}")),
        ("webhook-id", "m".to_owned()),
        ("webhook-timestamp", sent.clone()),
        ("webhook-signature", format!("v1,{plain}")),
        ("x-hub-signature", format!("sha1={intercom}")),
        ("x-twilio-signature", STANDARD.encode(twilio)),
    ];
    let headers = headers.into_iter().filter_map(|(name, value)| Some((name.parse().ok()?, value.parse().ok()?)));
    (target, headers.collect())
}

fn tag_of(algorithm: hmac::Algorithm, key: &[u8], text: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(algorithm, key), text).as_ref().to_vec()
}

fn tag(algorithm: hmac::Algorithm, key: &[u8], text: &str) -> Vec<u8> {
    tag_of(algorithm, key, text.as_bytes())
}

/// Signs the URL and the parameters in order.
fn by_twilio(name: &'static str, form: &BTreeMap<String, String>) -> Sent {
    let path = format!("/webhooks/twilio/{SITE}/sms");
    let text = format!("{PUBLIC_URL}{path}{}", form.iter().flat_map(|(name, value)| [name.as_str(), value]).collect::<String>());
    let signature = STANDARD.encode(tag(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, SECRET.as_bytes(), &text));
    let headers = vec![("content-type", "application/x-www-form-urlencoded; charset=UTF-8".to_owned()), ("x-twilio-signature", signature)];
    Sent { name, path, headers, body: form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish() }
}

/// Signs the body.
fn by_intercom(name: &'static str, notice: &Value) -> Sent {
    let body = notice.to_string();
    let signature = hex::encode(tag(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, SECRET.as_bytes(), &body));
    let headers = vec![("content-type", "application/json".to_owned()), ("x-hub-signature", format!("sha1={signature}"))];
    Sent { name, path: format!("/webhooks/intercom/{SITE}/chat"), headers, body }
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
