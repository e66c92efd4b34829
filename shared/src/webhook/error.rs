//! Why a request is refused. No text here carries a byte of the request.

use http::StatusCode;
use thiserror::Error;

use crate::config::ConfigError;

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum WebhookError {
    /// The body is over the limit; it was not looked at.
    #[error("body of {bytes} bytes is over the limit")]
    TooLarge {
        /// Its length.
        bytes: usize,
    },
    /// There is no signature at all.
    #[error("no signature")]
    Unsigned,
    /// The signed token cannot be taken apart.
    #[error("token is malformed")]
    MalformedToken,
    /// The token names another algorithm than RS256.
    #[error("token is signed with a refused algorithm")]
    Algorithm,
    /// The signature is not one of the expected sender.
    #[error("signature does not match")]
    Signature,
    /// The form's token is not one of the expected ones.
    #[error("form token does not match")]
    Token,
    /// The post comes from no page that the form's owner named.
    #[error("origin is not one of the form's")]
    Origin,
    /// The token has expired.
    #[error("token has expired")]
    Expired,
    /// The token is not valid yet.
    #[error("token is not valid yet")]
    NotYetValid,
    /// The token was made for another app.
    #[error("token is for another app")]
    Audience,
    /// The time of sending is missing or is no number.
    #[error("timestamp is missing or malformed")]
    MalformedTimestamp,
    /// The time of sending is too far from now, in either direction.
    #[error("timestamp is outside the window")]
    Stale,
    /// A well-signed payload is not what its sender documents.
    #[error("{part} cannot be read (line {line}, column {column})")]
    Unreadable {
        /// The level of nesting.
        part: &'static str,
        /// Where, as far as known.
        line: usize,
        /// Where, as far as known.
        column: usize,
    },
    /// A well-signed payload lacks something.
    #[error("{part} lacks {field}")]
    Missing {
        /// The level of nesting.
        part: &'static str,
        /// What is missing.
        field: &'static str,
    },
    /// A field of a well-signed payload breaks a rule.
    #[error("{field}: {rule}")]
    Field {
        /// The field, by its path.
        field: String,
        /// The rule.
        rule: &'static str,
    },
}

impl WebhookError {
    /// Returns the status that answers the sender.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Unreadable { .. } | Self::Missing { .. } | Self::Field { .. } => StatusCode::BAD_REQUEST,
            Self::Unsigned
            | Self::MalformedToken
            | Self::Algorithm
            | Self::Signature
            | Self::Token
            | Self::Origin
            | Self::Expired
            | Self::NotYetValid
            | Self::Audience
            | Self::MalformedTimestamp
            | Self::Stale => StatusCode::UNAUTHORIZED,
        }
    }
}

/// Why a verifier cannot be set up.
#[derive(Debug, Error)]
pub enum SetUpError {
    /// There is no public key.
    #[error("no Wix public key is set")]
    NoKey,
    /// There are more public keys than a rotation needs; each one makes refusing dearer.
    #[error("more than two Wix public keys are set")]
    TooManyKeys,
    /// A key is neither a PEM nor the base64 of one, or no RSA public key of 2048 bits or more.
    #[error("Wix public key {index} is no RSA public key in PEM, or the base64 of one")]
    BadKey {
        /// Which one, from 1.
        index: usize,
    },
    /// An entry of the client secrets is empty.
    #[error("HubSpot client secret {index} is empty")]
    EmptySecret {
        /// Which one, from 1.
        index: usize,
    },
    /// A setting is missing or cannot be read.
    #[error(transparent)]
    Config(#[from] ConfigError),
}
