//! The sites in the table.

use std::{collections::HashMap, time::Duration};

use async_trait::async_trait;
use aws_sdk_dynamodb::types::{DeleteRequest, PutRequest, WriteRequest};
use jiff::Timestamp;

use super::{
    PARTITION_KEY, SORT_KEY, Store,
    call::Read,
    item::{self, Item, get_instant, get_text, read_settings},
    key::{self, Key},
    write::{Condition, Refusal, Write},
};
use crate::{
    adapters::aws::failure,
    model::{ids::SiteId, link::Cause, site::Site},
    ports::{ErrorKind, SiteStore, Standing, StoreError, StoreResult},
};

/// A batch takes 25 deletes: <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html>.
pub(super) const BATCH: usize = 25;

/// How often what a batch left over is sent again, each time after twice the time.
const ATTEMPTS: u32 = 8;

#[async_trait]
impl SiteStore for Store {
    /// Reads consistently: whoever pauses a site expects it to stop.
    async fn site(&self, site: &SiteId) -> StoreResult<Option<Site>> {
        let item = self.get(Key::settings(site), Read::Consistent).await?;
        item.map(|item| read_settings(&item, site.as_str())).transpose()
    }

    /// One query for all of it, which costs what one item of that size would.
    async fn standing(&self, site: &SiteId, now: Timestamp) -> StoreResult<Option<Standing>> {
        let call = self.query(&key::partition(site), key::SETTINGS);
        let items = self.all(&format!("read site {site}"), call).await?;
        let named = |name: &'static str| items.iter().filter(move |item| get_text(item, SORT_KEY).is_some_and(|key| key.starts_with(name)));
        let until = |item: &Item| get_instant(item, "held_until").filter(|until| *until > now);
        let Some(settings) = items.iter().find(|item| get_text(item, SORT_KEY) == Some(key::SETTINGS)) else { return Ok(None) };
        Ok(Some(Standing {
            site: read_settings(settings, site.as_str())?,
            cooling_down: named(key::COOLING).filter_map(until).max(),
            claimed_until: named(key::RUNNER).filter(|item| item.contains_key("claimed")).find_map(until),
        }))
    }

    async fn save_site(&self, site: &Site) -> StoreResult<()> {
        let operation = format!("save site {}", site.site);
        let Some(before) = site.version.checked_sub(1) else { return Err(StoreError::new(ErrorKind::Stale, operation)) };
        let settings = item::settings(Key::settings(&site.site), site)?;
        let copy = item::settings(Key::registry(&site.site), site)?;
        let writes = vec![
            Write::put(settings, Condition::version(before), Refusal::Fail(ErrorKind::Stale)),
            Write::put(copy, Condition::none(), Refusal::Skip),
        ];
        self.commit(&operation, writes).await
    }

    /// A site whose settings cannot be read is left out and logged: it must not stop the sweep of the others.
    async fn sites(&self) -> StoreResult<Vec<Site>> {
        let items = self.all("list sites", self.query(key::REGISTRY, "").consistent_read(true)).await?;
        Ok(items.iter().filter_map(readable).collect())
    }

    /// Deletes the settings last: a purge that was cut short is found by its settings and done again.
    async fn purge(&self, site: &SiteId) -> StoreResult<()> {
        let operation = format!("purge site {site}");
        let call = self.query(&key::partition(site), "").consistent_read(true);
        let call = call.projection_expression(format!("{PARTITION_KEY}, {SORT_KEY}, cause"));
        let mut from = None;
        loop {
            let page = self.page(&operation, call.clone(), from).await?;
            let keys: Vec<_> = page.items.into_iter().filter(is_purged).map(bare_key).collect();
            for batch in keys.chunks(BATCH) {
                self.delete_batch(&operation, batch.to_vec()).await?;
            }
            from = page.next;
            if from.is_none() {
                break;
            }
        }
        let last = [Key::registry(site), Key::settings(site)];
        self.commit(&operation, last.map(|key| Write::delete(key, Condition::none(), Refusal::Skip)).into()).await
    }
}

fn readable(item: &Item) -> Option<Site> {
    let id = get_text(item, SORT_KEY).unwrap_or_default();
    read_settings(item, id).inspect_err(|error| tracing::error!(site.id = id, %error, "Left out a site.")).ok()
}

/// Tells whether an item goes with the first pass of a purge.
fn is_purged(item: &Item) -> bool {
    let stays = |name| [Cause::Erased, Cause::ErasureUnclear].map(item::cause_name).contains(&name);
    get_text(item, SORT_KEY) != Some(key::SETTINGS) && !get_text(item, "cause").is_some_and(stays)
}

fn bare_key(mut item: Item) -> Item {
    item.retain(|name, _| name == PARTITION_KEY || name == SORT_KEY);
    item
}

impl Store {
    pub(super) async fn delete_batch(&self, operation: &str, keys: Vec<Item>) -> StoreResult<()> {
        let requests = keys.into_iter().map(|key| DeleteRequest::builder().set_key(Some(key)).build());
        let requests = requests
            .map(|request| Ok(WriteRequest::builder().delete_request(request?).build()))
            .collect::<Result<Vec<_>, aws_sdk_dynamodb::error::BuildError>>()
            .map_err(|error| StoreError::new(ErrorKind::Invalid(Vec::new()), operation).caused_by(error))?;
        self.write_batch(operation, requests).await
    }

    pub(super) fn put_request(operation: &str, item: Item) -> StoreResult<WriteRequest> {
        let put = PutRequest::builder().set_item(Some(item)).build();
        let put = put.map_err(|error| StoreError::new(ErrorKind::Invalid(Vec::new()), operation).caused_by(error))?;
        Ok(WriteRequest::builder().put_request(put).build())
    }

    /// Writes at most [`BATCH`] items without conditions.
    pub(super) async fn write_batch(&self, operation: &str, requests: Vec<WriteRequest>) -> StoreResult<()> {
        let mut left = HashMap::from([(self.table.clone(), requests)]);
        for attempt in 0..ATTEMPTS {
            let call = self.client.batch_write_item().set_request_items(Some(left)).set_return_consumed_capacity(self.cost());
            let output = call.send().await.map_err(|error| failure(operation, &error))?;
            if let Some(capacity) = &self.capacity {
                output.consumed_capacity().iter().for_each(|consumed| capacity.add_write(Some(consumed)));
            }
            left = output.unprocessed_items.unwrap_or_default();
            if left.is_empty() {
                return Ok(());
            }
            self.clock.sleep(Duration::from_millis(50 << attempt)).await;
        }
        Err(StoreError::new(ErrorKind::Unavailable, operation))
    }
}
