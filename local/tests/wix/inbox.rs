//! Conversations: who gets one, who is refused, what they look like.

use contact_bridge_local::vendors::wix::{Flags, ParticipantId};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    chat::{CONVERSATIONS, GUID, note, sent},
    client::{Inbox, Wix, named},
};

#[tokio::test]
async fn a_participant_has_one_conversation() {
    let wix = Wix::start().await;
    let contact = wix.create(json!({"name": {"first": "Ada", "last": "Stone"}})).await.id();
    let first = wix.open(json!({"contactId": contact})).await;
    assert_eq!((first.status, &first.body["newConversation"]), (200, &json!(true)));
    let conversation = &first.body["conversation"];
    assert_eq!(conversation["participant"], json!({"contactId": contact}));
    assert_eq!(conversation["participantDisplayData"]["name"], "Ada Stone");
    let again = wix.post(CONVERSATIONS, json!({"participant_id": {"contact_id": contact}})).await;
    assert_eq!((&again.body["newConversation"], &again.body["conversation"]["id"]), (&json!(false), &conversation["id"]));
    let got = wix.get(&format!("{CONVERSATIONS}/{}", conversation["id"].as_str().unwrap())).await;
    assert_eq!(&got.body["conversation"], conversation);
}

#[tokio::test]
async fn participants_are_named_by_exactly_one_guid() {
    let wix = Wix::start().await;
    assert_eq!(wix.post(CONVERSATIONS, json!({})).await.violation(), (400, "participantId", "REQUIRED_FIELD"));
    assert_eq!(wix.open(json!({"email": "a@x.io"})).await.violation(), (400, "participantId", "REQUIRED_ONE_OF"));
    assert_eq!(wix.open(json!({"contactId": GUID, "memberId": GUID})).await.status, 400);
    assert_eq!(wix.open(json!({"contactId": "17"})).await.violation(), (400, "participantId.contactId", "FORMAT"));
    assert_eq!(
        wix.open(json!({"anonymousVisitorId": GUID})).await.body["conversation"]["participant"],
        json!({"anonymousVisitorId": GUID})
    );
}

#[tokio::test]
async fn an_unknown_contact_is_refused_or_not_as_the_switch_says() {
    let wix = Wix::start().await;
    let unknown = json!({"contactId": GUID});
    assert_eq!(wix.open(unknown.clone()).await.code(), (404, ""));
    assert_eq!(wix.open(json!({"memberId": GUID})).await.status, 404);
    wix.set("inbox_unknown_contact", "400");
    assert_eq!(wix.open(unknown.clone()).await.status, 400);
    wix.set("inbox_unknown_contact", "create");
    assert_eq!(wix.open(unknown).await.body["newConversation"], true);
    assert_eq!(wix.open(json!({"memberId": GUID})).await.status, 400);
}

#[tokio::test]
async fn a_member_is_reached_by_the_member_id_and_maybe_by_the_contact_id() {
    let wix = Wix::start().await;
    let contact = wix.create(named("Ada")).await.id();
    wix.sim.set_flags(None, &contact, Flags { member: true, ..Flags::default() }).unwrap();
    let member = wix.sim.contacts(None).unwrap()[0]["memberId"].clone();
    let by_member = wix.open(json!({"memberId": member})).await;
    assert_eq!(by_member.body["conversation"]["participant"], json!({"memberId": member, "contactId": contact}));
    let by_contact = wix.open(json!({"contactId": contact})).await;
    assert_eq!(by_contact.body["conversation"]["id"], by_member.body["conversation"]["id"]);
    wix.set("inbox_member_by_contact", "refused");
    assert_eq!(wix.open(json!({"contactId": contact})).await.status, 404);
}

#[tokio::test]
async fn a_site_without_inbox_has_no_conversations() {
    let wix = Wix::start().await;
    let conversation = wix.conversation_with(named("Ada")).await;
    let off = wix.request(Method::PUT, "/_control/inbox").json(&json!({"installed": false}));
    assert_eq!(wix.send(off).await.status, 200);
    let none = (404, "INBOX_INSTANCE_NOT_FOUND");
    assert_eq!(wix.open(json!({"anonymousVisitorId": GUID})).await.code(), none);
    assert_eq!(wix.post("/inbox/v2/messages", note(&conversation)).await.code(), none);
    assert_eq!(wix.messages(&conversation, "").await.code(), none);
    wix.set("no_inbox_on_list", "401");
    assert_eq!(wix.messages(&conversation, "").await.code(), (401, "NO_INBOX_INSTANCE"));
    wix.sim.set_inbox(None, true).unwrap();
    assert_eq!(wix.messages(&conversation, "").await.status, 200);
}

