use std::time::Duration;

use contact_bridge_local::{
    cloud::{
        bus::{Bus, BusOptions, Entry, FaultKind, Pattern, PutError, Rule},
        queue::{Queue, QueueOptions},
    },
    vendors::kit::Clock,
};
use serde_json::{Value, json};

use crate::clock;

fn entry(detail_type: &str) -> Entry {
    Entry {
        source: Some("wix".to_owned()),
        detail_type: Some(detail_type.to_owned()),
        detail: Some(json!({ "type": detail_type }).to_string()),
        ..Entry::default()
    }
}

fn wired(clock: &Clock, pattern: &Value, seed: u64) -> (Bus, Queue) {
    let bus = Bus::new("bridge", clock, BusOptions { seed, ..BusOptions::default() });
    let target = Queue::new("work", clock, QueueOptions::default());
    let pattern = Pattern::from_json(pattern).unwrap();
    bus.add_rule(Rule { pattern, target: target.clone() });
    (bus, target)
}

fn received(queue: &Queue) -> Vec<Value> {
    let received = queue.receive(10).into_iter();
    received.map(|received| serde_json::from_str(&received.message.body).unwrap()).collect()
}

fn types(queue: &Queue) -> Vec<String> {
    received(queue).iter().map(|event| event["detail-type"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn an_event_reaches_the_targets_of_the_rules_that_match() {
    let clock = clock();
    let (bus, queue) = wired(&clock, &json!({ "detail-type": [{ "prefix": "contact." }] }), 0);
    let entries = [Entry { resources: vec!["site-1".to_owned()], ..entry("contact.created") }, entry("app.installed")];
    let ids: Vec<_> = bus.put(&entries).unwrap().into_iter().map(Result::unwrap).collect();
    let expected = json!({
        "version": "0", "id": ids[0], "detail-type": "contact.created", "source": "wix", "account": "000000000000",
        "time": "2026-01-01T00:00:00Z", "region": "us-east-1", "resources": ["site-1"], "detail": { "type": "contact.created" },
    });
    assert_eq!(received(&queue), [expected]);
}

#[test]
fn one_bad_entry_does_not_stop_the_others() {
    let clock = clock();
    let (bus, queue) = wired(&clock, &json!({}), 0);
    let cases = [
        (entry("ok"), None),
        (Entry { source: None, ..entry("a") }, Some("InvalidArgument")),
        (Entry { detail_type: Some(String::new()), ..entry("a") }, Some("InvalidArgument")),
        (Entry { detail: Some("{".to_owned()), ..entry("a") }, Some("MalformedDetail")),
        (Entry { detail: Some("[1]".to_owned()), ..entry("a") }, Some("MalformedDetail")),
    ];
    let entries: Vec<_> = cases.iter().map(|(entry, _)| entry.clone()).collect();
    let codes: Vec<_> = bus.put(&entries).unwrap().into_iter().map(|answer| answer.err().map(|error| error.code)).collect();
    assert_eq!(codes, cases.map(|(_, code)| code));
    assert_eq!(types(&queue), ["ok"]);
}

#[test]
fn a_call_over_a_limit_is_refused_whole() {
    let clock = clock();
    let (bus, queue) = wired(&clock, &json!({}), 0);
    let big = |bytes: usize| Entry { detail: Some(format!("{{\"a\":\"{}\"}}", "x".repeat(bytes))), ..entry("b") };
    let fixed = big(0).size();
    let cases = [
        (vec![], Some(PutError::Count)),
        (vec![entry("a"); 11], Some(PutError::Count)),
        (vec![big(256 * 1024 - fixed + 1)], Some(PutError::Size)),
        (vec![big(128 * 1024), big(128 * 1024)], Some(PutError::Size)),
        (vec![big(256 * 1024 - fixed)], None),
    ];
    for (entries, expected) in cases {
        assert_eq!(bus.put(&entries).err(), expected, "{} entries", entries.len());
    }
    assert_eq!(received(&queue).len(), 1);
}

#[test]
fn faults_hit_as_often_as_told_and_lose_nothing() {
    let clock = clock();
    let (bus, queue) = wired(&clock, &json!({}), 0);
    bus.faults().next(FaultKind::Repeat { copies: 2 }, 1);
    bus.put(&[entry("a"), entry("b")]).unwrap();
    assert_eq!(types(&queue), ["a", "a", "a", "b"]);

    bus.faults().next(FaultKind::Delay { ms: 1_000_000 }, 1);
    bus.put(&[entry("c"), entry("d")]).unwrap();
    assert_eq!(types(&queue), ["d"]);
    queue.purge();

    bus.faults().next(FaultKind::FailCall { status: 500 }, 1);
    assert_eq!(bus.put(&[entry("e")]), Err(PutError::Fault { status: 500 }));
    bus.faults().next(FaultKind::LoseReply { status: 503 }, 1);
    assert_eq!(bus.put(&[entry("f")]), Err(PutError::Fault { status: 503 }));
    bus.faults().next(FaultKind::FailEntries { entries: 1 }, 1);
    let answers = bus.put(&[entry("g"), entry("h")]).unwrap();
    assert_eq!(answers[0].as_ref().unwrap_err().code, "InternalFailure");
    assert_eq!(types(&queue), ["f", "h"]);
    assert!(bus.faults().list().is_empty());
}

#[test]
fn a_fault_lets_as_many_pass_as_told() {
    let clock = clock();
    let (bus, _) = wired(&clock, &json!({}), 0);
    bus.faults().add(serde_json::from_value(json!({ "kind": "fail_call", "after": 1, "times": 2 })).unwrap());
    let answers: Vec<_> = (0..4).map(|_| bus.put(&[entry("a")]).is_ok()).collect();
    assert_eq!(answers, [true, false, false, true]);
}

#[test]
fn events_are_reordered_the_same_way_by_the_same_seed() {
    let order = |seed: u64| {
        let clock = clock();
        let (bus, queue) = wired(&clock, &json!({}), seed);
        bus.faults().next(FaultKind::Reorder { window_ms: 10_000 }, 8);
        let entries: Vec<_> = (0..8).map(|n| entry(&n.to_string())).collect();
        bus.put(&entries).unwrap();
        clock.advance(Duration::from_secs(10));
        types(&queue).concat()
    };
    assert_eq!(order(7), order(7));
    assert_ne!(order(7), "01234567");
    assert_eq!(order(7).len(), 8);
}
