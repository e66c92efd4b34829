//! The calls: address, credentials, reply.

use reqwest::{Method, StatusCode, Url};
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use super::{
    Client,
    refusal::{Refusal, refuse},
};
use crate::{
    adapters::http::{Reply, Request, Safety},
    model::ids::RecordId,
    ports::{ErrorKind, StoreError, StoreResult},
};

/// One call of the API.
pub(super) struct Call {
    /// What it does, with ids.
    pub(super) operation: String,
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) safety: Safety,
    pub(super) body: Option<Json>,
}

impl Call {
    /// Makes a call that changes nothing.
    pub(super) fn read(operation: impl Into<String>, method: Method, url: Url) -> Self {
        Self { operation: operation.into(), method, url, safety: Safety::Read, body: None }
    }

    /// Makes a call that changes something.
    pub(super) fn write(operation: impl Into<String>, method: Method, url: Url) -> Self {
        Self { operation: operation.into(), method, url, safety: Safety::Write, body: None }
    }

    /// Sets the body.
    pub(super) fn body(mut self, body: Json) -> Self {
        self.body = Some(body);
        self
    }
}

impl Client {
    /// Returns the address of a path; every segment is encoded.
    pub(super) fn url(&self, path: &[&str]) -> Url {
        let mut url = self.settings.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        url
    }

    /// Returns the address of a contact. What cannot be an id is the id of no contact: a person can write anything into the field of the
    /// CRM where the bridge keeps it.
    pub(super) fn contact_url(&self, operation: &str, id: &RecordId, more: &[&str]) -> StoreResult<Url> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if id.as_str().is_empty() || !id.as_str().bytes().all(plain) {
            return Err(StoreError::new(ErrorKind::NotFound, operation));
        }
        Ok(self.url(&[&["contacts", "v4", "contacts", id.as_str()], more].concat()))
    }

    /// Carries out a call and understands its reply.
    pub(super) async fn call<T: DeserializeOwned>(&self, call: &Call) -> Result<T, Refusal> {
        let reply = self.send(call).await?;
        reply.json().map_err(|failure| failure.during(&call.operation).with_request(reply.request_id.clone()).into())
    }

    /// Carries out a call.
    pub(super) async fn send(&self, call: &Call) -> Result<Reply, Refusal> {
        let mut request = Request::new(call.method.clone(), call.url.clone(), call.safety);
        if let Some(body) = &call.body {
            request = request.json(body.clone());
        }
        let (base, clock) = (&self.settings.base, self.clock.as_ref());
        let signed = self.auth.sign(request.clone(), &self.http, base, clock).await?;
        let mut reply = self.http.send(&signed).await.map_err(|failure| failure.during(&call.operation))?;
        let is_denied = matches!(reply.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
        if is_denied && self.auth.renew(&signed, reply.status).await {
            let signed = self.auth.sign(request, &self.http, base, clock).await?;
            reply = self.http.send(&signed).await.map_err(|failure| failure.during(&call.operation))?;
        }
        if reply.status.is_success() {
            return Ok(reply);
        }
        Err(refuse(&reply, &call.operation, call.body.as_ref().and_then(|body| body.get("info"))))
    }
}
