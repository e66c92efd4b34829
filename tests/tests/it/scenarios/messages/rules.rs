//! Whose conversation a message belongs to.

use contact_bridge::flows::setup::SettingsError;
use contact_bridge_local::vendors::kit::plain_http;
use serde_json::json;

use super::{
    super::{
        people::person,
        switches::{Position, Vendor, at},
    },
    Chat, at_every_switch_of_the_inbox,
    services::{plain, sms, words},
};

/// Three contacts with Ada's address, the oldest first; the second one was active last.
async fn three_adas(chat: &Chat) -> [String; 3] {
    let mut ids = Vec::new();
    for name in ["First", "Second", "Third"] {
        // Wix lets an owner make several contacts with one address.
        let info = json!({"name": {"first": name}, "emails": {"items": [{"email": "ada@example.com"}]}});
        let seeded = chat.lab.stack.wix.seed(Some(chat.lab.site.id.as_str()), &[info]).unwrap();
        ids.extend(seeded);
        chat.lab.stack.clock().advance(std::time::Duration::from_secs(100));
    }
    let ids: [String; 3] = ids.try_into().unwrap();
    let url = format!("{}/_control/messages", chat.lab.stack.wix.base_url());
    let body = json!({"site": chat.lab.site.id, "contact": ids[1], "text": "I was here"});
    assert!(plain_http().unwrap().post(url).json(&body).send().await.unwrap().status().is_success());
    chat.lab.settle().await;
    chat.lab.stack.clock().advance(std::time::Duration::from_secs(100));
    ids
}

#[tokio::test]
async fn of_several_contacts_the_rule_chooses() {
    at_every_switch_of_the_inbox(async |chat| {
        let ids = three_adas(&chat).await;
        for (nth, (rule, expected)) in
            [("last_active", [0, 1, 0]), ("first_created", [1, 0, 0]), ("all", [1, 1, 1]), ("none", [0, 0, 0])].into_iter().enumerate()
        {
            chat.sources(&json!({"several_matches": rule})).await;
            words(&chat.lab, rule, i64::try_from(nth).unwrap(), rule).await;
            chat.lab.settle().await;
            let mut found = [0; 3];
            for (count, id) in found.iter_mut().zip(&ids) {
                *count = chat.said_to(id).await.iter().filter(|said| *said == rule).count();
            }
            assert_eq!(found, expected, "{rule}");
        }
        assert_eq!(chat.reasons(), ["parked: several_contacts"]);
        chat.sources(&json!({"several_matches": "first_created"})).await;
        chat.lab.stack.redrive().await;
        chat.lab.settle().await;
        assert!(chat.said_to(&ids[0]).await.contains(&"none".to_owned()), "moved back, it is posted");
    })
    .await;
}

#[tokio::test]
async fn somebody_unknown_becomes_one_contact() {
    at_every_switch_of_the_inbox(async |chat| {
        sms(&chat.lab, "SM1", "+12025550177", "Hello").await;
        sms(&chat.lab, "SM2", "+12025550177", "Hello?").await;
        plain(&chat.lab, "m1", &json!({"contact": {"email": "mary@example.com", "name": "Mary Ann Shelley"}, "text": "Good evening"}))
            .await;
        chat.lab.settle().await;
        let ids = chat.lab.wix_ids();
        assert_eq!((ids.len(), chat.said().await), (2, vec!["Good evening".to_owned(), "Hello".to_owned(), "Hello?".to_owned()]));
        let mary = ids.iter().find(|id| chat.lab.wix(id).get("email") == "mary@example.com").unwrap();
        assert_eq!((chat.lab.wix(mary).get("firstname"), chat.lab.wix(mary).get("lastname")), ("Mary Ann", "Shelley"));
    })
    .await;
}

