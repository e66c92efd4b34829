//! How HubSpot posts webhooks: arrays of events, signed, repeated up to ten times within a day
//! (<https://developers.hubspot.com/docs/api-reference/legacy/webhooks/guide>).

use std::time::Duration;

use serde_json::Value;

use super::signature;
use crate::vendors::kit::{Carrier, Letter, Parcel, Switches};

/// Minutes between one attempt and the next; the tenth repetition comes within a day.
const LADDER_MINUTES: [u64; 10] = [1, 3, 10, 30, 60, 120, 180, 240, 300, 360];

/// The carrier of one app.
pub(super) struct HubSpotCarrier {
    pub secret: String,
    pub switches: Switches,
}

impl Carrier for HubSpotCarrier {
    fn pack(&self, parcels: &[Parcel], now_ms: i64) -> Letter {
        let events: Vec<Value> = parcels.iter().map(numbered).collect();
        let body = Value::from(events).to_string();
        let url = parcels.first().map(|parcel| parcel.url.as_str()).unwrap_or_default();
        let mut headers = vec![
            ("content-type".to_owned(), "application/json".to_owned()),
            ("x-hubspot-signature-version".to_owned(), "v1".to_owned()),
            ("x-hubspot-signature".to_owned(), signature::v1(&self.secret, &body)),
        ];
        if self.switches.is("webhook_signatures", "v3_and_v1") {
            let v3 = signature::v3(&self.secret, url, &body, now_ms);
            headers.push(("x-hubspot-request-timestamp".to_owned(), now_ms.to_string()));
            headers.push(("x-hubspot-signature-v3".to_owned(), v3));
        }
        Letter { headers, body }
    }

    fn is_success(&self, status: u16) -> bool {
        (200..300).contains(&status)
    }

    fn patience(&self) -> Duration {
        Duration::from_secs(5)
    }

    fn retry_after(&self, attempt: u32) -> Option<Duration> {
        let step = usize::try_from(attempt).ok()?.checked_sub(1)?;
        LADDER_MINUTES.get(step).map(|minutes| Duration::from_secs(minutes * 60))
    }

    fn batch(&self) -> usize {
        usize::try_from(self.switches.number("webhook_batch")).unwrap_or(1).max(1)
    }
}

/// The event with the number of the attempt, which counts from 0.
fn numbered(parcel: &Parcel) -> Value {
    let mut event: Value = serde_json::from_str(&parcel.payload).unwrap_or_default();
    if let Some(event) = event.as_object_mut() {
        event.insert("attemptNumber".to_owned(), parcel.attempt.into());
    }
    event
}
