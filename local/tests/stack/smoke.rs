use contact_bridge::model::ids::Side;
use serde_json::json;

use crate::stack;

#[tokio::test]
async fn a_contact_of_either_side_appears_on_the_other_once() {
    let (stack, site) = stack().await;
    let people = stack.client(&site);
    people.wix_create(json!({"name": {"first": "Ada"}, "emails": {"items": [{"email": "ada@example.com"}]}})).await.unwrap();
    people.hub_create(json!({"firstname": "Grace", "email": "grace@example.com"})).await.unwrap();
    let settled = stack.settle().await.unwrap();
    assert!(settled.quiet, "{settled:?}");
    let links = stack.links(&site.id).await;
    let mut names = Vec::new();
    for link in &links {
        let wix = people.wix_get(link.id(Side::Wix).as_str()).await.unwrap().unwrap();
        let hub = people.hub_get(link.id(Side::External).as_str()).await.unwrap().unwrap();
        assert_eq!(wix["info"]["name"]["first"], hub["properties"]["firstname"]);
        names.push(wix["info"]["name"]["first"].clone());
    }
    names.sort_by_key(ToString::to_string);
    assert_eq!(names, ["Ada", "Grace"]);
    assert_eq!((stack.wix.contacts(None).unwrap().len(), stack.dead_letters().len()), (2, 0));
}

#[tokio::test]
async fn a_record_that_is_linked_after_all_has_no_note() {
    let (stack, site) = stack().await;
    let people = stack.client(&site);
    let phone = "+442079460999";
    people.wix_create(json!({"name": {"first": "Reception"}, "phones": {"items": [{"phone": phone}]}})).await.unwrap();
    people.hub_create(json!({"firstname": "Front", "phone": phone})).await.unwrap();
    people.hub_create(json!({"firstname": "Back", "phone": phone})).await.unwrap();
    stack.settle().await.unwrap();
    let (links, parked) = (stack.links(&site.id).await, stack.parked(&site.id).await);
    for note in &parked {
        assert!(links.iter().all(|link| link.id(note.side) != &note.id), "{note:?}");
    }
    let records = stack.wix.contacts(None).unwrap().len() + 2;
    assert_eq!(records, 2 * links.len() + parked.len());
}
