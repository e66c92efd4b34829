//! Lists and searches: pages, their ends, and what they see late.

use serde_json::{Value, json};

use super::client::{CONTACTS, HubSpot, START_MS};

#[tokio::test]
async fn a_list_is_read_page_by_page_until_there_is_no_next() {
    let hubspot = HubSpot::start().await;
    hubspot.seed((10..15).map(|n| format!("p{n}")));
    let mut path = format!("{CONTACTS}?limit=2&properties=firstname");
    let mut names: Vec<String> = Vec::new();
    loop {
        let page = hubspot.get(&path).await;
        names.extend(page.names().iter().map(|name| (*name).to_owned()));
        let Some(after) = page.body["paging"]["next"]["after"].as_str() else {
            break;
        };
        path = format!("{CONTACTS}?limit=2&properties=firstname&after={after}");
    }
    assert_eq!(names, ["p10", "p11", "p12", "p13", "p14"]);
    assert_eq!(hubspot.get(&format!("{CONTACTS}?limit=101")).await.status, 400);
    assert_eq!(hubspot.get(&format!("{CONTACTS}?after=x")).await.status, 400);
}

#[tokio::test]
async fn a_search_ends_after_ten_thousand_results() {
    let hubspot = HubSpot::start().await;
    hubspot.set("searches_per_second", 0);
    hubspot.seed((0..10_001).map(|n| format!("p{n}")));
    let page = |limit: u32, after: u32| hubspot.search(json!({"limit": limit, "after": after.to_string(), "properties": ["firstname"]}));
    let last = page(200, 9_800).await;
    assert_eq!((last.names().len(), &last.body["total"]), (200, &json!(10_001)));
    assert_eq!(last.body["paging"]["next"]["after"], "10000");
    for (limit, after) in [(200, 10_000), (1, 10_000), (200, 9_801)] {
        let beyond = page(limit, after).await;
        assert_eq!((beyond.status, beyond.body["category"].as_str()), (400, Some("VALIDATION_ERROR")));
    }
    assert_eq!(page(201, 0).await.status, 400);
}

#[tokio::test]
async fn lists_and_searches_see_a_write_late_and_reads_by_id_at_once() {
    let hubspot = HubSpot::start().await;
    hubspot.set("visibility_lag_ms", 20_000);
    let id = hubspot.create("Ada").await;
    let changed =
        json!({"filterGroups": [{"filters": [{"propertyName": "lastmodifieddate", "operator": "GTE", "value": START_MS.to_string()}]}]});
    let seen = async || {
        let (search, list) = (hubspot.search(changed.clone()).await, hubspot.get(CONTACTS).await);
        (search.names().len(), list.names().len())
    };
    assert_eq!(hubspot.get(&format!("{CONTACTS}/{id}")).await.body["properties"]["firstname"], "Ada");
    hubspot.advance(19_999);
    assert_eq!(seen().await, (0, 0));
    hubspot.advance(1);
    assert_eq!(seen().await, (1, 1));
}

#[tokio::test]
async fn equal_times_are_told_apart_by_nothing_but_their_place() {
    let hubspot = HubSpot::start().await;
    hubspot.seed((0..4).map(|n| format!("p{n}")));
    let sorted =
        |after: &str| json!({"sorts": [{"propertyName": "lastmodifieddate", "direction": "ASCENDING"}], "limit": 2, "after": after});
    let (first, second) = (hubspot.search(sorted("0")).await, hubspot.search(sorted("2")).await);
    let time = |page: &Value, place: usize| page["results"][place]["properties"]["lastmodifieddate"].clone();
    assert_eq!(time(&first.body, 0), time(&second.body, 1));
    assert_eq!((first.names(), second.names()), (vec!["p0", "p1"], vec!["p2", "p3"]));
    assert!(second.body.get("paging").is_none());
}
