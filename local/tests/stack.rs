//! The whole bridge on one machine.
#![expect(clippy::unwrap_used, clippy::missing_panics_doc, reason = "a test fails by panicking")]

#[path = "stack/control.rs"]
mod control;
#[path = "stack/demo.rs"]
mod demo;
#[path = "stack/deployment.rs"]
mod deployment;
#[path = "stack/mailing.rs"]
mod mailing;
#[path = "stack/merges.rs"]
mod merges;
#[path = "stack/restart.rs"]
mod restart;
#[path = "stack/smoke.rs"]
mod smoke;

use contact_bridge_local::stack::{Options, SiteHandle, Stack};

/// A stack with one site.
pub async fn stack() -> (Stack, SiteHandle) {
    let stack = Stack::start(Options::default()).await.unwrap();
    let site = stack.add_site("shop", |_| {}).await.unwrap();
    (stack, site)
}
