//! A function as its callers see it: JSON in, JSON or an error out.

use std::{any::type_name, fmt::Display, future::Future, panic::AssertUnwindSafe, sync::Arc};

use futures::{FutureExt, future::BoxFuture};
use lambda_runtime::{Context, LambdaEvent};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

/// A function that a queue, a gateway or a timer can call.
pub type Function = Arc<dyn Fn(Value) -> BoxFuture<'static, Result<Value, FunctionError>> + Send + Sync>;

/// What Lambda reports of a failed invocation
/// (<https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html#runtimes-api-invokeerror>).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "camelCase")]
#[error("{error_type}: {error_message}")]
pub struct FunctionError {
    /// The kind of error, as the runtime names it.
    #[serde(default)]
    pub error_type: String,
    /// The text of the error.
    #[serde(default)]
    pub error_message: String,
}

impl FunctionError {
    /// An error of the given kind.
    pub fn new(error_type: impl Into<String>, error_message: impl Into<String>) -> Self {
        Self { error_type: error_type.into(), error_message: error_message.into() }
    }

    /// An error whose kind is the name of its type, as the Rust runtime reports it.
    pub fn of<E: Display>(error: &E) -> Self {
        Self::new(type_name::<E>(), error.to_string())
    }
}

/// Makes a [`Function`] of a closure. A panic becomes an error, as it does in the Lambda runtime.
pub fn function<F, Fut>(handler: F) -> Function
where
    F: Fn(Value) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Value, FunctionError>> + Send + 'static,
{
    Arc::new(move |event| {
        let answer = AssertUnwindSafe(handler(event)).catch_unwind();
        async move { answer.await.unwrap_or_else(|_| Err(FunctionError::new("Runtime.Panic", "the handler panicked"))) }.boxed()
    })
}

/// Makes a [`Function`] of a typed handler, with the conversions that `lambda_runtime::run` puts around it.
pub fn event_function<T, R, E, F, Fut>(handler: F) -> Function
where
    T: DeserializeOwned + Send + 'static,
    R: Serialize + Send + 'static,
    E: Display + Send + 'static,
    F: Fn(LambdaEvent<T>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<R, E>> + Send + 'static,
{
    let handler = Arc::new(handler);
    function(move |event| {
        let handler = Arc::clone(&handler);
        async move {
            let payload = serde_json::from_value(event).map_err(|error| FunctionError::of(&error))?;
            let answer = handler(LambdaEvent::new(payload, invocation_context())).await;
            let answer = answer.map_err(|error| FunctionError::of(&error))?;
            serde_json::to_value(answer).map_err(|error| FunctionError::of(&error))
        }
    })
}

/// How long an invocation may take before its deadline passes.
pub(super) const DEADLINE_MS: u64 = 30_000;

/// The context of an invocation in this process. Its deadline is wall time, for handlers compare it with the system's clock.
pub(super) fn invocation_context() -> Context {
    let mut context = Context::default();
    context.request_id = uuid::Uuid::new_v4().to_string();
    context.deadline = wall_ms() + DEADLINE_MS;
    context
}

/// Wall time in milliseconds since 1970.
pub(super) fn wall_ms() -> u64 {
    u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap_or_default()
}