#[tokio::test]
async fn somebody_unknown_waits_for_a_person() {
    at_every_switch_of_the_inbox(async |chat| {
        chat.sources(&json!({"no_match": "park"})).await;
        words(&chat.lab, "m1", 0, "Who am I?").await;
        chat.lab.settle().await;
        assert_eq!((chat.lab.wix_ids().len(), chat.reasons()), (0, vec!["parked: no_contact".to_owned()]));
        let ada = chat.ada().await;
        words(&chat.lab, "m2", 1, "I know now").await;
        chat.lab.settle().await;
        assert_eq!(chat.said_to(&ada).await, ["I know now"], "nobody waits for what is parked");
        assert_eq!(chat.lab.stack.redrive().await, 1);
        chat.lab.settle().await;
        assert_eq!(chat.said_to(&ada).await, ["I know now", "Who am I?"]);
        assert!(chat.reasons().is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_contact_made_at_the_same_time_is_waited_for() {
    at_every_switch_of_the_inbox(async |chat| {
        chat.sources(&json!({"no_match": "park"})).await;
        words(&chat.lab, "m1", 0, "I just signed up").await;
        chat.lab.settle_within(5).await;
        let ada = chat.lab.wix_create(json!({"firstname": "Ada", "email": "ada@example.com"})).await;
        chat.lab.settle().await;
        assert_eq!((chat.said_to(&ada).await, chat.reasons()), (vec!["I just signed up".to_owned()], vec![]));
    })
    .await;
}

#[tokio::test]
async fn an_email_counts_before_a_phone() {
    at_every_switch_of_the_inbox(async |chat| {
        let ada = chat.ada().await;
        let other = chat.contact(json!({"firstname": "Eve", "email": "eve@example.com", "phone": "+12025550199"})).await;
        plain(&chat.lab, "m1", &json!({"contact": {"email": "eve@example.com", "phone": "+12025550143"}, "text": "by e-mail"})).await;
        plain(&chat.lab, "m2", &json!({"contact": {"email": "unknown@example.com", "phone": "(202) 555-0143"}, "text": "by phone"})).await;
        chat.lab.settle().await;
        assert_eq!((chat.said_to(&other).await, chat.said_to(&ada).await), (vec!["by e-mail".to_owned()], vec!["by phone".to_owned()]));
    })
    .await;
}

#[tokio::test]
async fn a_source_that_is_off_is_dropped_and_one_that_is_missing_waited_for() {
    let positions = [Position::dynamodb(), Position::defaults()];
    at(&positions, async |lab| {
        let chat = Chat::open(lab).await;
        let ada = chat.ada().await;
        chat.sources(&json!({"enabled": false})).await;
        words(&chat.lab, "m1", 0, "dropped").await;
        chat.lab.settle().await;
        chat.lab.adjust(|site| site.inbox.clear()).await;
        words(&chat.lab, "m2", 1, "waits").await;
        chat.lab.settle_within(600).await;
        assert!(chat.said().await.is_empty());
        chat.sources(&json!({})).await;
        chat.lab.settle().await;
        assert_eq!((chat.said_to(&ada).await, chat.reasons()), (vec!["waits".to_owned()], vec![]));
    })
    .await;
}

#[tokio::test]
async fn settings_that_break_a_rule_are_not_saved() {
    let positions = [Position::defaults()];
    at(&positions, async |lab| {
        let chat = Chat::open(lab).await;
        let mut site = chat.lab.settings().await;
        for source in site.inbox.values_mut() {
            source.kind = "telegraph".to_owned();
        }
        let refusal = chat.lab.stack.save_site(site).await.unwrap_err();
        assert!(matches!(refusal, SettingsError::Source(_)));
        assert_eq!(refusal.to_string(), "inbox.calendly.kind: there is no such service");
    })
    .await;
}

#[tokio::test]
async fn the_parts_of_a_text_wait_for_a_person_together() {
    let positions = [Position::dynamodb(), Position::defaults()];
    at(&positions, async |lab| {
        let chat = Chat::open(lab).await;
        chat.sources(&json!({"no_match": "park"})).await;
        let long = format!("{}{}the end", "word ".repeat(25_000), " ".repeat(400_000));
        words(&chat.lab, "m1", 0, &long).await;
        words(&chat.lab, "m2", 1, "Hello?").await;
        let begun = chat.lab.stack.clock().now_ms();
        chat.lab.settle().await;
        let parked = chat.reasons();
        assert!(parked.len() > 2 && parked.iter().all(|reason| reason == "parked: no_contact"), "{parked:?}");
        assert!(chat.lab.stack.clock().now_ms() - begun < 3_600_000, "none waits for a part that is not to come");
        let ada = chat.ada().await;
        assert_eq!(chat.lab.stack.redrive().await, parked.len());
        chat.lab.settle().await;
        let said = chat.said_to(&ada).await;
        assert!(
            said.concat().starts_with(&"word ".repeat(25_000)) && said.concat().ends_with("the endHello?"),
            "in order, without blanks alone"
        );
        assert!(said.iter().all(|said| !said.trim().is_empty()) && chat.reasons().is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_member_is_reached_by_the_id_that_the_contact_shows() {
    let refused = (Vendor::Wix, "inbox_member_by_contact", json!("refused"));
    let shown = (Vendor::Wix, "member_info", json!(true));
    let positions = [Position::defaults(), Position::of(std::slice::from_ref(&refused)), Position::of(&[refused.clone(), shown])];
    at(&positions, async |lab| {
        let chat = Chat::open(lab).await;
        let ada = chat.ada().await;
        chat.lab.wix_member(&ada);
        words(&chat.lab, "m1", 0, "Hello").await;
        chat.lab.settle().await;
        let switches = &chat.lab.stack.wix.core().switches;
        let is_hidden = switches.is("inbox_member_by_contact", "refused") && !switches.flag("member_info");
        let (said, parked) = if is_hidden { (vec![], vec!["parked: no_conversation"]) } else { (vec!["Hello"], vec![]) };
        assert_eq!(chat.said_to(&ada).await, said);
        assert_eq!(chat.reasons(), parked);
    })
    .await;
}

#[tokio::test]
async fn a_removed_site_gets_no_messages() {
    let positions = [Position::defaults()];
    at(&positions, async |lab| {
        let chat = Chat::open(lab).await;
        chat.contact(person(1)).await;
        chat.lab.stack.wix.remove(Some(chat.lab.site.id.as_str())).unwrap();
        chat.lab.settle().await;
        words(&chat.lab, "m1", 0, "too late").await;
        chat.lab.settle().await;
        assert!(chat.said().await.is_empty() && chat.reasons().is_empty());
    })
    .await;
}
