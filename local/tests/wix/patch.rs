//! Update: revisions, lists, clearing, no-ops, refusals.

use serde_json::{Value, json};

use super::client::{CONTACTS, Wix, emails, named};

async fn with_field(wix: &Wix) -> String {
    for name in ["one", "two"] {
        wix.post("/contacts/v4/extended-fields", json!({"displayName": name, "dataType": "TEXT"})).await;
    }
    let info = json!({
        "name": {"first": "Ada", "last": "Stone"}, "company": "Works", "emails": emails(&["a@x.io"]),
        "extendedFields": {"items": {"custom.one": "1", "custom.two": "2"}},
    });
    wix.create(info).await.id()
}

fn custom(contact: &Value) -> (Option<&str>, Option<&str>) {
    let items = &contact["info"]["extendedFields"]["items"];
    (items["custom.one"].as_str(), items["custom.two"].as_str())
}

#[tokio::test]
async fn an_update_needs_the_stored_revision() {
    let wix = Wix::start().await;
    let path = format!("{CONTACTS}/{}", wix.create(named("Ada")).await.id());
    assert_eq!(wix.patch(&path, json!({"info": named("B")})).await.violation(), (400, "revision", "REQUIRED_FIELD"));
    assert_eq!(wix.patch(&path, json!({"revision": 1})).await.code(), (400, "INSUFFICIENT_UPDATE_CONTACT_DATA"));
    assert_eq!(wix.patch(&path, json!({"revision": 1, "info": {"x": 1}})).await.code().1, "INSUFFICIENT_UPDATE_CONTACT_DATA");
    let done = wix.patch(&path, json!({"revision": 1, "info": named("B")})).await;
    assert_eq!(done.contact()["revision"], 2);
    assert_eq!(wix.patch(&path, json!({"revision": 1, "info": named("C")})).await.code(), (409, "CONTACT_ALREADY_CHANGED"));
    let unknown = wix.patch(&format!("{CONTACTS}/x"), json!({"revision": 1, "info": named("C")})).await;
    assert_eq!(unknown.code(), (404, "CONTACT_NOT_FOUND"));
}

#[tokio::test]
async fn properties_not_sent_stay_and_lists_are_replaced() {
    let wix = Wix::start().await;
    let id = with_field(&wix).await;
    let done = wix.update(&id, json!({"emails": emails(&["b@x.io"])})).await;
    assert_eq!(done.contact()["info"]["company"], "Works");
    assert_eq!(done.contact()["info"]["emails"]["items"].as_array().unwrap().len(), 1);
    assert_eq!(done.contact()["primaryInfo"]["email"], "b@x.io");
    let none = wix.update(&id, json!({"emails": {"items": []}})).await;
    assert!(none.contact()["primaryInfo"].get("email").is_none());
}

#[tokio::test]
async fn extended_fields_are_merged_or_replaced() {
    let wix = Wix::start().await;
    let id = with_field(&wix).await;
    let only_one = json!({"extendedFields": {"items": {"CUSTOM.one": "new"}}});
    assert_eq!(custom(wix.update(&id, only_one.clone()).await.contact()), (Some("new"), Some("2")));
    wix.set("patch_extended_fields", "replace");
    assert_eq!(custom(wix.update(&id, only_one).await.contact()), (Some("new"), None));
}

#[tokio::test]
async fn what_clears_a_property_is_open() {
    let wix = Wix::start().await;
    for (switch, sent, cleared) in [
        ("none", json!(""), false),
        ("none", json!(null), false),
        ("empty_string", json!(null), false),
        ("empty_string", json!(""), true),
        ("null", json!(""), false),
        ("null", json!(null), true),
        ("both", json!(""), true),
        ("both", json!(null), true),
    ] {
        wix.set("patch_clearing", switch);
        let id = wix.create(json!({"name": {"first": "A"}, "company": "Works"})).await.id();
        let done = wix.update(&id, json!({"jobTitle": "x", "company": sent})).await;
        assert_eq!(done.contact()["info"].get("company").is_none(), cleared, "{switch} {sent}");
    }
}

#[tokio::test]
async fn the_name_is_replaced_or_merged() {
    let wix = Wix::start().await;
    let id = with_field(&wix).await;
    wix.set("patch_name", "merge");
    assert_eq!(wix.update(&id, named("Eve")).await.contact()["info"]["name"], json!({"first": "Eve", "last": "Stone"}));
    wix.set("patch_name", "replace");
    assert_eq!(wix.update(&id, named("Eve")).await.contact()["info"]["name"], json!({"first": "Eve"}));
}

