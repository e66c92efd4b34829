//! Conditional writes, alone or several in one transaction.

use aws_sdk_dynamodb::{
    error::{ProvideErrorMetadata, SdkError},
    operation::transact_write_items::TransactWriteItemsError,
    types::{AttributeValue, ConditionCheck, Delete, Put, TransactWriteItem},
};
use jiff::Timestamp;
use uuid::Uuid;

use super::{
    Store,
    item::{Item, cause_name, instant, number, text},
    key::Key,
};
use crate::{
    adapters::aws::{failure, kind},
    model::{
        ids::{RecordId, Side},
        link::{Cause, Link},
        submission::Claim,
    },
    ports::{ErrorKind, StoreError, StoreResult},
};

/// What must be true of the stored item.
#[derive(Clone, Debug)]
pub(super) struct Condition {
    expression: &'static str,
    values: Vec<(&'static str, AttributeValue)>,
}

impl Condition {
    /// There is neither a link nor a reservation of another than `owner` that has not expired.
    pub(super) fn free(owner: Option<&str>, now: Timestamp) -> Self {
        let mut values = vec![(":now", instant(now))];
        let expression = if let Some(owner) = owner {
            values.push((":holder", text(owner)));
            "attribute_not_exists(body) AND attribute_not_exists(wix) \
             AND (attribute_not_exists(holder) OR held_until <= :now OR holder = :holder)"
        } else {
            "attribute_not_exists(body) AND attribute_not_exists(wix) AND (attribute_not_exists(holder) OR held_until <= :now)"
        };
        Self { expression, values }
    }

    /// There is no link.
    pub(super) const fn unlinked() -> Self {
        Self { expression: "attribute_not_exists(body) AND attribute_not_exists(wix)", values: Vec::new() }
    }

    /// `owner` holds the reservation.
    pub(super) fn held_by(owner: &str) -> Self {
        Self { expression: "holder = :holder", values: vec![(":holder", text(owner))] }
    }

    /// Nobody but `owner` holds it any more.
    pub(super) fn unheld(owner: &str, now: Timestamp) -> Self {
        Self {
            expression: "attribute_not_exists(held_until) OR held_until <= :now OR holder = :holder",
            values: vec![(":now", instant(now)), (":holder", text(owner))],
        }
    }

    /// There is no such submission, or one that nobody but the claim's owner deals with and that is not done, unless it is a new one.
    pub(super) fn claimable(claim: &Claim, now: Timestamp) -> Self {
        Self {
            expression: "attribute_not_exists(stage) OR ((attribute_not_exists(held_until) OR held_until <= :now OR holder = :holder) \
                         AND (stage <> :done OR submitted_at <= :anew))",
            values: vec![
                (":now", instant(now)),
                (":holder", text(claim.owner.as_str())),
                (":done", text("done")),
                (":anew", instant(claim.anew_since.unwrap_or(Timestamp::MIN))),
            ],
        }
    }

    /// It is noted for this message, or not yet.
    pub(super) fn of_message(message: &str) -> Self {
        Self { expression: "attribute_not_exists(PK) OR message = :message", values: vec![(":message", text(message))] }
    }

    /// `owner` holds it until this instant and no other.
    pub(super) fn held_until(owner: &str, until: Timestamp) -> Self {
        let values = vec![(":holder", text(owner)), (":until", instant(until))];
        Self { expression: "holder = :holder AND held_until = :until", values }
    }

    /// There is nothing.
    pub(super) const fn no_item() -> Self {
        Self { expression: "attribute_not_exists(PK)", values: Vec::new() }
    }

    /// There is a link between the same records with this version.
    pub(super) fn linked(link: &Link, version: u64) -> Self {
        let external = text(link.id(Side::External).as_str());
        Self { expression: "version = :version AND ext = :ext", values: vec![(":version", number(version)), (":ext", external)] }
    }

    /// There is a pointer to this Wix record.
    pub(super) fn points_to(wix: &RecordId) -> Self {
        Self { expression: "wix = :wix", values: vec![(":wix", text(wix.as_str()))] }
    }

