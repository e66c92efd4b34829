//! What a program that reads everybody has to live with: pages that shift, writes that show late, ties.

use std::{collections::BTreeSet, time::Duration};

use reqwest::Method;
use serde_json::{Value, json};

use super::client::{Answer, CONTACTS, START_MS, Wix, named, names};

/// Contacts A, B, .. created a second apart; their ids.
async fn several(wix: &Wix, count: u8) -> Vec<String> {
    let mut ids = Vec::new();
    for letter in (b'A'..).take(count.into()).map(char::from) {
        ids.push(wix.create(named(&letter.to_string())).await.id());
        wix.sim.clock().advance(Duration::from_secs(1));
    }
    ids
}

async fn page(wix: &Wix, offset: usize) -> Answer {
    wix.get(&format!("{CONTACTS}?paging.limit=2&paging.offset={offset}&sort.fieldName=createdDate&sort.order=ASC")).await
}

#[tokio::test]
async fn a_deletion_shifts_the_pages_behind_it() {
    let wix = Wix::start().await;
    let ids = several(&wix, 6).await;
    assert_eq!(names(&page(&wix, 0).await), ["A", "B"]);
    wix.delete(&format!("{CONTACTS}/{}", ids[0])).await;
    assert_eq!(names(&page(&wix, 2).await), ["D", "E"], "C was on no page");
    assert_eq!(names(&page(&wix, 6).await), [""; 0]);
}

#[tokio::test]
async fn a_creation_shifts_the_pages_of_a_descending_list() {
    let wix = Wix::start().await;
    several(&wix, 4).await;
    let newest = async |offset: usize| {
        let query = json!({"sort": [{"fieldName": "createdDate", "order": "DESC"}], "paging": {"limit": 2, "offset": offset}});
        names(&wix.query(query).await)
    };
    assert_eq!(newest(0).await, ["D", "C"]);
    wix.create(named("E")).await.id();
    assert_eq!(newest(2).await, ["C", "B"], "C is on two pages");
}

#[tokio::test]
async fn lists_lag_like_queries() {
    let wix = Wix::start().await;
    wix.set("visibility_lag_ms", 5000);
    let id = wix.create(named("Ada")).await.id();
    assert_eq!(names(&page(&wix, 0).await), [""; 0]);
    wix.sim.clock().advance(Duration::from_secs(5));
    assert_eq!(names(&page(&wix, 0).await), ["Ada"]);
    wix.update(&id, named("Eve")).await.id();
    assert_eq!(names(&page(&wix, 0).await), ["Ada"]);
    assert_eq!(wix.found(json!({"updatedDate": {"$gt": "2026-02-02T02:40:03Z"}})).await, [""; 0]);
    wix.sim.clock().advance(Duration::from_secs(5));
    assert_eq!(names(&page(&wix, 0).await), ["Eve"]);
    assert_eq!(wix.found(json!({"updatedDate": {"$gt": "2026-02-02T02:40:03Z"}})).await, ["Eve"]);
}

#[tokio::test]
async fn equal_times_have_an_order_only_by_chance() {
    let wix = Wix::start().await;
    let infos: Vec<Value> = (0..40).map(|n| named(&n.to_string())).collect();
    wix.sim.seed(None, &infos).unwrap();
    let first = async || names(&wix.get(&format!("{CONTACTS}?paging.limit=20")).await);
    assert_eq!(first().await, first().await);
    wix.set("ties", "shuffled");
    let (one, other) = (first().await, first().await);
    assert_ne!(one, other);
    wix.sim.clock().advance(Duration::from_secs(1));
    wix.create(named("last")).await.id();
    let whole = names(&wix.get(&format!("{CONTACTS}?paging.limit=1000")).await);
    assert_eq!((whole.len(), whole.last().unwrap().as_str()), (41, "last"));
}

