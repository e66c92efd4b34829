//! Group 6: consent. The whole path: subscriptions in Wix, signed webhooks of both sides, the run, and the list in Mailchimp.

use std::{collections::BTreeSet, time::Duration};

use contact_bridge::model::{
    run::{Reason, RunKind},
    site::subscribers::Subscribers,
};
use contact_bridge_local::vendors::kit::{Fault, FaultKind, plain_http};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    lab::Lab,
    switches::{Position, Vendor, at_switches_of_lists},
};

/// What Wix leaves open of subscriptions.
const WIX: &[&str] = &[
    "in_limit",
    "mirrored_email",
    "noop_subscription_event",
    "page_cap",
    "subscription_case",
    "subscription_keys",
    "subscription_mirror",
    "subscription_upsert",
    "total_omitted",
    "unknown_subscription",
    "visibility_lag_ms",
];

/// What Mailchimp leaves open.
const MAIL: &[&str] = &[
    "api_unsubscribe",
    "archive_fires",
    "archived_listed",
    "bare_refusals",
    "complaint_is_unsubscribe",
    "compliance_pending",
    "default_order",
    "member_exists_title",
    "profile_with_subscribe",
    "put_archived",
    "since_last_changed",
    "status_if_new_required",
    "touch_without_change",
    "unknown_merge_field",
    "upemail_order",
    "visibility_lag_ms",
    "webhook_delay_ms",
];

async fn at_both(scenario: impl AsyncFn(Lab)) {
    at_switches_of_lists(WIX, MAIL, scenario).await;
}

impl Lab {
    /// Has subscribers go to Mailchimp; nothing is sent before the first run.
    async fn subscribers(&self, more: Value) {
        let service = json!({"kind": "mailchimp", "secret": "mailchimp/shop", "list": self.site.audience});
        let mut settings = json!({"service": service, "interval_minutes": 720});
        settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let settings: Subscribers = serde_json::from_value(settings).unwrap();
        self.adjust(|site| site.subscribers = Some(settings)).await;
    }

    async fn person(&self, name: &str, status: &str) -> String {
        let email = address(name);
        let id = self.wix_create(json!({"firstname": name, "lastname": "Stone", "email": email})).await;
        self.set_subscription(&email, status, "VALID").await;
        id
    }

    /// Runs the subscribers now, when what was written before shows everywhere.
    async fn run_subscribers(&self) {
        self.settle().await;
        self.stack.clock().advance(Duration::from_mins(3));
        self.stack.run_now(&self.site.id, RunKind::Subscribers).await.unwrap();
        self.settle().await;
    }

    /// Runs a pass that looks at everybody.
    async fn run_all(&self) {
        self.stack.live(Duration::from_hours(25)).await.unwrap();
        self.settle().await;
    }

    fn member(&self, name: &str) -> Value {
        let all = self.stack.mailchimp.contacts(Some(self.site.id.as_str())).unwrap();
        all.into_iter().find(|member| member["email_address"] == address(name)).unwrap_or_default()
    }

    fn status(&self, name: &str) -> String {
        self.member(name)["status"].as_str().unwrap_or("absent").to_owned()
    }

    fn tags(&self, name: &str) -> BTreeSet<String> {
        let tags = self.member(name)["tags"].as_array().cloned().unwrap_or_default();
        tags.iter().filter_map(|tag| tag["name"].as_str().map(str::to_owned)).collect()
    }

    async fn consent(&self, name: &str) -> String {
        self.subscription(&address(name)).await["subscriptionStatus"].as_str().unwrap_or("absent").to_owned()
    }

    /// A person acts in Mailchimp.
    fn in_mailchimp(&self, act: &str, name: &str) {
        self.stack.mailchimp.act(act, &json!({"site": self.site.id, "email": address(name)})).unwrap();
    }

    fn drop_webhooks_of_mailchimp(&self) {
        self.fault(Vendor::Mail, Fault { times: 100, ..Fault::any(FaultKind::WebhookDrop) });
    }

    /// Whoever was written to in Mailchimp's name.
    fn written_to(&self, name: &str) -> usize {
        self.stack.mailchimp.mails().iter().filter(|mail| mail["email"] == address(name)).count()
    }

    /// The writes to the list of this site.
    fn list_writes(&self) -> Vec<String> {
        let calls = self.stack.mailchimp.core().calls.to_json();
        let own = calls["sites"][self.site.id.as_str()].as_object().cloned().unwrap_or_default();
        own.into_iter().filter(|(route, _)| !route.starts_with("GET ")).map(|(route, count)| format!("{route} x {count}")).collect()
    }
}

fn address(name: &str) -> String {
    format!("{}@example.com", name.to_lowercase())
}

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
        let revoked = json!({"title": "API Key Invalid", "status": 401, "detail": "Your API key may be invalid."});
        let post = format!("POST /3.0/lists/{}", lab.site.audience);
        lab.fault(Vendor::Mail, Fault { body: Some(revoked), times: 1_000, ..Fault::status(401, &post) });
        lab.subscribers(json!({})).await;
        lab.stack.run_now(&lab.site.id, RunKind::Subscribers).await.unwrap();
        lab.stack.live(Duration::from_hours(1)).await.unwrap();
        let run = lab.stack.run_of(&lab.site.id, RunKind::Subscribers).await.unwrap();
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
        let post = format!("POST /3.0/lists/{}", lab.site.audience);
        lab.fault(Vendor::Mail, Fault { times: 1_000, ..Fault::status(401, &post) });
        lab.subscribers(json!({})).await;
        lab.stack.run_now(&lab.site.id, RunKind::Subscribers).await.unwrap();
        lab.stack.live(Duration::from_hours(1)).await.unwrap();
        let run = lab.stack.run_of(&lab.site.id, RunKind::Subscribers).await.unwrap();
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

impl Lab {
    /// The list's owner acts on a member.
    async fn list_call(&self, method: Method, name: &str, tail: &str) {
        self.list_call_with(method, name, tail, None).await;
    }

    async fn list_call_with(&self, method: Method, name: &str, tail: &str, body: Option<Value>) {
        let hash = self.member(name)["id"].as_str().unwrap().to_owned();
        let url = format!("{}/3.0/lists/{}/members/{hash}{tail}", self.stack.mailchimp.base_url(), self.site.audience);
        let call = plain_http().unwrap().request(method, url).bearer_auth(format!("key-{}-us6", self.site.id)).header("x-actor", "admin");
        let call = if let Some(body) = body { call.json(&body) } else { call };
        assert!(call.send().await.unwrap().status().is_success());
    }
}
