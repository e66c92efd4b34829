//! Webhooks of Wix: one signed JSON Web Token as the whole body.
//!
//! <https://dev.wix.com/docs/build-apps/develop-your-app/api-integrations/events-and-webhooks/about-webhooks>

mod delivery;
#[cfg(test)]
mod tests;
mod token;

use std::fmt;

use aws_lc_rs::signature::ParsedPublicKey;
use jiff::Timestamp;

use super::{Request, SetUpError, Verified, WebhookError};
use crate::{config, ports::Secrets};
pub use delivery::Delivery;
use token::Token;

/// Vouches for webhooks of Wix: RS256 with the app's public key, or with the next one while a rotation is under way.
pub struct WixVerifier {
    app_id: String,
    keys: Vec<ParsedPublicKey>,
}

impl WixVerifier {
    /// Two are active during a rotation. Each key more makes a refusal dearer.
    const MAX_KEYS: usize = 2;

    /// Makes a verifier from one or two public keys as the app's dashboard shows them: PEM or base64 of PEM, comma separated.
    pub fn new(app_id: impl Into<String>, keys: &str) -> Result<Self, SetUpError> {
        let entries = keys.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        let keys = entries.enumerate().map(|(index, entry)| token::public_key(entry).ok_or(SetUpError::BadKey { index: index + 1 }));
        let keys = keys.collect::<Result<Vec<_>, _>>()?;
        match keys.len() {
            0 => Err(SetUpError::NoKey),
            1..=Self::MAX_KEYS => Ok(Self { app_id: app_id.into(), keys }),
            _ => Err(SetUpError::TooManyKeys),
        }
    }

    /// Makes a verifier from settings, fetching the keys if they are kept elsewhere.
    pub async fn from_settings(settings: &config::WixWebhooks, secrets: &dyn Secrets) -> Result<Self, SetUpError> {
        let keys = settings.public_keys.resolve(secrets).await?;
        Self::new(&settings.app_id, secrecy::ExposeSecret::expose_secret(&keys))
    }

    /// Verifies a request; the payload is not parsed before its signature holds.
    pub fn verify(&self, request: &Request<'_>, now: Timestamp) -> Result<Verified<Delivery>, WebhookError> {
        let token = Token::split(request.body)?;
        token.check_signature(&self.keys)?;
        let claims = token.claims()?;
        claims.check(&self.app_id, now)?;
        let sent = claims.issued_at().unwrap_or(now);
        Ok(Verified { payload: Delivery::new(claims.into_data()), received: sent })
    }
}

impl fmt::Debug for WixVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WixVerifier").field("app_id", &self.app_id).field("keys", &self.keys.len()).finish()
    }
}
