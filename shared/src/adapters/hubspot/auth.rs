//! The bearer token: a fixed one, or one that is refreshed with OAuth.
//!
//! <https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/oauth/working-with-oauth>

use std::{fmt, time::Duration};

use async_trait::async_trait;
use jiff::Timestamp;
use reqwest::{Method, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Mutex;
use tracing::{error, info};

use super::{client::Means, error::refusal, wire::Token};
use crate::{
    adapters::http::{Request, Safety},
    ports::{ErrorKind, StoreError, StoreResult},
};

/// A token is replaced this long before it expires.
const MARGIN: Duration = Duration::from_mins(5);

const REFRESH: &str = "hubspot refresh token";

/// Stores a secret that the vendor replaced.
#[async_trait]
pub trait TokenKeeper: Send + Sync {
    /// Stores `value` as the secret of that name, in place of the one there.
    async fn keep(&self, secret: &str, value: &SecretString) -> StoreResult<()>;
}

/// A portal's credentials.
#[derive(Clone)]
pub struct Credentials {
    secret: String,
    kind: Kind,
}

#[derive(Clone)]
enum Kind {
    Fixed(SecretString),
    OAuth(OAuth),
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct OAuth {
    client_id: String,
    client_secret: SecretString,
    refresh_token: SecretString,
}

impl Kind {
    fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Fixed(own), Self::Fixed(other)) => own.expose_secret() == other.expose_secret(),
            (Self::OAuth(own), Self::OAuth(other)) => own.stored().expose_secret() == other.stored().expose_secret(),
            (Self::Fixed(_), Self::OAuth(_)) | (Self::OAuth(_), Self::Fixed(_)) => false,
        }
    }
}

impl OAuth {
    /// Returns the form the secret is stored in.
    fn stored(&self) -> SecretString {
        let (client_secret, refresh_token) = (self.client_secret.expose_secret(), self.refresh_token.expose_secret());
        json!({"client_id": self.client_id, "client_secret": client_secret, "refresh_token": refresh_token}).to_string().into()
    }

    fn form(&self) -> [(String, String); 4] {
        [
            ("grant_type", "refresh_token"),
            ("client_id", &self.client_id),
            ("client_secret", self.client_secret.expose_secret()),
            ("refresh_token", self.refresh_token.expose_secret()),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
    }
}

impl Credentials {
    /// Reads the secret named `secret`: a token as it is, or for OAuth a JSON object with `client_id`, `client_secret` and
    /// `refresh_token`.
    pub fn read(secret: impl Into<String>, value: &SecretString) -> StoreResult<Self> {
        let (secret, text) = (secret.into(), value.expose_secret().trim());
        let kind = if text.starts_with('{') {
            // The parser's own error would quote the secret.
            let oauth = serde_json::from_str(text);
            Kind::OAuth(oauth.map_err(|_| StoreError::new(ErrorKind::Corrupt, format!("hubspot credentials in secret {secret}")))?)
        } else {
            Kind::Fixed(text.into())
        };
        Ok(Self { secret, kind })
    }
}

/// Shows the secret's name only.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("secret", &self.secret).finish_non_exhaustive()
    }
}

/// Hands out the portal's token.
pub(super) struct Tokens {
    means: Means,
    url: Url,
    secret: String,
    /// Locked while a token is refreshed: whoever comes meanwhile waits and gets the same one.
    state: Mutex<State>,
}

struct State {
    kind: Kind,
    cached: Option<(SecretString, Timestamp)>,
}

impl Tokens {
    /// `url` is the token endpoint's.
    pub fn new(means: Means, url: Url, credentials: Credentials) -> Self {
        let state = Mutex::new(State { kind: credentials.kind, cached: None });
        Self { means, url, secret: credentials.secret, state }
    }

    /// Returns a token that is good for some minutes.
    pub async fn current(&self) -> StoreResult<SecretString> {
        self.usable(&mut *self.state.lock().await).await
    }

