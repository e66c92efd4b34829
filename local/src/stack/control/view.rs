//! What the control API shows of the bridge's records.

use contact_bridge::model::{
    ids::Side,
    link::Link,
    run::{Run, RunKind},
};
use serde_json::{Value, json};

use crate::stack::SiteHandle;

pub(super) fn handle(handle: &SiteHandle) -> Value {
    json!({"site": handle.id, "wix_site_id": handle.wix_site_id, "portal": handle.portal})
}

/// A link without its fingerprints, which tell a person nothing.
pub(super) fn link(link: &Link) -> Value {
    let anchor = |side| {
        let anchor = link.anchors.of(side);
        json!({"id": anchor.id, "revision": anchor.revision})
    };
    json!({
        "wix": anchor(Side::Wix), "external": anchor(Side::External), "since": link.since, "version": link.version,
        "rows": link.rows, "held": link.held, "writing": link.intent.is_some(),
    })
}

pub(super) fn run(kind: RunKind, run: &Run) -> Value {
    json!({
        "run": kind, "due": run.due, "paused": run.orders.paused, "running_until": run.lease.as_ref().map(|lease| lease.until),
        "next": run.progress.next, "trouble": run.progress.trouble, "progress": run.progress.checkpoint,
    })
}
