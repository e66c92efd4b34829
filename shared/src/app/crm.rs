//! A connected CRM.

use std::sync::Arc;

use crate::ports::{ContactStore, ReadMany, Snapshot, Upload};

/// What the flows see of a CRM.
pub struct Crm {
    /// Its contacts, one at a time.
    pub contacts: Arc<dyn ContactStore>,
    /// The same, many at a time.
    pub upload: Arc<dyn Upload>,
    /// All of them, page by page.
    pub snapshot: Arc<dyn Snapshot>,
    /// Those of these ids.
    pub reads: Arc<dyn ReadMany>,
}

impl Crm {
    pub(super) fn of<T: ContactStore + Upload + Snapshot + ReadMany + 'static>(client: T) -> Self {
        let client = Arc::new(client);
        Self { contacts: client.clone(), upload: client.clone(), snapshot: client.clone(), reads: client }
    }
}
