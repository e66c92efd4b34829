//! Keyed fingerprints: what the store keeps instead of values.
//!
//! An unkeyed hash of a phone number is the phone number, so every fingerprint is an HMAC-SHA-256 under a key of the site, cut
//! to 96 bits. Rotating the key makes every base unknown: the next merge then goes by the system of record.

use std::{collections::BTreeSet, fmt};

use aws_lc_rs::hmac;
use serde::{Deserialize, Serialize};

use super::{field::Value, ids::SiteId};

/// The keyed digest of one text.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest([u8; Self::LEN]);

impl Digest {
    /// Bytes kept of the HMAC.
    pub const LEN: usize = 12;

    /// Returns the bytes, for storage.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }

    /// Reads stored bytes; `None` if their number is wrong.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// Returns the lower-case hexadecimal form, for keys.
    #[must_use]
    pub fn hex(&self) -> String {
        hex::encode(self.0)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({})", self.hex())
    }
}

/// The fingerprint of a field: empty, one text, or the set of a list's elements.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Print {
    /// The field is empty.
    #[default]
    Empty,
    /// One text.
    Text(Digest),
    /// The elements of a list, without their order.
    List(BTreeSet<Digest>),
}

impl Print {
    /// Tells whether an element of a list was there.
    #[must_use]
    pub fn contains(&self, digest: &Digest) -> bool {
        match self {
            Self::Empty => false,
            Self::Text(own) => own == digest,
            Self::List(set) => set.contains(digest),
        }
    }

    /// Returns all there was: of a text itself, of a list its elements.
    #[must_use]
    pub fn elements(&self) -> BTreeSet<Digest> {
        match self {
            Self::Empty => BTreeSet::new(),
            Self::Text(digest) => BTreeSet::from([*digest]),
            Self::List(set) => set.clone(),
        }
    }
}

/// The site's fingerprint key.
#[derive(Clone)]
pub struct Key(hmac::Key);

impl Key {
    /// Derives the key of a site from the deployment's secret.
    #[must_use]
    pub fn derive(secret: &[u8], site: &SiteId) -> Self {
        let root = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let own = hmac::sign(&root, site.as_str().as_bytes());
        Self(hmac::Key::new(hmac::HMAC_SHA256, own.as_ref()))
    }

    /// Digests a text within a domain (a row, a kind of key), so that equal texts of different domains do not show.
    #[must_use]
    pub fn digest(&self, domain: &str, text: &str) -> Digest {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(domain.as_bytes());
        context.update(&[0]);
        context.update(text.as_bytes());
        let mut bytes = [0; Digest::LEN];
        for (to, from) in bytes.iter_mut().zip(context.sign().as_ref()) {
            *to = *from;
        }
        Digest(bytes)
    }

    /// Fingerprints a field's value.
    #[must_use]
    pub fn print(&self, domain: &str, value: Option<&Value>) -> Print {
        match value {
            None => Print::Empty,
            Some(Value::Text(text)) => Print::Text(self.digest(domain, text)),
            Some(Value::List(items)) => Print::List(items.iter().map(|item| self.digest(domain, item)).collect()),
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}
