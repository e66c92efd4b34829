//! What is remembered of e-mail addresses, in the table: under keyed digests, without a value.

use async_trait::async_trait;

use super::{
    Store,
    call::Read,
    item::{Item, get_text, number, text},
    key::Key,
    write::{Condition, Refusal, Write},
};
use crate::{
    model::{fingerprint::Digest, ids::SiteId, subscriber::Remembered},
    ports::{ErrorKind, StoreError, StoreResult, SubscriberLog},
};

const OPERATION: &str = "read what is remembered of an address";

fn read(item: &Item) -> StoreResult<Remembered> {
    let corrupt = || StoreError::new(ErrorKind::Corrupt, OPERATION);
    serde_json::from_str(get_text(item, "remembered").ok_or_else(corrupt)?).map_err(|error| corrupt().caused_by(error))
}

#[async_trait]
impl SubscriberLog for Store {
    async fn remembered(&self, site: &SiteId, addresses: &[Digest]) -> StoreResult<Vec<Remembered>> {
        let items = self.read_many(addresses.iter().map(|address| Key::subscriber(site, address)), Read::Consistent).await?;
        let own = |address| items.get(&Key::subscriber(site, address).sort).map_or(Ok(Remembered::default()), read);
        addresses.iter().map(own).collect()
    }

    async fn remember(&self, site: &SiteId, address: &Digest, known: &Remembered) -> StoreResult<()> {
        let operation = format!("remember an address of {site}");
        let packed = serde_json::to_string(known)
            .map_err(|error| StoreError::new(ErrorKind::Invalid(Vec::new()), operation.as_str()).caused_by(error))?;
        let mut item = Key::subscriber(site, address).item();
        item.extend([("remembered".to_owned(), text(packed)), ("version".to_owned(), number(known.version))]);
        let write = Write::put(item, Condition::version(known.version.saturating_sub(1)), Refusal::Fail(ErrorKind::Stale));
        self.commit(&operation, vec![write]).await
    }
}
