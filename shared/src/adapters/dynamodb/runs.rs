//! Scheduled runs in the table.
//!
//! What people ask of a run and how far its runner has come are attributes of one item that are set apart, so that neither side overwrites the
//! other's. The index holds the runs that the timer is to look at, and nothing else: an item without both of its attributes is not in it.

use std::collections::HashMap;

use async_trait::async_trait;
use aws_sdk_dynamodb::{
    operation::update_item::builders::UpdateItemFluentBuilder,
    types::{AttributeValue, ReturnValue, WriteRequest},
};
use jiff::Timestamp;

use super::{
    DUE_AT, DUE_IN, DUE_INDEX, PARTITION_KEY, SORT_KEY, Store,
    call::Read,
    item::{self, Item, get_instant, get_text, instant, read_failed, text},
    key::{self, Key},
    sites::BATCH,
    write::accepted,
};
use crate::{
    model::{
        ids::{RecordId, SiteId},
        run::{Due, FailedRow, Lease, Orders, Progress, Run, RunKind},
    },
    ports::{ErrorKind, Kept, RunStore, StoreError, StoreResult, Taken},
};

/// The one partition of the index. It takes a thousand writes a second; a run writes once for each page.
const RUNS: &str = "runs";

impl Store {
    fn change_run(&self, site: &SiteId, kind: RunKind) -> UpdateItemFluentBuilder {
        let call = self.client.update_item().table_name(&self.table).set_key(Some(Key::run(site, kind).item()));
        call.set_return_consumed_capacity(self.cost())
    }

    /// Changes who may run a site.
    fn change_runner(&self, site: &SiteId) -> UpdateItemFluentBuilder {
        let call = self.client.update_item().table_name(&self.table).set_key(Some(Key::runner(site).item()));
        call.set_return_consumed_capacity(self.cost())
    }

    /// Changes a run; returns the item as it is then, or nothing if the condition stopped it.
    async fn changed(&self, operation: &str, call: UpdateItemFluentBuilder) -> StoreResult<Option<Item>> {
        self.attributes(operation, call.return_values(ReturnValue::AllNew)).await
    }

    /// The same, but returns the item as it was before.
    async fn changed_from(&self, operation: &str, call: UpdateItemFluentBuilder) -> StoreResult<Option<Item>> {
        self.attributes(operation, call.return_values(ReturnValue::AllOld)).await
    }

    async fn attributes(&self, operation: &str, call: UpdateItemFluentBuilder) -> StoreResult<Option<Item>> {
        let Some(output) = accepted(operation, call.send().await)? else { return Ok(None) };
        if let Some(capacity) = &self.capacity {
            capacity.add_write(output.consumed_capacity());
        }
        Ok(Some(output.attributes.unwrap_or_default()))
    }
}

impl Store {
    async fn take_run(&self, site: &SiteId, kind: RunKind, lease: &Lease, now: Timestamp) -> StoreResult<Option<Run>> {
        let operation = format!("take run {} of {site}", kind.name());
        let (call, mut set, _) = due_clause(self.change_run(site, kind), Some(lease.until));
        set.extend(["holder = :holder", "held_until = :until"].map(str::to_owned));
        let call = call
            .update_expression(expression(&set, &[]))
            .condition_expression(
                "attribute_not_exists(paused) AND (attribute_not_exists(holder) OR held_until <= :now OR holder = :holder)",
            )
            .expression_attribute_values(":holder", text(lease.owner.as_str()))
            .expression_attribute_values(":until", instant(lease.until))
            .expression_attribute_values(":now", instant(now));
        let item = self.changed(&operation, call).await?;
        item.map(|item| read_run(&operation, &item)).transpose()
    }