#[tokio::test]
async fn a_no_op_may_bump_the_revision_and_raise_an_event() {
    let wix = Wix::start().await;
    wix.sim.set_webhook_urls(vec!["http://127.0.0.1:9/".into()]);
    let id = wix.create(named("Ada")).await.id();
    for (switch, bump, events) in [("bump_and_event", 1, 1), ("bump", 1, 0), ("nothing", 0, 0)] {
        wix.set("noop_patch", switch);
        let before = wix.sim.contacts(None).unwrap()[0]["revision"].as_i64().unwrap();
        let waiting = wix.sim.core().outbox.waiting().len();
        let after = wix.update(&id, named("Ada")).await;
        assert_eq!(after.contact()["revision"], before + bump, "{switch}");
        assert_eq!(wix.sim.core().outbox.waiting().len(), waiting + events, "{switch}");
    }
}

#[tokio::test]
async fn item_ids_are_kept_only_with_the_switch() {
    let wix = Wix::start().await;
    let made = wix.create(json!({"emails": emails(&["a@x.io"])})).await;
    let items = made.contact()["info"]["emails"].clone();
    let renewed = wix.update(&made.id(), json!({"emails": items})).await;
    assert_ne!(renewed.contact()["info"]["emails"]["items"][0]["id"], items["items"][0]["id"]);
    wix.set("item_ids_kept", true);
    let kept = wix.update(&made.id(), json!({"emails": items})).await;
    assert_eq!(kept.contact()["info"]["emails"]["items"][0]["id"], items["items"][0]["id"]);
}

#[tokio::test]
async fn an_update_may_not_take_anothers_email() {
    let wix = Wix::start().await;
    wix.create(json!({"emails": emails(&["a@x.io"])})).await.id();
    let id = wix.create(json!({"emails": emails(&["b@x.io"])})).await.id();
    let twins = json!({"emails": emails(&["b@x.io", "a@x.io"])});
    assert_eq!(wix.update(&id, twins.clone()).await.code(), (409, "DUPLICATE_CONTACT_EXISTS"));
    let path = format!("{CONTACTS}/{id}");
    assert_eq!(wix.patch(&path, json!({"revision": 1, "info": twins, "allowDuplicates": true})).await.status, 200);
    assert_eq!(wix.update(&id, twins.clone()).await.status, 409);
    wix.set("duplicate_check_on_update", "added");
    assert_eq!(wix.update(&id, twins).await.status, 200);
}

#[tokio::test]
async fn a_contact_cannot_lose_everything() {
    let wix = Wix::start().await;
    let id = wix.create(json!({"emails": emails(&["a@x.io"])})).await.id();
    assert_eq!(wix.update(&id, json!({"emails": {"items": []}})).await.code(), (400, "INSUFFICIENT_CONTACT_DATA"));
}

#[tokio::test]
async fn a_members_primary_email_is_fixed() {
    let wix = Wix::start().await;
    let id = wix.create(json!({"emails": emails(&["a@x.io"])})).await.id();
    wix.post("/_control/flags", json!({"contact": id, "member": true})).await;
    assert_eq!(wix.update(&id, json!({"emails": emails(&["b@x.io"])})).await.code(), (428, "CANNOT_UPDATE_MEMBER_EMAIL"));
    let more = wix.update(&id, json!({"emails": emails(&["A@x.io", "b@x.io"])})).await;
    assert_eq!(more.contact()["info"]["extendedFields"]["items"]["members.membershipStatus"], "APPROVED");
}

#[tokio::test]
async fn extended_values_must_suit_and_exist() {
    let wix = Wix::start().await;
    wix.post("/contacts/v4/extended-fields", json!({"displayName": "age", "dataType": "NUMBER"})).await;
    let with = |key: &str, value: Value| json!({"name": {"first": "A"}, "extendedFields": {"items": {key: value}}});
    let code = (400, "INVALID_EXTENDED_FIELD_VALUE");
    assert_eq!(wix.create(with("custom.age", json!("old"))).await.code(), code);
    assert_eq!(wix.create(with("custom.age", json!(5))).await.status, 200);
    assert_eq!(wix.create(with("custom.none", json!("x"))).await.code(), code);
    wix.set("unknown_extended_field", "ignore");
    assert_eq!(wix.create(with("custom.none", json!("x"))).await.status, 200);
    wix.set("read_only_extended_field", "reject");
    assert_eq!(wix.create(with("members.membershipStatus", json!("APPROVED"))).await.code(), code);
}
