//! Merging.

use serde_json::{Value, json};

use super::client::{CONTACTS, Inbox, Wix, emails, named};

async fn pair(wix: &Wix) -> (String, String) {
    let target = json!({"name": {"first": "Ada"}, "emails": emails(&["a@x.io"])});
    let source = json!({"name": {"first": "Ann", "last": "Stone"}, "emails": emails(&["b@x.io", "A@X.io"]), "company": "Works"});
    let target = wix.create(target).await.id();
    let source = wix.post(CONTACTS, json!({"info": source, "allowDuplicates": true})).await.id();
    (target, source)
}

async fn merge(wix: &Wix, target: &str, revision: i64, sources: &[&str]) -> super::client::Answer {
    let body = json!({"targetContactRevision": revision, "sourceContactIds": sources});
    wix.post(&format!("{CONTACTS}/{target}/merge"), body).await
}

#[tokio::test]
async fn the_target_keeps_its_values_and_gains_what_it_lacks() {
    let wix = Wix::start().await;
    let (target, source) = pair(&wix).await;
    let preview = wix.post(&format!("{CONTACTS}/{target}/preview-merge"), json!({"sourceContactIds": [source]})).await;
    let merged = merge(&wix, &target, 1, &[&source]).await;
    assert_eq!(preview.contact()["info"], merged.contact()["info"]);
    let info = &merged.contact()["info"];
    assert_eq!((&info["name"], &info["company"]), (&json!({"first": "Ada", "last": "Stone"}), &json!("Works")));
    let held: Vec<(&Value, &Value)> = info["emails"]["items"].as_array().unwrap().iter().map(|e| (&e["email"], &e["primary"])).collect();
    assert_eq!(held, [(&json!("a@x.io"), &json!(true)), (&json!("b@x.io"), &json!(false))]);
}

#[tokio::test]
async fn a_merged_source_answers_get_with_its_target_alone() {
    let wix = Wix::start().await;
    let (target, source) = pair(&wix).await;
    merge(&wix, &target, 1, &[&source]).await.id();
    let path = format!("{CONTACTS}/{source}");
    let got = wix.get(&path).await;
    assert_eq!((got.id(), &got.body["responseType"]), (target, &json!("MERGED")));
    assert_eq!(wix.patch(&path, json!({"revision": 1, "info": named("X")})).await.code(), (404, "CONTACT_NOT_FOUND"));
    assert_eq!(wix.found(json!({})).await, ["Ada"]);
}

#[tokio::test]
async fn wrong_merges_are_refused() {
    let wix = Wix::start().await;
    let (target, source) = pair(&wix).await;
    assert_eq!(merge(&wix, &target, 9, &[&source]).await.code(), (428, "FAILED_PRECONDITION"));
    wix.set("merge_stale_revision", "409");
    assert_eq!(merge(&wix, &target, 9, &[&source]).await.code(), (409, "CONTACT_ALREADY_CHANGED"));
    assert_eq!(merge(&wix, &target, 1, &[&target]).await.code(), (400, "ILLEGAL_MERGE"));
    assert_eq!(merge(&wix, &target, 1, &["none"]).await.code(), (404, "CONTACT_NOT_FOUND"));
    assert_eq!(merge(&wix, &target, 1, &[]).await.violation().1, "sourceContactIds");
    wix.post("/_control/flags", json!({"contact": source, "member": true})).await;
    assert_eq!(merge(&wix, &target, 1, &[&source]).await.code(), (400, "ILLEGAL_MERGE"));
}

#[tokio::test]
async fn a_merge_raises_merged_updated_and_deleted() {
    let wix = Wix::start().await;
    let (target, source) = pair(&wix).await;
    let inbox = Inbox::of(&wix).await;
    merge(&wix, &target, 1, &[&source]).await.id();
    wix.deliver().await;
    let events = inbox.events(&wix);
    let told: Vec<(&str, &str, Option<&str>)> = events
        .iter()
        .map(|event| &event["data"])
        .map(|data| (data["slug"].as_str().unwrap(), data["entityId"].as_str().unwrap(), data["originatedFrom"].as_str()))
        .collect();
    assert_eq!(told, [("merged", &*target, None), ("updated", &*target, Some("merge")), ("deleted", &*source, Some("merge"))]);
    let body = &events[0]["data"]["actionEvent"]["body"];
    assert_eq!((&body["targetContactId"], &body["sourceContactIds"]), (&json!(target), &json!([source])));
    assert_eq!(body["targetContact"]["revision"], 2);
}

#[tokio::test]
async fn the_order_and_slug_of_merge_events_are_open() {
    let wix = Wix::start().await;
    let (target, source) = pair(&wix).await;
    let inbox = Inbox::of(&wix).await;
    wix.set("merge_event_order", "merged_last");
    wix.set("merged_slug", "merge");
    merge(&wix, &target, 1, &[&source]).await.id();
    wix.deliver().await;
    assert_eq!(inbox.slugs(&wix), ["updated", "deleted", "merge"]);
}

#[tokio::test]
async fn extended_fields_may_come_from_the_source() {
    for (fills, expected) in [(true, Some("x")), (false, None)] {
        let wix = Wix::start().await;
        wix.set("merge_fills_extended_fields", fills);
        wix.post("/contacts/v4/extended-fields", json!({"displayName": "one", "dataType": "TEXT"})).await;
        let target = wix.create(named("Ada")).await.id();
        let source = json!({"name": {"first": "Ann"}, "extendedFields": {"items": {"custom.one": "x"}}});
        let source = wix.create(source).await.id();
        let merged = merge(&wix, &target, 1, &[&source]).await;
        assert_eq!(merged.contact()["info"]["extendedFields"]["items"]["custom.one"].as_str(), expected);
    }
}
