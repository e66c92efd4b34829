//! How Mailchimp posts webhooks: forms, signed if the webhook is, repeated with rising gaps over 75 minutes
//! (<https://mailchimp.com/developer/marketing/guides/sync-audience-data-webhooks/>).

use std::time::Duration;

use aws_lc_rs::hmac;
use serde_json::Value;

use crate::vendors::kit::{Carrier, Letter, Parcel, Switches};

/// Minutes between one attempt and the next; 75 in all.
const LADDER_MINUTES: [u64; 7] = [1, 3, 5, 8, 13, 20, 25];

/// The carrier of all accounts; each parcel brings its webhook's secret.
pub(super) struct MailchimpCarrier {
    pub switches: Switches,
}

impl Carrier for MailchimpCarrier {
    fn pack(&self, parcels: &[Parcel], now_ms: i64) -> Letter {
        let payload: Value = parcels.first().and_then(|parcel| serde_json::from_str(&parcel.payload).ok()).unwrap_or_default();
        let text = |name: &str| payload.get(name).and_then(Value::as_str).map(str::to_owned);
        let body = text("form").unwrap_or_default();
        let mut headers = vec![("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned())];
        if let Some(secret) = text("secret") {
            headers.push(("x-mailchimp-signature".to_owned(), signature(&secret, &body, now_ms / 1000)));
        }
        Letter { headers, body }
    }

    fn is_success(&self, status: u16) -> bool {
        (200..300).contains(&status)
    }

    fn patience(&self) -> Duration {
        Duration::from_millis(self.switches.number("webhook_timeout_ms").unsigned_abs())
    }

    fn retry_after(&self, attempt: u32) -> Option<Duration> {
        let step = usize::try_from(attempt).ok()?.checked_sub(1)?;
        LADDER_MINUTES.get(step).map(|minutes| Duration::from_secs(minutes * 60))
    }
}

/// `t=<seconds>,v1=<lower-case hex HMAC-SHA256 of "t.body">`.
pub(super) fn signature(secret: &str, body: &str, seconds: i64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, format!("{seconds}.{body}").as_bytes());
    format!("t={seconds},v1={}", hex::encode(tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Worked out with `openssl dgst -sha256 -hmac` from Mailchimp's recipe.
    #[test]
    fn the_signature_follows_the_recipe() {
        let body = "type=cleaned&fired_at=2009-03-26+22%3A01%3A00&data%5Blist_id%5D=a6b5da1054&data%5Bcampaign_id%5D=4fjk2ma9xd\
                    &data%5Breason%5D=hard&data%5Bemail%5D=api%2Bcleaned%40mailchimp.com";
        let expected = "t=1790000000,v1=93b715fd76d8b7cbd28f523e34563bfeeed51cdfb319520db362ac126c2b219a";
        assert_eq!(signature("mc_signing_secret_example", body, 1_790_000_000), expected);
    }
}
