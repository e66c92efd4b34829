//! Mailchimp's error documents (<https://mailchimp.com/developer/marketing/docs/errors/>).

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use serde_json::{Value, json};

/// The detail of an invalid resource whose `errors` tell the fields.
const SEE_ERRORS: &str = "The resource submitted could not be validated. For field-specific details, see the 'errors' array.";

/// A refused call or row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    pub status: u16,
    pub title: &'static str,
    pub detail: String,
    /// Fields with what is wrong about them.
    pub errors: Vec<(String, String)>,
}

impl Problem {
    pub fn new(status: u16, title: &'static str, detail: impl Into<String>) -> Self {
        Self { status, title, detail: detail.into(), errors: Vec::new() }
    }

    /// A 400 about the whole resource.
    pub fn invalid(detail: impl Into<String>) -> Self {
        Self::new(400, "Invalid Resource", detail)
    }

    /// A 400 about one field.
    pub fn field(field: &str, message: impl Into<String>) -> Self {
        Self { errors: vec![(field.to_owned(), message.into())], ..Self::invalid(SEE_ERRORS) }
    }

    /// A 400 about a field of the wrong JSON type.
    pub fn kind(field: &str, wanted: &str, found: &Value) -> Self {
        let found = match found {
            Value::Null => "NULL",
            Value::Bool(_) => "boolean",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        Self::field(field, format!("Schema describes {wanted}, {found} found instead"))
    }

    /// A 400 about values of merge fields.
    pub fn merge_fields(errors: Vec<(String, String)>) -> Self {
        Self { errors, ..Self::invalid("Your merge fields were invalid.") }
    }

    pub fn not_found() -> Self {
        Self::new(404, "Resource Not Found", "The requested resource could not be found.")
    }

    pub fn not_allowed() -> Self {
        Self::new(405, "Method Not Allowed", "The requested method and resource are not compatible.")
    }

    pub fn unauthorized() -> Self {
        Self::new(401, "API Key Invalid", "Your API key may be invalid, or you've attempted to access the wrong datacenter.")
    }

    /// Only the person can bring such a member back.
    pub fn compliance(email: &str) -> Self {
        let why = "is in a compliance state due to unsubscribe, bounce, or compliance review and cannot be subscribed.";
        Self::new(400, "Member In Compliance State", format!("{email} {why}"))
    }

    /// The address was deleted for good.
    pub fn forgotten(email: &str) -> Self {
        let why = "was permanently deleted and cannot be re-imported. The contact must re-subscribe to get back on the list.";
        Self::new(400, "Forgotten Email Not Subscribed", format!("{email} {why}"))
    }

    /// The error document.
    pub fn respond(&self, instance: &str) -> Response {
        let mut body = json!({
            "type": "https://mailchimp.com/developer/marketing/docs/errors/", "title": self.title, "status": self.status,
            "detail": self.detail, "instance": instance,
        });
        if let (false, Some(body)) = (self.errors.is_empty(), body.as_object_mut()) {
            let errors = self.errors.iter().map(|(field, message)| json!({"field": field, "message": message}));
            body.insert("errors".to_owned(), errors.collect());
        }
        let kind = HeaderValue::from_static("application/problem+json; charset=utf-8");
        (self.http_status(), [(header::CONTENT_TYPE, kind)], body.to_string()).into_response()
    }

    /// The page of a machine before the API, which knows no JSON.
    pub fn page(&self) -> Response {
        let page = format!("<html><head><title>{0} {1}</title></head><body><h1>{0} {1}</h1></body></html>", self.status, self.title);
        (self.http_status(), Html(page)).into_response()
    }

    fn http_status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}
