//! List and query: filters, sorting, paging, projections, lag.

use std::time::Duration;

use serde_json::{Value, json};

use super::client::{CONTACTS, Wix, emails, named, names};

async fn three(wix: &Wix) {
    for (first, email, company) in [("Ada", "ada@x.io", "One"), ("Bob", "BOB@x.io", "Two"), ("Cyd", "cyd@y.io", "Three")] {
        wix.create(json!({"name": {"first": first}, "emails": emails(&[email]), "company": company})).await.id();
        wix.sim.clock().advance(Duration::from_secs(1));
    }
}

#[tokio::test]
async fn filters_find_what_they_should() {
    let wix = Wix::start().await;
    three(&wix).await;
    for (filter, expected) in [
        (json!({}), "Ada Bob Cyd"),
        (json!({"info.emails.email": "bob@X.IO"}), "Bob"),
        (json!({"primaryInfo.email": {"$in": ["ada@x.io", "cyd@y.io"]}}), "Ada Cyd"),
        (json!({"info.company": "one"}), ""),
        (json!({"info.company": {"$ne": "One"}}), "Bob Cyd"),
        (json!({"info.name.first": {"$startsWith": "B"}}), "Bob"),
        (json!({"info.name.first": {"$begins": "C"}}), "Cyd"),
        (json!({"createdDate": {"$gt": "2026-02-02T02:40:00Z", "$lte": "2026-02-02T03:40:01+01:00"}}), "Bob"),
        (json!({"updatedDate": {"$gte": "2026-02-02T02:40:01.000Z"}, "info.company": "Two"}), "Bob"),
        (json!({"info.phones.phone": {"$exists": true}}), ""),
        (json!({"info.phones.phone": {"$exists": false}}), "Ada Bob Cyd"),
    ] {
        assert_eq!(wix.found(filter.clone()).await.join(" "), expected, "{filter}");
    }
}

#[tokio::test]
async fn unsupported_filters_are_refused_by_code() {
    let wix = Wix::start().await;
    let many: Vec<String> = (0..101).map(|n| n.to_string()).collect();
    for (filter, code) in [
        (json!([]), "MALFORMED_FILTER"),
        (json!({"createdDate": {}}), "MALFORMED_FILTER"),
        (json!({"$or": [{"id": "1"}]}), "UNSUPPORTED_FILTER"),
        (json!({"nonsense": 1}), "UNSUPPORTED_FILTER_FIELD_UNKNOWN"),
        (json!({"info.extendedFields.custom.none": "x"}), "UNSUPPORTED_FILTER_FIELD_UNKNOWN"),
        (json!({"createdDate": {"$in": []}}), "UNSUPPORTED_FILTER_OPERATOR"),
        (json!({"id": {"$like": "x"}}), "UNSUPPORTED_FILTER_OPERATOR"),
        (json!({"createdDate": {"$gt": "yesterday"}}), "UNSUPPORTED_FILTER_VALUE"),
        (json!({"id": {"$in": many}}), "UNSUPPORTED_FILTER_VALUE"),
        (json!({"id": 5}), "UNSUPPORTED_FILTER_VALUE_TYPE"),
        (json!({"info.labelKeys": {"$hasSome": "x"}}), "UNSUPPORTED_FILTER_VALUE_TYPE"),
    ] {
        assert_eq!(wix.query(json!({"filter": filter})).await.code(), (400, code), "{filter}");
    }
}

#[tokio::test]
async fn filter_switches_change_what_is_supported() {
    let wix = Wix::start().await;
    three(&wix).await;
    wix.set("filter_logic", true);
    assert_eq!(wix.found(json!({"$or": [{"info.company": "One"}, {"info.company": "Two"}]})).await, ["Ada", "Bob"]);
    assert_eq!(wix.found(json!({"$not": {"info.company": "One"}})).await, ["Bob", "Cyd"]);
    wix.set("exists_false", false);
    let refused = wix.query(json!({"filter": {"info.company": {"$exists": false}}})).await;
    assert_eq!(refused.code(), (400, "UNSUPPORTED_FILTER_VALUE"));
    assert!(wix.found(json!({"info.name.first": {"$startsWith": "a"}})).await.is_empty());
    wix.set("starts_with_ignores_case", true);
    assert_eq!(wix.found(json!({"info.name.first": {"$startsWith": "a"}})).await, ["Ada"]);
    wix.set("in_limit", 1);
    assert_eq!(wix.query(json!({"filter": {"id": {"$in": ["1", "2"]}}})).await.status, 400);
}

