//! An opt-out on one side is one on the other, and nobody is put back.

use std::{collections::BTreeSet, time::Duration};

use contact_bridge::model::run::RunKind;
use contact_bridge_local::vendors::kit::{Fault, FaultKind};
use reqwest::Method;
use serde_json::json;

use super::{address, at_both};
use crate::scenarios::switches::Vendor;

#[tokio::test]
async fn c01_a_full_resync_after_the_table_was_lost_raises_nobody() {
    at_both(async |lab| {
        for name in ["Ada", "Bob", "Cleo"] {
            lab.person(name, "SUBSCRIBED").await;
        }
        // They are on the list by another tool of the owner's; the bridge knows nothing of it, as after a backup.
        lab.stack
            .mailchimp
            .seed(&json!({"site": lab.site.id, "contacts": [
                {"email_address": address("Ada"), "status": "unsubscribed"},
                {"email_address": address("Bob"), "status": "cleaned"},
                {"email_address": address("Cleo"), "status": "subscribed"},
            ]}))
            .unwrap();
        lab.drop_webhooks_of_mailchimp();
        lab.subscribers(json!({})).await;
        lab.run_subscribers().await;
        lab.run_all().await;
        assert_eq!(["Ada", "Bob", "Cleo"].map(|name| lab.status(name)), ["unsubscribed", "cleaned", "subscribed"]);
        assert_eq!(["Ada", "Bob", "Cleo"].map(|name| lab.written_to(name)), [0; 3]);
        assert_eq!(lab.consent("Ada").await, "UNSUBSCRIBED");
        assert_eq!(lab.subscription(&address("Bob")).await["deliverabilityStatus"], "BOUNCED");
        assert_eq!(lab.consent("Cleo").await, "SUBSCRIBED");
    })
    .await;
}

#[tokio::test]
async fn c02_sides_that_differ_at_the_start_are_brought_in_step_once() {
    at_both(async |lab| {
        lab.person("Ada", "SUBSCRIBED").await;
        lab.person("Bob", "UNSUBSCRIBED").await;
        lab.stack
            .mailchimp
            .seed(&json!({"site": lab.site.id, "contacts": [
                {"email_address": address("Ada"), "status": "unsubscribed"},
                {"email_address": address("Bob"), "status": "subscribed"},
            ]}))
            .unwrap();
        lab.subscribers(json!({})).await;
        lab.run_subscribers().await;
        for name in ["Ada", "Bob"] {
            assert_eq!((lab.status(name).as_str(), lab.consent(name).await.as_str()), ("unsubscribed", "UNSUBSCRIBED"), "{name}");
        }
        // They come back, each on one side: neither is turned again, on either side, however often the run looks.
        lab.set_subscription(&address("Ada"), "SUBSCRIBED", "VALID").await;
        lab.in_mailchimp("signup", "Bob");
        lab.run_subscribers().await;
        lab.stack.mailchimp.core().calls.clear();
        for _ in 0..3 {
            lab.run_all().await;
        }
        assert_eq!((lab.status("Ada").as_str(), lab.consent("Ada").await.as_str()), ("unsubscribed", "SUBSCRIBED"));
        assert_eq!((lab.status("Bob").as_str(), lab.consent("Bob").await.as_str()), ("subscribed", "UNSUBSCRIBED"));
        assert_eq!(lab.list_writes(), Vec::<String>::new());
    })
    .await;
}

#[tokio::test]
async fn c05_absence_is_no_opt_out() {
    at_both(async |lab| {
        let ada = lab.person("Ada", "SUBSCRIBED").await;
        for name in ["Bob", "Cleo"] {
            lab.person(name, "SUBSCRIBED").await;
        }
        lab.subscribers(json!({})).await;
        lab.run_subscribers().await;
        // A contact is deleted in Wix; a member is taken off the list, another one deleted from it for good.
        lab.wix_delete(&ada).await;
        lab.list_call(Method::DELETE, "Bob", "").await;
        lab.list_call(Method::POST, "Cleo", "/actions/delete-permanent").await;
        lab.run_subscribers().await;
        lab.run_all().await;
        assert_eq!(lab.status("Ada"), "subscribed");
        assert_eq!(lab.tags("Ada"), BTreeSet::new());
        assert_eq!((lab.status("Bob").as_str(), lab.consent("Bob").await.as_str()), ("archived", "SUBSCRIBED"), "nor is it put back");
        assert_eq!((lab.status("Cleo").as_str(), lab.consent("Cleo").await.as_str()), ("forgotten", "SUBSCRIBED"));
    })
    .await;
}

