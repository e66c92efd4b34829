use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_lambda_events::sqs::SqsEvent;
use contact_bridge_local::{
    cloud::{
        Function, FunctionError, event_function, function,
        queue::{Draft, Queue, QueueOptions, Redrive},
        worker::{Worker, WorkerOptions},
    },
    vendors::kit::Clock,
};
use lambda_runtime::LambdaEvent;
use serde_json::{Value, json};

use crate::clock;

fn filled(clock: &Clock, bodies: &[&str]) -> (Queue, Queue) {
    let dead_letters = Queue::new("dead", clock, QueueOptions::default());
    let redrive = Redrive { dead_letters: dead_letters.clone(), max_receive_count: 3 };
    let queue = Queue::new("work", clock, QueueOptions { redrive: Some(redrive), ..QueueOptions::default() });
    for body in bodies {
        queue.send(Draft::new(*body)).unwrap();
    }
    (queue, dead_letters)
}

fn answering(answer: impl Fn(&Value) -> Result<Value, FunctionError> + Send + Sync + 'static) -> Function {
    function(move |event| {
        let answer = answer(&event);
        async move { answer }
    })
}

fn failing(wanted: &'static str) -> Function {
    answering(move |event| {
        let records = event["Records"].as_array().unwrap().iter().filter(|record| record["body"] == wanted);
        let failures: Vec<_> = records.map(|record| json!({ "itemIdentifier": record["messageId"] })).collect();
        Ok(json!({ "batchItemFailures": failures }))
    })
}

fn left(queue: &Queue) -> Vec<String> {
    queue.messages().into_iter().map(|message| message.body).collect()
}

#[tokio::test]
async fn the_event_is_one_that_lambda_sends() {
    let (queue, _) = filled(&clock(), &["a"]);
    let seen = Arc::new(Mutex::new(None));
    let sink = Arc::clone(&seen);
    let handler = event_function(move |event: LambdaEvent<SqsEvent>| {
        *sink.lock().unwrap() = Some(event.payload);
        async { Ok::<_, String>(json!({ "batchItemFailures": [] })) }
    });
    assert_eq!(Worker::new(&queue, handler, WorkerOptions::default()).pump_once().await, 1);
    let record = seen.lock().unwrap().take().unwrap().records.remove(0);
    assert_eq!(record.body.as_deref(), Some("a"));
    assert_eq!(record.attributes["ApproximateReceiveCount"], "1");
    assert_eq!(record.event_source_arn.as_deref(), Some(queue.arn()));
    assert!(queue.is_empty());
}

#[tokio::test]
async fn the_answer_decides_what_stays() {
    let cases: [(Result<Value, FunctionError>, &[&str]); 10] = [
        (Ok(Value::Null), &[]),
        (Ok(json!({})), &[]),
        (Ok(json!({ "batchItemFailures": null })), &[]),
        (Ok(json!({ "batchItemFailures": [] })), &[]),
        (Ok(json!("fine")), &["a", "b"]),
        (Ok(json!({ "batchItemFailures": "x" })), &["a", "b"]),
        (Ok(json!({ "batchItemFailures": [{ "itemIdentifier": "" }] })), &["a", "b"]),
        (Ok(json!({ "batchItemFailures": [{ "itemIdentifier": null }] })), &["a", "b"]),
        (Ok(json!({ "batchItemFailures": [{ "id": "x" }] })), &["a", "b"]),
        (Err(FunctionError::new("Boom", "no")), &["a", "b"]),
    ];
    for (answer, expected) in cases {
        let (queue, _) = filled(&clock(), &["a", "b"]);
        let given = answer.clone();
        Worker::new(&queue, answering(move |_| given.clone()), WorkerOptions::default()).pump_once().await;
        assert_eq!(left(&queue), expected, "{answer:?}");
    }
}

#[tokio::test]
async fn a_failed_message_is_tried_again_alone_and_dies_in_the_end() {
    let clock = clock();
    let (queue, dead_letters) = filled(&clock, &["good", "poison"]);
    let worker = Worker::new(&queue, failing("poison"), WorkerOptions::default());
    let mut rounds = Vec::new();
    while let Some(due) = worker.next_due() {
        clock.set_ms(due);
        rounds.push(worker.drain().await);
    }
    assert_eq!(rounds, [2, 1, 1, 0]);
    assert_eq!(left(&dead_letters), ["poison"]);
}

#[tokio::test]
async fn several_batches_run_at_once() {
    let bodies: Vec<_> = (0..25).map(|n| n.to_string()).collect();
    let (queue, _) = filled(&clock(), &bodies.iter().map(String::as_str).collect::<Vec<_>>());
    let barrier = Arc::new(tokio::sync::Barrier::new(2));
    let waiting = function(move |_| {
        let barrier = Arc::clone(&barrier);
        async move {
            barrier.wait().await;
            Ok(Value::Null)
        }
    });
    let worker = Worker::new(&queue, waiting, WorkerOptions { batch_size: 10, concurrency: 2 });
    assert_eq!(worker.pump_once().await, 20, "both batches met, or this would hang");
}

#[tokio::test]
async fn in_real_time_a_worker_takes_messages_as_they_come() {
    let (queue, _) = filled(&Clock::real(), &[]);
    let (seen, mut come) = tokio::sync::mpsc::unbounded_channel();
    let handler = answering(move |event| {
        seen.send(event["Records"][0]["body"].clone()).unwrap();
        Ok(Value::Null)
    });
    let _running = Worker::new(&queue, handler, WorkerOptions::default()).run();
    queue.send(Draft::new("a")).unwrap();
    let body = tokio::time::timeout(Duration::from_secs(10), come.recv()).await.unwrap();
    assert_eq!(body, Some(json!("a")));
}
