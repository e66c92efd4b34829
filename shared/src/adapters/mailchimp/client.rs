//! The calls about one audience, typed.

use std::{sync::Arc, time::Duration};

use reqwest::{Method, Url, header::AUTHORIZATION};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde_json::Value as Json;
use tokio::sync::{OnceCell, Semaphore};

use super::{error::refusal, wire::Audience};
use crate::{
    adapters::http::{Http, Reply, Request, Safety},
    ports::{Clock, ErrorKind, StoreError, StoreResult},
};

/// Ten connections at once are allowed to all that calls for a user; the owner's other tools need some.
/// <https://mailchimp.com/developer/marketing/docs/fundamentals/#api-limits>
const MOST_AT_ONCE: usize = 8;
/// Mailchimp works as long as this on a call, and a call that is given up earlier still holds its connection.
/// <https://mailchimp.com/developer/marketing/docs/fundamentals/#api-limits>
const SERVER_TIMEOUT: Duration = Duration::from_mins(2);

/// What does not change from call to call.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the API is, without `/3.0`; by default in the data centre that the key names.
    pub base: Option<Url>,
    /// The id of the audience.
    pub list: String,
}

/// A client for one audience.
pub struct Client {
    /// The audience's address.
    list: Url,
    key: SecretString,
    http: Http,
    /// For many members at once.
    bulk: Http,
    pub(super) clock: Arc<dyn Clock>,
    seats: Semaphore,
    double_opt_in: OnceCell<bool>,
}

/// A call to be made, below the audience.
pub(super) struct Call {
    /// What is tried. Never an address, nor its hash, which is as good.
    operation: &'static str,
    method: Method,
    path: String,
    query: Vec<(&'static str, String)>,
    body: Option<Json>,
    safety: Safety,
}

impl Call {
    /// A read; `path` is empty or begins with a slash.
    pub fn get(operation: &'static str, path: impl Into<String>, query: Vec<(&'static str, String)>) -> Self {
        Self { operation, method: Method::GET, path: path.into(), query, body: None, safety: Safety::Read }
    }

    /// A write.
    pub fn write(operation: &'static str, method: Method, path: impl Into<String>, body: Json) -> Self {
        Self { operation, method, path: path.into(), query: Vec::new(), body: Some(body), safety: Safety::Write }
    }
}

impl Client {
    /// Makes a client; nothing is sent yet.
    ///
    /// # Errors
    /// `Corrupt` if the key does not end with a dash and its data centre, or the audience's id is none.
    pub fn new(settings: &Settings, http: Http, key: &SecretString, clock: Arc<dyn Clock>) -> StoreResult<Self> {
        let key = key.expose_secret().trim();
        let list = address(settings, key).ok_or_else(|| StoreError::new(ErrorKind::Corrupt, "mailchimp API key and audience"))?;
        Ok(Self {
            list,
            key: key.into(),
            bulk: http.clone().with_timeout(SERVER_TIMEOUT),
            http,
            clock,
            seats: Semaphore::new(MOST_AT_ONCE),
            double_opt_in: OnceCell::new(),
        })
    }

    /// Tells whether new subscribers are to be asked to confirm.
    pub(super) async fn double_opt_in(&self) -> StoreResult<bool> {
        let read = async || {
            let query = vec![("fields", "double_optin".to_owned())];
            self.call::<Audience>(&Call::get("mailchimp read audience", "", query)).await.map(|audience| audience.double_optin)
        };
        self.double_opt_in.get_or_try_init(read).await.copied()
    }

    /// Makes a call and understands its answer.
    pub(super) async fn call<T: DeserializeOwned>(&self, call: &Call) -> StoreResult<T> {
        understood(&self.send(call).await?, call)
    }

    /// As [`Self::call`], for as long as Mailchimp may work on it.
    pub(super) async fn bulk_call<T: DeserializeOwned>(&self, call: &Call) -> StoreResult<T> {
        understood(&self.send_over(&self.bulk, call).await?, call)
    }

    /// Makes a call and returns the answer, which is a success.
    pub(super) async fn send(&self, call: &Call) -> StoreResult<Reply> {
        self.send_over(&self.http, call).await
    }

    async fn send_over(&self, http: &Http, call: &Call) -> StoreResult<Reply> {
        let request = self.request(call)?;
        // Never closed, so there is always a seat in the end.
        let _seat = self.seats.acquire().await;
        let reply = http.send(&request).await.map_err(|failure| failure.during(call.operation))?;
        if reply.status.is_success() { Ok(reply) } else { Err(refusal(&reply, call.operation)) }
    }

    fn request(&self, call: &Call) -> StoreResult<Request> {
        let mut url = self.list.clone();
        url.set_path(&format!("{}{}", self.list.path(), call.path));
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&call.query);
        }
        let request = Request::new(call.method.clone(), url, call.safety);
        let request = call.body.iter().fold(request, |request, body| request.json(body.clone()));
        request.secret(AUTHORIZATION, "Bearer ", &self.key).map_err(|failure| failure.during(call.operation))
    }
}

/// Understands the answer to a call.
pub(super) fn understood<T: DeserializeOwned>(reply: &Reply, call: &Call) -> StoreResult<T> {
    reply.json().map_err(|failure| failure.during(call.operation).with_request(reply.request_id.clone()))
}

/// The address of the audience. The key names the host it goes to, so nothing but a data centre's name may stand behind its last dash.
fn address(settings: &Settings, key: &str) -> Option<Url> {
    let is_name = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let base = if let Some(base) = &settings.base {
        base.clone()
    } else {
        let (_, centre) = key.rsplit_once('-').filter(|(_, centre)| is_name(centre))?;
        format!("https://{centre}.api.mailchimp.com").parse().ok()?
    };
    is_name(&settings.list).then(|| {
        let mut url = base;
        url.set_path(&format!("{}/3.0/lists/{}", url.path().trim_end_matches('/'), settings.list));
        url
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_names_the_host_and_nothing_else_can() {
        let address = |base: Option<&str>, list: &str, key: &str| {
            let settings = Settings { base: base.map(|base| base.parse().unwrap()), list: list.to_owned() };
            super::address(&settings, key).map(String::from)
        };
        for (base, list, key, expected) in [
            (None, "a6b5da1054", "0123-us6", Some("https://us6.api.mailchimp.com/3.0/lists/a6b5da1054")),
            (None, "a6b5da1054", "0-1-2-us21", Some("https://us21.api.mailchimp.com/3.0/lists/a6b5da1054")),
            (Some("http://127.0.0.1:9/"), "l", "0123-us6", Some("http://127.0.0.1:9/3.0/lists/l")),
            (Some("http://127.0.0.1:9/x/"), "l", "token", Some("http://127.0.0.1:9/x/3.0/lists/l")),
            (None, "l", "0123", None),
            (None, "l", "0123-", None),
            (None, "l", "0123-evil.example.com/", None),
            (None, "l", "0123-us6@evil", None),
            (None, "", "0123-us6", None),
            (None, "../ping", "0123-us6", None),
        ] {
            assert_eq!(address(base, list, key).as_deref(), expected, "{list} {key}");
        }
    }
}
