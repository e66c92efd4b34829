//! Neighbours of row Q11: fields, labels and properties that are renamed, or taken away while contacts use them.

use contact_bridge::model::{
    ids::{RowId, Side},
    link::ParkedReason,
    site::{Direction, MappingRow, OnEmpty, Site, Transform},
};
use reqwest::Method;
use serde_json::json;

use super::{
    lab::{Lab, one},
    people::{ada, person},
    switches::at_every_switch,
};

const FIELDS: &str = "/contacts/v4/extended-fields";
const PROPERTIES: &str = "/crm/properties/2026-09/contacts";

/// Maps a new field of the site's own to a new property; the field's key.
async fn with_own_field(lab: &Lab) -> String {
    let field = lab.wix_call(Method::POST, FIELDS, Some(json!({"displayName": "Favourite Tea", "dataType": "TEXT"}))).await;
    let key = field["field"]["key"].as_str().unwrap().to_owned();
    let property = json!({"name": "tea", "label": "Tea", "type": "string", "fieldType": "text", "groupName": "contactinformation"});
    lab.hub_call(Method::POST, PROPERTIES, Some(property)).await;
    lab.adjust(|site| {
        site.mapping = contact_bridge::flows::setup::rows(site);
        site.mapping.push(MappingRow {
            id: RowId::from("tea"),
            wix: key.as_str().into(),
            external: "tea".into(),
            direction: Direction::Both,
            transform: Transform::None,
            on_empty: OnEmpty::Clear,
            system_of_record: None,
        });
    })
    .await;
    key
}

/// A person fills the field in Wix.
async fn pour(lab: &Lab, wix: &str, key: &str, tea: &str) {
    let contact = lab.wix_call(Method::GET, &format!("/contacts/v4/contacts/{wix}"), None).await;
    let mut items = contact["contact"]["info"]["extendedFields"]["items"].clone();
    items[key] = tea.into();
    let items: serde_json::Map<_, _> =
        items.as_object().unwrap().clone().into_iter().filter(|(key, _)| key.starts_with("custom.")).collect();
    let body = json!({"revision": contact["contact"]["revision"], "info": {"extendedFields": {"items": items}}, "allowDuplicates": true});
    lab.wix_call(Method::PATCH, &format!("/contacts/v4/contacts/{wix}"), Some(body)).await;
}

#[tokio::test]
async fn q11_a_field_of_the_sites_own_may_be_renamed_and_taken_away() {
    at_every_switch(async |lab| {
        let key = with_own_field(&lab).await;
        let (wix, hub) = lab.pair().await;
        pour(&lab, &wix, &key, "Assam").await;
        lab.settle().await;
        assert_eq!(lab.hub(&hub).get("tea"), "Assam");
        lab.wix_call(Method::PATCH, &format!("{FIELDS}/{key}"), Some(json!({"field": {"displayName": "Tea of choice"}}))).await;
        pour(&lab, &wix, &key, "Darjeeling").await;
        lab.settle().await;
        assert_eq!(lab.hub(&hub).get("tea"), "Darjeeling");
        lab.wix_call(Method::DELETE, &format!("{FIELDS}/{key}"), None).await;
        lab.hub_edit(&hub, json!({"tea": "Oolong", "company": "Mills"})).await;
        lab.settle().await;
        assert_eq!((lab.wix(&wix).get("company"), lab.stack.dead_letters().len()), ("Mills", 0));
        assert_eq!(lab.reasons().await, [ParkedReason::FieldSkipped]);
        lab.wix_edit(&wix, one("jobtitle", "Engineer")).await;
        lab.settle().await;
        assert_eq!((lab.hub(&hub).get("jobtitle"), lab.hub(&hub).get("tea")), ("Engineer", "Oolong"));
    })
    .await;
}

#[tokio::test]
async fn q11_the_mirror_field_may_be_taken_away() {
    at_every_switch(async |lab| {
        let (wix, hub) = lab.pair().await;
        let key = lab.settings().await.mirror_field.unwrap();
        lab.wix_call(Method::DELETE, &format!("{FIELDS}/{key}"), None).await;
        lab.hub_edit(&hub, one("company", "Mills")).await;
        lab.wix_edit(&wix, one("jobtitle", "Engineer")).await;
        let newcomer = lab.hub_create(person(1)).await;
        lab.wix_create(person(2)).await;
        lab.settle().await;
        lab.assert_in_step();
        lab.hub_edit(&newcomer, one("city", "York")).await;
        lab.settle().await;
        assert_eq!((lab.links().await.len(), lab.parked().await.len(), lab.stack.dead_letters().len()), (3, 0, 0));
        lab.assert_in_step();
    })
    .await;
}

#[tokio::test]
async fn q11_the_property_that_names_the_wix_contact_may_be_taken_away() {
    at_every_switch(async |lab| {
        let (wix, _) = lab.pair().await;
        lab.hub_call(Method::DELETE, &format!("{PROPERTIES}/wix_contact_id"), None).await;
        lab.wix_edit(&wix, one("company", "Mills")).await;
        let newcomer = lab.wix_create(person(1)).await;
        lab.hub_create(person(2)).await;
        lab.settle().await;
        assert!(lab.in_hub(&newcomer).is_some());
        assert_eq!((lab.links().await.len(), lab.parked().await.len(), lab.stack.dead_letters().len()), (3, 0, 0));
        lab.assert_in_step();
    })
    .await;
}

