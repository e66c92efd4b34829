//! Labels, extended fields and labelling.

use serde_json::{Value, json};

use super::client::{CONTACTS, Inbox, Wix, named};

const FIELDS: &str = "/contacts/v4/extended-fields";
const LABELS: &str = "/contacts/v4/labels";

async fn field(wix: &Wix, name: &str, kind: &str) -> Value {
    wix.post(FIELDS, json!({"displayName": name, "dataType": kind})).await.body
}

#[tokio::test]
async fn a_field_is_found_or_created() {
    let wix = Wix::start().await;
    let made = field(&wix, "external Crm Id", "TEXT").await;
    assert_eq!((&made["newField"], &made["field"]["key"]), (&json!(true), &json!("custom.external-crm-id")));
    let found = field(&wix, "external Crm Id", "NUMBER").await;
    assert_eq!((&found["newField"], &found["field"]["dataType"]), (&json!(false), &json!("TEXT")));
    let other_case = field(&wix, "External crm id", "TEXT").await;
    assert_eq!(other_case["newField"], true);
    wix.set("find_by_name", "ignore_case");
    assert_eq!(field(&wix, "EXTERNAL CRM ID", "TEXT").await["newField"], false);
    assert_eq!(wix.post(FIELDS, json!({"displayName": "x", "dataType": "BLOB"})).await.status, 400);
}

#[tokio::test]
async fn a_key_can_have_a_random_tail() {
    let wix = Wix::start().await;
    wix.set("key_tail", true);
    let made = field(&wix, "groupColor", "TEXT").await;
    let key = made["field"]["key"].as_str().unwrap();
    assert!(key.starts_with("custom.groupcolor-") && key.len() > 30, "{key}");
}

#[tokio::test]
async fn fields_and_labels_can_be_read_renamed_and_deleted() {
    let wix = Wix::start().await;
    field(&wix, "one", "TEXT").await;
    wix.post(LABELS, json!({"displayName": "one"})).await;
    for (base, name) in [(FIELDS, "field"), (LABELS, "label")] {
        let path = format!("{base}/custom.one");
        assert_eq!(wix.get(&path).await.body[name]["displayName"], "one");
        let renamed = wix.patch(&path, json!({name: {"displayName": "uno"}})).await;
        assert_eq!((&renamed.body[name]["displayName"], &renamed.body[name]["key"]), (&json!("uno"), &json!("custom.one")));
        let several = format!("{name}s");
        assert_eq!(wix.get(&format!("{base}?namespace=custom")).await.body[&several].as_array().unwrap().len(), 1);
        let query = json!({"query": {"filter": {"displayName": {"$startsWith": "u"}}}});
        assert_eq!(wix.post(&format!("{base}/query"), query).await.body[&several][0]["key"], "custom.one");
        assert_eq!(wix.delete(&path).await.body, json!({}));
        assert_eq!(wix.get(&path).await.status, 404);
    }
}

#[tokio::test]
async fn definition_queries_have_their_own_codes() {
    let wix = Wix::start().await;
    for (query, code) in [
        (json!({"filter": {"nonsense": 1}}), "UNSUPPORTED_FILTER_FIELD"),
        (json!({"filter": {"key": {"$gt": "a"}}}), "UNSUPPORTED_FILTER_OPERATOR"),
        (json!({"filter": {"key": 1}}), "UNSUPPORTED_FILTER_VALUE"),
        (json!({"sort": [{"fieldName": "key"}]}), "INVALID_SORT"),
    ] {
        assert_eq!(wix.post(&format!("{FIELDS}/query"), json!({"query": query})).await.code(), (400, code));
    }
}

#[tokio::test]
async fn quotas_are_refused_by_code() {
    let wix = Wix::start().await;
    wix.set("extended_fields_quota", 1);
    wix.set("labels_quota", 1);
    field(&wix, "one", "TEXT").await;
    wix.post(LABELS, json!({"displayName": "one"})).await;
    let two = wix.post(FIELDS, json!({"displayName": "two", "dataType": "TEXT"})).await;
    assert_eq!(two.code(), (429, "FIELDS_QUOTA_EXCEEDED"));
    let two = wix.post(LABELS, json!({"displayName": "two"})).await;
    assert_eq!(two.code(), (428, "LABELS_QUOTA_REACHED"));
    assert_eq!(two.body["details"]["applicationError"]["data"], json!({"labelsQuota": 1, "labelsCurrentTotal": 1}));
}

