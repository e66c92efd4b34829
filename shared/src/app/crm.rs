//! A connected CRM.

use std::sync::Arc;

use crate::ports::{ContactStore, ReadMany, Snapshot, Upload};

/// What the flows see of a CRM.
pub(super) struct Crm {
    /// Its contacts, one at a time.
    pub(super) contacts: Arc<dyn ContactStore>,
    /// The same, many at a time.
    pub(super) upload: Arc<dyn Upload>,
    /// All of them, page by page.
    pub(super) snapshot: Arc<dyn Snapshot>,
    /// Those of these ids.
    pub(super) reads: Arc<dyn ReadMany>,
}

impl Crm {
    pub(super) fn of<T: ContactStore + Upload + Snapshot + ReadMany + 'static>(client: T) -> Self {
        let client = Arc::new(client);
        Self { contacts: client.clone(), upload: client.clone(), snapshot: client.clone(), reads: client }
    }
}
