//! The webhooks of Inbox, and conversations that become one.

use contact_bridge_local::vendors::wix::{Flags, ParticipantId};
use serde_json::{Value, json};

use super::{
    chat::{CONVERSATIONS, GUID, MESSAGES, note, sent, texts},
    client::{CONTACTS, Inbox, Wix, named},
};

#[tokio::test]
async fn a_message_of_our_own_app_raises_an_event_too() {
    let wix = Wix::start().await;
    let conversation = wix.conversation_with(named("Ada")).await;
    let inbox = Inbox::of(&wix).await;
    let shown = wix.text(&conversation, "Hello").await;
    wix.deliver().await;
    let event = inbox.events(&wix).remove(0);
    assert_eq!(event["eventType"], "wix.crm.inbox.v2.message_message_sent_to_participant");
    assert_eq!(event["identity"], json!({"identityType": "APP", "appId": "app"}));
    let data = &event["data"];
    assert_eq!((&data["entityFqdn"], &data["slug"]), (&json!("wix.crm.inbox.v2.message"), &json!("message_sent_to_participant")));
    assert_eq!((&data["entityId"], &data["triggeredByAnonymizeRequest"]), (&shown["id"], &json!(false)));
    assert_eq!(data["actionEvent"]["body"], json!({"conversationId": conversation, "message": shown}));
}

#[tokio::test]
async fn event_names_and_forms_are_open() {
    let wix = Wix::start().await;
    let inbox = Inbox::of(&wix).await;
    wix.set("inbox_event_names", "hyphen");
    wix.set("entity_form", "string");
    wix.sim.write_as(Some("s2"), &ParticipantId::Visitor(GUID.to_owned()), "Hello").unwrap();
    wix.deliver().await;
    let event = inbox.events(&wix).remove(0);
    assert_eq!(event["eventType"], "wix.crm.inbox.v2.message_message-sent-to-business");
    assert_eq!((&event["data"]["slug"], &event["instanceId"]), (&json!("message_sent_to_business"), &json!("i2")));
    assert!(event["data"]["actionEvent"]["bodyAsJson"].is_string());
}

/// Two contacts with a conversation each: contact ids and conversation ids.
async fn two(wix: &Wix) -> ([String; 2], [String; 2]) {
    let (ada, eve) = (wix.create(named("Ada")).await.id(), wix.create(named("Eve")).await.id());
    let of = async |id: &str| wix.id_of(json!({"contactId": id})).await;
    let talks = [of(&ada).await, of(&eve).await];
    wix.text(&talks[0], "to Ada").await;
    wix.text(&talks[1], "to Eve").await;
    ([ada, eve], talks)
}

async fn merge(wix: &Wix, target: &str, source: &str) {
    let request = json!({"targetContactRevision": 1, "sourceContactIds": [source]});
    assert_eq!(wix.post(&format!("{CONTACTS}/{target}/merge"), request).await.status, 200);
}

/// The bodies of the events about merged conversations.
async fn merged(wix: &Wix, inbox: &Inbox) -> Vec<Value> {
    wix.deliver().await;
    let events = inbox.events(wix).into_iter();
    let merged = events.filter(|event| event["eventType"] == "wix.crm.inbox.v2.conversation_conversations_merged");
    merged.map(|event| event["data"]["actionEvent"]["body"].clone()).collect()
}

#[tokio::test]
async fn conversations_of_merged_contacts_become_a_new_one() {
    let wix = Wix::start().await;
    let ([ada, eve], old) = two(&wix).await;
    let inbox = Inbox::of(&wix).await;
    merge(&wix, &ada, &eve).await;
    let now = wix.id_of(json!({"contactId": ada})).await;
    assert!(!old.contains(&now));
    assert_eq!(texts(&wix.messages(&now, "").await), ["to Eve", "to Ada"]);
    assert_eq!(merged(&wix, &inbox).await, [json!({"oldConversationIds": old, "targetConversationId": now})]);
    assert_eq!(wix.open(json!({"contactId": eve})).await.status, 404);
}

