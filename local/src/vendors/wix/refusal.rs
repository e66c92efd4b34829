//! Wix's error envelope, <https://dev.wix.com/docs/rest/articles/get-started/errors>.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};

/// A call Wix refuses.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    status: u16,
    body: Value,
}

impl Refusal {
    /// An application error with a code.
    #[must_use]
    pub fn coded(status: u16, code: &str, text: &str) -> Self {
        Self::with_data(status, code, text, &json!({}))
    }

    /// An application error with a code and data.
    #[must_use]
    pub fn with_data(status: u16, code: &str, text: &str, data: &Value) -> Self {
        let error = json!({"code": code, "description": text, "data": data});
        Self { status, body: json!({"message": text, "details": {"applicationError": error}}) }
    }

    /// A field that breaks `rule`.
    #[must_use]
    pub fn field(field: &str, rule: &str, text: &str, data: &Value) -> Self {
        let violation = json!({"field": field, "description": text, "violatedRule": rule, "data": data});
        let message = format!("{field} {text}");
        Self { status: 400, body: json!({"message": message, "details": {"validationError": {"fieldViolations": [violation]}}}) }
    }

    /// A field that is not of the form `kind`.
    #[must_use]
    pub fn format(field: &str, kind: &str) -> Self {
        let text = format!("is not a valid {}", kind.to_lowercase().replace('_', " "));
        Self::field(field, "FORMAT", &text, &json!({"type": kind}))
    }

    /// An error with a message alone.
    #[must_use]
    pub fn bare(status: u16, message: &str) -> Self {
        Self { status, body: json!({"message": message, "details": {}}) }
    }

    /// An error of the token endpoint, RFC 6749 section 5.2.
    #[must_use]
    pub fn oauth(status: u16, error: &str, text: &str) -> Self {
        Self { status, body: json!({"error": error, "error_description": text}) }
    }

    /// The message.
    #[must_use]
    pub fn message(&self) -> &str {
        self.body.get("message").and_then(Value::as_str).unwrap_or_default()
    }

    /// The message alone.
    #[must_use]
    pub fn into_message(mut self) -> String {
        match self.body.get_mut("message").map(Value::take) {
            Some(Value::String(message)) => message,
            _ => String::new(),
        }
    }

    /// The application error's code; empty when there is none.
    #[must_use]
    pub fn code(&self) -> String {
        let code = self.body.pointer("/details/applicationError/code").and_then(Value::as_str);
        code.unwrap_or_default().to_owned()
    }

    /// 404 `CONTACT_NOT_FOUND`.
    #[must_use]
    pub fn no_contact() -> Self {
        Self::coded(404, "CONTACT_NOT_FOUND", "Contact was not found.")
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, Json(self.body)).into_response()
    }
}

/// The JSON object in a request body; an empty body is an empty object.
///
/// # Errors
/// 400 for anything else.
pub(super) fn body_object(body: &[u8]) -> Result<Map<String, Value>, Refusal> {
    if body.is_empty() {
        return Ok(Map::new());
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Err(Refusal::bare(400, "Expected an object")),
        Err(_) => Err(Refusal::bare(400, "Request body is not valid JSON")),
    }
}

/// The object under `key`; absent and null are `None`.
///
/// # Errors
/// 400 `Expected an object` for anything else.
pub(super) fn object<'a>(of: &'a Map<String, Value>, key: &str) -> Result<Option<&'a Map<String, Value>>, Refusal> {
    match of.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(map)) => Ok(Some(map)),
        Some(_) => Err(Refusal::bare(400, "Expected an object")),
    }
}

/// The list of texts under `key`; absent is empty.
///
/// # Errors
/// 400 for anything else.
pub(super) fn texts(of: &Map<String, Value>, key: &str) -> Result<Vec<String>, Refusal> {
    let refuse = || Refusal::field(key, "TYPE", "must be a list of texts", &json!({}));
    match of.get(key) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(list)) => list.iter().map(|item| item.as_str().map(str::to_owned).ok_or_else(refuse)).collect(),
        Some(_) => Err(refuse()),
    }
}

/// The whole number under `key`, as a number or as text (both are valid proto JSON).
///
/// # Errors
/// 400 for anything else.
pub(super) fn integer(of: &Map<String, Value>, key: &str) -> Result<Option<i64>, Refusal> {
    match of.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => value
            .as_i64()
            .or_else(|| value.as_str().and_then(|text| text.parse().ok()))
            .map(Some)
            .ok_or_else(|| Refusal::field(key, "TYPE", "must be a whole number", &json!({}))),
    }
}
