//! Who is on the list, with which values and tags, and what is told when that cannot be done.

use std::{collections::BTreeSet, time::Duration};

use contact_bridge::model::run::{Reason, RunKind};
use reqwest::Method;
use serde_json::json;

use super::{address, at_both};
use crate::scenarios::{
    lab::Lab,
    switches::{Position, at_switches_of_lists},
};

#[tokio::test]
async fn subscribers_go_to_the_list_and_nobody_else() {
    at_both(async |lab| {
        lab.person("Ada", "SUBSCRIBED").await;
        for (name, status) in [("Bob", "UNSUBSCRIBED"), ("Cleo", "PENDING"), ("Dan", "NOT_SET")] {
            lab.person(name, status).await;
        }
        lab.subscribers(json!({})).await;
        lab.run_subscribers().await;
        assert_eq!(lab.status("Ada"), "subscribed");
        assert_eq!(lab.member("Ada")["merge_fields"]["FNAME"], "Ada");
        assert_eq!(lab.tags("Ada"), BTreeSet::from(["Wix".to_owned()]));
        assert_eq!(["Bob", "Cleo", "Dan"].map(|name| lab.status(name)), ["absent"; 3]);
        lab.forget_calls();
        lab.stack.mailchimp.core().calls.clear();
        lab.run_subscribers().await;
        lab.run_all().await;
        assert_eq!(lab.list_writes(), Vec::<String>::new(), "nothing new: nothing is written");
    })
    .await;
}

#[tokio::test]
async fn c04_who_leaves_a_label_stays_subscribed() {
    at_both(async |lab| {
        let ada = lab.person("Ada", "SUBSCRIBED").await;
        let key = lab.wix_label(&ada, "Friends").await;
        lab.subscribers(json!({"labels": [key], "label_tags": {key.as_str(): "Friends"}})).await;
        lab.run_subscribers().await;
        assert_eq!(lab.tags("Ada"), BTreeSet::from(["Friends".to_owned(), "Wix".to_owned()]));
        lab.wix_unlabel(&ada, &key).await;
        lab.run_subscribers().await;
        lab.run_all().await;
        assert_eq!(lab.tags("Ada"), BTreeSet::new());
        assert_eq!((lab.status("Ada").as_str(), lab.consent("Ada").await.as_str()), ("subscribed", "SUBSCRIBED"));
    })
    .await;
}

#[tokio::test]
async fn of_two_contacts_with_one_address_the_older_ones_values_stand() {
    at_both(async |lab| {
        let first = lab.person("Ada", "SUBSCRIBED").await;
        lab.stack.clock().advance(Duration::from_mins(1));
        lab.wix_create(json!({"firstname": "Eva", "lastname": "Stone", "email": address("Ada"), "phone": "+16465550199"})).await;
        lab.settle().await;
        lab.stack.clock().advance(Duration::from_mins(3));
        lab.subscribers(json!({})).await;
        lab.stack.mailchimp.core().calls.clear();
        lab.run_subscribers().await;
        assert_eq!(lab.list_writes(), ["POST /3.0/lists/{list} x 1"], "nobody's values are sent first and replaced then");
        lab.run_all().await;
        assert_eq!(lab.member("Ada")["merge_fields"]["FNAME"], "Ada");
        lab.wix_delete(&first).await;
        lab.run_subscribers().await;
        lab.run_all().await;
        assert_eq!(lab.member("Ada")["merge_fields"]["FNAME"], "Eva");
    })
    .await;
}

