//! The conversions of `lambda_http` around an in-process handler, so that a request is parsed as it is in Lambda.

use std::{fmt::Display, future::Future, sync::Arc};

use lambda_http::{Adapter, IntoResponse, LambdaEvent, Request, Service, request::LambdaRequest, service_fn};

use crate::cloud::function::{Function, FunctionError, function, invocation_context};

/// Makes a [`Function`] of an HTTP handler, with the conversions that `lambda_http::run` puts around it.
pub fn http_function<F, Fut, R, E>(handler: F) -> Function
where
    F: Fn(Request) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<R, E>> + Send + 'static,
    R: IntoResponse + Send + 'static,
    E: Display + Send + 'static,
{
    let handler = Arc::new(handler);
    function(move |event| {
        let handler = Arc::clone(&handler);
        async move {
            // `LambdaRequest` reads raw JSON text, which serde_json offers only when it parses text.
            let request: LambdaRequest = serde_json::from_str(&event.to_string()).map_err(|error| FunctionError::of(&error))?;
            let service = service_fn(move |request| handler(request));
            // The adapter ends before the wait, for it cannot be sent between threads.
            let answer = Adapter::from(service).call(LambdaEvent::new(request, invocation_context()));
            let answer = answer.await.map_err(|error| FunctionError::of(&error))?;
            serde_json::to_value(answer).map_err(|error| FunctionError::of(&error))
        }
    })
}
