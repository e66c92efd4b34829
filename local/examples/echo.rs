//! A function that answers with what it is asked, for the tests of the local Lambda Runtime API: they run it as a process.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::Value;

#[expect(clippy::print_stdout, reason = "the tests read it among the process's logs")]
async fn echo(event: LambdaEvent<Value>) -> Result<Value, &'static str> {
    println!("called for {}", event.context.invoked_function_arn);
    if event.payload.get("fail").is_some() { Err("refused") } else { Ok(event.payload) }
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    run(service_fn(echo)).await
}