#[tokio::test]
async fn custom_fields_filter_by_type() {
    let wix = Wix::start().await;
    for (name, kind) in [("crm id", "TEXT"), ("age", "NUMBER")] {
        wix.post("/contacts/v4/extended-fields", json!({"displayName": name, "dataType": kind})).await;
    }
    let info =
        |first: &str, age: i64| json!({"name": {"first": first}, "extendedFields": {"items": {"custom.crm-id": first, "custom.age": age}}});
    wix.create(info("Ada", 30)).await.id();
    wix.create(info("Bob", 40)).await.id();
    assert_eq!(wix.found(json!({"info.extendedFields.custom.crm-id": {"$in": ["Bob"]}})).await, ["Bob"]);
    assert_eq!(wix.found(json!({"info.extendedFields.custom.age": {"$lt": 40}})).await, ["Ada"]);
}

#[tokio::test]
async fn sorting_and_paging_follow_the_table() {
    let wix = Wix::start().await;
    three(&wix).await;
    let sorted = wix.query(json!({"sort": [{"fieldName": "info.name.first", "order": "DESC"}], "paging": {"limit": 2, "offset": 1}})).await;
    assert_eq!(names(&sorted), ["Bob", "Ada"]);
    assert_eq!(sorted.body["pagingMetadata"], json!({"count": 2, "offset": 1, "total": 3, "tooManyToCount": false}));
    wix.set("total_omitted", true);
    assert!(wix.query(json!({})).await.body["pagingMetadata"].get("total").is_none());
    for (query, code) in [
        (json!({"sort": [{"fieldName": "updatedDate"}]}), "UNSUPPORTED_SORT_FIELD"),
        (json!({"paging": {"limit": 1001}}), "ILLEGAL_LIMIT"),
        (json!({"paging": {"offset": -1}}), "ILLEGAL_LIMIT"),
    ] {
        assert_eq!(wix.query(query).await.code(), (400, code));
    }
    let two = json!({"sort": [{"fieldName": "createdDate"}, {"fieldName": "info.company"}]});
    assert_eq!(wix.query(two).await.violation().2, "MAX_SIZE");
}

#[tokio::test]
async fn list_takes_dotted_parameters() {
    let wix = Wix::start().await;
    three(&wix).await;
    let path = format!("{CONTACTS}?paging.limit=2&sort.fieldName=createdDate&sort.order=DESC&fields=info.name&fields=createdDate");
    let page = wix.get(&path).await;
    assert_eq!(names(&page), ["Cyd", "Bob"]);
    let first = &page.body["contacts"][0];
    assert_eq!(first.as_object().unwrap().len(), 4, "{first}");
    assert!(first["info"].get("emails").is_none());
    assert_eq!(wix.get(&format!("{CONTACTS}?sort.fieldName=updatedDate")).await.code(), (400, "UNSUPPORTED_SORT_FIELD"));
    assert_eq!(wix.get(&format!("{CONTACTS}?paging.limit=5000")).await.code(), (400, "ILLEGAL_LIMIT"));
}

#[tokio::test]
async fn only_the_parts_asked_for_come_back() {
    let wix = Wix::start().await;
    three(&wix).await;
    let first = |answer: super::client::Answer| answer.body["contacts"][0].clone();
    let ids = first(wix.query(json!({"fields": ["id"]})).await);
    assert_eq!(ids.as_object().unwrap().keys().collect::<Vec<_>>(), ["id", "revision"]);
    let both = first(wix.query(json!({"fields": ["info.company"], "fieldsets": ["COMMUNICATION_DETAILS"]})).await);
    assert_eq!(both["info"].as_object().unwrap().keys().collect::<Vec<_>>(), ["company", "emails"]);
    assert_eq!(wix.query(json!({"fields": ["info.secret"]})).await.status, 400);
}

#[tokio::test]
async fn an_unwrapped_query_is_ignored_unless_honoured() {
    let wix = Wix::start().await;
    three(&wix).await;
    let unwrapped: Value = json!({"filter": {"info.company": "One"}});
    let path = format!("{CONTACTS}/query");
    assert_eq!(names(&wix.post(&path, unwrapped.clone()).await).len(), 3);
    wix.set("unwrapped_query", "honoured");
    assert_eq!(names(&wix.post(&path, unwrapped).await), ["Ada"]);
    let searched = wix.post(&path, json!({"search": "bob@x.io", "query": {}})).await;
    assert_eq!(names(&searched), ["Bob"]);
}

#[tokio::test]
async fn queries_lag_behind_writes_and_gets_do_not() {
    let wix = Wix::start().await;
    wix.set("visibility_lag_ms", 5000);
    let id = wix.create(named("Ada")).await.id();
    assert!(wix.found(json!({})).await.is_empty());
    assert_eq!(wix.get(&format!("{CONTACTS}/{id}")).await.status, 200);
    wix.sim.clock().advance(Duration::from_secs(5));
    assert_eq!(wix.found(json!({})).await, ["Ada"]);
    wix.delete(&format!("{CONTACTS}/{id}")).await;
    assert_eq!(wix.found(json!({})).await, ["Ada"]);
    wix.sim.clock().advance(Duration::from_secs(5));
    wix.sim.seed(None, &[named("Eve")]).unwrap();
    assert_eq!(wix.found(json!({})).await, ["Eve"]);
}
