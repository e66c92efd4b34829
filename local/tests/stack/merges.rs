//! Merges over the whole path.

use contact_bridge::model::ids::Side;
use serde_json::json;

use crate::stack;

#[tokio::test]
async fn a_merge_whose_events_come_late_leaves_no_note_and_equal_addresses() {
    let (stack, site) = stack().await;
    let people = stack.client(&site);
    let older = people.hub_create(json!({"firstname": "Ada", "email": "ada@example.com"})).await.unwrap();
    stack.settle().await.unwrap();
    let younger = people.hub_create(json!({"firstname": "Ida", "email": "ida@example.com"})).await.unwrap();
    stack.settle().await.unwrap();
    // The link of the older one stays, but the younger one's address is the primary one.
    let kept = people.hub_merge(&younger, &older).await.unwrap();
    stack.settle().await.unwrap();
    let links = stack.links(&site.id).await;
    assert_eq!((links.len(), links[0].id(Side::External).as_str()), (1, kept.as_str()));
    assert_eq!(stack.parked(&site.id).await, []);
    let wix = people.wix_get(links[0].id(Side::Wix).as_str()).await.unwrap().unwrap();
    let emails: Vec<_> = wix["info"]["emails"]["items"].as_array().unwrap().iter().map(|item| item["email"].as_str().unwrap()).collect();
    let hub = people.hub_get(&kept).await.unwrap().unwrap()["properties"].clone();
    assert_eq!((hub["email"].as_str(), hub["hs_additional_emails"].as_str()), (Some("ida@example.com"), Some("ada@example.com")));
    assert_eq!(emails, ["ida@example.com", "ada@example.com"]);
}
