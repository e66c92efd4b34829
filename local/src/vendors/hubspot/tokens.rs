//! Access tokens, refresh tokens and authorization codes
//! (<https://developers.hubspot.com/docs/api-reference/latest/authentication/oauth-tokens/token-introspect>).

use std::collections::HashMap;

use super::{errors::ApiError, hub::unauthorized, options::PortalOptions};

/// An access token is good for so long.
pub(super) const LIFETIME_MS: i64 = 1_800_000;

/// Scopes of an account that names none.
pub(super) const ALL_SCOPES: &[&str] =
    &["oauth", "crm.objects.contacts.read", "crm.objects.contacts.write", "crm.schemas.contacts.read", "crm.schemas.contacts.write"];

/// Every token in force.
#[derive(Default)]
pub(super) struct Tokens {
    /// Portal and end of life; a static token has none.
    access: HashMap<String, (u64, Option<i64>)>,
    refresh: HashMap<String, u64>,
    codes: HashMap<String, u64>,
}

impl Tokens {
    /// Takes over the tokens an account is set up with.
    pub fn install(&mut self, options: &PortalOptions) {
        if let Some(token) = &options.token {
            self.access.insert(token.clone(), (options.id, None));
        }
        if let Some(token) = &options.refresh_token {
            self.refresh.insert(token.clone(), options.id);
        }
        if let Some(code) = &options.code {
            self.codes.insert(code.clone(), options.id);
        }
    }

    /// Ends every token of a portal, as an uninstall does.
    pub fn revoke(&mut self, portal: u64) {
        self.access.retain(|_, (of, _)| *of != portal);
        self.refresh.retain(|_, of| *of != portal);
        self.codes.retain(|_, of| *of != portal);
    }

    /// Whether this is an access token of OAuth, which ends.
    pub fn is_oauth(&self, token: &str) -> bool {
        self.access.get(token).is_some_and(|(_, end)| end.is_some())
    }

    /// Whose access token this is, expired or not.
    pub fn owner(&self, token: &str) -> Option<u64> {
        self.access.get(token).map(|(portal, _)| *portal)
    }

    /// Milliseconds a token still lives; those without an end always have a whole life before them.
    pub fn remaining(&self, token: &str, now_ms: i64) -> i64 {
        let end = self.access.get(token).and_then(|(_, end)| *end);
        end.map_or(LIFETIME_MS, |end| end - now_ms)
    }

    /// The portal an access token opens.
    pub fn portal(&self, token: &str, now_ms: i64) -> Result<u64, ApiError> {
        match self.access.get(token) {
            Some((_, Some(end))) if *end <= now_ms => {
                let ago = (now_ms - end) / 1_000;
                let message = format!("The OAuth token used to make this call expired {ago} second(s) ago.");
                Err(ApiError::new(401, "EXPIRED_AUTHENTICATION", message))
            }
            Some((portal, _)) => Ok(*portal),
            None => Err(unauthorized()),
        }
    }

    pub fn add_access(&mut self, token: String, portal: u64, now_ms: i64) {
        self.access.insert(token, (portal, Some(now_ms + LIFETIME_MS)));
    }

    pub fn add_refresh(&mut self, token: String, portal: u64) {
        self.refresh.insert(token, portal);
    }

    pub fn add_code(&mut self, code: String, portal: u64) {
        self.codes.insert(code, portal);
    }

    pub fn refresh_owner(&self, token: &str) -> Option<u64> {
        self.refresh.get(token).copied()
    }

    pub fn drop_refresh(&mut self, token: &str) {
        self.refresh.remove(token);
    }

    /// Redeems a code; it works once.
    pub fn redeem(&mut self, code: &str) -> Option<u64> {
        self.codes.remove(code)
    }
}