    /// Takes the right to run anything of a site, and tells until when a claim that was left behind would have lasted; nothing if another has the
    /// right.
    async fn hold_site(&self, site: &SiteId, lease: &Lease, now: Timestamp) -> StoreResult<Option<Option<Timestamp>>> {
        let operation = format!("hold {site}");
        let call = self
            .change_runner(site)
            .update_expression("SET holder = :holder, held_until = :until")
            .condition_expression("attribute_not_exists(holder) OR held_until <= :now OR holder = :holder")
            .expression_attribute_values(":holder", text(lease.owner.as_str()))
            .expression_attribute_values(":until", instant(lease.until))
            .expression_attribute_values(":now", instant(now));
        let Some(before) = self.changed_from(&operation, call).await? else { return Ok(None) };
        let was_claimed = before.contains_key("claimed");
        let is_left = was_claimed && !before.contains_key("holder");
        let left_until = get_instant(&before, "held_until").filter(|until| is_left && *until > now);
        if was_claimed && left_until.is_none() {
            let call = self.change_runner(site).update_expression("REMOVE claimed").condition_expression("holder = :holder");
            self.changed(&operation, call.expression_attribute_values(":holder", text(lease.owner.as_str()))).await?;
        }
        Ok(Some(left_until))
    }

    /// Gives the right back; a claim that outlives it stays until then.
    async fn leave_site(&self, site: &SiteId, owner: &str, claimed_until: Option<Timestamp>) -> StoreResult<()> {
        let call = self.change_runner(site).condition_expression("holder = :holder").expression_attribute_values(":holder", text(owner));
        let call = match claimed_until {
            None => call.update_expression("REMOVE holder, held_until, claimed"),
            Some(until) => {
                call.update_expression("SET held_until = :until REMOVE holder").expression_attribute_values(":until", instant(until))
            }
        };
        self.changed(&format!("leave {site}"), call).await.map(drop)
    }
}

/// Sets when the timer looks at a run, or takes it out of the index. Returns what to set and what to remove.
fn due_clause(call: UpdateItemFluentBuilder, due: Option<Timestamp>) -> (UpdateItemFluentBuilder, Vec<String>, Vec<String>) {
    let Some(due) = due else { return (call, Vec::new(), vec![DUE_IN.to_owned(), DUE_AT.to_owned()]) };
    let call = call.expression_attribute_values(":runs", text(RUNS)).expression_attribute_values(":due", instant(due));
    (call, vec![format!("{DUE_IN} = :runs"), format!("{DUE_AT} = :due")], Vec::new())
}

fn expression(set: &[String], remove: &[String]) -> String {
    let clause = |verb: &str, parts: &[String]| if parts.is_empty() { String::new() } else { format!("{verb} {}", parts.join(", ")) };
    format!("{} {}", clause("SET", set), clause("REMOVE", remove)).trim().to_owned()
}

fn read_orders(item: &Item) -> Orders {
    Orders { paused: item.contains_key("paused"), asked_at: get_instant(item, "asked_at") }
}

fn read_run(operation: &str, item: &Item) -> StoreResult<Run> {
    let corrupt = |error| StoreError::new(ErrorKind::Corrupt, operation).caused_by(error);
    let progress: Option<Progress> = get_text(item, "progress").map(serde_json::from_str).transpose().map_err(corrupt)?;
    let lease = get_text(item, "holder").zip(get_instant(item, "held_until"));
    Ok(Run {
        lease: lease.map(|(owner, until)| Lease { owner: owner.to_owned(), until }),
        due: get_instant(item, DUE_AT),
        orders: read_orders(item),
        progress: progress.unwrap_or_default(),
    })
}

fn read_due(item: &Item) -> Option<Due> {
    let kind = RunKind::named(get_text(item, SORT_KEY)?.strip_prefix(key::RUN)?)?;
    Some(Due { site: key::site_of(get_text(item, PARTITION_KEY)?)?, kind, at: get_instant(item, DUE_AT)? })
}

#[async_trait]
impl RunStore for Store {
    async fn run(&self, site: &SiteId, kind: RunKind) -> StoreResult<Run> {
        let item = self.get(Key::run(site, kind), Read::Consistent).await?;
        read_run(&format!("read run {} of {site}", kind.name()), &item.unwrap_or_default())
    }

