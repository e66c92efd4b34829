use super::*;
use crate::model::{field::Fields, ids::RecordId};

fn rows(count: usize) -> Vec<(RecordId, Fields)> {
    (0..count).map(|n| (RecordId::new(format!("w{n}")), Fields::new())).collect()
}

/// Lands every row whose key is not among the bad ones; refuses the whole batch if one is.
struct Picky(&'static [&'static str]);

impl wiremock::Respond for Picky {
    fn respond(&self, request: &wiremock::Request) -> ResponseTemplate {
        let body: Json = request.body_json().unwrap();
        let keys: Vec<_> = body["inputs"].as_array().unwrap().iter().map(|input| input["id"].as_str().unwrap()).collect();
        if keys.iter().any(|key| self.0.contains(key)) {
            return ResponseTemplate::new(400).set_body_json(json!({"category": "VALIDATION_ERROR", "message": "no"}));
        }
        let results: Vec<_> = keys.iter().map(|key| object(&key.replace('w', "1"), json!({"wix_contact_id": key}))).collect();
        ResponseTemplate::new(200).set_body_json(json!({"status": "COMPLETE", "results": results}))
    }
}

#[tokio::test]
async fn one_bad_row_does_not_keep_the_others_from_landing() {
    let portal = Portal::new().await;
    Mock::given(path(format!("{CONTACTS}/batch/upsert"))).respond_with(Picky(&["w0", "w149"])).mount(&portal.server).await;
    let outcome = portal.client.upsert(&rows(250)).await.unwrap();
    let mut failed: Vec<_> = outcome.failed.iter().map(|(key, error)| (key.as_str(), error.kind.name())).collect();
    failed.sort_unstable();
    assert_eq!((outcome.done.len(), failed), (248, vec![("w0", "invalid"), ("w149", "invalid")]));
    assert!(outcome.done.iter().all(|(key, contact)| contact.counterpart.as_ref().unwrap().as_str() == key));
}

#[tokio::test]
async fn a_limit_ends_a_batch_whole() {
    let portal = Portal::new().await;
    portal.answer("POST", format!("{CONTACTS}/batch/upsert"), 429, json!({"policyName": "DAILY"})).await;
    assert!(matches!(kind(portal.client.upsert(&rows(2)).await), ErrorKind::Throttled(_)));
}

#[tokio::test]
async fn rows_that_come_back_in_part_are_read_again_together() {
    let portal = Portal::new().await;
    let part = |n: usize| json!({"id": format!("1{n}"), "properties": {"wix_contact_id": format!("w{n}")}, "new": true});
    let upserted = json!({"status": "COMPLETE", "results": [part(1), part(0)]});
    portal.answer("POST", format!("{CONTACTS}/batch/upsert"), 201, upserted).await;
    let read = json!({"status": "COMPLETE", "results": [object("10", json!({"firstname": "Ada"}))], "numErrors": 1,
        "errors": [{"category": "OBJECT_NOT_FOUND", "context": {"ids": ["11"]}}]});
    portal.answer("POST", format!("{CONTACTS}/batch/read"), 207, read).await;
    let outcome = portal.client.upsert(&rows(2)).await.unwrap();
    assert_eq!(text(&outcome.done[0].1, "firstname"), Some("Ada"));
    assert_eq!((outcome.failed[0].0.as_str(), &outcome.failed[0].1.kind), ("w1", &ErrorKind::Unavailable));
}

#[tokio::test]
async fn a_batch_read_names_what_is_not_there() {
    let portal = Portal::new().await;
    let read = json!({"status": "COMPLETE", "results": [object("1", json!({}))]});
    portal.answer("POST", format!("{CONTACTS}/batch/read"), 200, read).await;
    let outcome = portal.client.read_batch(&["1".into(), "2".into(), "1".into()]).await.unwrap();
    assert_eq!((outcome.done[0].0.as_str(), outcome.failed[0].0.as_str()), ("1", "2"));
    assert_eq!(outcome.failed[0].1.kind, ErrorKind::NotFound);
    let inputs = portal.body(0).await["inputs"].clone();
    assert_eq!(inputs, json!([{"id": "1"}, {"id": "2"}]));
}
