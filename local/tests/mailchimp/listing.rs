//! Reading members back.

use serde_json::{Value, json};

use super::client::{MEMBERS, Mailchimp, path_of};

/// Local parts of the members a query lists, in their order.
async fn listed(mailchimp: &Mailchimp, query: &str) -> Vec<String> {
    let answer = mailchimp.get(&format!("{MEMBERS}?{query}")).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let name = |member: &Value| member["email_address"].as_str().unwrap().split('@').next().unwrap().to_owned();
    answer.body["members"].as_array().unwrap().iter().map(name).collect()
}

async fn with(names: &[&str]) -> Mailchimp {
    let mailchimp = Mailchimp::start().await;
    for name in names {
        mailchimp.export(&format!("{name}@example.com")).await.member();
        mailchimp.advance(10);
    }
    mailchimp
}

#[tokio::test]
async fn pages_have_ten_members_unless_told_otherwise_and_a_thousand_at_most() {
    let names: Vec<String> = (10..22).map(|n| format!("p{n}")).collect();
    let mailchimp = with(&names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    assert_eq!(listed(&mailchimp, "").await.len(), 10);
    assert_eq!(listed(&mailchimp, "count=5&offset=10").await, ["p20", "p21"]);
    assert_eq!(mailchimp.get(&format!("{MEMBERS}?count=1001")).await.field(), (400, "count"));
    assert_eq!(mailchimp.get(&format!("{MEMBERS}?offset=-1")).await.field(), (400, "offset"));
}

#[tokio::test]
async fn fields_are_chosen_by_path() {
    let mailchimp = with(&["ada"]).await;
    let answer = mailchimp.get(&format!("{MEMBERS}?fields=members.email_address%2Cmembers.status%2Ctotal_items")).await;
    assert_eq!(answer.body, json!({"members": [{"email_address": "ada@example.com", "status": "subscribed"}], "total_items": 1}));
}

#[tokio::test]
async fn changes_are_found_by_the_second() {
    let mailchimp = with(&["ada", "bob", "eve"]).await;
    let since = "since_last_changed=2026-02-02T02:40:10%2B00:00";
    assert_eq!(listed(&mailchimp, since).await, ["eve"]);
    mailchimp.set("since_last_changed", "from");
    assert_eq!(listed(&mailchimp, since).await, ["bob", "eve"]);
    assert_eq!(listed(&mailchimp, "before_last_changed=2026-02-02T02:40:00Z").await, ["ada"]);
    assert_eq!(mailchimp.get(&format!("{MEMBERS}?since_last_changed=yesterday")).await.field(), (400, "since_last_changed"));
}

#[tokio::test]
async fn statuses_are_told_apart() {
    let mailchimp = with(&["ada", "bob"]).await;
    mailchimp.act("unsubscribe", "bob@example.com");
    assert_eq!(listed(&mailchimp, "status=subscribed").await, ["ada"]);
    assert_eq!(listed(&mailchimp, "status=unsubscribed&unsubscribed_since=2026-02-02T02:40:19Z").await, ["bob"]);
    assert!(listed(&mailchimp, "status=unsubscribed&unsubscribed_since=2026-02-02T02:40:20Z").await.is_empty());
    assert_eq!(mailchimp.get(&format!("{MEMBERS}?unsubscribed_since=2026-02-02T02:40:19Z")).await.field(), (400, "unsubscribed_since"));
    assert_eq!(mailchimp.get(&format!("{MEMBERS}?status=gone")).await.field(), (400, "status"));
}

#[tokio::test]
async fn lists_are_sorted_as_asked() {
    let mailchimp = with(&["ada", "bob"]).await;
    mailchimp.set_status("ada@example.com", "unsubscribed").await;
    assert_eq!(listed(&mailchimp, "").await, ["ada", "bob"]);
    assert_eq!(listed(&mailchimp, "sort_field=last_changed").await, ["bob", "ada"]);
    assert_eq!(listed(&mailchimp, "sort_field=last_changed&sort_dir=DESC").await, ["ada", "bob"]);
    mailchimp.set("default_order", "last_changed");
    assert_eq!(listed(&mailchimp, "").await, ["bob", "ada"]);
    assert_eq!(mailchimp.get(&format!("{MEMBERS}?sort_field=name")).await.field(), (400, "sort_field"));
}

#[tokio::test]
async fn lists_lag_behind_reads_by_hash() {
    let mailchimp = Mailchimp::start().await;
    mailchimp.set("visibility_lag_ms", 30_000);
    mailchimp.export("ada@example.com").await;
    assert_eq!(mailchimp.get(&path_of("ada@example.com")).await.member(), "subscribed");
    assert!(listed(&mailchimp, "").await.is_empty());
    mailchimp.advance(30);
    mailchimp.act("unsubscribe", "ada@example.com");
    assert_eq!(listed(&mailchimp, "status=unsubscribed").await, ["ada"]);
}

#[tokio::test]
async fn an_account_lists_its_own_audiences() {
    let mailchimp = with(&["ada"]).await;
    let answer = mailchimp.get("/lists?fields=lists.id,lists.stats.member_count").await;
    assert_eq!(answer.body, json!({"lists": [{"id": "l1", "stats": {"member_count": 1}}, {"id": "l2", "stats": {"member_count": 0}}]}));
}