    /// The site first, then the run. Whoever dies between the two blocks the site no longer than the lease lasts.
    async fn take(&self, site: &SiteId, kind: RunKind, lease: &Lease, now: Timestamp) -> StoreResult<Option<Taken>> {
        let Some(claimed_until) = self.hold_site(site, lease, now).await? else { return Ok(None) };
        let run = self.take_run(site, kind, lease, now).await?;
        if run.is_none() {
            self.leave_site(site, &lease.owner, claimed_until).await?;
        }
        Ok(run.map(|run| Taken { run, claimed_until }))
    }

    async fn claim(&self, site: &SiteId, owner: &str) -> StoreResult<()> {
        let operation = format!("claim the budgets of {site}");
        let call = self
            .change_runner(site)
            .update_expression("SET claimed = :yes")
            .condition_expression("holder = :holder")
            .expression_attribute_values(":yes", AttributeValue::Bool(true))
            .expression_attribute_values(":holder", text(owner));
        self.changed(&operation, call).await?.map(drop).ok_or_else(|| StoreError::new(ErrorKind::Stale, operation))
    }

    async fn announce(&self, site: &SiteId, until: Timestamp) -> StoreResult<()> {
        let call = self
            .change_runner(site)
            .update_expression("SET busy_until = :until")
            .condition_expression("attribute_exists(claimed)")
            .expression_attribute_values(":until", instant(until));
        self.changed(&format!("announce events of {site}"), call).await.map(drop)
    }

    async fn announced(&self, site: &SiteId) -> StoreResult<Option<Timestamp>> {
        let item = self.get(Key::runner(site), Read::Eventual).await?;
        Ok(item.and_then(|item| get_instant(&item, "busy_until")))
    }

    async fn keep(&self, site: &SiteId, kind: RunKind, owner: &str, kept: Kept<'_>) -> StoreResult<Orders> {
        let operation = format!("keep run {} of {site}", kind.name());
        let progress = serde_json::to_string(kept.progress)
            .map_err(|error| StoreError::new(ErrorKind::Invalid(Vec::new()), &operation).caused_by(error))?;
        let (mut call, mut set, mut remove) = due_clause(self.change_run(site, kind), kept.due);
        set.push("progress = :progress".to_owned());
        match kept.until {
            Some(until) => {
                set.push("held_until = :until".to_owned());
                call = call.expression_attribute_values(":until", instant(until));
            }
            None => remove.extend(["holder", "held_until"].map(str::to_owned)),
        }
        let call = call
            .update_expression(expression(&set, &remove))
            .condition_expression("holder = :holder")
            .expression_attribute_values(":holder", text(owner))
            .expression_attribute_values(":progress", text(progress));
        let Some(item) = self.changed(&operation, call).await? else { return Err(StoreError::new(ErrorKind::Stale, operation)) };
        if kept.until.is_none() {
            self.leave_site(site, owner, kept.claimed_until).await?;
        }
        Ok(read_orders(&item))
    }

    async fn schedule(&self, site: &SiteId, kind: RunKind, due: Option<Timestamp>) -> StoreResult<()> {
        let (call, set, remove) = due_clause(self.change_run(site, kind), due);
        let condition =
            if due.is_some() { "attribute_not_exists(paused)" } else { "attribute_exists(PK) AND attribute_not_exists(paused)" };
        let call = call.update_expression(expression(&set, &remove)).condition_expression(condition);
        self.changed(&format!("schedule run {} of {site}", kind.name()), call).await.map(drop)
    }

    async fn pause(&self, site: &SiteId, kind: RunKind) -> StoreResult<()> {
        let (call, mut set, remove) = due_clause(self.change_run(site, kind), None);
        set.push("paused = :yes".to_owned());
        let call = call.update_expression(expression(&set, &remove)).expression_attribute_values(":yes", AttributeValue::Bool(true));
        self.changed(&format!("pause run {} of {site}", kind.name()), call).await.map(drop)
    }

