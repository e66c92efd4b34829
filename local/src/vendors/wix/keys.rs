//! The app's webhook key pair and the JWTs made with it.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use anyhow::Context;
use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der},
    rsa::{KeyPair, KeySize},
    signature::KeyPair as _,
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use crate::vendors::kit::{Carrier, Ids, Letter, Parcel, Switches};

/// Gaps between attempts in minutes,
/// <https://dev.wix.com/docs/rest/articles/getting-started/webhook-resend-policy>.
const LADDER_MINUTES: [u64; 12] = [1, 10, 60, 120, 120, 120, 240, 240, 240, 480, 480, 720];

/// The key pair in use.
#[derive(Clone)]
pub struct Keys {
    current: Arc<RwLock<KeyPairPem>>,
}

#[derive(Clone)]
struct KeyPairPem {
    kid: String,
    public: String,
    signing: EncodingKey,
}

impl Keys {
    /// A new key pair, or the one of a PKCS#8 PEM.
    ///
    /// # Errors
    /// When the PEM holds no RSA private key.
    pub fn new(pem: Option<&str>, ids: &Ids) -> anyhow::Result<Self> {
        let pair = match pem {
            None => KeyPair::generate(KeySize::Rsa2048).context("generating an RSA key")?,
            Some(pem) => KeyPair::from_pkcs8(&der_of(pem)?).ok().context("reading the RSA key")?,
        };
        Ok(Self { current: Arc::new(RwLock::new(pem_pair(&pair, ids)?)) })
    }

    /// Replaces the key pair by a new one.
    ///
    /// # Errors
    /// When no key can be made.
    pub fn rotate(&self, ids: &Ids) -> anyhow::Result<()> {
        let pair = KeyPair::generate(KeySize::Rsa2048).context("generating an RSA key")?;
        let pair = pem_pair(&pair, ids)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = pair;
        Ok(())
    }

    /// The public key as an SPKI PEM.
    #[must_use]
    pub fn public_pem(&self) -> String {
        self.read().public
    }

    /// The id in the JWT header.
    #[must_use]
    pub fn kid(&self) -> String {
        self.read().kid
    }

    /// A compact JWT over `claims`; the header is exactly `kid` and `alg`, as in genuine deliveries.
    #[must_use]
    pub fn sign(&self, claims: &Value) -> String {
        let pair = self.read();
        let header = format!(r#"{{"kid":"{}","alg":"RS256"}}"#, pair.kid);
        let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims.to_string()));
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &pair.signing, Algorithm::RS256);
        format!("{message}.{}", signature.expect("an RSA key of 2048 bits signs any message"))
    }

    fn read(&self) -> KeyPairPem {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn pem_pair(pair: &KeyPair, ids: &Ids) -> anyhow::Result<KeyPairPem> {
    let private: Pkcs8V1Der<'_> = pair.as_der().context("encoding the private key")?;
    let public: PublicKeyX509Der<'_> = pair.public_key().as_der().context("encoding the public key")?;
    let signing = EncodingKey::from_rsa_pem(pem("PRIVATE KEY", private.as_ref()).as_bytes())?;
    Ok(KeyPairPem { kid: ids.alphanumeric(8), public: pem("PUBLIC KEY", public.as_ref()), signing })
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut lines = String::new();
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, more) = rest.split_at(rest.len().min(64));
        lines.push_str(line);
        lines.push('\n');
        rest = more;
    }
    format!("-----BEGIN {label}-----\n{lines}-----END {label}-----\n")
}

fn der_of(pem: &str) -> anyhow::Result<Vec<u8>> {
    let text: String = pem.lines().filter(|line| !line.starts_with("-----")).map(str::trim).collect();
    STANDARD.decode(text).context("reading the PEM")
}

/// Posts each event as one JWT, <https://dev.wix.com/docs/build-apps/develop-your-app/api-integrations/events-and-webhooks/about-webhooks>.
pub(super) struct WixCarrier {
    pub keys: Keys,
    pub switches: Switches,
    pub app_id: String,
}

impl Carrier for WixCarrier {
    fn pack(&self, parcels: &[Parcel], now_ms: i64) -> Letter {
        let data = parcels.first().map(|parcel| parcel.payload.as_str()).unwrap_or_default();
        let iat = now_ms.div_euclid(1000);
        let exp = iat + self.switches.number("token_lifetime_s");
        let claims = if self.switches.flag("iss_aud") {
            json!({"data": data, "iat": iat, "exp": exp, "iss": "wix.com", "aud": self.app_id})
        } else {
            json!({"data": data, "iat": iat, "exp": exp})
        };
        let headers = vec![("content-type".to_owned(), "text/plain".to_owned())];
        Letter { headers, body: self.keys.sign(&claims) }
    }

    fn is_success(&self, status: u16) -> bool {
        status == 200
    }

    fn patience(&self) -> Duration {
        Duration::from_millis(self.switches.number("webhook_timeout_ms").unsigned_abs())
    }

    fn retry_after(&self, attempt: u32) -> Option<Duration> {
        let index = usize::try_from(attempt.checked_sub(1)?).ok()?;
        LADDER_MINUTES.get(index).map(|minutes| Duration::from_secs(minutes * 60))
    }

    fn repacks(&self) -> bool {
        self.switches.flag("retry_resigns")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_given_key_is_used() {
        let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let private: Pkcs8V1Der<'_> = pair.as_der().unwrap();
        let text = pem("PRIVATE KEY", private.as_ref());
        let (one, two) = (Keys::new(Some(&text), &Ids::new(1)).unwrap(), Keys::new(Some(&text), &Ids::new(1)).unwrap());
        assert_eq!(one.public_pem(), two.public_pem());
        assert_eq!(one.sign(&json!({"data": "x"})), two.sign(&json!({"data": "x"})));
        assert!(Keys::new(Some("nonsense"), &Ids::new(1)).is_err());
    }
}
