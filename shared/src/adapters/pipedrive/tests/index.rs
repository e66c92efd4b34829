use super::*;
use crate::{model::contact::MatchKey, ports::Upload};

/// More than are searched for one by one.
const MANY: usize = 11;

fn keys(first: usize) -> Vec<MatchKey> {
    (first..first + MANY).map(|number| MatchKey::Email(format!("p{number}@x.io"))).collect()
}

fn at(id: u64, email: &str) -> Json {
    let mut person = person(id, &json!({"k": format!("w-{id}")}));
    person["emails"] = json!([{"value": email, "primary": true, "label": "work"}]);
    person
}

impl Company {
    /// Lists these persons on one page, and says where the next one begins.
    async fn list(&self, persons: Json, next: Option<&str>) {
        self.answer("GET", PERSONS, 200, json!({"success": true, "data": persons, "additional_data": {"next_cursor": next}})).await;
    }

    /// Finds who has these keys: the addresses and who has them, and what was asked of the list.
    async fn found(&self, keys: &[MatchKey]) -> (Vec<(String, Vec<String>)>, Vec<String>) {
        let before = self.server.received_requests().await.unwrap().len();
        let found = self.client.find_many(keys).await.unwrap();
        let text = |(MatchKey::Email(text) | MatchKey::Phone(text)): &MatchKey| text.clone();
        let found = found.iter().map(|(key, all)| (text(key), all.iter().map(|contact| contact.id.to_string()).collect()));
        (found.collect(), self.asked_since(before).await)
    }

    async fn asked_since(&self, before: usize) -> Vec<String> {
        let calls = self.server.received_requests().await.unwrap();
        let lists = calls.iter().skip(before).filter(|call| call.url.path() == PERSONS);
        let told = |name: &str| ["updated_since", "cursor", "ids"].contains(&name);
        let query = |pair: (std::borrow::Cow<'_, str>, std::borrow::Cow<'_, str>)| told(&pair.0).then(|| format!("{}={}", pair.0, pair.1));
        lists.map(|call| call.url.query_pairs().filter_map(query).collect::<Vec<_>>().join(" ")).collect()
    }
}

fn one(email: &str, id: &str) -> Vec<(String, Vec<String>)> {
    vec![(email.to_owned(), vec![id.to_owned()])]
}

#[tokio::test]
async fn all_persons_are_looked_through_once_and_then_those_that_changed() {
    let company = Company::new().await;
    company.fields(Some("k")).await;
    company.list(json!([at(1, "P1@x.io"), at(2, "p30@x.io")]), Some("c")).await;
    company.list(json!([at(3, "nobody@x.io")]), None).await;
    company.list(json!([at(1, "p1@x.io")]), None).await;
    assert_eq!(company.found(&keys(0)).await, (one("p1@x.io", "1"), ["", "cursor=c", "ids=1"].map(str::to_owned).into()));
    // Somebody was made, and the first one has another address by now.
    company.list(json!([at(1, "p99@x.io"), at(4, "p5@x.io")]), None).await;
    company.list(json!([at(1, "p99@x.io"), at(4, "p5@x.io")]), None).await;
    let asked = ["updated_since=2026-02-03T10:30:00Z", "ids=1,4"].map(str::to_owned);
    assert_eq!(company.found(&keys(0)).await, (one("p5@x.io", "4"), asked.into()));
    company.clock.sleep(Duration::from_mins(10)).await;
    company.list(json!([]), None).await;
    assert_eq!(company.found(&keys(40)).await, (vec![], vec!["updated_since=2026-02-03T10:30:00Z".to_owned()]));
    company.fields(Some("k")).await;
    company.list(json!([]), None).await;
    company.list(json!([at(3, "nobody@x.io")]), None).await;
    let ids: Vec<RecordId> = (3..=3).chain(50..60).map(|id| RecordId::new(format!("w-{id}"))).collect();
    let before = company.calls().await.len();
    assert_eq!(company.client.named(&ids).await.unwrap(), ["w-3".into()]);
    assert_eq!(company.asked_since(before).await, ["updated_since=2026-02-03T10:40:00Z", "ids=3"]);
    // Longer than a run lasts.
    company.clock.sleep(Duration::from_mins(6)).await;
    company.fields(Some("k")).await;
    company.list(json!([at(2, "p30@x.io")]), None).await;
    company.list(json!([at(2, "p30@x.io")]), None).await;
    assert_eq!(company.found(&keys(25)).await, (one("p30@x.io", "2"), ["", "ids=2"].map(str::to_owned).into()));
}