    /// There is no tombstone that stays, whatever is told.
    pub(super) fn gives_way_to(told: Cause) -> Self {
        let value = |name, cause| (name, text(cause_name(cause)));
        let erased = value(":erased", Cause::Erased);
        if Cause::ErasureUnclear.gives_way_to(told) {
            return Self { expression: "attribute_not_exists(cause) OR cause <> :erased", values: vec![erased] };
        }
        let expression = "attribute_not_exists(cause) OR NOT cause IN (:erased, :unclear)";
        Self { expression, values: vec![erased, value(":unclear", Cause::ErasureUnclear)] }
    }

    /// The item has this version; 0 stands for none.
    pub(super) fn version(version: u64) -> Self {
        if version == 0 {
            return Self { expression: "attribute_not_exists(version)", values: Vec::new() };
        }
        Self { expression: "version = :version", values: vec![(":version", number(version))] }
    }

    /// Deletes are counted as they were when this item was read, or none are.
    pub(super) fn rail(read: Option<&Item>) -> Self {
        match read.and_then(|item| item.get("spent")) {
            Some(spent) => Self { expression: "spent = :spent", values: vec![(":spent", spent.clone())] },
            None => Self { expression: "attribute_not_exists(spent)", values: Vec::new() },
        }
    }

    /// There is no pause that lasts as long.
    pub(super) fn cooling_before(until: Timestamp) -> Self {
        Self { expression: "attribute_not_exists(held_until) OR held_until < :until", values: vec![(":until", instant(until))] }
    }

    /// Anything.
    pub(super) const fn none() -> Self {
        Self { expression: "", values: Vec::new() }
    }

    fn expression(&self) -> Option<String> {
        (!self.expression.is_empty()).then(|| self.expression.to_owned())
    }

    fn values(self) -> Option<Item> {
        (!self.values.is_empty()).then(|| self.values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }
}

/// What it means that the condition of a write does not hold.
#[derive(Clone, Debug)]
pub(super) enum Refusal {
    /// Nothing is written, and the caller is told so.
    Fail(ErrorKind),
    /// The others are written without this one.
    Skip,
}

#[derive(Clone, Debug)]
enum Action {
    Put(Item),
    Delete(Key),
    Check(Key),
}

/// One conditional write.
#[derive(Clone, Debug)]
pub(super) struct Write {
    action: Action,
    condition: Condition,
    refusal: Refusal,
}

impl Write {
    pub(super) const fn put(item: Item, condition: Condition, refusal: Refusal) -> Self {
        Self { action: Action::Put(item), condition, refusal }
    }

    pub(super) const fn delete(key: Key, condition: Condition, refusal: Refusal) -> Self {
        Self { action: Action::Delete(key), condition, refusal }
    }

    pub(super) const fn check(key: Key, condition: Condition, refusal: Refusal) -> Self {
        Self { action: Action::Check(key), condition, refusal }
    }

    /// Tells whether its refusal means that a record is another's.
    pub(super) const fn reports_taken(&self) -> bool {
        matches!(self.refusal, Refusal::Fail(ErrorKind::Exists(_)))
    }
}

impl Store {
    /// Writes all or nothing. Of several refusals the first in order is reported.
    ///
    /// A single write goes without a transaction, which would cost double. The SDK repeats such a call after a lost reply, so it
    /// can be refused although it was carried out the first time; a transaction is recognised by its token.
    pub(super) async fn commit(&self, operation: &str, mut writes: Vec<Write>) -> StoreResult<()> {
        while writes.iter().any(|write| !matches!(write.action, Action::Check(_))) {
            let refused = match writes.as_slice() {
                [write] => self.write(operation, write.clone()).await?,
                _ => self.transact(operation, &writes).await?,
            };
            if refused.is_empty() {
                return Ok(());
            }
            if let Some(kind) = refused.iter().filter_map(|index| writes.get(*index)).find_map(failing) {
                return Err(StoreError::new(kind, operation));
            }
            let mut index = 0..;
            writes.retain(|_| index.next().is_none_or(|index| !refused.contains(&index)));
        }
        Ok(())
    }

