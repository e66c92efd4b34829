//! Webhooks of Mailchimp: a form with PHP's brackets in its names, signed together with the time of sending.
//!
//! <https://mailchimp.com/developer/marketing/guides/sync-audience-data-webhooks/>

#[cfg(test)]
mod tests;

use std::{borrow::Cow, collections::BTreeMap, fmt};

use aws_lc_rs::hmac;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use url::form_urlencoded;

use super::{
    Payload, Request, SetUpError, Verified, WebhookError,
    keys::{self, Keys},
    mac::{self, Stamped},
};
use crate::{
    config,
    model::{
        event::Event,
        ids::{Side, SiteId},
        subscriber::Address,
    },
    ports::Secrets,
};

/// The name of the sender: in the path, and in the name of the parameter that holds its secrets.
pub const NAME: &str = "mailchimp";

/// How far a request may be from now, in either direction.
const WINDOW_SECONDS: u64 = 300;
/// RFC 5321 section 4.5.3.1: what is longer is no address.
const LONGEST_ADDRESS: usize = 320;

/// Vouches for webhooks of Mailchimp, with a site's signing secrets.
pub struct MailchimpVerifier(Keys);

impl MailchimpVerifier {
    /// Makes a verifier from a list of `site=secret`, one entry a line or separated by commas; several of a site while one is replaced.
    #[must_use]
    pub fn new(secrets: &SecretString) -> Self {
        Self(Keys::parse(NAME, secrets.expose_secret()))
    }

    /// Makes a verifier from settings, fetching the secrets once. Without settings, or without secrets, it refuses everything.
    pub async fn from_settings(settings: &config::MessageWebhooks, secrets: &dyn Secrets) -> Result<Self, SetUpError> {
        let list = keys::listed(settings.secret_prefix.as_deref(), NAME, secrets).await?;
        Ok(Self::new(&list.unwrap_or_default()))
    }

    /// Verifies a request sent for `site`; the body is not parsed before its signature holds.
    pub fn verify<'a>(&self, request: &Request<'a>, site: &SiteId, now: Timestamp) -> Result<Verified<Notice<'a>>, WebhookError> {
        let stamped = Stamped::of(request.headers, "x-mailchimp-signature")?;
        mac::check_time(now, stamped.sent()?, WINDOW_SECONDS)?;
        let is_written = |tag: &&str| tag.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        let tags: Vec<_> = stamped.tags.iter().filter(|tag| is_written(tag)).filter_map(|tag| hex::decode(tag).ok()).collect();
        let text = [stamped.stamp.as_bytes(), b".", request.body];
        if mac::is_signed(hmac::HMAC_SHA256, self.0.of_site(site), &text, &tags) {
            Ok(Verified { payload: Notice { site: site.clone(), body: request.body }, received: now })
        } else {
            Err(WebhookError::Signature)
        }
    }
}

impl fmt::Debug for MailchimpVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MailchimpVerifier").finish_non_exhaustive()
    }
}

/// A well-signed form, not read yet.
pub struct Notice<'a> {
    site: SiteId,
    body: &'a [u8],
}

impl Payload for Notice<'_> {
    /// What happened to the member is looked up by whoever handles the event. The time of the event names no zone, so it is that of receipt.
    fn events(self, received: Timestamp) -> Result<Vec<Event>, WebhookError> {
        let fields: BTreeMap<Cow<'_, str>, Cow<'_, str>> =
            form_urlencoded::parse(self.body).filter(|(name, _)| *name == "type" || name.starts_with("data[")).collect();
        let kind = fields.get("type").ok_or(WebhookError::Missing { part: "notice", field: "type" })?;
        let event = |address| Event::subscription_changed(self.site.clone(), Side::External, address, received);
        addressed(kind).iter().map(|name| address(&fields, name).map(event)).collect()
    }
}

/// The fields that hold addresses in a notice of this type; none of what is of no concern.
fn addressed(kind: &str) -> &'static [&'static str] {
    match kind {
        "subscribe" | "unsubscribe" | "profile" | "cleaned" => &["data[email]"],
        "upemail" => &["data[old_email]", "data[new_email]"],
        _ => &[],
    }
}

fn address(fields: &BTreeMap<Cow<'_, str>, Cow<'_, str>>, name: &'static str) -> Result<Address, WebhookError> {
    let text = fields.get(name).map(|text| text.trim()).filter(|text| !text.is_empty());
    let text = text.ok_or(WebhookError::Missing { part: "notice", field: name })?;
    let wrong = |rule| WebhookError::Field { field: name.to_owned(), rule };
    // The decoder puts this in the place of what is no UTF-8.
    if text.contains(char::REPLACEMENT_CHARACTER) {
        return Err(wrong("must be text in UTF-8"));
    }
    if text.len() > LONGEST_ADDRESS {
        return Err(wrong("must be an address of at most 320 bytes"));
    }
    Ok(Address::new(text))
}
