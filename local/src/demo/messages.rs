//! The sources of messages of the demonstration's shop, as the README shows them, and what the services send.

use anyhow::Context;
use contact_bridge::model::site::inbox::Inbox;
use serde_json::{Value, json};

use super::{scenes::Played, stage::Stage};
use crate::vendors::kit::{Fault, FaultKind};

/// A source for each service, named like it.
pub(super) fn sources() -> anyhow::Result<Inbox> {
    let settings = json!({
        "twilio": {"kind": "twilio", "no_match": "create", "badge": {"text": "SMS"}},
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
    // The reply to the first post is lost, and Twilio sends the message twice.
    stage.stack.wix.fault(Fault::once(FaultKind::LoseReply, "POST /inbox/v2/messages"))?;
    let form = [("MessageSid", "SM1"), ("From", phone), ("To", "+447700900100"), ("Body", "Is my order ready?")];
    for _ in 0..2 {
        let status = stage.stack.services(stage.people.site()).twilio("twilio", &form).await?;
        anyhow::ensure!(status.is_success(), "the SMS was refused: {status}");
    }
    stage.settle().await?;
    let said = stage.said_to(&who).await?;
    let did = format!("{}: an SMS, sent twice; the reply to its post is lost", who.name);
    let bridge = "looked into the conversation before posting again: it stands there once, as theirs";
    stage.equal(&did, bridge, &who, said == ["Is my order ready?"]).await
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