#[tokio::test]
async fn c06_an_opt_out_whose_webhook_was_lost_is_found() {
    at_both(async |lab| {
        for name in ["Ada", "Bob", "Cleo"] {
            lab.person(name, "SUBSCRIBED").await;
        }
        lab.subscribers(json!({})).await;
        lab.run_subscribers().await;
        lab.drop_webhooks_of_mailchimp();
        lab.in_mailchimp("unsubscribe", "Ada");
        lab.in_mailchimp("bounce", "Bob");
        lab.run_subscribers().await;
        assert_eq!(lab.consent("Ada").await, "UNSUBSCRIBED");
        assert_eq!(lab.subscription(&address("Bob")).await["deliverabilityStatus"], "BOUNCED");
        // And the other way round.
        lab.fault(Vendor::Wix, Fault { times: 100, ..Fault::any(FaultKind::WebhookDrop) });
        lab.set_subscription(&address("Cleo"), "UNSUBSCRIBED", "VALID").await;
        lab.stack.wix.core().faults.clear();
        lab.run_subscribers().await;
        lab.run_all().await;
        assert_eq!(lab.status("Cleo"), "unsubscribed");
    })
    .await;
}

#[tokio::test]
async fn d01_an_address_given_up_in_mailchimp_is_not_put_back_by_an_edit() {
    at_both(async |lab| {
        let ada = lab.person("Ada", "SUBSCRIBED").await;
        lab.subscribers(json!({})).await;
        lab.run_subscribers().await;
        // She goes by another address there.
        lab.list_call_with(Method::PATCH, "Ada", "", Some(json!({"email_address": address("Eva")}))).await;
        lab.settle().await;
        assert_eq!((lab.status("Ada").as_str(), lab.status("Eva").as_str()), ("absent", "subscribed"));
        lab.wix_edit(&ada, json!({"firstname": "Eva"})).await;
        lab.run_subscribers().await;
        lab.run_all().await;
        assert_eq!((lab.status("Ada").as_str(), lab.status("Eva").as_str()), ("absent", "subscribed"));
    })
    .await;
}

#[tokio::test]
async fn c05_a_status_of_wix_that_nobody_knows_unsubscribes_nobody() {
    at_both(async |lab| {
        lab.person("Ada", "SUBSCRIBED").await;
        lab.subscribers(json!({})).await;
        lab.run_subscribers().await;
        lab.set_subscription(&address("Ada"), "UNKNOWN", "VALID").await;
        lab.run_subscribers().await;
        lab.run_all().await;
        assert_eq!((lab.status("Ada").as_str(), lab.consent("Ada").await.as_str()), ("subscribed", "UNKNOWN"));
    })
    .await;
}

#[tokio::test]
async fn c05_who_is_archived_while_a_pass_stands_still_is_not_put_back() {
    at_both(async |lab| {
        for name in ["Ada", "Bob"] {
            lab.person(name, "SUBSCRIBED").await;
        }
        lab.settle().await;
        lab.stack.clock().advance(Duration::from_mins(3));
        lab.stack.mailchimp.seed(&json!({"site": lab.site.id, "contacts": [{"email_address": address("Bob")}]})).unwrap();
        lab.stack.clock().advance(Duration::from_mins(3));
        // The list is looked at, and then nobody can be added for a day.
        let run = lab.run_with_a_revoked_key().await;
        assert!(!run.progress.checkpoint["pass"]["leg"]["subscribed"].is_null(), "{}", run.progress.checkpoint);
        lab.drop_webhooks_of_mailchimp();
        lab.list_call(Method::DELETE, "Bob", "").await;
        lab.stack.clock().advance(Duration::from_hours(23));
        lab.stack.mailchimp.core().faults.clear();
        lab.run_all().await;
        assert_eq!((lab.status("Ada").as_str(), lab.status("Bob").as_str()), ("subscribed", "archived"));
    })
    .await;
}

