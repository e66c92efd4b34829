//! From HTTP to the event a function sees.

use std::{collections::BTreeMap, net::SocketAddr};

use axum::http::{HeaderMap, HeaderValue, header, request::Parts};
use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use url::form_urlencoded;
use uuid::Uuid;

use crate::cloud::ACCOUNT;

/// A request on its way to a function.
pub(super) struct Call<'a> {
    pub(super) head: &'a Parts,
    pub(super) body: &'a [u8],
    pub(super) source: SocketAddr,
    pub(super) route_key: &'a str,
    pub(super) path_parameters: BTreeMap<String, String>,
    pub(super) now_ms: i64,
}

impl Call<'_> {
    /// The event of payload version 2.0. Fields without content are left out, as the real gateway does.
    pub(super) fn event(&self) -> Value {
        let query = self.head.uri.query().unwrap_or_default();
        let mut event = Map::from_iter([
            ("version".to_owned(), json!("2.0")),
            ("routeKey".to_owned(), json!(self.route_key)),
            ("rawPath".to_owned(), json!(self.head.uri.path())),
            ("rawQueryString".to_owned(), json!(query)),
            ("headers".to_owned(), Value::Object(self.headers())),
            ("requestContext".to_owned(), self.context()),
        ]);
        let cookies = cookies(&self.head.headers);
        if !cookies.is_empty() {
            event.insert("cookies".to_owned(), json!(cookies));
        }
        let parameters = query_parameters(query);
        if !parameters.is_empty() {
            event.insert("queryStringParameters".to_owned(), json!(parameters));
        }
        if !self.path_parameters.is_empty() {
            event.insert("pathParameters".to_owned(), json!(self.path_parameters));
        }
        let (body, encoded) = self.encoded_body();
        if let Some(body) = body {
            event.insert("body".to_owned(), Value::from(body));
        }
        event.insert("isBase64Encoded".to_owned(), json!(encoded));
        Value::Object(event)
    }

    /// Lower-case names; values of a repeated header are joined with commas.
    fn headers(&self) -> Map<String, Value> {
        let headers = &self.head.headers;
        let mut event = Map::new();
        for name in headers.keys().filter(|name| **name != header::COOKIE) {
            let values: Vec<_> = headers.get_all(name).iter().map(text).collect();
            event.insert(name.to_string(), Value::from(values.join(",")));
        }
        event.insert("x-forwarded-for".to_owned(), Value::from(self.source.ip().to_string()));
        event.insert("x-forwarded-proto".to_owned(), Value::from("http"));
        event
    }

    fn context(&self) -> Value {
        let at = Timestamp::from_millisecond(self.now_ms).unwrap_or(Timestamp::UNIX_EPOCH);
        let header = |name| self.head.headers.get(name).map(text).unwrap_or_default();
        let domain = header(header::HOST);
        json!({
            "accountId": ACCOUNT,
            "apiId": "local",
            "domainName": domain,
            "domainPrefix": "local",
            "http": {
                "method": self.head.method.as_str(),
                "path": self.head.uri.path(),
                "protocol": "HTTP/1.1",
                "sourceIp": self.source.ip().to_string(),
                "userAgent": header(header::USER_AGENT),
            },
            "requestId": Uuid::new_v4().to_string(),
            "routeKey": self.route_key,
            "stage": "$default",
            "time": at.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string(),
            "timeEpoch": self.now_ms,
        })
    }

    /// The body as text if its type is a text type, else in base64; and whether it is in base64.
    fn encoded_body(&self) -> (Option<String>, bool) {
        if self.body.is_empty() {
            return (None, false);
        }
        let kind = self.head.headers.get(header::CONTENT_TYPE).map(text).unwrap_or_default();
        match std::str::from_utf8(self.body) {
            Ok(body) if is_text(&kind) => (Some(body.to_owned()), false),
            _ => (Some(BASE64_STANDARD.encode(self.body)), true),
        }
    }
}

fn is_text(content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind.is_empty()
        || kind.starts_with("text/")
        || ["application/json", "application/javascript", "application/xml"].contains(&kind.as_str())
        || kind.ends_with("+json")
        || kind.ends_with("+xml")
}

/// A header's text; bytes that are not ASCII are taken as Latin-1.
fn text(value: &HeaderValue) -> String {
    value.as_bytes().iter().map(|byte| char::from(*byte)).collect()
}

fn cookies(headers: &HeaderMap) -> Vec<String> {
    let headers: Vec<_> = headers.get_all(header::COOKIE).iter().map(text).collect();
    headers.iter().flat_map(|header| header.split("; ")).map(str::to_owned).collect()
}

/// Values of a repeated parameter are joined with commas.
fn query_parameters(query: &str) -> BTreeMap<String, String> {
    let mut parameters = BTreeMap::<String, String>::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        parameters
            .entry(name.into_owned())
            .and_modify(|values| *values = format!("{values},{value}"))
            .or_insert_with(|| value.into_owned());
    }
    parameters
}
