//! Who sends, told from the path alone.

use super::{Channel, mailchimp, messages::Answer, pipedrive};
use crate::model::ids::SiteId;

/// Who a request claims to come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sender {
    /// Wix, for any site: the site is in the signed payload.
    Wix,
    /// HubSpot, for this site: HubSpot's payloads do not know of sites, but its signature covers the path.
    Hubspot(SiteId),
    /// Pipedrive, for this site: each of its webhooks has credentials of its own.
    Pipedrive(SiteId),
    /// Mailchimp, for this site: each of its webhooks has a secret of its own.
    Mailchimp(SiteId),
    /// A service whose messages go to the Inbox.
    Messages(Channel),
}

impl Sender {
    const ROOT: &'static str = "/webhooks/";
    /// Site ids are UUIDs; anything longer is none.
    const MAX_SITE: usize = 64;

    /// Returns the part of a path below the public URL, without the stage or base path a gateway may put in front.
    #[must_use]
    pub fn tail(path: &str) -> Option<&str> {
        path.rfind(Self::ROOT).and_then(|start| path.get(start..))
    }

    /// Returns the sender whose webhooks arrive at this path.
    #[must_use]
    pub fn of_path(path: &str) -> Option<Self> {
        let rest = Self::tail(path)?.strip_prefix(Self::ROOT)?;
        match rest.split_once('/') {
            None if rest == "wix" => Some(Self::Wix),
            Some(("hubspot", site)) if is_site(site) => Some(Self::Hubspot(SiteId::new(site))),
            Some((pipedrive::NAME, site)) if is_site(site) => Some(Self::Pipedrive(SiteId::new(site))),
            Some((mailchimp::NAME, site)) if is_site(site) => Some(Self::Mailchimp(SiteId::new(site))),
            Some((service, rest)) => {
                let (site, source) = rest.split_once('/').map_or((rest, None), |(site, source)| (site, Some(source)));
                Channel::new(service, Some(site).filter(|site| is_site(site))?, source).map(Self::Messages)
            }
            None => None,
        }
    }

    /// Returns the short name used in logs.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Wix => "wix",
            Self::Hubspot(_) => "hubspot",
            Self::Pipedrive(_) => pipedrive::NAME,
            Self::Mailchimp(_) => mailchimp::NAME,
            Self::Messages(channel) => channel.service(),
        }
    }

    /// Tells whether the sender looks with GET whether anybody is there, before it sends anything.
    #[must_use]
    pub const fn looks_first(&self) -> bool {
        match self {
            Self::Mailchimp(_) => true,
            Self::Wix | Self::Hubspot(_) | Self::Pipedrive(_) | Self::Messages(_) => false,
        }
    }

    /// Returns what the sender wants to hear when everything was taken.
    #[must_use]
    pub fn answer(&self) -> Answer {
        match self {
            Self::Wix | Self::Hubspot(_) | Self::Pipedrive(_) | Self::Mailchimp(_) => Answer::EMPTY,
            Self::Messages(channel) => channel.answer(),
        }
    }
}

fn is_site(text: &str) -> bool {
    (1..=Sender::MAX_SITE).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_names_the_sender() {
        let hubspot = |site: &str| Some(Sender::Hubspot(SiteId::new(site)));
        let twilio = |source: &str| Channel::new("twilio", "s_1", Some(source)).map(Sender::Messages);
        for (path, expected) in [
            ("/webhooks/wix", Some(Sender::Wix)),
            ("/prod/webhooks/wix", Some(Sender::Wix)),
            ("/webhooks/hubspot/3bbcabc7-ebb7", hubspot("3bbcabc7-ebb7")),
            ("/prod/webhooks/hubspot/s_1", hubspot("s_1")),
            ("/webhooks/mailchimp/s_1", Some(Sender::Mailchimp(SiteId::new("s_1")))),
            ("/prod/webhooks/mailchimp/s_1", Some(Sender::Mailchimp(SiteId::new("s_1")))),
            ("/webhooks/pipedrive/s_1", Some(Sender::Pipedrive(SiteId::new("s_1")))),
            ("/webhooks/pipedrive/s_1/own", None),
            ("/webhooks/pipedrive", None),
            ("/webhooks/mailchimp/s_1/own", None),
            ("/webhooks/mailchimp/", None),
            ("/webhooks/mailchimp", None),
            ("/webhooks/twilio/s_1", twilio("twilio")),
            ("/prod/webhooks/twilio/s_1/sms-2", twilio("sms-2")),
            ("/webhooks/twilio/s_1/SMS", None),
            ("/webhooks/twilio/s_1/", None),
            ("/webhooks/twilio/s_1/sms/x", None),
            ("/webhooks/twilio/", None),
            ("/webhooks/twilio", None),
            ("/webhooks/telegraph/s_1", None),
            ("/webhooks/hubspot", None),
            ("/webhooks/hubspot/", None),
            ("/webhooks/hubspot/a/b", None),
            ("/webhooks/hubspot/%2e%2e", None),
            ("/webhooks/wix/", None),
            ("/webhooks/", None),
            ("/webhooks", None),
            ("/", None),
            ("", None),
        ] {
            assert_eq!(Sender::of_path(path), expected, "{path}");
        }
    }
}
