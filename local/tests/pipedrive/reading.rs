//! Lists and searches.

use serde_json::json;

use super::client::{PERSONS, Pipedrive};

async fn with(names: &[&str]) -> Pipedrive {
    let pipedrive = Pipedrive::start().await;
    for name in names {
        pipedrive.create(name).await;
        pipedrive.advance(10_000);
    }
    pipedrive
}

#[tokio::test]
async fn a_cursor_leads_from_page_to_page_whatever_changes_meanwhile() {
    let pipedrive = with(&["Ada", "Bob", "Cyd", "Dan", "Eve"]).await;
    let first = pipedrive.get(&format!("{PERSONS}?limit=2")).await;
    assert_eq!(first.names(), ["Ada", "Bob"]);
    pipedrive.delete(&format!("{PERSONS}/1")).await;
    let second = pipedrive.get(&format!("{PERSONS}?limit=2&cursor={}", first.cursor().unwrap())).await;
    assert_eq!(second.names(), ["Cyd", "Dan"]);
    let last = pipedrive.get(&format!("{PERSONS}?limit=2&cursor={}", second.cursor().unwrap())).await;
    assert_eq!((last.names(), last.cursor(), &last.body["additional_data"]), (vec!["Eve"], None, &json!({"next_cursor": null})));
    let other = pipedrive.get(&format!("{PERSONS}?sort_by=update_time&cursor={}", first.cursor().unwrap())).await;
    assert_eq!(other.refuses("cursor"), (400, true));
}

#[tokio::test]
async fn a_list_sorted_by_change_meets_a_changed_person_again() {
    let pipedrive = with(&["Ada", "Bob", "Cyd"]).await;
    let page = format!("{PERSONS}?limit=2&sort_by=update_time");
    let first = pipedrive.get(&page).await;
    assert_eq!(first.names(), ["Ada", "Bob"]);
    pipedrive.patch(&format!("{PERSONS}/1"), json!({"name": "Ann"})).await;
    let second = pipedrive.get(&format!("{page}&cursor={}", first.cursor().unwrap())).await;
    assert_eq!((second.names(), second.cursor()), (vec!["Cyd", "Ann"], None));
    assert_eq!(pipedrive.get(&format!("{PERSONS}?sort_by=add_time&sort_direction=desc")).await.names(), ["Cyd", "Bob", "Ann"]);
}

#[tokio::test]
async fn lists_take_times_ids_and_owners() {
    let pipedrive = with(&["Ada", "Bob", "Cyd"]).await;
    for (query, names) in [
        ("updated_since=2026-02-02T02:40:10Z", vec!["Bob", "Cyd"]),
        ("updated_until=2026-02-02T02:40:10Z", vec!["Ada"]),
        ("ids=3,1,99", vec!["Ada", "Cyd"]),
        ("owner_id=2", vec![]),
        ("org_id=4", vec![]),
    ] {
        assert_eq!(pipedrive.get(&format!("{PERSONS}?{query}")).await.names(), names, "{query}");
    }
    for (field, query) in [
        ("limit", "limit=501"),
        ("sort_by", "sort_by=name"),
        ("sort_direction", "sort_direction=up"),
        ("updated_since", "updated_since=2026-02-02"),
        ("ids", "ids=a"),
        ("cursor", "cursor=x"),
    ] {
        assert_eq!(pipedrive.get(&format!("{PERSONS}?{query}")).await.refuses(field), (400, true), "{query}");
    }
}

#[tokio::test]
async fn lists_and_searches_lag_each_in_its_own_way() {
    let pipedrive = Pipedrive::start().await;
    pipedrive.set("visibility_lag_ms", 5_000);
    pipedrive.set("search_lag_ms", 20_000);
    let id = pipedrive.create("Ada").await;
    let (list, search) = (PERSONS.to_owned(), format!("{PERSONS}/search?term=ada"));
    assert_eq!(pipedrive.get(&format!("{PERSONS}/{id}")).await.data()["name"], "Ada");
    for (ms, listed, found) in [(0, 0, 0), (5_000, 1, 0), (15_000, 1, 1)] {
        pipedrive.advance(ms);
        assert_eq!((pipedrive.get(&list).await.names().len(), pipedrive.get(&search).await.names().len()), (listed, found));
    }
    pipedrive.delete(&format!("{PERSONS}/{id}")).await;
    pipedrive.advance(5_000);
    assert_eq!((pipedrive.get(&list).await.names().len(), pipedrive.get(&search).await.names().len()), (0, 1));
    pipedrive.set("deleted_listed", true);
    assert_eq!(pipedrive.get(&list).await.data()[0]["is_deleted"], true);
}

#[tokio::test]
async fn an_exact_search_compares_whole_values_without_case() {
    let pipedrive = Pipedrive::start().await;
    for (name, email, phone) in [("Ada", "ada@example.com", "+1 (555) 010"), ("Bob", "bada@example.com", "1555010")] {
        let body = json!({"name": name, "emails": [{"value": email}], "phones": [{"value": phone}]});
        pipedrive.post(PERSONS, body).await.id();
    }
    let search = async |query: &str| {
        let answer = pipedrive.get(&format!("{PERSONS}/search?{query}")).await;
        answer.names().join(" ")
    };
    assert_eq!(search("term=ADA@example.com&fields=email&exact_match=true").await, "Ada");
    assert_eq!(search("term=ada@example.com&fields=email").await, "Ada Bob");
    assert_eq!(search("term=ada&fields=phone").await, "");
    assert_eq!(search("term=1555010&fields=phone&exact_match=true").await, "Bob");
    pipedrive.set("phone_match", "digits");
    assert_eq!(search("term=%2B1%20555%20010&fields=phone&exact_match=true").await, "Ada Bob");
    let found = pipedrive.get(&format!("{PERSONS}/search?term=ada&fields=name")).await;
    assert_eq!(found.data()["items"][0]["item"]["emails"], json!(["ada@example.com"]));
    let short = format!("{PERSONS}/search?term=a");
    assert_eq!((pipedrive.get(&short).await.status, pipedrive.get(&format!("{short}&exact_match=true")).await.status), (400, 200));
    assert_eq!(pipedrive.get(&format!("{PERSONS}/search?term=ada&fields=title")).await.refuses("fields"), (400, true));
}

#[tokio::test]
async fn a_search_has_pages_too() {
    let pipedrive = with(&["Ada One", "Ada Two", "Ada Three"]).await;
    let first = pipedrive.get(&format!("{PERSONS}/search?term=ada&limit=2")).await;
    assert_eq!(first.names(), ["Ada One", "Ada Two"]);
    let last = pipedrive.get(&format!("{PERSONS}/search?term=ada&limit=2&cursor={}", first.cursor().unwrap())).await;
    assert_eq!((last.names(), last.cursor()), (vec!["Ada Three"], None));
}
