//! Calendly: somebody booked, moved or canceled an appointment.
//!
//! <https://developer.calendly.com/api-docs/4c305798a61d3-webhook-signatures>, <https://developer.calendly.com/api-docs/c1ddc06ce1f1c-webhook-payload>

use aws_lc_rs::hmac;
use jiff::{Timestamp, tz::TimeZone};
use serde::Deserialize;

use super::{
    Delivery, Draft, Trust,
    mac::{self, Stamped},
};
use crate::{
    model::message::{Author, Content, Person},
    webhook::{Request, WebhookError, json},
};

/// Calendly's own sample refuses what is older than three minutes.
const WINDOW_SECONDS: u64 = 180;
/// A line in the Inbox, not a novel.
const LONGEST_NAME: usize = 200;
const LONGEST_REASON: usize = 1_000;

pub(super) struct Service;

impl super::Service for Service {
    fn name(&self) -> &'static str {
        "calendly"
    }

    fn verify(&self, request: &Request<'_>, trust: &Trust<'_>) -> Result<(), WebhookError> {
        let stamped = Stamped::of(request.headers, "calendly-webhook-signature")?;
        trust.check_time(stamped.sent()?, WINDOW_SECONDS)?;
        let tags: Vec<_> = stamped.tags.iter().filter_map(|tag| hex::decode(tag).ok()).collect();
        let signed = mac::is_signed(hmac::HMAC_SHA256, trust.secrets, &[stamped.stamp.as_bytes(), b".", request.body], &tags);
        if signed { Ok(()) } else { Err(WebhookError::Signature) }
    }

    fn read(&self, delivery: &Delivery<'_>) -> Result<Vec<Draft>, WebhookError> {
        let notice: Notice = json::parse("notice", delivery.body)?;
        let Some(did) = Did::of(&notice) else { return Ok(Vec::new()) };
        let payload = notice.payload.ok_or(WebhookError::Missing { part: "notice", field: "payload" })?;
        let uri = payload.uri.as_deref().ok_or(WebhookError::Missing { part: "notice", field: "payload.uri" })?;
        Ok(vec![Draft {
            id: format!("{} {uri}", notice.event),
            who: Person::new(payload.email.as_deref(), payload.text_reminder_number.as_deref(), payload.name.as_deref()),
            author: Author::Participant,
            content: Content::Activity { text: payload.line(did), link: None },
            at: notice.created_at.and_then(|at| at.parse().ok()),
            order: 0,
        }])
    }

    #[cfg(test)]
    fn signing(&self) -> super::tests::Signing {
        use super::tests::{BODY, Signing, tag};

        Signing {
            body: BODY,
            header: "calendly-webhook-signature",
            window: Some(180),
            vectors: include_str!("vectors/calendly.json"),
            sign: |signed| {
                let tag = hex::encode(tag(hmac::HMAC_SHA256, signed.secret.as_bytes(), &format!("{}.{}", signed.sent, signed.body)));
                vec![("calendly-webhook-signature", format!("t={},v1={tag}", signed.sent))]
            },
        }
    }
}

#[derive(Deserialize)]
struct Notice {
    event: String,
    #[serde(default)]
    created_at: Option<String>,
    #[serde(default)]
    payload: Option<Invitee>,
}

#[derive(Deserialize)]
struct Invitee {
    uri: Option<String>,
    email: Option<String>,
    name: Option<String>,
    text_reminder_number: Option<String>,
    timezone: Option<String>,
    #[serde(default)]
    rescheduled: bool,
    #[serde(rename = "old_invitee")]
    moved_from: Option<String>,
    cancellation: Option<Cancellation>,
    scheduled_event: Option<Appointment>,
}

#[derive(Deserialize)]
struct Cancellation {
    reason: Option<String>,
}

#[derive(Deserialize)]
struct Appointment {
    name: Option<String>,
    start_time: Option<String>,
}

/// What the invitee did.
#[derive(Clone, Copy)]
enum Did {
    Book,
    Move,
    Cancel,
}

impl Did {
    /// Returns what is shown. A move is a cancellation and a booking; the booking speaks for both.
    fn of(notice: &Notice) -> Option<Self> {
        let payload = notice.payload.as_ref();
        match notice.event.as_str() {
            "invitee.created" if payload.is_some_and(|payload| payload.moved_from.is_some()) => Some(Self::Move),
            "invitee.created" => Some(Self::Book),
            "invitee.canceled" if payload.is_some_and(|payload| payload.rescheduled) => None,
            "invitee.canceled" => Some(Self::Cancel),
            _ => None,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Book => "Booked",
            Self::Move => "Rescheduled",
            Self::Cancel => "Canceled",
        }
    }
}