#[tokio::test]
async fn conversations_of_other_sites_and_of_nobody_are_told_apart() {
    let mut wix = Wix::start().await;
    let conversation = wix.conversation_with(named("Ada")).await;
    assert_eq!(wix.get(&format!("{CONVERSATIONS}/{GUID}")).await.code(), (404, "CONVERSATION_NOT_FOUND"));
    assert_eq!(wix.messages(GUID, "").await.code(), (404, "CONVERSATION_NOT_FOUND"));
    assert_eq!(wix.post("/inbox/v2/messages", note(GUID)).await.code(), (404, "CONVERSATION_NOT_FOUND"));
    wix.set("unknown_conversation", "403");
    assert_eq!(wix.post("/inbox/v2/messages", note(GUID)).await.code(), (403, "IDENTITY_DOES_NOT_MATCH"));
    wix.token = wix.token_for("i2").await;
    assert_eq!(wix.get(&format!("{CONVERSATIONS}/{conversation}")).await.code(), (403, "NOT_OWNED_BY_BUSINESS"));
    assert_eq!(wix.messages(&conversation, "").await.code(), (401, "NOT_JOINED_CHATROOM"));
    wix.token.clear();
    assert_eq!(wix.messages(&conversation, "").await.status, 401);
}

#[tokio::test]
async fn people_write_on_the_site_and_at_the_dashboard() {
    let wix = Wix::start().await;
    let inbox = Inbox::of(&wix).await;
    let asked = wix.post("/_control/messages", json!({"text": "Are you open?", "site": "s1"})).await;
    let visitor = asked.body["participant"]["anonymousVisitorId"].clone();
    let conversation = asked.body["conversationId"].as_str().unwrap().to_owned();
    let answer = wix.request(Method::POST, "/inbox/v2/messages").header("x-actor", "user");
    let answer = wix.send(answer.json(&note(&conversation))).await;
    assert_eq!(answer.body["message"]["appId"], "141fbfae-511e-6817-c9f0-48993a7547d1");
    assert!(answer.body["message"]["sender"]["wixUserId"].is_string());
    wix.deliver().await;
    let events = inbox.events(&wix);
    assert_eq!(events[0]["identity"], json!({"identityType": "ANONYMOUS_VISITOR", "anonymousVisitorId": visitor}));
    assert_eq!(events[0]["data"]["actionEvent"]["body"]["message"]["sender"], json!({"anonymousVisitorId": visitor}));
    assert!(events[0]["data"]["actionEvent"]["body"]["message"].get("appId").is_none());
    assert_eq!(events[1]["identity"]["identityType"], "WIX_USER");
    let held = wix.get("/_control/conversations?site=s1").await.body["conversations"].clone();
    assert_eq!((&held[0]["id"], held[0]["messages"].as_array().unwrap().len()), (&json!(conversation), 2));
    for wrong in [json!({}), json!({"text": "x", "contact": GUID}), json!({"text": "x", "contact": GUID, "visitor": GUID})] {
        assert_eq!(wix.post("/_control/messages", wrong).await.status, 400);
    }
}

#[tokio::test]
async fn an_erasure_takes_the_conversation_with_it() {
    let wix = Wix::start().await;
    let contact = wix.create(named("Ada")).await.id();
    let said = wix.sim.write_as(None, &ParticipantId::Contact(contact.clone()), "Hello").unwrap();
    wix.sim.anonymize(None, &contact).unwrap();
    let messages = wix.messages(said["conversationId"].as_str().unwrap(), "").await;
    assert_eq!(messages.code(), (404, "CONVERSATION_NOT_FOUND"));
    assert!(wix.sim.conversations(None).unwrap().is_empty());
}

#[tokio::test]
async fn the_installed_app_has_the_scopes_for_inbox_and_subscriptions() {
    let wix = Wix::start().await;
    let held = wix.get("/apps/v1/instance").await.body["instance"]["permissions"].clone();
    for scope in ["SCOPE.DC-INBOX.MANAGE-MSGS", "SCOPE.DC-MANAGE.EMAIL-SUBSCRIPTIONS"] {
        assert!(held.as_array().unwrap().contains(&Value::from(scope)));
    }
}

#[tokio::test]
async fn a_message_is_an_activity_of_the_contact() {
    let wix = Wix::start().await;
    let inbox = Inbox::of(&wix).await;
    let contact = wix.create(named("Ada")).await.id();
    let conversation = wix.id_of(json!({"contactId": contact})).await;
    for (switch, revision, events) in [("quiet", 1, 2), ("bump", 2, 1), ("bump_and_event", 3, 2)] {
        wix.set("inbox_touches_contact", switch);
        sent(&wix.post("/inbox/v2/messages", note(&conversation)).await);
        let now = wix.get(&format!("/contacts/v4/contacts/{contact}")).await.contact().clone();
        assert_eq!((&now["lastActivity"]["activityType"], &now["revision"]), (&json!("INBOX_MESSAGE_TO_CUSTOMER"), &json!(revision)));
        wix.deliver().await;
        assert_eq!(inbox.take().len(), events, "{switch}");
    }
}