#[tokio::test]
async fn c06_who_bounced_and_then_opts_out_is_out_in_wix() {
    at_both(async |lab| {
        lab.person("Ada", "SUBSCRIBED").await;
        lab.subscribers(json!({})).await;
        lab.run_subscribers().await;
        lab.in_mailchimp("bounce", "Ada");
        lab.settle().await;
        assert_eq!(lab.subscription(&address("Ada")).await["deliverabilityStatus"], "BOUNCED");
        lab.set_subscription(&address("Ada"), "SUBSCRIBED", "VALID").await;
        lab.settle().await;
        lab.in_mailchimp("unsubscribe", "Ada");
        lab.settle().await;
        assert_eq!(lab.consent("Ada").await, "UNSUBSCRIBED");
    })
    .await;
}

#[tokio::test]
async fn opt_outs_go_both_ways_at_once() {
    at_both(async |lab| {
        for name in ["Ada", "Bob"] {
            lab.person(name, "SUBSCRIBED").await;
        }
        lab.subscribers(json!({})).await;
        lab.run_subscribers().await;
        lab.in_mailchimp("unsubscribe", "Ada");
        lab.set_subscription(&address("Bob"), "UNSUBSCRIBED", "VALID").await;
        // No run: the webhooks alone.
        lab.stack.pause_run(&lab.site.id, RunKind::Subscribers, true).await.unwrap();
        lab.settle().await;
        assert_eq!(lab.consent("Ada").await, "UNSUBSCRIBED");
        assert_eq!(lab.status("Bob"), "unsubscribed");
    })
    .await;
}

#[tokio::test]
async fn l05_c07_a_late_echo_about_a_deleted_contact_brings_nobody_back() {
    at_both(async |lab| {
        let ada = lab.person("Ada", "SUBSCRIBED").await;
        lab.subscribers(json!({})).await;
        lab.run_subscribers().await;
        lab.settle().await;
        lab.wix_edit(&ada, json!({"firstname": "Eva"})).await;
        lab.fault(Vendor::Mail, Fault { ms: Some(3_600_000), times: 10, ..Fault::any(FaultKind::WebhookDelay) });
        lab.stack.clock().advance(Duration::from_mins(3));
        lab.stack.run_now(&lab.site.id, RunKind::Subscribers).await.unwrap();
        lab.settle_within(60).await;
        lab.set_subscription(&address("Ada"), "UNSUBSCRIBED", "VALID").await;
        lab.wix_delete(&ada).await;
        let mails = lab.written_to("Ada");
        lab.settle().await;
        lab.run_all().await;
        assert_eq!(lab.wix_ids(), Vec::<String>::new());
        assert_eq!((lab.status("Ada").as_str(), lab.consent("Ada").await.as_str()), ("unsubscribed", "UNSUBSCRIBED"));
        assert_eq!(lab.written_to("Ada"), mails);
    })
    .await;
}

#[tokio::test]
async fn an_opt_out_between_the_listing_and_the_post_is_heeded() {
    at_both(async |lab| {
        lab.person("Ada", "SUBSCRIBED").await;
        lab.settle().await;
        lab.stack.clock().advance(Duration::from_mins(3));
        // The listing still shows her as subscribed.
        lab.stack.wix.switch("people_lag", true).unwrap();
        lab.stack.wix.switch("visibility_lag_ms", 600_000).unwrap();
        lab.fault(Vendor::Wix, Fault { times: 100, ..Fault::any(FaultKind::WebhookDrop) });
        lab.set_subscription(&address("Ada"), "UNSUBSCRIBED", "VALID").await;
        lab.subscribers(json!({})).await;
        lab.stack.run_now(&lab.site.id, RunKind::Subscribers).await.unwrap();
        lab.settle().await;
        assert_eq!(lab.status("Ada"), "absent");
        let run = lab.stack.run_of(&lab.site.id, RunKind::Subscribers).await.unwrap();
        assert_eq!(run.progress.checkpoint["last"]["tally"]["left_out"], 1, "she was listed");
    })
    .await;
}