#[tokio::test]
async fn a_row_that_joins_another_property_empties_nobodys_field() {
    at_every_switch(async |lab| {
        let key = with_own_field(&lab).await;
        let (wix, hub) = lab.pair().await;
        pour(&lab, &wix, &key, "Assam").await;
        lab.settle().await;
        let property = json!({"name": "brew", "label": "Brew", "type": "string", "fieldType": "text", "groupName": "contactinformation"});
        lab.hub_call(Method::POST, PROPERTIES, Some(property)).await;
        let last = |site: &mut Site, to: &str| site.mapping.last_mut().unwrap().external = to.into();
        lab.adjust(|site| last(site, "brew")).await;
        lab.wix_edit(&wix, one("company", "Mills")).await;
        lab.settle().await;
        assert_eq!((lab.hub(&hub).get("brew"), lab.hub(&hub).get("tea")), ("Assam", "Assam"));
        lab.hub_edit(&hub, one("brew", "Oolong")).await;
        lab.resync(Side::External, &hub).await;
        lab.settle().await;
        lab.adjust(|site| last(site, "tea")).await;
        lab.wix_edit(&wix, one("company", "Works")).await;
        lab.settle().await;
        let contact = lab.wix_call(Method::GET, &format!("/contacts/v4/contacts/{wix}"), None).await;
        let poured = contact["contact"]["info"]["extendedFields"]["items"][&key].as_str().unwrap().to_owned();
        assert_eq!(lab.hub(&hub).get("tea"), poured, "joined anew");
        assert!(!poured.is_empty() && lab.stack.dead_letters().is_empty());
    })
    .await;
}

#[tokio::test]
async fn q11_a_property_that_is_mapped_may_be_taken_away() {
    at_every_switch(async |lab| {
        let key = with_own_field(&lab).await;
        let (wix, hub) = lab.pair().await;
        lab.hub_edit(&hub, one("tea", "Assam")).await;
        lab.resync(Side::External, &hub).await;
        lab.settle().await;
        lab.hub_call(Method::DELETE, &format!("{PROPERTIES}/tea"), None).await;
        lab.hub_edit(&hub, one("city", "York")).await;
        lab.settle().await;
        let contact = lab.wix_call(Method::GET, &format!("/contacts/v4/contacts/{wix}"), None).await;
        assert_eq!(contact["contact"]["info"]["extendedFields"]["items"][&key], "Assam", "a property that is gone empties nobody's field");
        pour(&lab, &wix, &key, "Oolong").await;
        lab.wix_edit(&wix, one("company", "Mills")).await;
        lab.settle().await;
        lab.hub_edit(&hub, one("jobtitle", "Engineer")).await;
        let newcomer = lab.wix_create(person(1)).await;
        lab.settle().await;
        assert_eq!((lab.hub(&hub).get("company"), lab.wix(&wix).get("jobtitle")), ("Mills", "Engineer"));
        assert!(lab.in_hub(&newcomer).is_some() && lab.stack.dead_letters().is_empty());
    })
    .await;
}

#[tokio::test]
async fn q11_a_label_that_does_not_exist_is_left_out_alone() {
    at_every_switch(async |lab| {
        let (wix, hub) = lab.pair_of(ada()).await;
        let key = lab.wix_label(&wix, "Newsletter").await;
        lab.settle().await;
        lab.hub_edit(&hub, json!({"wix_labels": format!("{key}; custom.nobody-made-this"), "company": "Mills"})).await;
        lab.settle().await;
        let seen = lab.wix(&wix);
        assert_eq!((seen.get("company"), seen.get("wix_labels"), lab.stack.dead_letters().len()), ("Mills", &*key, 0));
        assert_eq!(lab.reasons().await, [ParkedReason::FieldSkipped]);
        lab.hub_edit(&hub, one("wix_labels", "")).await;
        lab.settle().await;
        assert_eq!((lab.wix(&wix).get("wix_labels"), lab.parked().await.len()), ("", 0));
        let newcomer = lab.hub_create(json!({"firstname": "Mary", "wix_labels": format!("custom.nobody-made-this; {key}")})).await;
        lab.settle().await;
        let made = lab.wix_ids().into_iter().find(|id| *id != wix).expect("one label is no reason to leave a person out");
        assert_eq!((lab.wix(&made).get("wix_labels"), lab.stack.dead_letters().len()), (&*key, 0));
        assert!(lab.hub(&newcomer).get("wix_labels").contains(&key));
    })
    .await;
}

#[tokio::test]
async fn q11_without_the_property_of_the_labels_nobody_loses_a_label() {
    at_every_switch(async |lab| {
        let (wix, hub) = lab.pair().await;
        let key = lab.wix_label(&wix, "Newsletter").await;
        lab.settle().await;
        assert_eq!(lab.hub(&hub).get("wix_labels"), key);
        lab.hub_call(Method::DELETE, &format!("{PROPERTIES}/wix_labels"), None).await;
        lab.hub_edit(&hub, one("city", "York")).await;
        lab.settle().await;
        assert_eq!((lab.wix(&wix).get("wix_labels"), lab.wix(&wix).get("city")), (&*key, "York"));
        assert_eq!((lab.reasons().await, lab.stack.dead_letters().len()), (vec![ParkedReason::FieldSkipped], 0));
    })
    .await;
}