impl Invitee {
    /// `Booked: Intro call, Tue 22 Sep 2026, 12:00 (Europe/Vienna)`.
    fn line(&self, did: Did) -> String {
        let appointment = self.scheduled_event.as_ref();
        let name = appointment.and_then(|own| own.name.as_deref()).map_or("appointment", |name| cut(name, LONGEST_NAME));
        let mut line = format!("{}: {name}", did.word());
        let start: Option<Timestamp> = appointment.and_then(|own| own.start_time.as_deref()?.parse().ok());
        if let Some(start) = start {
            line.push_str(", ");
            line.push_str(&self.at(start));
        }
        let reason = self.cancellation.as_ref().and_then(|own| own.reason.as_deref()).map(str::trim).filter(|reason| !reason.is_empty());
        if let (Did::Cancel, Some(reason)) = (did, reason) {
            line.push_str(". ");
            line.push_str(cut(reason, LONGEST_REASON));
        }
        line
    }

    /// An instant as the invitee's calendar shows it; in UTC, where their time zone is not known.
    fn at(&self, start: Timestamp) -> String {
        let named = self.timezone.as_deref().and_then(|name| TimeZone::get(name).ok().map(|zone| (name, zone)));
        let (name, zone) = named.unwrap_or(("UTC", TimeZone::UTC));
        format!("{} ({name})", start.to_zoned(zone).strftime("%a %-d %b %Y, %H:%M"))
    }
}

fn cut(text: &str, longest: usize) -> &str {
    text.char_indices().nth(longest).and_then(|(at, _)| text.get(..at)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::tests::read;

    fn notice(event: &str, more: &Value) -> Value {
        let mut payload = json!({
            "uri": "https://api.calendly.com/scheduled_events/E/invitees/I", "email": "ada@example.com", "name": "Ada", "status": "active",
            "timezone": "Europe/Vienna", "text_reminder_number": "+43 1 58858",
            "scheduled_event": {"uri": "https://api.calendly.com/scheduled_events/E", "name": "Intro call", "start_time": "2026-09-22T10:00:00.000000Z"},
        });
        payload.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"event": event, "created_at": "2026-09-21T13:33:20.000000Z", "payload": payload})
    }

    fn lines(event: &str, more: &Value) -> Vec<String> {
        read("calendly", &notice(event, more)).unwrap().iter().map(super::super::tests::text).collect()
    }

    #[test]
    fn each_notice_is_a_line_or_none() {
        let canceled = json!({"cancellation": {"reason": " The train is late "}});
        for (event, more, expected) in [
            ("invitee.created", json!({}), Some("Booked: Intro call, Tue 22 Sep 2026, 12:00 (Europe/Vienna)")),
            ("invitee.created", json!({"timezone": "Mars/Olympus"}), Some("Booked: Intro call, Tue 22 Sep 2026, 10:00 (UTC)")),
            ("invitee.created", json!({"scheduled_event": null}), Some("Booked: appointment")),
            (
                "invitee.created",
                json!({"old_invitee": "https://x"}),
                Some("Rescheduled: Intro call, Tue 22 Sep 2026, 12:00 (Europe/Vienna)"),
            ),
            ("invitee.canceled", json!({"rescheduled": true}), None),
            ("invitee.canceled", canceled, Some("Canceled: Intro call, Tue 22 Sep 2026, 12:00 (Europe/Vienna). The train is late")),
            ("invitee_no_show.created", json!({}), None),
        ] {
            assert_eq!(lines(event, &more), expected.into_iter().collect::<Vec<_>>(), "{event} {more}");
        }
    }

    #[test]
    fn a_repeated_notice_has_the_same_id_and_a_cancellation_another() {
        let ids = |event| read("calendly", &notice(event, &json!({}))).unwrap()[0].id.clone();
        assert_eq!(ids("invitee.created"), ids("invitee.created"));
        assert_ne!(ids("invitee.created"), ids("invitee.canceled"));
    }

    #[test]
    fn the_invitee_is_known_by_both_addresses() {
        let message = &read("calendly", &notice("invitee.created", &json!({}))).unwrap()[0];
        assert_eq!(message.who.keys(None).len(), 2);
        assert_eq!(message.at.to_string(), "2026-09-21T13:33:20Z");
    }

    #[test]
    fn a_notice_without_its_invitee_is_refused_by_name() {
        for (body, expected) in [
            (json!({"event": "invitee.created"}), "notice lacks payload"),
            (json!({"event": "invitee.created", "payload": {}}), "notice lacks payload.uri"),
        ] {
            assert_eq!(read("calendly", &body).unwrap_err().to_string(), expected);
        }
    }
}
