//! Who we are to Wix: an app's access token, or an API key.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use reqwest::{
    Method, StatusCode, Url,
    header::{AUTHORIZATION, HeaderName, HeaderValue},
};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Mutex;

use super::refusal::{Refusal, refuse};
use crate::{
    adapters::http::{Failure, Http, Request, Safety},
    model::ids::SiteId,
    ports::{Clock, ErrorKind, Secrets},
};

/// What a client shows to be let in.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// The app, for one of its installations
    /// (<https://dev.wix.com/docs/rest/api-reference/authorization/oauth-2/create-access-token>).
    App {
        /// The app's id.
        app_id: String,
        /// The app's secret.
        secret: SecretString,
        /// The installation.
        instance: SiteId,
    },
    /// A key of the site owner's account (<https://dev.wix.com/docs/api-reference/articles/authentication/api-keys/make-api-calls-with-an-api-key>).
    ApiKey {
        /// The name of the secret that holds the key.
        secret: String,
        /// The key.
        key: SecretString,
        /// The site, sent as `wix-site-id`.
        site_id: String,
    },
}

/// A token is renewed this long before it expires, or at half its life if that is later.
const MARGIN: Duration = Duration::from_mins(5);

/// The life of a token as documented, where the reply does not tell.
const USUAL_LIFE: u64 = 14_400;

#[derive(Clone)]
struct Token {
    text: SecretString,
    renew_at: Timestamp,
}

#[derive(Deserialize)]
struct TokenReply {
    access_token: SecretString,
    #[serde(default)]
    expires_in: Option<u64>,
}

/// The credentials of a site with the token they were exchanged for.
pub(super) struct Auth {
    credentials: Credentials,
    /// Where a refused key is looked up again.
    secrets: Option<Arc<dyn Secrets>>,
    /// The token, or a key that took the place of the first one. Held while one is fetched: whoever else needs it waits for that one.
    token: Mutex<Option<Token>>,
}

impl Auth {
    pub(super) fn new(credentials: Credentials) -> Self {
        Self { credentials, secrets: None, token: Mutex::new(None) }
    }

    pub(super) fn renewing_from(mut self, secrets: Arc<dyn Secrets>) -> Self {
        self.secrets = Some(secrets);
        self
    }

    /// Adds what lets `request` in. The token is sent without `Bearer`, as Wix's own SDK does.
    pub(super) async fn sign(&self, request: Request, http: &Http, base: &Url, clock: &dyn Clock) -> Result<Request, Refusal> {
        let signed = match &self.credentials {
            Credentials::ApiKey { key, site_id, .. } => {
                let token = self.token.lock().await;
                let key = token.as_ref().map_or(key, |token| &token.text);
                request.secret(AUTHORIZATION, "", key).and_then(|request| request.header(HeaderName::from_static("wix-site-id"), site_id))
            }
            Credentials::App { app_id, secret, instance } => {
                let mut token = self.token.lock().await;
                let now = clock.now();
                if token.as_ref().is_none_or(|token| token.renew_at <= now) {
                    *token = Some(fetch(http, base, (app_id, secret, instance), now).await?);
                }
                token.as_ref().map_or(Err(Failure::Unfit), |token| request.secret(AUTHORIZATION, "", &token.text))
            }
        };
        signed.map_err(|failure| failure.during("wix sign in").into())
    }

    /// Sees to it that the next request is sent with something else than `refused` was; tells whether there is anything else.
    pub(super) async fn renew(&self, refused: &Request, status: StatusCode) -> bool {
        let was_sent =
            |text: &SecretString| refused.headers.get(AUTHORIZATION).map(HeaderValue::as_bytes) == Some(text.expose_secret().as_bytes());
        let mut token = self.token.lock().await;
        match &self.credentials {
            Credentials::App { .. } if status == StatusCode::UNAUTHORIZED => {
                // Another request may have renewed it already.
                token.take_if(|token| was_sent(&token.text));
                true
            }
            Credentials::App { .. } => false,
            Credentials::ApiKey { secret, .. } => {
                let Some(secrets) = &self.secrets else { return false };
                let Ok(stored) = secrets.fresh_secret(secret).await else { return false };
                let is_other = !was_sent(&stored);
                *token = Some(Token { text: stored, renew_at: Timestamp::MAX });
                is_other
            }
        }
    }
}

async fn fetch(http: &Http, base: &Url, app: (&str, &SecretString, &SiteId), now: Timestamp) -> Result<Token, Refusal> {
    let operation = "wix token";
    let (app_id, secret, instance) = app;
    let mut url = base.clone();
    url.set_path(&format!("{}/oauth2/token", base.path().trim_end_matches('/')));
    // A second token does no harm, so this counts as a read.
    let request = Request::new(Method::POST, url, Safety::Read).json(json!({
        "grant_type": "client_credentials",
        "client_id": app_id,
        "client_secret": secret.expose_secret(),
        "instance_id": instance,
    }));
    let reply = http.send(&request).await.map_err(|failure| failure.during(operation))?;
    if !reply.status.is_success() {
        let mut refusal = refuse(&reply, operation, None);
        // Wix answers refused credentials with any status of the 400s (RFC 6749 section 5.2 has 400).
        if reply.status.is_client_error() && !refusal.error.kind.is_transient() {
            refusal.error.kind = ErrorKind::AccessDenied;
        }
        return Err(refusal);
    }
    let TokenReply { access_token, expires_in } =
        reply.json().map_err(|failure| failure.during(operation).with_request(reply.request_id.clone()))?;
    let life = Duration::from_secs(expires_in.unwrap_or(USUAL_LIFE).min(USUAL_LIFE));
    let renew_at = now.saturating_add(life.saturating_sub(MARGIN.min(life / 2))).unwrap_or(Timestamp::MAX);
    Ok(Token { text: access_token, renew_at })
}
