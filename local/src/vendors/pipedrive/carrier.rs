//! How Pipedrive posts webhooks: JSON without a signature, with Basic credentials if the webhook has some, tried four times
//! (<https://pipedrive.readme.io/docs/guide-for-webhooks-v2>).

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;

use crate::vendors::kit::{Carrier, Letter, Parcel, Switches};

/// Seconds between one attempt and the next.
const LADDER_SECONDS: [u64; 3] = [3, 30, 150];

/// The carrier of all companies; each parcel brings its webhook's credentials.
pub(super) struct PipedriveCarrier {
    pub switches: Switches,
}

impl Carrier for PipedriveCarrier {
    fn pack(&self, parcels: &[Parcel], _now_ms: i64) -> Letter {
        let attempt = parcels.first().map_or(1, |parcel| parcel.attempt + 1);
        let payload: Value = parcels.first().and_then(|parcel| serde_json::from_str(&parcel.payload).ok()).unwrap_or_default();
        let mut event = payload.get("event").cloned().unwrap_or_default();
        if let Some(meta) = event.get_mut("meta").and_then(Value::as_object_mut) {
            meta.insert("attempt".to_owned(), attempt.into());
        }
        let mut headers = vec![("content-type".to_owned(), "application/json; charset=utf-8".to_owned())];
        if let Some([user, password]) = payload.get("auth").and_then(Value::as_array).map(Vec::as_slice) {
            let text = format!("{}:{}", user.as_str().unwrap_or_default(), password.as_str().unwrap_or_default());
            headers.push(("authorization".to_owned(), format!("Basic {}", STANDARD.encode(text))));
        }
        Letter { headers, body: event.to_string() }
    }

    fn is_success(&self, status: u16) -> bool {
        (200..300).contains(&status)
    }

    fn patience(&self) -> Duration {
        Duration::from_millis(self.switches.number("webhook_timeout_ms").unsigned_abs())
    }

    fn retry_after(&self, attempt: u32) -> Option<Duration> {
        let step = usize::try_from(attempt).ok()?.checked_sub(1)?;
        LADDER_SECONDS.get(step).map(|seconds| Duration::from_secs(*seconds))
    }
}
