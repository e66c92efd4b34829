//! The cloud's parts on one machine: HTTP gateway, event bus, queues, timer, table store and the Lambda Runtime API.
//!
//! Everything but the HTTP servers themselves runs on an injected [`Clock`](crate::vendors::kit::Clock): with a
//! manual clock nothing moves until it is told to, and equal inputs give equal ids and equal order.
//! Only the standard library, the AWS protocols and the functions' own runtime crates are used here.

pub mod aws;
pub mod background;
pub mod bare;
pub mod bus;
pub mod dynamo;
pub mod function;
pub mod gateway;
mod ids;
pub mod process;
pub mod queue;
pub mod runtime_api;
pub mod timer;
pub mod worker;

pub use background::Background;
pub use function::{Function, FunctionError, event_function, function};

/// The account that owns every local resource.
pub const ACCOUNT: &str = "000000000000";

/// The region every local resource lives in.
pub const REGION: &str = "us-east-1";
