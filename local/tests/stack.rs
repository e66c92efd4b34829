//! The whole bridge on one machine.

#[path = "stack/smoke.rs"]
mod smoke;

use contact_bridge_local::stack::{Options, SiteHandle, Stack};

/// A stack with one site.
pub async fn stack() -> (Stack, SiteHandle) {
    let stack = Stack::start(Options::default()).await.unwrap();
    let site = stack.add_site("shop", |_| {}).await.unwrap();
    (stack, site)
}
