//! Errors and answers of the AWS JSON protocols (<https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html>).

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use uuid::Uuid;

/// A refused call.
#[derive(Debug)]
pub(super) struct ApiError {
    pub(super) status: u16,
    pub(super) code: &'static str,
    pub(super) message: String,
    /// The code of the older query protocol, which SQS still sends along and the SDKs go by.
    pub(super) query_code: Option<&'static str>,
}

impl ApiError {
    pub(super) fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), query_code: None }
    }

    pub(super) fn with_query_code(mut self, code: &'static str) -> Self {
        self.query_code = Some(code);
        self
    }

    pub(super) fn unknown_operation() -> Self {
        Self::new(400, "UnknownOperationException", "The operation is not known here.")
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = json!({ "__type": self.code, "message": self.message });
        let query_code = self.query_code.map(|code| format!("{code};Sender"));
        json_response(self.status, &body, query_code.as_deref())
    }
}

/// An answer with the headers that every AWS answer has.
pub(super) fn json_response(status: u16, body: &Value, query_code: Option<&str>) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.0"));
    let headers_of_text = [("x-amzn-requestid", Some(Uuid::new_v4().to_string())), ("x-amzn-query-error", query_code.map(str::to_owned))];
    for (name, value) in headers_of_text {
        if let Some(value) = value.and_then(|value| HeaderValue::try_from(value).ok()) {
            headers.insert(name, value);
        }
    }
    response
}
