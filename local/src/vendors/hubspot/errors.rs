//! HubSpot's error bodies (<https://developers.hubspot.com/docs/api-reference/error-handling>).

use serde_json::{Map, Value, json};

/// One refused property value, as HubSpot lists it.
#[derive(Clone)]
pub(super) struct Problem {
    /// Property that was refused.
    pub property: String,
    /// HubSpot's code, such as `INVALID_OPTION`.
    pub code: &'static str,
    /// Sentence for a person.
    pub message: String,
}

impl Problem {
    pub fn new(property: &str, code: &'static str, message: impl Into<String>) -> Self {
        Self { property: property.to_owned(), code, message: message.into() }
    }
}

/// A refused call or row.
#[derive(Clone)]
pub(super) struct ApiError {
    /// HTTP status.
    pub status: u16,
    /// HubSpot's category, such as `VALIDATION_ERROR`.
    pub category: &'static str,
    /// Sentence for a person.
    pub message: String,
    /// The refused values.
    pub problems: Vec<Problem>,
    /// The `context` object of the error.
    pub context: Map<String, Value>,
}

impl ApiError {
    pub fn new(status: u16, category: &'static str, message: impl Into<String>) -> Self {
        Self { status, category, message: message.into(), problems: Vec::new(), context: Map::new() }
    }

    /// A 400 `VALIDATION_ERROR` with a sentence only.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "VALIDATION_ERROR", message)
    }

    /// A 400 for refused property values; the message embeds the list as JSON, as HubSpot's does.
    pub fn values(problems: Vec<Problem>) -> Self {
        let list: Vec<Value> = problems
            .iter()
            .map(|problem| {
                json!({"isValid": false, "message": problem.message, "error": problem.code,
                    "name": problem.property, "localizedErrorMessage": problem.message})
            })
            .collect();
        Self { problems, ..Self::invalid(format!("Property values were not valid: {}", Value::from(list))) }
    }

    /// The 404 of a single object.
    pub fn not_found() -> Self {
        Self::new(404, "OBJECT_NOT_FOUND", "resource not found")
    }

    /// The 409 of a second contact with the same e-mail.
    pub fn conflict(existing: u64, name_id: bool) -> Self {
        let message =
            if name_id { format!("Contact already exists. Existing ID: {existing}") } else { "Contact already exists.".to_owned() };
        Self::new(409, "CONFLICT", message)
    }

    pub fn with_context(mut self, key: &str, values: impl IntoIterator<Item = String>) -> Self {
        let values: Vec<Value> = values.into_iter().map(Value::from).collect();
        self.context.insert(key.to_owned(), values.into());
        self
    }

    /// The body of the whole call's refusal.
    pub fn body(&self, correlation_id: &str, list_problems: bool) -> Value {
        let mut body = json!({"status": "error", "message": self.message, "correlationId": correlation_id,
            "category": self.category});
        self.decorate(&mut body, list_problems);
        body
    }

    /// The entry of a batch's `errors` list.
    pub fn row(&self, list_problems: bool) -> Value {
        let mut row = json!({"status": "error", "category": self.category, "message": self.message});
        self.decorate(&mut row, list_problems);
        row
    }

    fn decorate(&self, body: &mut Value, list_problems: bool) {
        let Some(body) = body.as_object_mut() else {
            return;
        };
        if list_problems && !self.problems.is_empty() {
            let errors: Vec<Value> = self
                .problems
                .iter()
                .map(|problem| {
                    json!({"message": problem.message, "code": problem.code,
                        "context": {"propertyName": [problem.property]}})
                })
                .collect();
            body.insert("errors".to_owned(), errors.into());
        }
        if !self.context.is_empty() {
            body.insert("context".to_owned(), self.context.clone().into());
        }
    }
}