    /// Carries out one write; returns the index of it if its condition does not hold.
    pub(super) async fn write(&self, operation: &str, write: Write) -> StoreResult<Vec<usize>> {
        let expression = write.condition.expression();
        let values = write.condition.values();
        let consumed = match write.action {
            Action::Put(item) => {
                let call = self.client.put_item().table_name(&self.table).set_item(Some(item));
                let call = call.set_condition_expression(expression).set_expression_attribute_values(values);
                let sent = call.set_return_consumed_capacity(self.cost()).send().await;
                accepted(operation, sent)?.map(|output| output.consumed_capacity)
            }
            Action::Delete(key) => {
                let call = self.client.delete_item().table_name(&self.table).set_key(Some(key.item()));
                let call = call.set_condition_expression(expression).set_expression_attribute_values(values);
                let sent = call.set_return_consumed_capacity(self.cost()).send().await;
                accepted(operation, sent)?.map(|output| output.consumed_capacity)
            }
            Action::Check(_) => Some(None),
        };
        if let (Some(capacity), Some(consumed)) = (&self.capacity, &consumed) {
            capacity.add_write(consumed.as_ref());
        }
        Ok(if consumed.is_some() { Vec::new() } else { vec![0] })
    }

    /// Carries out a transaction; returns the indices of the writes whose conditions do not hold.
    pub(super) async fn transact(&self, operation: &str, writes: &[Write]) -> StoreResult<Vec<usize>> {
        let items = writes.iter().map(|write| self.transact_item(operation, write.clone())).collect::<Result<Vec<_>, _>>()?;
        let call = self.client.transact_write_items().set_transact_items(Some(items));
        let call = call.client_request_token(Uuid::new_v4().to_string()).set_return_consumed_capacity(self.cost());
        match call.send().await {
            Ok(output) => {
                if let Some(capacity) = &self.capacity {
                    output.consumed_capacity().iter().for_each(|consumed| capacity.add_write(Some(consumed)));
                }
                Ok(Vec::new())
            }
            Err(error) => refused(operation, &error),
        }
    }

    fn transact_item(&self, operation: &str, write: Write) -> StoreResult<TransactWriteItem> {
        let expression = write.condition.expression();
        let values = write.condition.values();
        let item = TransactWriteItem::builder();
        let built = match write.action {
            Action::Put(put) => Put::builder()
                .table_name(&self.table)
                .set_item(Some(put))
                .set_condition_expression(expression)
                .set_expression_attribute_values(values)
                .build()
                .map(|put| item.put(put)),
            Action::Delete(key) => Delete::builder()
                .table_name(&self.table)
                .set_key(Some(key.item()))
                .set_condition_expression(expression)
                .set_expression_attribute_values(values)
                .build()
                .map(|delete| item.delete(delete)),
            Action::Check(key) => ConditionCheck::builder()
                .table_name(&self.table)
                .set_key(Some(key.item()))
                .set_condition_expression(expression)
                .set_expression_attribute_values(values)
                .build()
                .map(|check| item.condition_check(check)),
        };
        let built = built.map_err(|error| StoreError::new(ErrorKind::Invalid(Vec::new()), operation).caused_by(error))?;
        Ok(built.build())
    }
}

fn failing(write: &Write) -> Option<ErrorKind> {
    match &write.refusal {
        Refusal::Fail(kind) => Some(kind.clone()),
        Refusal::Skip => None,
    }
}

/// Tells a call that its condition stopped, `None`, from one that failed.
pub(super) fn accepted<T, E: ProvideErrorMetadata>(operation: &str, sent: Result<T, SdkError<E>>) -> StoreResult<Option<T>> {
    match sent {
        Ok(output) => Ok(Some(output)),
        Err(error) if error.code() == Some("ConditionalCheckFailedException") => Ok(None),
        Err(error) => Err(failure(operation, &error)),
    }
}

/// Returns which writes of a cancelled transaction were refused by their conditions.
///
/// One reason is given for each write, in order, with the code `None` for the ones that were not in the way:
/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html>.
fn refused(operation: &str, error: &SdkError<TransactWriteItemsError>) -> StoreResult<Vec<usize>> {
    let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error() else {
        return Err(failure(operation, error));
    };
    let codes: Vec<_> = cancelled.cancellation_reasons().iter().map(|reason| reason.code().unwrap_or("None")).collect();
    let refused = |code: &str| code == "ConditionalCheckFailed";
    let indices: Vec<_> = (0..).zip(&codes).filter(|(_, code)| refused(code)).map(|(index, _)| index).collect();
    if !indices.is_empty() {
        return Ok(indices);
    }
    let code = codes.into_iter().find(|code| *code != "None").unwrap_or_default();
    let mut cause = failure(operation, error);
    cause.kind = kind(code);
    Err(cause)
}
