//! What the adapters of AWS services share: their failures, mapped once.

use std::fmt;

use aws_sdk_dynamodb::{
    error::{ProvideErrorMetadata, SdkError},
    operation::RequestId,
};

use serde::Serialize;

use crate::{
    model::event::Event,
    ports::{ErrorKind, StoreError, StoreResult},
};

/// The largest event: bus and queue take 256 KiB in every region, and the rule that leads from one to the other adds an envelope
/// (<https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html>).
pub(super) const MOST_BYTES: usize = 255 * 1024;

/// The code of a failure, in place of its text: a service may quote what it was sent.
#[derive(Debug)]
struct Code(String);

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Code {}

/// Maps a failed call. The codes that all services have in common are listed at
/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/CommonErrors.html>.
pub(super) fn failure<E: ProvideErrorMetadata>(operation: impl Into<String>, error: &SdkError<E>) -> StoreError {
    let code = match error {
        SdkError::ConstructionFailure(_) => "ConstructionFailure",
        SdkError::TimeoutError(_) => "TimeoutError",
        SdkError::DispatchFailure(_) => "DispatchFailure",
        SdkError::ResponseError(_) => "ResponseError",
        _ => error.code().unwrap_or("ServiceError"),
    };
    StoreError::new(kind(code), operation).with_request(error.request_id().map(ToOwned::to_owned)).caused_by(Code(code.to_owned()))
}

/// Says what kind of failure a code means; throttling counts as passing, for the SDK has already waited and tried again.
pub(super) fn kind(code: &str) -> ErrorKind {
    match code {
        "ConditionalCheckFailed" | "ConditionalCheckFailedException" | "TransactionConflict" | "TransactionConflictException" => {
            ErrorKind::Stale
        }
        "AccessDenied"
        | "AccessDeniedException"
        | "ExpiredTokenException"
        | "IncompleteSignature"
        | "InvalidClientTokenId"
        | "InvalidSignatureException"
        | "KMS.AccessDeniedException"
        | "MissingAuthenticationToken"
        | "NotAuthorized"
        | "OptInRequired"
        | "UnrecognizedClientException" => ErrorKind::AccessDenied,
        "ParameterNotFound" | "ParameterVersionNotFound" => ErrorKind::NotFound,
        "ConstructionFailure" | "ItemCollectionSizeLimitExceeded" | "ValidationError" | "ValidationException" => {
            ErrorKind::Invalid(Vec::new())
        }
        // The table, bus or queue of the settings does not exist.
        "QueueDoesNotExist" | "AWS.SimpleQueueService.NonExistentQueue" | "ResourceNotFoundException" => ErrorKind::Corrupt,
        "ResponseError" => ErrorKind::Garbled,
        _ => ErrorKind::Unavailable,
    }
}

/// Writes an event as the bus carries it; one that would be too large goes without the record it encloses, which is read again then.
pub(super) fn detail(operation: &str, event: &Event) -> StoreResult<String> {
    let whole = detail_of(operation, event)?;
    if whole.len() <= MOST_BYTES || event.entity.is_none() {
        return Ok(whole);
    }
    detail_of(operation, &Event { entity: None, ..event.clone() })
}

/// Writes what the bus carries.
pub(super) fn detail_of(operation: &str, carried: &impl Serialize) -> StoreResult<String> {
    serde_json::to_string(carried).map_err(|error| StoreError::new(ErrorKind::Invalid(Vec::new()), operation).caused_by(error))
}

#[cfg(test)]
pub(super) mod testing {
    //! A server in place of AWS, and what its clients need.

    use aws_sdk_dynamodb::config::{Credentials, Region};
    use serde_json::{Value, json};
    use wiremock::MockServer;

    use crate::model::{entity::Entity, event::Event};

    pub(in crate::adapters) fn credentials() -> Credentials {
        Credentials::new("id", "secret", None, None, "test")
    }

    pub(in crate::adapters) const fn region() -> Region {
        Region::from_static("us-east-1")
    }

    /// An event of one record, enclosing `bytes` of it.
    pub(in crate::adapters) fn event(record: &str, bytes: usize) -> Event {
        let event = json!({"site": "s", "side": "wix", "record": record, "kind": "created", "at": "2026-08-21T10:11:12Z"});
        let mut event: Event = serde_json::from_value(event).unwrap();
        event.entity = (bytes > 0).then(|| Entity::write(&"x".repeat(bytes)).unwrap());
        event
    }

    /// The bodies of the requests so far.
    pub(in crate::adapters) async fn bodies(server: &MockServer) -> Vec<Value> {
        server.received_requests().await.unwrap().iter().map(|request| request.body_json().unwrap()).collect()
    }
}