    async fn resume(&self, site: &SiteId, kind: RunKind, now: Timestamp) -> StoreResult<()> {
        let (call, set, mut remove) = due_clause(self.change_run(site, kind), Some(now));
        remove.push("paused".to_owned());
        let call = call.update_expression(expression(&set, &remove));
        self.changed(&format!("resume run {} of {site}", kind.name()), call).await.map(drop)
    }

    async fn ask(&self, site: &SiteId, kind: RunKind, now: Timestamp) -> StoreResult<()> {
        let operation = format!("ask for run {} of {site}", kind.name());
        let call = self.change_run(site, kind).update_expression("SET asked_at = :now").expression_attribute_values(":now", instant(now));
        self.changed(&operation, call).await?;
        self.schedule(site, kind, Some(now)).await
    }

    async fn due(&self, now: Timestamp, at_most: u32) -> StoreResult<Vec<Due>> {
        let call = self.client.query().table_name(&self.table).index_name(DUE_INDEX);
        let call = call
            .key_condition_expression(format!("{DUE_IN} = :runs AND {DUE_AT} <= :now"))
            .expression_attribute_values(":runs", text(RUNS))
            .expression_attribute_values(":now", instant(now))
            .limit(i32::try_from(at_most).unwrap_or(i32::MAX))
            .set_return_consumed_capacity(self.cost());
        Ok(self.page("list due runs", call, None).await?.items.iter().filter_map(read_due).collect())
    }

    async fn postpone(&self, due: &Due, to: Timestamp) -> StoreResult<()> {
        let call = self
            .change_run(&due.site, due.kind)
            .update_expression(format!("SET {DUE_AT} = :to"))
            .condition_expression(format!("{DUE_AT} = :seen"))
            .expression_attribute_values(":to", instant(to))
            .expression_attribute_values(":seen", instant(due.at));
        self.changed(&format!("postpone run {} of {}", due.kind.name(), due.site), call).await.map(drop)
    }

    async fn fail(&self, site: &SiteId, rows: &[FailedRow]) -> StoreResult<()> {
        let latest: HashMap<_, _> = rows.iter().map(|row| (&row.id, row)).collect();
        let items = latest.into_values().map(|row| item::failed(site, row)).collect::<StoreResult<Vec<_>>>()?;
        let operation = format!("note failed rows of {site}");
        for batch in items.chunks(BATCH) {
            let puts = batch.iter().map(|item| Self::put_request(&operation, item.clone())).collect::<StoreResult<Vec<WriteRequest>>>()?;
            self.write_batch(&operation, puts).await?;
        }
        Ok(())
    }

    async fn forgive(&self, site: &SiteId, ids: &[RecordId]) -> StoreResult<()> {
        let mut keys: Vec<Item> = Vec::new();
        for id in ids {
            let key = Key::failed(site, id).item();
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        for batch in keys.chunks(BATCH) {
            self.delete_batch(&format!("forgive rows of {site}"), batch.to_vec()).await?;
        }
        Ok(())
    }

    async fn failed(&self, site: &SiteId, by: Option<Timestamp>, at_most: usize) -> StoreResult<Vec<FailedRow>> {
        let mut call = self.query(&key::partition(site), key::FAILED);
        if let Some(by) = by {
            call = call.filter_expression("again_at <= :by").expression_attribute_values(":by", instant(by));
        }
        let (mut rows, mut from) = (Vec::new(), None);
        loop {
            let page = self.page(&format!("list failed rows of {site}"), call.clone(), from).await?;
            rows.extend(page.items.iter().map(read_failed).collect::<StoreResult<Vec<_>>>()?);
            from = page.next;
            if from.is_none() || rows.len() >= at_most {
                rows.truncate(at_most);
                return Ok(rows);
            }
        }
    }
}
