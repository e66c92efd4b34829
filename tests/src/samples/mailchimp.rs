//! What Mailchimp sends (<https://mailchimp.com/developer/marketing/guides/sync-audience-data-webhooks/>), signed.

use aws_lc_rs::hmac;
use jiff::Timestamp;
use url::form_urlencoded;

use super::{SITE, Sent, messages::SECRET};

type Fields = &'static [(&'static str, &'static str)];

const PERSON: Fields = &[
    ("data[id]", "8a25ff1d98"),
    ("data[email]", "ada@example.com"),
    ("data[email_type]", "html"),
    ("data[ip_opt]", "192.0.2.7"),
    ("data[web_id]", "3375995"),
    ("data[merges][EMAIL]", "ada@example.com"),
    ("data[merges][FNAME]", "Ada"),
    ("data[merges][LNAME]", "Lovelace"),
    ("data[merges][INTERESTS]", "London"),
    ("data[list_id]", "a6b5da1054"),
];

const NOTICES: [(&str, &str, [Fields; 2]); 6] = [
    ("mailchimp-campaign", "campaign", [&[("data[id]", "5aa2102003"), ("data[subject]", "News"), ("data[status]", "sent")], &[]]),
    (
        "mailchimp-cleaned",
        "cleaned",
        [&[("data[reason]", "hard"), ("data[email]", "ada@example.com"), ("data[list_id]", "a6b5da1054")], &[]],
    ),
    ("mailchimp-profile", "profile", [PERSON, &[]]),
    ("mailchimp-subscribe", "subscribe", [PERSON, &[]]),
    ("mailchimp-unsubscribe", "unsubscribe", [&[("data[action]", "unsub"), ("data[reason]", "manual")], PERSON]),
    (
        "mailchimp-upemail",
        "upemail",
        [&[("data[new_id]", "51da8c3259"), ("data[new_email]", "ada@example.org"), ("data[old_email]", "ada@example.com")], &[]],
    ),
];

/// Returns a notice of each kind.
pub(super) fn all(now: Timestamp) -> Vec<Sent> {
    let fired_at = now.strftime("%Y-%m-%d %H:%M:%S").to_string();
    let notice = |(name, kind, parts): (&'static str, &str, [Fields; 2])| {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("type", kind).append_pair("fired_at", &fired_at).extend_pairs(parts.concat());
        signed(name, form.finish(), now)
    };
    NOTICES.into_iter().map(notice).collect()
}

fn signed(name: &'static str, body: String, now: Timestamp) -> Sent {
    let headers =
        vec![("content-type", "application/x-www-form-urlencoded".to_owned()), ("x-mailchimp-signature", signature(body.as_bytes(), now))];
    Sent { name, path: format!("/webhooks/mailchimp/{SITE}"), headers, body }
}

/// Signs a body as sent now.
#[must_use]
pub fn signature(body: &[u8], now: Timestamp) -> String {
    let sent = now.as_second();
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes()), &[format!("{sent}.").as_bytes(), body].concat());
    format!("t={sent},v1={}", hex::encode(tag))
}
