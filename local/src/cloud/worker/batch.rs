//! A batch as an event, and the answer to it.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Value, json};

use crate::cloud::{
    FunctionError, REGION,
    queue::{Attribute, Received},
};

/// The event of a batch (<https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html#example-standard-queue-message-event>).
pub(super) fn event(batch: &[Received], queue_arn: &str) -> Value {
    let records: Vec<_> = batch.iter().map(|received| record(received, queue_arn)).collect();
    json!({ "Records": records })
}

fn record(received: &Received, queue_arn: &str) -> Value {
    let message = &received.message;
    let attributes: BTreeMap<_, _> = message.attributes.iter().map(|(name, value)| (name, attribute(value))).collect();
    json!({
        "messageId": message.id,
        "receiptHandle": received.receipt,
        "body": message.body,
        "attributes": message.system_attributes(),
        "messageAttributes": attributes,
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": REGION,
    })
}

fn attribute(attribute: &Attribute) -> Value {
    let mut value = json!({ "dataType": attribute.data_type, "stringListValues": [], "binaryListValues": [] });
    let texts = [("stringValue", &attribute.string_value), ("binaryValue", &attribute.binary_value)];
    for (name, text) in texts {
        if let (Some(text), Some(fields)) = (text, value.as_object_mut()) {
            fields.insert(name.to_owned(), Value::from(text.as_str()));
        }
    }
    value
}

/// The ids of the messages that stay in the queue. An answer that is not understood fails the whole batch.
pub(super) fn failed<'a>(answer: &Result<Value, FunctionError>, batch: &'a [Received]) -> HashSet<&'a str> {
    let ids: HashSet<_> = batch.iter().map(|received| received.message.id.as_str()).collect();
    match answer {
        Ok(answer) => reported(answer, &ids).unwrap_or(ids),
        Err(_) => ids,
    }
}

/// The reported failures; `None` if the answer, or one of its identifiers, is malformed or unknown.
fn reported<'a>(answer: &Value, ids: &HashSet<&'a str>) -> Option<HashSet<&'a str>> {
    let failures = match answer {
        Value::Null => return Some(HashSet::new()),
        Value::Object(fields) => fields.get("batchItemFailures"),
        _ => return None,
    };
    match failures {
        None | Some(Value::Null) => Some(HashSet::new()),
        Some(Value::Array(failures)) => failures.iter().map(|failure| ids.get(failure.get("itemIdentifier")?.as_str()?).copied()).collect(),
        Some(_) => None,
    }
}
