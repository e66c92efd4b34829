//! What is sent.

use std::fmt;

use reqwest::{
    Method, Url,
    header::{HeaderMap, HeaderName, HeaderValue},
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::Failure;

/// Whether a request may be sent twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Safety {
    /// It changes nothing, whatever its method.
    Read,
    /// It changes something, or may.
    Write,
}

/// What a request carries.
#[derive(Clone)]
pub enum Body {
    /// Nothing.
    None,
    /// JSON.
    Json(Value),
    /// A form, URL-encoded.
    Form(Vec<(String, String)>),
}

/// A request to a vendor.
#[derive(Clone)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The address with its query.
    pub url: Url,
    /// The headers; the body's type is added when it is sent.
    pub headers: HeaderMap,
    /// The body.
    pub body: Body,
    /// Whether it may be sent twice.
    pub safety: Safety,
}

impl Request {
    /// Makes a request without headers and body.
    #[must_use]
    pub fn new(method: Method, url: Url, safety: Safety) -> Self {
        Self { method, url, headers: HeaderMap::new(), body: Body::None, safety }
    }

    /// Makes a read with GET.
    #[must_use]
    pub fn get(url: Url) -> Self {
        Self::new(Method::GET, url, Safety::Read)
    }

    /// Sets the body to JSON.
    #[must_use]
    pub fn json(mut self, body: Value) -> Self {
        self.body = Body::Json(body);
        self
    }

    /// Sets the body to a form.
    #[must_use]
    pub fn form(mut self, pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        self.body = Body::Form(pairs.into_iter().collect());
        self
    }

    /// Sets a header.
    ///
    /// # Errors
    /// [`Failure::Unfit`] if the value cannot stand in a header.
    pub fn header(mut self, name: HeaderName, value: &str) -> Result<Self, Failure> {
        self.headers.insert(name, HeaderValue::from_str(value).map_err(|_| Failure::Unfit)?);
        Ok(self)
    }

    /// Sets a header to `prefix` and a secret, marked so that no dump of the headers shows it.
    ///
    /// # Errors
    /// [`Failure::Unfit`] if the value cannot stand in a header.
    pub fn secret(mut self, name: HeaderName, prefix: &str, secret: &SecretString) -> Result<Self, Failure> {
        let mut value = HeaderValue::from_str(&format!("{prefix}{}", secret.expose_secret())).map_err(|_| Failure::Unfit)?;
        value.set_sensitive(true);
        self.headers.insert(name, value);
        Ok(self)
    }
}

/// Shows method and path only: queries and bodies hold contact data.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.url.path())
    }
}
