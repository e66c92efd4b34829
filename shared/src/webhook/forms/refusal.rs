//! Why a post to a form is refused.

use http::StatusCode;
use thiserror::Error;

use crate::webhook::WebhookError;

/// Why a post to a form is refused. Names fields and rules, never a value.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// It cannot prove where it comes from.
    #[error(transparent)]
    Unproven(#[from] WebhookError),
    /// The body is too long to be looked at.
    #[error("{}: {}", self.field(), self.rule())]
    TooLarge {
        /// The longest that is looked at, in bytes.
        limit: usize,
    },
    /// The settings name a service that this version does not know.
    #[error("the form's service is not known")]
    UnknownService,
    /// The body's type is none that a form has.
    #[error("{}: {}", self.field(), self.rule())]
    Type,
    /// The body, or a field of it, cannot be read.
    #[error("{field}: {rule}")]
    Unreadable {
        /// The field, or `body`.
        field: String,
        /// What it must be.
        rule: &'static str,
    },
    /// There are too many fields.
    #[error("{}: {}", self.field(), self.rule())]
    TooMany {
        /// The most that are taken.
        most: usize,
    },
}

impl Refusal {
    pub(super) fn body(rule: &'static str) -> Self {
        Self::Unreadable { field: "body".to_owned(), rule }
    }

    /// Returns the status that answers the sender.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::Unproven(error) => error.status(),
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnknownService => StatusCode::NOT_FOUND,
            Self::Type => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Unreadable { .. } | Self::TooMany { .. } => StatusCode::BAD_REQUEST,
        }
    }

    /// Returns the field the refusal is about.
    #[must_use]
    pub fn field(&self) -> &str {
        match self {
            Self::Unreadable { field, .. } => field,
            Self::Type => "content-type",
            Self::UnknownService => "form",
            Self::Unproven(_) | Self::TooLarge { .. } | Self::TooMany { .. } => "body",
        }
    }

    /// Returns the rule it breaks.
    #[must_use]
    pub fn rule(&self) -> String {
        match self {
            Self::TooLarge { limit } => format!("must not be longer than {limit} bytes"),
            Self::Unproven(_) => "must come from the form's sender".to_owned(),
            Self::UnknownService => "must be one of a known service".to_owned(),
            Self::Type => "must be application/json, application/x-www-form-urlencoded or multipart/form-data".to_owned(),
            Self::Unreadable { rule, .. } => (*rule).to_owned(),
            Self::TooMany { most } => format!("must not have more than {most} fields"),
        }
    }
}
