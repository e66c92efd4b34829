//! The signed token around a Wix delivery.
//!
//! <https://dev.wix.com/docs/build-apps/develop-your-app/access/authentication/verify-requests-received-from-wix>

use std::borrow::Cow;

use aws_lc_rs::signature::{ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jiff::Timestamp;
use jsonwebtoken::DecodingKey;
use serde::Deserialize;

use crate::webhook::{WebhookError, json};

/// Clocks differ; Wix tokens live for weeks, so a minute is nothing.
const LEEWAY_SECONDS: f64 = 60.0;

/// Reads a public key in PEM, with real or escaped line breaks, or in base64 of PEM; `None` if it cannot verify RS256, the one thing it is
/// good for from here on. It is read once: `jsonwebtoken` would do so for every token.
pub(super) fn public_key(text: &str) -> Option<ParsedPublicKey> {
    let pem = if text.starts_with("-----") {
        text.replace("\\n", "\n").into_bytes()
    } else {
        let compact: String = text.split_ascii_whitespace().collect();
        STANDARD.decode(compact).ok()?
    };
    let key = DecodingKey::from_rsa_pem(&pem).ok()?;
    ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.try_get_as_bytes().ok()?).ok()
}

/// A compact JSON Web Token, in its parts.
pub(super) struct Token<'a> {
    header: &'a str,
    claims: &'a str,
    /// Header and claims with the dot between them: what is signed.
    message: &'a str,
    signature: &'a str,
}

#[derive(Deserialize)]
struct Header<'a> {
    #[serde(borrow)]
    alg: Cow<'a, str>,
    /// Extensions that must be understood; none is.
    #[serde(default)]
    crit: Option<serde::de::IgnoredAny>,
}

impl<'a> Token<'a> {
    /// Takes a body apart. The sender is unknown yet, so anything that is no token counts as unsigned.
    pub(super) fn split(body: &'a [u8]) -> Result<Self, WebhookError> {
        let text = std::str::from_utf8(body.trim_ascii()).map_err(|_| WebhookError::Unsigned)?;
        let (message, signature) = text.rsplit_once('.').ok_or(WebhookError::Unsigned)?;
        let (header, claims) = message.split_once('.').ok_or(WebhookError::Unsigned)?;
        if claims.contains('.') {
            return Err(WebhookError::MalformedToken);
        }
        Ok(Self { header, claims, message, signature })
    }

    /// Checks the signature with RS256, whatever the token says of itself; that it says the same is checked first because it is cheap.
    pub(super) fn check_signature(&self, keys: &[ParsedPublicKey]) -> Result<(), WebhookError> {
        let header = decode(self.header)?;
        let header: Header<'_> = serde_json::from_slice(&header).map_err(|_| WebhookError::MalformedToken)?;
        if header.alg != "RS256" {
            return Err(WebhookError::Algorithm);
        }
        if header.crit.is_some() {
            return Err(WebhookError::MalformedToken);
        }
        let signature = decode(self.signature).map_err(|_| WebhookError::Signature)?;
        let signed_by = |key: &ParsedPublicKey| key.verify_sig(self.message.as_bytes(), &signature).is_ok();
        if keys.iter().any(signed_by) { Ok(()) } else { Err(WebhookError::Signature) }
    }

    /// Reads the claims; to be called once the signature holds.
    pub(super) fn claims(&self) -> Result<Claims, WebhookError> {
        json::parse("token", &decode(self.claims)?)
    }
}

fn decode(part: &str) -> Result<Vec<u8>, WebhookError> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| WebhookError::MalformedToken)
}

/// What a token claims. Genuine ones carry `data`, `iat` and `exp`.
#[derive(Deserialize)]
pub(super) struct Claims {
    data: String,
    iat: Option<f64>,
    exp: Option<f64>,
    nbf: Option<f64>,
    aud: Option<Audience>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Claims {
    /// Checks what restricts the token. `exp`, `nbf` and `aud` bind only if present, as in Wix's own SDK; `iss` is not looked at, because
    /// the key says who issued the token and no text of Wix's says what a webhook's issuer is called.
    pub(super) fn check(&self, app_id: &str, now: Timestamp) -> Result<(), WebhookError> {
        let now = now.as_duration().as_secs_f64();
        if self.exp.is_some_and(|exp| exp + LEEWAY_SECONDS <= now) {
            return Err(WebhookError::Expired);
        }
        if self.nbf.is_some_and(|nbf| nbf - LEEWAY_SECONDS > now) {
            return Err(WebhookError::NotYetValid);
        }
        match &self.aud {
            None => Ok(()),
            Some(Audience::One(aud)) if aud == app_id => Ok(()),
            Some(Audience::Several(auds)) if auds.iter().any(|aud| aud == app_id) => Ok(()),
            Some(_) => Err(WebhookError::Audience),
        }
    }

    /// Returns when the token was made.
    pub(super) fn issued_at(&self) -> Option<Timestamp> {
        let seconds = self.iat.filter(|iat| (0.0..1e11).contains(iat))?;
        #[expect(clippy::cast_possible_truncation, reason = "the range was just checked, and a fraction of a second is not needed")]
        Timestamp::from_second(seconds as i64).ok()
    }

    /// Returns the envelope: JSON in a string.
    pub(super) fn into_data(self) -> String {
        self.data
    }
}