#[tokio::test]
async fn the_targets_conversation_can_be_kept() {
    let wix = Wix::start().await;
    wix.set("merged_contacts_conversation", "kept");
    let ([ada, eve], old) = two(&wix).await;
    let inbox = Inbox::of(&wix).await;
    merge(&wix, &ada, &eve).await;
    assert_eq!(wix.id_of(json!({"contactId": ada})).await, old[0]);
    assert_eq!(merged(&wix, &inbox).await, [json!({"oldConversationIds": [old[1]], "targetConversationId": old[0]})]);
}

#[tokio::test]
async fn an_old_id_leads_to_the_new_conversation_or_nowhere() {
    let wix = Wix::start().await;
    let ([ada, eve], old) = two(&wix).await;
    merge(&wix, &ada, &eve).await;
    let now = wix.id_of(json!({"contactId": ada})).await;
    for id in &old {
        assert_eq!(wix.get(&format!("{CONVERSATIONS}/{id}")).await.body["conversation"]["id"], now);
        sent(&wix.post(MESSAGES, note(id)).await);
    }
    assert_eq!(texts(&wix.messages(&now, "").await).len(), 4);
    wix.set("merged_conversation", "404");
    for id in &old {
        assert_eq!(wix.get(&format!("{CONVERSATIONS}/{id}")).await.code(), (404, "CONVERSATION_NOT_FOUND"));
        assert_eq!(wix.post(MESSAGES, note(id)).await.code(), (404, "CONVERSATION_NOT_FOUND"));
    }
    assert_eq!(wix.sim.conversations(None).unwrap()[0]["formerIds"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_merge_without_conversations_changes_none() {
    let wix = Wix::start().await;
    let (ada, eve) = (wix.create(named("Ada")).await.id(), wix.create(named("Eve")).await.id());
    let before = wix.id_of(json!({"contactId": ada})).await;
    let inbox = Inbox::of(&wix).await;
    merge(&wix, &ada, &eve).await;
    assert_eq!(wix.id_of(json!({"contactId": ada})).await, before);
    assert!(merged(&wix, &inbox).await.is_empty());
}

#[tokio::test]
async fn a_visitor_who_becomes_a_contact_takes_the_conversation_along() {
    let wix = Wix::start().await;
    let visitor = json!({"anonymousVisitorId": GUID});
    let before = wix.id_of(visitor.clone()).await;
    wix.text(&before, "to somebody").await;
    let ada = wix.create(named("Ada")).await.id();
    let inbox = Inbox::of(&wix).await;
    assert_eq!(wix.post("/_control/identify", json!({"visitor": GUID, "contact": ada})).await.status, 200);
    let now = wix.id_of(json!({"contactId": ada})).await;
    assert_ne!(now, before);
    assert_eq!(wix.id_of(visitor).await, now);
    assert_eq!(texts(&wix.messages(&now, "").await), ["to somebody"]);
    assert_eq!(merged(&wix, &inbox).await, [json!({"oldConversationIds": [before], "targetConversationId": now})]);
}

#[tokio::test]
async fn a_visitor_of_a_merged_contact_is_the_targets() {
    let wix = Wix::start().await;
    let (ada, eve) = (wix.create(named("Ada")).await.id(), wix.create(named("Eve")).await.id());
    wix.sim.identify(None, GUID, &eve).unwrap();
    merge(&wix, &ada, &eve).await;
    let conversation = wix.open(json!({"anonymousVisitorId": GUID})).await.body["conversation"].clone();
    assert_eq!(conversation["participant"], json!({"contactId": ada}));
}

#[tokio::test]
async fn a_contact_who_registers_gets_a_new_conversation() {
    let wix = Wix::start().await;
    let ada = wix.create(named("Ada")).await.id();
    let before = wix.id_of(json!({"contactId": ada})).await;
    wix.text(&before, "to a contact").await;
    let inbox = Inbox::of(&wix).await;
    let mut ids = vec![before];
    for member in [true, false] {
        wix.sim.set_flags(None, &ada, Flags { member, ..Flags::default() }).unwrap();
        ids.push(wix.id_of(json!({"contactId": ada})).await);
    }
    let moves = merged(&wix, &inbox).await;
    for (step, body) in moves.iter().enumerate() {
        assert_eq!(body, &json!({"oldConversationIds": [ids[step]], "targetConversationId": ids[step + 1]}));
    }
    assert_eq!((moves.len(), texts(&wix.messages(&ids[0], "").await)), (2, vec!["to a contact".to_owned()]));
}
