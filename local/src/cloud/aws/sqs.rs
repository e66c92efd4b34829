//! `AmazonSQS`: sending, receiving and looking at queues
//! (<https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_Operations.html>).

use std::{collections::BTreeMap, time::Duration};

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Shared, error::ApiError, read};
use crate::cloud::queue::{Attribute, Draft, MAX_BATCH, MAX_MESSAGE_BYTES, Queue, Received, SendError};

pub(super) fn call(shared: &Shared, operation: &str, body: &[u8]) -> Result<Value, ApiError> {
    match operation {
        "SendMessage" => send(shared, read(body)?),
        "SendMessageBatch" => send_batch(shared, read(body)?),
        "ReceiveMessage" => receive(shared, &read(body)?),
        "DeleteMessage" => delete(shared, &read(body)?),
        "GetQueueUrl" => queue_url(shared, &read(body)?),
        "GetQueueAttributes" => attributes(shared, &read(body)?),
        _ => Err(ApiError::unknown_operation()),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Send {
    #[serde(default)]
    queue_url: String,
    #[serde(default)]
    id: String,
    #[serde(default)]
    message_body: String,
    delay_seconds: Option<i64>,
    #[serde(default)]
    message_attributes: BTreeMap<String, Attribute>,
}

impl Send {
    fn draft(self) -> Result<Draft, SendError> {
        let delay = self.delay_seconds.map(u64::try_from).transpose().map_err(|_| SendError::Delay)?;
        Ok(Draft { body: self.message_body, delay: delay.map(Duration::from_secs), attributes: self.message_attributes })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SendBatch {
    queue_url: String,
    entries: Vec<Send>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Receive {
    queue_url: String,
    max_number_of_messages: Option<usize>,
    visibility_timeout: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Delete {
    queue_url: String,
    receipt_handle: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct QueueName {
    queue_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct QueueUrl {
    queue_url: String,
}

/// The queue of a URL; only the path counts, for a function may know this machine by another name.
fn find<'a>(shared: &'a Shared, url: &str) -> Result<&'a Queue, ApiError> {
    let name = url.rsplit('/').next().unwrap_or_default();
    shared.queue(name).ok_or_else(no_such_queue)
}

fn no_such_queue() -> ApiError {
    ApiError::new(400, "QueueDoesNotExist", "The specified queue does not exist.")
        .with_query_code("AWS.SimpleQueueService.NonExistentQueue")
}

fn send(shared: &Shared, request: Send) -> Result<Value, ApiError> {
    let queue = find(shared, &request.queue_url)?;
    let id = queue.send(request.draft()?)?;
    Ok(json!({ "MessageId": id }))
}

fn send_batch(shared: &Shared, request: SendBatch) -> Result<Value, ApiError> {
    let queue = find(shared, &request.queue_url)?;
    check_batch(&request.entries)?;
    let (mut successful, mut failed) = (Vec::new(), Vec::new());
    for entry in request.entries {
        let id = entry.id.clone();
        match entry.draft().and_then(|draft| queue.send(draft)) {
            Ok(message_id) => successful.push(json!({ "Id": id, "MessageId": message_id, "MD5OfMessageBody": "" })),
            Err(error) => failed.push(json!({ "Id": id, "Code": code(error), "Message": error.to_string(), "SenderFault": true })),
        }
    }
    Ok(json!({ "Successful": successful, "Failed": failed }))
}

fn check_batch(entries: &[Send]) -> Result<(), ApiError> {
    let size: usize = entries.iter().map(|entry| entry.message_body.len()).sum();
    let mut ids: Vec<_> = entries.iter().map(|entry| &entry.id).collect();
    ids.sort_unstable();
    ids.dedup();
    let (code, query_code) = match entries.len() {
        0 => ("EmptyBatchRequest", "AWS.SimpleQueueService.EmptyBatchRequest"),
        count if count > MAX_BATCH => ("TooManyEntriesInBatchRequest", "AWS.SimpleQueueService.TooManyEntriesInBatchRequest"),
        count if count != ids.len() => ("BatchEntryIdsNotDistinct", "AWS.SimpleQueueService.BatchEntryIdsNotDistinct"),
        _ if size > MAX_MESSAGE_BYTES => ("BatchRequestTooLong", "AWS.SimpleQueueService.BatchRequestTooLong"),
        _ => return Ok(()),
    };
    Err(ApiError::new(400, code, "The batch request is not valid.").with_query_code(query_code))
}

fn code(error: SendError) -> &'static str {
    match error {
        SendError::Empty => "MissingParameter",
        SendError::TooLong | SendError::Delay | SendError::Attributes => "InvalidParameterValue",
    }
}

impl From<SendError> for ApiError {
    fn from(error: SendError) -> Self {
        Self::new(400, code(error), error.to_string()).with_query_code(code(error))
    }
}

fn receive(shared: &Shared, request: &Receive) -> Result<Value, ApiError> {
    let queue = find(shared, &request.queue_url)?;
    let visibility = request.visibility_timeout.map_or(queue.options().visibility, Duration::from_secs);
    let received = queue.receive_hidden(request.max_number_of_messages.unwrap_or(1), visibility);
    let messages: Vec<_> = received.iter().map(received_json).collect();
    Ok(json!({ "Messages": messages }))
}

fn received_json(received: &Received) -> Value {
    let message = &received.message;
    json!({
        "MessageId": message.id,
        "ReceiptHandle": received.receipt,
        "Body": message.body,
        "Attributes": message.system_attributes(),
        "MessageAttributes": message.attributes,
    })
}

fn delete(shared: &Shared, request: &Delete) -> Result<Value, ApiError> {
    let queue = find(shared, &request.queue_url)?;
    // SQS answers 200 to a stale receipt, too.
    let _stale = !queue.delete(&request.receipt_handle);
    Ok(json!({}))
}

fn queue_url(shared: &Shared, request: &QueueName) -> Result<Value, ApiError> {
    let queue = shared.queue(&request.queue_name).ok_or_else(no_such_queue)?;
    Ok(json!({ "QueueUrl": shared.queue_url(queue.name()) }))
}

fn attributes(shared: &Shared, request: &QueueUrl) -> Result<Value, ApiError> {
    let queue = find(shared, &request.queue_url)?;
    let (counts, options) = (queue.counts(), queue.options());
    let mut attributes = json!({
        "QueueArn": queue.arn(),
        "ApproximateNumberOfMessages": counts.visible.to_string(),
        "ApproximateNumberOfMessagesNotVisible": counts.in_flight.to_string(),
        "ApproximateNumberOfMessagesDelayed": counts.delayed.to_string(),
        "VisibilityTimeout": options.visibility.as_secs().to_string(),
        "DelaySeconds": options.delay.as_secs().to_string(),
        "MessageRetentionPeriod": options.retention.as_secs().to_string(),
        "MaximumMessageSize": MAX_MESSAGE_BYTES.to_string(),
    });
    if let (Some(redrive), Some(attributes)) = (&options.redrive, attributes.as_object_mut()) {
        let policy = json!({ "deadLetterTargetArn": redrive.dead_letters.arn(), "maxReceiveCount": redrive.max_receive_count });
        attributes.insert("RedrivePolicy".to_owned(), Value::from(policy.to_string()));
    }
    Ok(json!({ "Attributes": attributes }))
}