#[tokio::test]
async fn labels_go_on_and_off() {
    let wix = Wix::start().await;
    wix.post(LABELS, json!({"displayName": "VIP"})).await;
    let path = format!("{CONTACTS}/{}/labels", wix.create(named("Ada")).await.id());
    let on = wix.post(&path, json!({"labelKeys": ["custom.vip", "contacts.customers"]})).await;
    assert_eq!(
        (&on.contact()["revision"], &on.contact()["info"]["labelKeys"]["items"]),
        (&json!(2), &json!(["custom.vip", "contacts.customers"]))
    );
    assert_eq!(wix.found(json!({"info.labelKeys": {"$hasAll": ["custom.vip"]}})).await, ["Ada"]);
    let off = wix.delete(&format!("{path}?labelKeys=custom.vip&labelKeys=contacts.customers")).await;
    assert_eq!(off.contact()["info"]["labelKeys"]["items"], json!([]));
    assert_eq!(wix.delete(&path).await.violation().1, "labelKeys");
}

#[tokio::test]
async fn unknown_labels_are_refused_or_dropped() {
    let wix = Wix::start().await;
    let path = format!("{CONTACTS}/{}/labels", wix.create(named("Ada")).await.id());
    for (switch, status) in [("400", 400), ("404", 404), ("ignore", 200)] {
        wix.set("unknown_label", switch);
        assert_eq!(wix.post(&path, json!({"labelKeys": ["custom.none"]})).await.status, status);
    }
}

#[tokio::test]
async fn unlabel_reads_a_body_only_with_the_switch() {
    let wix = Wix::start().await;
    let path = format!("{CONTACTS}/{}/labels", wix.create(named("Ada")).await.id());
    wix.post(&path, json!({"labelKeys": ["contacts.customers"]})).await;
    let request = || {
        let request = wix.request(reqwest::Method::DELETE, &path).header("authorization", &wix.token);
        request.json(&json!({"labelKeys": ["contacts.customers"]}))
    };
    assert_eq!(wix.send(request()).await.status, 400);
    wix.set("unlabel_body", true);
    assert_eq!(wix.send(request()).await.contact()["info"]["labelKeys"]["items"], json!([]));
}

#[tokio::test]
async fn deleting_a_label_takes_it_off_contacts() {
    let wix = Wix::start().await;
    let inbox = Inbox::of(&wix).await;
    for (touches, events) in [(false, &["deleted"][..]), (true, &["updated", "deleted"])] {
        wix.set("definition_delete_touches_contacts", touches);
        wix.post(LABELS, json!({"displayName": "VIP"})).await;
        let id = wix.create(json!({"name": {"first": "Ada"}, "labelKeys": {"items": ["custom.vip"]}})).await.id();
        wix.deliver().await;
        inbox.take();
        wix.delete(&format!("{LABELS}/custom.vip")).await;
        assert_eq!(wix.get(&format!("{CONTACTS}/{id}")).await.contact()["info"]["labelKeys"]["items"], json!([]));
        wix.deliver().await;
        assert_eq!(inbox.slugs(&wix), events);
    }
}

#[tokio::test]
async fn bulk_jobs_report_and_can_be_silent() {
    let wix = Wix::start().await;
    let inbox = Inbox::of(&wix).await;
    let ids = wix.sim.seed(None, &[named("Ada"), named("Bob")]).unwrap();
    wix.post("/_control/flags", json!({"contact": ids[0], "member": true})).await;
    wix.deliver().await;
    inbox.take();
    let none = wix.post("/contacts/v4/bulk/contacts/delete", json!({})).await;
    assert_eq!(none.code(), (400, "NEITHER_FILTER_NOR_SEARCH"));
    let labels = json!({"filter": {"id": {"$in": ids}}, "labelKeysToAdd": ["contacts.customers"]});
    wix.post("/contacts/v4/bulk/contacts/add-remove-labels", labels).await;
    wix.deliver().await;
    assert_eq!(inbox.slugs(&wix), ["updated", "updated"]);
    wix.set("bulk_events", "none");
    let job = wix.post("/contacts/v4/bulk/contacts/delete", json!({"filter": {"id": {"$in": ids}}})).await;
    let job = wix.get(&format!("/contacts/v4/bulk/jobs/{}", job.body["jobId"].as_str().unwrap())).await.body["job"].clone();
    assert_eq!((&job["successTotal"], &job["errors"]), (&json!(1), &json!(["CANNOT_DELETE_MEMBER"])));
    assert_eq!(wix.sim.deliver_due().await, 0);
}
