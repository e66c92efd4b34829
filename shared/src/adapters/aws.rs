//! What the adapters of AWS services share: their failures, mapped once.

use std::fmt;

use aws_sdk_dynamodb::{
    error::{ProvideErrorMetadata, SdkError},
    operation::RequestId,
};

use crate::ports::{ErrorKind, StoreError};

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
