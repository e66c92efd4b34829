//! Pipedrive's errors (<https://pipedrive.readme.io/docs/core-api-concepts-about-pipedrive-api>).

use axum::{
    Json,
    http::StatusCode,
    response::{Html, IntoResponse, Response},
};
use serde_json::json;

/// A refused call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    status: u16,
    pub error: String,
    info: String,
}

impl Refusal {
    pub fn new(status: u16, error: impl Into<String>) -> Self {
        Self { status, error: error.into(), info: "Please check developers.pipedrive.com".to_owned() }
    }

    /// A 400 that names the field.
    pub fn field(field: &str, rule: &str) -> Self {
        Self::new(400, format!("Validation failed: {field}: {rule}"))
    }

    pub fn unauthorized() -> Self {
        Self::new(401, "unauthorized access")
    }

    pub fn not_found(what: &str) -> Self {
        Self::new(404, format!("{what} not found"))
    }

    /// The page of a machine before the API, which knows no JSON.
    pub fn page() -> Response {
        let page = "<!DOCTYPE html><html><head><title>Access denied</title></head><body><h1>Error 1015</h1></body></html>";
        (StatusCode::FORBIDDEN, Html(page)).into_response()
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut body = json!({"success": false, "error": self.error, "error_info": self.info, "data": null, "additional_data": null});
        if let (401 | 429, Some(body)) = (self.status, body.as_object_mut()) {
            body.insert("errorCode".to_owned(), self.status.into());
        }
        (status, Json(body)).into_response()
    }
}
