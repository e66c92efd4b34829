//! Who may send for which site: the secrets of one sender, from a list.

use std::collections::BTreeMap;

use secrecy::SecretString;

use super::SetUpError;
use crate::{
    config::ConfigError,
    model::ids::{SiteId, SourceId},
    ports::{ErrorKind, Secrets},
};

/// For whom a secret counts that names no site.
const EVERYBODY: &str = "*";
/// Two are active during a rotation. Each one more makes a refusal dearer.
const MOST: usize = 4;

/// Fetches the list of a sender's secrets, which is named by a prefix and the sender; nothing without a prefix, or where there is no list.
pub(super) async fn listed(prefix: Option<&str>, sender: &str, secrets: &dyn Secrets) -> Result<Option<SecretString>, SetUpError> {
    let Some(prefix) = prefix else { return Ok(None) };
    match secrets.secret(&format!("{prefix}{sender}")).await {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
        Err(source) => Err(ConfigError::Secret { name: "MESSAGE_SECRET_PREFIX", source }.into()),
    }
}

/// The secrets of one sender.
#[derive(Default)]
pub(super) struct Keys(BTreeMap<String, Vec<SecretString>>);

impl Keys {
    /// Reads a list, one entry a line or separated by commas: `site/source=secret`, `site=secret` for all sources of a site, `*=secret` for
    /// all sites. Several entries for the same name are all good, while a secret is rotated. An entry that cannot be used is left out and told
    /// about: one site's mistake keeps nobody else out.
    pub(super) fn parse(service: &str, text: &str) -> Self {
        let mut keys = Self::default();
        let entries = text.split([',', '\n', '\r']).map(str::trim).filter(|entry| !entry.is_empty() && !entry.starts_with('#'));
        for (index, entry) in entries.enumerate() {
            match entry.split_once('=').map(|(name, secret)| (name.trim(), secret.trim())) {
                Some((name, secret)) if !name.is_empty() && !secret.is_empty() => keys.add(name, secret),
                _ => tracing::error!(service, entry = index + 1, "A secret is left out: it is not name=secret."),
            }
        }
        keys
    }

    fn add(&mut self, name: &str, secret: &str) {
        let own = self.0.entry(name.to_owned()).or_default();
        if own.len() < MOST {
            own.push(SecretString::from(secret));
        }
    }

    /// Returns the secrets that sign for a source: its own, else its site's, else everybody's. Who has closer ones accepts no others.
    pub(super) fn of(&self, site: &SiteId, source: &SourceId) -> &[SecretString] {
        self.closest(&[&format!("{site}/{source}"), site.as_str(), EVERYBODY])
    }

    /// As [`Self::of`], for a sender without sources.
    pub(super) fn of_site(&self, site: &SiteId) -> &[SecretString] {
        self.closest(&[site.as_str(), EVERYBODY])
    }

    fn closest(&self, names: &[&str]) -> &[SecretString] {
        names.iter().find_map(|name| self.0.get(*name)).map(Vec::as_slice).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn of(keys: &Keys, site: &str, source: &str) -> Vec<String> {
        keys.of(&site.into(), &source.into()).iter().map(|secret| secret.expose_secret().to_owned()).collect()
    }

    #[test]
    fn the_closest_secrets_count_and_no_others() {
        let keys = Keys::parse("twilio", "s1/sms=a, s1/sms=b,s1=c\n# whose\n*=whsec_d==\n s2 = e");
        assert_eq!(of(&keys, "s1", "sms"), ["a", "b"]);
        assert_eq!(of(&keys, "s1", "whatsapp"), ["c"]);
        assert_eq!(of(&keys, "s2", "sms"), ["e"]);
        assert_eq!(of(&keys, "s3", "sms"), ["whsec_d=="]);
    }

    #[test]
    fn without_a_secret_nobody_is_trusted() {
        assert!(of(&Keys::parse("twilio", ""), "s1", "sms").is_empty());
        assert!(of(&Keys::parse("twilio", "s1/sms=a"), "s1", "calls").is_empty());
    }

    #[test]
    fn a_broken_entry_spoils_no_other() {
        let keys = Keys::parse("twilio", "token-without-name, =x, s1=, s2=good");
        assert_eq!(of(&keys, "s2", "sms"), ["good"]);
        assert!(of(&keys, "s1", "sms").is_empty());
    }
}
