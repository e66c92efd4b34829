//! Services that send messages: they post to the gateway, signed as the real ones sign.

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::StatusCode;
use url::form_urlencoded;

use super::{SiteHandle, Stack};
use crate::vendors::kit::{Clock, plain_http};

/// What a service signs its messages with, for every site; it guards nobody real.
#[must_use]
pub fn message_secret(service: &str) -> String {
    format!("simulated-{service}-secret")
}

/// The services of one site.
#[derive(Clone)]
pub struct Services {
    gateway: String,
    site: String,
    clock: Clock,
    http: reqwest::Client,
}

impl Stack {
    /// Acts as the services that send messages for this site.
    #[must_use]
    pub fn services(&self, site: &SiteHandle) -> Services {
        Services {
            gateway: self.gateway_url(),
            site: site.id.to_string(),
            clock: self.clock().clone(),
            http: plain_http().unwrap_or_default(),
        }
    }
}

impl Services {
    /// Twilio posts a form to the source of this name.
    ///
    /// # Errors
    /// When the gateway does not answer.
    pub async fn twilio(&self, source: &str, form: &[(&str, &str)]) -> reqwest::Result<StatusCode> {
        let url = format!("{}/webhooks/twilio/{}/{source}", self.gateway, self.site);
        let mut sorted = form.to_vec();
        sorted.sort_unstable();
        let parameters: String = sorted.iter().flat_map(|(name, value)| [*name, *value]).collect();
        let signature = STANDARD.encode(tag(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, "twilio", &format!("{url}{parameters}")));
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let call = self.http.post(url).header("content-type", "application/x-www-form-urlencoded").header("x-twilio-signature", signature);
        Ok(call.body(body).send().await?.status())
    }

    /// Calendly posts a notice to the source of this name.
    ///
    /// # Errors
    /// When the gateway does not answer.
    pub async fn calendly(&self, source: &str, notice: String) -> reqwest::Result<StatusCode> {
        let sent = self.seconds();
        let signature = hex::encode(tag(hmac::HMAC_SHA256, "calendly", &format!("{sent}.{notice}")));
        let call = self.http.post(format!("{}/webhooks/calendly/{}/{source}", self.gateway, self.site));
        let call = call.header("content-type", "application/json").header("calendly-webhook-signature", format!("t={sent},v1={signature}"));
        Ok(call.body(notice).send().await?.status())
    }

    /// Intercom posts a notice to the source of this name.
    ///
    /// # Errors
    /// When the gateway does not answer.
    pub async fn intercom(&self, source: &str, notice: String) -> reqwest::Result<StatusCode> {
        let signature = hex::encode(tag(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, "intercom", &notice));
        let call = self.http.post(format!("{}/webhooks/intercom/{}/{source}", self.gateway, self.site));
        let call = call.header("content-type", "application/json").header("x-hub-signature", format!("sha1={signature}"));
        Ok(call.body(notice).send().await?.status())
    }

    /// Another tool posts a message to the source of this name.
    ///
    /// # Errors
    /// When the gateway does not answer.
    pub async fn plain(&self, source: &str, id: &str, message: String) -> reqwest::Result<StatusCode> {
        let sent = self.seconds();
        let signature = STANDARD.encode(tag(hmac::HMAC_SHA256, "plain", &format!("{id}.{sent}.{message}")));
        let call = self.http.post(format!("{}/webhooks/plain/{}/{source}", self.gateway, self.site));
        let call = call.header("content-type", "application/json").header("webhook-id", id).header("webhook-timestamp", sent);
        Ok(call.header("webhook-signature", format!("v1,{signature}")).body(message).send().await?.status())
    }

    fn seconds(&self) -> i64 {
        self.clock.now_ms() / 1000
    }
}

fn tag(algorithm: hmac::Algorithm, service: &str, text: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(algorithm, message_secret(service).as_bytes()), text.as_bytes()).as_ref().to_vec()
}