    /// Returns another token than the one that was refused; `None` if there is no other.
    pub async fn instead_of(&self, refused: &SecretString) -> StoreResult<Option<SecretString>> {
        let mut state = self.state.lock().await;
        // Another call may have got one meanwhile.
        state.cached.take_if(|(token, _)| token.expose_secret() == refused.expose_secret());
        let token = self.usable(&mut state).await?;
        if token.expose_secret() != refused.expose_secret() {
            return Ok(Some(token));
        }
        if self.is_replaced(&mut state).await { self.usable(&mut state).await.map(Some) } else { Ok(None) }
    }

    /// Returns a token of the stored credentials, if they are others by now: these ones lack a scope.
    pub async fn replaced(&self) -> StoreResult<Option<SecretString>> {
        let mut state = self.state.lock().await;
        if self.is_replaced(&mut state).await { self.usable(&mut state).await.map(Some) } else { Ok(None) }
    }

    async fn usable(&self, state: &mut State) -> StoreResult<SecretString> {
        match (&state.kind, &state.cached) {
            (Kind::Fixed(token), _) => Ok(token.clone()),
            (Kind::OAuth(_), Some((token, until))) if self.means.clock.now() < *until => Ok(token.clone()),
            (Kind::OAuth(oauth), _) => {
                let oauth = oauth.clone();
                match self.refresh(state, oauth).await {
                    Err(error) if error.kind == ErrorKind::AccessDenied && self.is_replaced(state).await => {
                        Box::pin(self.usable(state)).await
                    }
                    outcome => outcome,
                }
            }
        }
    }

    /// Reads the secret again and tells whether it is another one by now: a person put it there, or another worker whose refresh token was
    /// replaced.
    async fn is_replaced(&self, state: &mut State) -> bool {
        let Ok(value) = self.means.secrets.fresh_secret(&self.secret).await else { return false };
        let Ok(stored) = Credentials::read(&self.secret, &value) else { return false };
        if stored.kind.is(&state.kind) {
            return false;
        }
        *state = State { kind: stored.kind, cached: None };
        info!(secret.name = %self.secret, "Took up credentials that were replaced.");
        true
    }

    async fn refresh(&self, state: &mut State, oauth: OAuth) -> StoreResult<SecretString> {
        let request = Request::new(Method::POST, self.url.clone(), Safety::Write).form(oauth.form());
        let asked_at = self.means.clock.now();
        let reply = self.means.http.send(&request).await.map_err(|failure| failure.during(REFRESH))?;
        if !reply.status.is_success() {
            return Err(as_denial(refusal(&reply, REFRESH, self.means.clock.now())));
        }
        let token: Token = reply.json().map_err(|failure| failure.during(REFRESH))?;
        let life = Duration::from_secs(token.expires_in.into()).saturating_sub(MARGIN);
        state.cached = Some((token.access.clone(), asked_at.saturating_add(life).unwrap_or(Timestamp::MAX)));
        if let Some(new) = token.refresh.filter(|new| new.expose_secret() != oauth.refresh_token.expose_secret()) {
            self.rotate(state, OAuth { refresh_token: new, ..oauth }).await;
        }
        Ok(token.access)
    }

    async fn rotate(&self, state: &mut State, oauth: OAuth) {
        let stored = oauth.stored();
        state.kind = Kind::OAuth(oauth);
        if let Err(cause) = self.means.keeper.keep(&self.secret, &stored).await {
            // The token at hand is good: the call goes on, but a person must connect the portal again when this process ends.
            error!(secret.name = %self.secret, error = %cause, "The replaced refresh token could not be stored.");
        }
    }
}

/// The token endpoint says 400 `BAD_REFRESH_TOKEN` where others say 401.
fn as_denial(error: StoreError) -> StoreError {
    match error.kind {
        ErrorKind::Throttled(_) | ErrorKind::Unavailable | ErrorKind::Garbled => error,
        _ => StoreError { kind: ErrorKind::AccessDenied, ..error },
    }
}