#[tokio::test]
async fn a_second_address_that_is_sent_keeps_its_tags() {
    at_both(async |lab| {
        let ada = lab.person("Ada", "NOT_SET").await;
        let emails = json!({"items": [{"email": address("Ada"), "primary": true}, {"email": address("Home")}]});
        let contact = lab.wix_call(Method::GET, &format!("/contacts/v4/contacts/{ada}"), None).await;
        let body = json!({"revision": contact["contact"]["revision"], "info": {"emails": emails}});
        lab.wix_call(Method::PATCH, &format!("/contacts/v4/contacts/{ada}"), Some(body)).await;
        lab.subscribers(json!({})).await;
        lab.settle().await;
        lab.stack.clock().advance(Duration::from_mins(3));
        lab.set_subscription(&address("Home"), "SUBSCRIBED", "VALID").await;
        lab.run_subscribers().await;
        assert_eq!(lab.status("Home"), "subscribed");
        lab.run_all().await;
        lab.stack.mailchimp.core().calls.clear();
        lab.run_all().await;
        assert_eq!(lab.tags("Home"), BTreeSet::from(["Wix".to_owned()]));
        assert_eq!(lab.list_writes(), Vec::<String>::new());
    })
    .await;
}

#[tokio::test]
async fn fields_that_a_side_does_not_have_are_named() {
    let lab = Lab::start(&Position::defaults()).await;
    for (name, field, expected) in [
        ("NOPE", "name.first", "subscribers.fields.NOPE: must be a field of the list that takes a text"),
        ("FNAME", "nope", "subscribers.fields.FNAME: must be filled with a field of Wix"),
    ] {
        let service = json!({"kind": "mailchimp", "secret": "mailchimp/shop", "list": lab.site.audience});
        let mut site = lab.settings().await;
        site.subscribers = Some(serde_json::from_value(json!({"service": service, "fields": {name: field}})).unwrap());
        assert_eq!(lab.stack.save_site(site).await.unwrap_err().to_string(), expected);
    }
}

#[tokio::test]
async fn a_key_revoked_in_mid_run_is_told_and_the_run_goes_on_with_another() {
    at_switches_of_lists(&["page_cap"], &["bare_refusals"], async |lab| {
        for name in ["Ada", "Bob"] {
            lab.person(name, "SUBSCRIBED").await;
        }
        lab.settle().await;
        lab.stack.clock().advance(Duration::from_mins(3));
        let run = lab.run_with_a_revoked_key().await;
        let trouble = run.progress.trouble.expect("it is told");
        assert_eq!(trouble.reason, Reason::AccessDenied);
        assert_eq!((lab.status("Ada").as_str(), lab.status("Bob").as_str()), ("absent", "absent"));
        lab.clear_faults();
        lab.stack.live(Duration::from_hours(24)).await.unwrap();
        assert_eq!((lab.status("Ada").as_str(), lab.status("Bob").as_str()), ("subscribed", "subscribed"));
        let run = lab.stack.run_of(&lab.site.id, RunKind::Subscribers).await.unwrap();
        assert_eq!(run.progress.trouble, None);
    })
    .await;
}

#[tokio::test]
async fn of_two_contacts_with_one_address_the_one_with_the_label_is_sent() {
    at_both(async |lab| {
        let first = lab.person("Ada", "SUBSCRIBED").await;
        lab.stack.clock().advance(Duration::from_mins(1));
        let second = json!({"firstname": "Eva", "lastname": "Stone", "email": address("Ada"), "phone": "+16465550199"});
        let second = lab.wix_create(second).await;
        let key = lab.wix_label(&second, "Friends").await;
        lab.settle().await;
        lab.stack.clock().advance(Duration::from_mins(3));
        lab.subscribers(json!({"labels": [key]})).await;
        lab.run_subscribers().await;
        assert_eq!(lab.member("Ada")["merge_fields"]["FNAME"], "Eva");
        lab.wix_edit(&first, json!({"firstname": "Ida"})).await;
        lab.run_subscribers().await;
        lab.run_all().await;
        assert_eq!(lab.member("Ada")["merge_fields"]["FNAME"], "Eva");
        assert_eq!(lab.tags("Ada"), BTreeSet::from(["Wix".to_owned()]));
    })
    .await;
}
