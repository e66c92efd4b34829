//! The sources of messages of the demonstration's shop, as the README shows them, and what the services send.

use std::time::Duration;

use anyhow::Context;
use contact_bridge::model::site::inbox::Inbox;
use serde_json::{Value, json};

use super::{scenes::Played, stage::Stage};
use crate::vendors::kit::{Fault, FaultKind};

/// How Wix counts posts.
const POST: &str = "POST /inbox/v2/messages";

/// A source for each service, named like it.
pub(super) fn sources() -> anyhow::Result<Inbox> {
    let settings = json!({
        "twilio": {"kind": "twilio", "no_match": "create", "badge": {"text": "SMS"}},
        "intercom": {"kind": "intercom", "no_match": "create", "badge": {"text": "Intercom"}},
        "calendly": {"kind": "calendly", "no_match": "create", "badge": {"text": "Calendly"}},
        "plain": {"kind": "plain", "no_match": "create", "badge": {"text": "Chat"}},
    });
    serde_json::from_value(settings).context("the sources of messages of the demonstration")
}

pub(super) async fn sms(stage: &mut Stage<'_>) -> Played {
    let who = stage.next()?;
    let phone = "+447700900123";
    stage.people.wix_update(&who.wix, json!({"phones": {"items": [{"phone": phone, "countryCode": "GB"}]}})).await?;
    stage.settle().await?;
    let form = [("MessageSid", "SM1"), ("From", phone), ("To", "+447700900100"), ("Body", "Is my order ready?")];
    stage.stack.wix.fault(Fault::once(FaultKind::LoseReply, POST))?;
    twilio(stage, &form).await?;
    let once = stage.said_to(&who).await? == ["Is my order ready?"];
    let did = format!("{}: sends an SMS; the reply to its post is lost", who.name);
    stage.equal(&did, "looked into the conversation before posting again: it stands there once", &who, once).await?;
    let before = stage.wix_calls(POST);
    stage.stack.clock().advance(Duration::from_hours(24));
    twilio(stage, &form).await?;
    let nothing = stage.wix_calls(POST) == before && stage.said_to(&who).await? == ["Is my order ready?"];
    let did = format!("{}: Twilio sends the SMS again, a day later", who.name);
    stage.equal(&did, "knew it by its id: posted nothing", &who, nothing).await
}

async fn twilio(stage: &Stage<'_>, form: &[(&str, &str)]) -> Played {
    let status = stage.stack.services(stage.people.site()).twilio("twilio", form).await?;
    anyhow::ensure!(status.is_success(), "the SMS was refused: {status}");
    stage.settle().await
}

pub(super) async fn booking(stage: &mut Stage<'_>) -> Played {
    let who = stage.next()?;
    let email = stage.wix(&who, "/primaryInfo/email").await?;
    let notice = |event: &str, invitee: &str, more: Value| {
        let mut payload = json!({
            "uri": format!("https://api.calendly.com/scheduled_events/E/invitees/{invitee}"), "email": email, "timezone": "Europe/London",
            "scheduled_event": {"name": "Tasting", "start_time": "2026-10-06T13:00:00Z"},
        });
        if let (Value::Object(payload), Value::Object(more)) = (&mut payload, more) {
            payload.extend(more);
        }
        json!({"event": event, "payload": payload}).to_string()
    };
    let moved = json!({"old_invitee": "https://api.calendly.com/scheduled_events/E/invitees/I1"});
    let notices = [
        notice("invitee.created", "I1", json!({})),
        notice("invitee.canceled", "I1", json!({"rescheduled": true})),
        notice("invitee.created", "I2", moved),
    ];
    for notice in notices {
        stage.stack.services(stage.people.site()).calendly("calendly", notice).await?;
        stage.settle().await?;
    }
    let when = "Tasting, Tue 6 Oct 2026, 14:00 (Europe/London)";
    let said = stage.said_to(&who).await?;
    let did = format!("{}: books a tasting at Calendly, then moves it", who.name);
    stage.equal(&did, "one line for each in the Wix Inbox", &who, said == [format!("Booked: {when}"), format!("Rescheduled: {when}")]).await
}
