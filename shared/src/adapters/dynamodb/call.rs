//! Calls of the table that do not change it.

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;

use super::{
    PARTITION_KEY, SORT_KEY, Store,
    item::{Item, text},
    key::Key,
};
use crate::{adapters::aws::failure, ports::StoreResult};

/// How fresh a read has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// May miss the writes of the last moment, at half the cost.
    Eventual,
    /// Sees every write that was acknowledged.
    Consistent,
}

/// One page of a query.
pub(super) struct Page {
    pub(super) items: Vec<Item>,
    /// How many matched, also where the items were not asked for.
    pub(super) count: u32,
    /// Where the next page begins.
    pub(super) next: Option<Item>,
}

impl Store {
    pub(super) async fn get(&self, key: Key, read: Read) -> StoreResult<Option<Item>> {
        let operation = format!("get {}", key.sort);
        let call = self.client.get_item().table_name(&self.table).set_key(Some(key.item()));
        let call = call.consistent_read(read == Read::Consistent).set_return_consumed_capacity(self.cost());
        let output = call.send().await.map_err(|error| failure(operation, &error))?;
        if let Some(capacity) = &self.capacity {
            capacity.add_read(output.consumed_capacity());
        }
        Ok(output.item)
    }

    /// Begins a query of the items of a partition whose sort keys have a prefix.
    pub(super) fn query(&self, partition: &str, prefix: &str) -> QueryFluentBuilder {
        let call = self.client.query().table_name(&self.table).expression_attribute_values(":pk", text(partition));
        let (condition, call) = if prefix.is_empty() {
            (format!("{PARTITION_KEY} = :pk"), call)
        } else {
            let condition = format!("{PARTITION_KEY} = :pk AND begins_with({SORT_KEY}, :prefix)");
            (condition, call.expression_attribute_values(":prefix", text(prefix)))
        };
        call.key_condition_expression(condition).set_return_consumed_capacity(self.cost())
    }

    pub(super) async fn page(&self, operation: &str, call: QueryFluentBuilder, from: Option<Item>) -> StoreResult<Page> {
        let call = call.set_exclusive_start_key(from);
        let output = call.send().await.map_err(|error| failure(operation, &error))?;
        if let Some(capacity) = &self.capacity {
            capacity.add_read(output.consumed_capacity());
        }
        let count = u32::try_from(output.count).unwrap_or_default();
        Ok(Page { items: output.items.unwrap_or_default(), count, next: output.last_evaluated_key })
    }

    /// Tells whether a query finds anything; its pages are those of its limit.
    pub(super) async fn any(&self, operation: &str, call: QueryFluentBuilder) -> StoreResult<bool> {
        let mut from = None;
        loop {
            let page = self.page(operation, call.clone(), from).await?;
            from = page.next;
            if page.count > 0 || from.is_none() {
                return Ok(page.count > 0);
            }
        }
    }

    /// Reads all pages of a query that finds little.
    pub(super) async fn all(&self, operation: &str, call: QueryFluentBuilder) -> StoreResult<Vec<Item>> {
        let mut items = Vec::new();
        let mut from = None;
        loop {
            let page = self.page(operation, call.clone(), from).await?;
            items.extend(page.items);
            from = page.next;
            if from.is_none() {
                return Ok(items);
            }
        }
    }
}
