//! A run that is over before its work is, and vendors that ask to be left alone in the middle of it.

use std::{collections::BTreeSet, time::Duration};

use contact_bridge::{
    flows::run::Ended,
    model::{
        ids::Side,
        run::{Reason, RunKind},
    },
};
use contact_bridge_local::vendors::kit::Fault;
use reqwest::Method;
use serde_json::json;

use crate::scenarios::{
    crash::Watched,
    lab::Lab,
    switches::{Position, Vendor, at},
};

/// How many there are.
const MANY: usize = 12;
/// How long a call takes.
const SLOW: Duration = Duration::from_secs(15);
/// What a run has.
const TIME: Duration = Duration::from_mins(2);

fn names() -> Vec<String> {
    (0..MANY).map(|number| format!("Person{number}")).collect()
}

fn at_both_stores() -> [Position; 2] {
    [Position::defaults(), Position::dynamodb()]
}

/// Everybody is on the list, and what is done about that shows.
async fn all_sent(lab: &Lab) {
    for name in names() {
        lab.person(&name, "SUBSCRIBED").await;
    }
    lab.subscribers(json!({})).await;
    lab.run_subscribers().await;
    lab.drop_webhooks_of_mailchimp();
}

/// Runs until the pass is through, each call of this kind being slow; how many runs it took. None is at work when its time is over.
async fn runs(lab: &Lab, slow: &str) -> usize {
    let watched = Watched::towards(Vendor::Mail, lab).await;
    let clock = lab.stack.clock();
    let waited = clock.clone();
    watched.before(&format!("{slow} /3.0/lists/{}/members/*", lab.site.audience), u32::MAX, move || {
        waited.advance(SLOW);
        std::future::ready(())
    });
    let exporter = watched.exporter(lab);
    for run in 1..=MANY {
        let deadline = lab.stack.app.means.clock.now() + TIME;
        let ended = exporter.run(&lab.site.id, RunKind::Subscribers, deadline).await.unwrap();
        let left = deadline.duration_since(lab.stack.app.means.clock.now());
        assert!(left.is_positive(), "over for {left} in run {run}");
        if ended == Ended::Rested {
            return run;
        }
        assert_eq!(ended, Ended::Continues);
    }
    panic!("it never ends");
}

#[tokio::test]
async fn who_was_archived_is_noted_although_the_time_of_a_run_is_over() {
    at(&at_both_stores(), async |lab| {
        all_sent(&lab).await;
        for name in names() {
            lab.list_call(Method::DELETE, &name, "").await;
        }
        lab.settle().await;
        lab.stack.clock().advance(Duration::from_hours(13));
        let took = runs(&lab, "GET").await;
        assert!((3..MANY).contains(&took), "{took} runs");
        lab.stack.mailchimp.core().calls.clear();
        lab.run_all().await;
        assert!(names().iter().all(|name| lab.status(name) == "archived"), "nobody is put back");
        assert_eq!(lab.list_writes(), Vec::<String>::new());
    })
    .await;
}

#[tokio::test]
async fn strangers_lose_their_tags_although_the_time_of_a_run_is_over() {
    at(&at_both_stores(), async |lab| {
        all_sent(&lab).await;
        let friend = lab.person("Friend", "SUBSCRIBED").await;
        let key = lab.wix_label(&friend, "Friends").await;
        lab.settle().await;
        lab.subscribers(json!({"labels": [key]})).await;
        lab.stack.clock().advance(Duration::from_hours(25));
        let took = runs(&lab, "POST").await;
        assert!((3..MANY).contains(&took), "{took} runs");
        assert!(names().iter().all(|name| lab.tags(name).is_empty() && lab.status(name) == "subscribed"));
        assert_eq!(lab.tags("Friend"), BTreeSet::from(["Wix".to_owned()]));
    })
    .await;
}

#[tokio::test]
async fn whoever_asks_to_be_left_alone_is() {
    // Wix is called for the opt-out alone here: what comes before goes through.
    let cases = [
        (Vendor::Wix, "POST /email-marketing/v1/email-subscriptions", Some(Side::Wix)),
        (Vendor::Mail, "GET /3.0/lists/*/members/*", None),
    ];
    at(&at_both_stores(), async |lab| {
        lab.person("Ada", "SUBSCRIBED").await;
        lab.subscribers(json!({})).await;
        lab.run_subscribers().await;
        lab.drop_webhooks_of_mailchimp();
        lab.in_mailchimp("unsubscribe", "Ada");
        lab.settle().await;
        for (vendor, call, side) in cases {
            lab.stack.clock().advance(Duration::from_hours(13));
            lab.fault(vendor, Fault { times: 100, retry_after: Some("600".to_owned()), ..Fault::status(429, call) });
            let means = &lab.stack.app.means;
            let deadline = means.clock.now() + TIME;
            let ended = lab.stack.exporter.run(&lab.site.id, RunKind::Subscribers, deadline).await.unwrap();
            assert_eq!(ended, Ended::Troubled(Reason::Throttled), "{call}");
            let trouble = lab.stack.run_of(&lab.site.id, RunKind::Subscribers).await.unwrap().progress.trouble.expect("it is told");
            assert_eq!(trouble.side, side, "{call}");
            for own in Side::BOTH {
                let until = means.links.cooling_down(&lab.site.id, own, means.clock.now()).await.unwrap();
                assert_eq!(until.is_some(), side == Some(own), "{own} after {call}");
            }
            lab.clear_faults();
        }
        lab.run_subscribers().await;
        assert_eq!(lab.consent("Ada").await, "UNSUBSCRIBED");
    })
    .await;
}
