use std::{collections::BTreeMap, time::Duration};

use contact_bridge_local::{
    cloud::queue::{Attribute, Counts, Draft, Queue, QueueOptions, Redrive, SendError},
    vendors::kit::Clock,
};

use crate::clock;

const VISIBILITY: Duration = Duration::from_secs(30);

fn pair(clock: &Clock, max_receive_count: u32) -> (Queue, Queue) {
    let dead_letters = Queue::new("dead", clock, QueueOptions { retention: Duration::from_hours(14 * 24), ..QueueOptions::default() });
    let redrive = Redrive { dead_letters: dead_letters.clone(), max_receive_count };
    let queue = Queue::new("work", clock, QueueOptions { redrive: Some(redrive), ..QueueOptions::default() });
    (queue, dead_letters)
}

fn queue(clock: &Clock) -> Queue {
    Queue::new("work", clock, QueueOptions::default())
}

fn bodies(queue: &Queue) -> Vec<String> {
    queue.receive(10).into_iter().map(|received| received.message.body).collect()
}

#[test]
fn what_sqs_refuses_is_refused() {
    let attribute = |value: &str| BTreeMap::from([("reason".to_owned(), Attribute::string(value))]);
    let draft = |bytes: usize, delay: u64, value: &str| Draft {
        body: "x".repeat(bytes),
        delay: Some(Duration::from_secs(delay)),
        attributes: attribute(value),
    };
    let overhead = "reason".len() + "String".len() + "poison".len();
    let cases = [
        (draft(0, 0, "poison"), Some(SendError::Empty)),
        (draft(1_048_576 - overhead, 900, "poison"), None),
        (draft(1_048_577 - overhead, 0, "poison"), Some(SendError::TooLong)),
        (draft(1, 901, "poison"), Some(SendError::Delay)),
        (draft(1, 0, ""), Some(SendError::Attributes)),
    ];
    let queue = queue(&clock());
    for (draft, expected) in cases {
        let size = draft.len();
        assert_eq!(queue.send(draft).err(), expected, "{size} bytes");
    }
}

#[test]
fn messages_come_in_the_order_in_which_they_are_due() {
    let clock = clock();
    let queue = queue(&clock);
    for (body, delay) in [("late", 20), ("now", 0), ("soon", 5), ("now too", 0)] {
        queue.send(Draft { delay: Some(Duration::from_secs(delay)), ..Draft::new(body) }).unwrap();
    }
    assert_eq!(queue.counts(), Counts { visible: 2, in_flight: 0, delayed: 2 });
    assert_eq!(bodies(&queue), ["now", "now too"]);
    assert_eq!(queue.next_due(), Some(clock.now_ms() + 5_000));
    clock.advance(Duration::from_secs(20));
    assert_eq!(bodies(&queue), ["soon", "late"]);
}

#[test]
fn a_received_message_is_hidden_until_its_visibility_timeout() {
    let clock = clock();
    let queue = queue(&clock);
    queue.send(Draft::new("a")).unwrap();
    let first = queue.receive(1).remove(0);
    assert!(bodies(&queue).is_empty());
    clock.advance(VISIBILITY);
    let second = queue.receive(1).remove(0);
    assert_eq!((first.message.receive_count, second.message.receive_count), (1, 2));
    assert!(!queue.delete(&first.receipt), "a stale receipt deletes nothing");
    assert!(queue.delete(&second.receipt));
    assert!(queue.is_empty());
}

#[test]
fn a_released_message_comes_back_when_it_was_told_to() {
    let clock = clock();
    let queue = queue(&clock);
    queue.send(Draft::new("a")).unwrap();
    let received = queue.receive(1).remove(0);
    assert!(queue.release(&received.receipt, Duration::from_secs(5)));
    assert_eq!(queue.next_due(), Some(clock.now_ms() + 5_000));
    clock.advance(Duration::from_secs(5));
    assert!(queue.delete(&received.receipt), "not yet received again, so the receipt still counts");
    assert!(!queue.release(&received.receipt, Duration::ZERO));
}

#[test]
fn no_timeout_does_not_put_a_message_into_a_batch_twice() {
    let queue = queue(&clock());
    queue.send(Draft::new("a")).unwrap();
    assert_eq!(queue.receive_hidden(10, Duration::ZERO).len(), 1);
    assert_eq!(queue.due(queue.clock().now_ms()), 1);
}

#[test]
fn a_message_received_too_often_moves_to_the_dead_letters() {
    let clock = clock();
    let (queue, dead_letters) = pair(&clock, 2);
    let attributes = BTreeMap::from([("site".to_owned(), Attribute::string("s-1"))]);
    let id = queue.send(Draft { attributes, ..Draft::new(r#"{"event":"e-1"}"#) }).unwrap();
    for _ in 0..2 {
        assert_eq!(queue.receive(10).len(), 1);
        clock.advance(VISIBILITY);
    }
    assert!(queue.receive(10).is_empty());
    assert!(queue.is_empty());
    let letter = &dead_letters.to_json()[0];
    assert_eq!(letter["messageId"], id);
    assert_eq!(letter["body"]["event"], "e-1");
    assert_eq!(letter["attributes"]["ApproximateReceiveCount"], "2");
    assert_eq!(letter["attributes"]["DeadLetterQueueSourceArn"], queue.arn());
    assert_eq!(letter["messageAttributes"]["site"]["StringValue"], "s-1");
}

#[test]
fn dead_letters_go_back_as_new_messages() {
    let clock = clock();
    let (queue, dead_letters) = pair(&clock, 1);
    let id = queue.send(Draft::new("a")).unwrap();
    assert_eq!(queue.receive(10).len(), 1);
    clock.advance(VISIBILITY);
    assert!(queue.receive(10).is_empty());
    assert_eq!(dead_letters.redrive_to(&queue), 1);
    assert!(dead_letters.is_empty());
    let message = queue.receive(1).remove(0).message;
    assert_ne!(message.id, id);
    assert_eq!((message.body.as_str(), message.receive_count, message.sent_ms), ("a", 1, clock.now_ms()));
}

#[test]
fn a_message_is_dropped_at_the_end_of_its_retention() {
    let clock = clock();
    let queue = queue(&clock);
    queue.send(Draft::new("old")).unwrap();
    clock.advance(Duration::from_hours(4 * 24) + Duration::from_millis(1));
    queue.send(Draft::new("new")).unwrap();
    assert_eq!(bodies(&queue), ["new"]);
}

#[test]
fn simulated_time_gives_the_same_ids_again_and_real_time_never() {
    let ids = |clock: &Clock| queue(clock).send(Draft::new("a")).unwrap();
    assert_eq!(ids(&clock()), ids(&clock()));
    assert_ne!(ids(&Clock::real()), ids(&Clock::real()));
}

#[test]
fn a_message_does_not_show_its_body_when_debugged() {
    let queue = queue(&clock());
    queue.send(Draft::new("ada@example.com")).unwrap();
    assert!(!format!("{:?}", queue.messages()).contains("ada"));
}