#[tokio::test]
async fn windows_of_time_find_everybody_once() {
    let wix = Wix::start().await;
    several(&wix, 9).await;
    let mut found = Vec::new();
    for from in [0, 3, 6] {
        let at = |second: i64| jiff::Timestamp::from_millisecond(START_MS + second * 1000).unwrap().to_string();
        found.extend(wix.found(json!({"updatedDate": {"$gte": at(from), "$lt": at(from + 3)}})).await);
    }
    assert_eq!(found, ["A", "B", "C", "D", "E", "F", "G", "H", "I"]);
}

#[tokio::test]
async fn every_page_of_every_order_is_the_same_cut_of_the_whole() {
    let wix = Wix::start().await;
    let infos: Vec<Value> =
        (0..60_u8).map(|n| json!({"name": {"first": n.to_string()}, "company": char::from(b'A' + n % 7).to_string()})).collect();
    wix.sim.seed(None, &infos).unwrap();
    for sort in ["createdDate", "info.company", "info.name.first"] {
        for order in ["ASC", "DESC"] {
            let of = async |limit: usize, offset: usize| {
                let sort = json!([{"fieldName": sort, "order": order}]);
                names(&wix.query(json!({"sort": sort, "paging": {"limit": limit, "offset": offset}})).await)
            };
            let whole = of(1000, 0).await;
            let mut parts = Vec::new();
            for offset in (0..60).step_by(7) {
                parts.extend(of(7, offset).await);
            }
            assert_eq!(parts, whole);
            assert_eq!(whole.iter().collect::<BTreeSet<_>>().len(), 60);
        }
    }
}

#[tokio::test]
async fn what_is_not_listable_is_refused() {
    let wix = Wix::start().await;
    assert_eq!(wix.query(json!({"sort": {"fieldName": "createdDate"}})).await.status, 400);
    assert_eq!(wix.query(json!({"sort": [{"fieldName": "createdDate", "order": "UP"}]})).await.violation().2, "ENUM");
    assert_eq!(wix.query(json!({"fields": "info.name"})).await.violation().2, "TYPE");
    assert_eq!(wix.query(json!({"fieldsets": ["SOME"]})).await.violation().2, "ENUM");
    assert_eq!(wix.query(json!({"paging": {"limit": 0}})).await.code(), (400, "ILLEGAL_LIMIT"));
    for parameter in ["paging.limit=1001", "paging.limit=0", "paging.offset=-1"] {
        assert_eq!(wix.get(&format!("{CONTACTS}?{parameter}")).await.code(), (400, "ILLEGAL_LIMIT"), "{parameter}");
    }
    assert_eq!(wix.get(&format!("{CONTACTS}?fields=info.secret")).await.status, 400);
}

#[tokio::test]
async fn a_list_gives_the_fieldsets_asked_for_and_its_size() {
    let wix = Wix::start().await;
    several(&wix, 3).await;
    let basic = wix.get(&format!("{CONTACTS}?fieldsets=BASIC&paging.limit=1&paging.offset=1")).await;
    assert_eq!(basic.body["pagingMetadata"], json!({"count": 1, "offset": 1, "total": 3, "tooManyToCount": false}));
    let contact = basic.body["contacts"][0].as_object().unwrap();
    let shown: Vec<&str> = contact.keys().map(String::as_str).collect();
    assert_eq!(shown, ["createdDate", "id", "info", "lastActivity", "primaryInfo", "revision", "source", "updatedDate"]);
    wix.set("total_omitted", true);
    let counted = wix.get(&format!("{CONTACTS}?paging.limit=1")).await.body["pagingMetadata"].clone();
    assert_eq!(counted, json!({"count": 1, "offset": 0, "tooManyToCount": true}));
}

#[tokio::test]
async fn people_see_their_own_writes_at_once() {
    let wix = Wix::start().await;
    wix.set("visibility_lag_ms", 5000);
    let request = wix.request(Method::POST, CONTACTS).header("x-actor", "user");
    wix.send(request.json(&json!({"info": named("Ada")}))).await.id();
    assert_eq!(names(&page(&wix, 0).await), ["Ada"]);
}
