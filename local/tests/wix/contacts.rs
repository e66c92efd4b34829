//! Create, get, delete, and the shape of contacts.

use serde_json::{Value, json};

use super::client::{CONTACTS, Wix, emails, named};

#[tokio::test]
async fn a_contact_comes_back_filled_in() {
    let wix = Wix::start().await;
    let info = json!({
        "name": {"first": "Ada", "last": "Stone"},
        "emails": {"items": [{"email": "Ada@Example.com", "tag": "WORK"}]},
        "phones": {"items": [{"phone": "646-555-0132", "countryCode": "US"}]},
        "favouriteColour": "red",
        "extendedFields": {"items": {"contacts.displayByFirstName": "ignored"}},
    });
    let made = wix.create(info).await;
    let contact = made.contact();
    assert_eq!((&contact["revision"], &contact["source"]), (&json!(1), &json!({"sourceType": "THIRD_PARTY", "appId": "app"})));
    assert_eq!(contact["createdDate"], "2026-02-02T02:40:00.000Z");
    assert_eq!(contact["primaryInfo"], json!({"email": "Ada@Example.com", "phone": "646-555-0132"}));
    assert_eq!(contact["info"]["phones"]["items"][0]["e164Phone"], "+16465550132");
    assert_eq!(contact["info"]["phones"]["items"][0]["tag"], "UNTAGGED");
    assert_eq!(contact["info"]["emails"]["items"][0]["primary"], true);
    assert_eq!(contact["info"]["extendedFields"]["items"]["contacts.displayByFirstName"], "Ada Stone");
    assert!(contact["info"].get("favouriteColour").is_none());
    let got = wix.get(&format!("{CONTACTS}/{}", made.id())).await;
    assert_eq!((got.contact(), &got.body["responseType"]), (contact, &json!("REGULAR")));
}

#[tokio::test]
async fn invalid_infos_are_refused_with_the_field() {
    let wix = Wix::start().await;
    let item = |list: &str, item: Value| json!({"name": {"first": "A"}, list: {"items": [item]}});
    let address = |address: Value| item("addresses", json!({"address": address}));
    for (info, field, rule) in [
        (named(&"x".repeat(1001)), "info.name.first", "MAX_LENGTH"),
        (item("emails", json!({"email": "not an email"})), "contact.emails[0].email", "FORMAT"),
        (item("emails", json!({"email": format!("{}@x.io", "x".repeat(320))})), "contact.emails[0].email", "MAX_LENGTH"),
        (item("emails", json!({"email": "a@b.io", "tag": "FAX"})), "contact.emails[0].tag", "ENUM"),
        (item("phones", json!({"phone": ""})), "contact.phones[0].phone", "REQUIRED_FIELD"),
        (item("phones", json!({"phone": "1", "countryCode": "XX"})), "contact.phones[0].countryCode", "FORMAT"),
        (address(json!({"country": "Germany"})), "contact.addresses[0].address.country", "FORMAT"),
        (address(json!({"subdivision": "NY"})), "contact.addresses[0].address.subdivision", "FORMAT"),
        (address(json!({"addressLine": "a", "streetAddress": {"name": "b"}})), "contact.addresses[0].address", "ONEOF"),
        (json!({"name": {"first": "A"}, "birthdate": "1988-4-25"}), "contact.birthdate", "FORMAT"),
        (json!({"name": {"first": "A"}, "locale": "english!"}), "contact.locale", "FORMAT"),
        (json!({"name": {"first": 5}}), "info.name.first", "TYPE"),
    ] {
        let answer = wix.create(info).await;
        assert_eq!(answer.violation(), (400, field, rule), "{}", answer.body);
    }
}

#[tokio::test]
async fn a_wrongly_shaped_body_is_refused() {
    let wix = Wix::start().await;
    let answer = wix.create(json!({"emails": [{"email": "a@b.io"}]})).await;
    assert_eq!((answer.status, answer.body["message"].as_str().unwrap()), (400, "Expected an object"));
    let request = wix.request(reqwest::Method::POST, CONTACTS).header("authorization", &wix.token).body("{");
    assert_eq!(wix.send(request).await.status, 400);
}

#[tokio::test]
async fn a_contact_needs_a_name_an_email_or_a_phone() {
    let wix = Wix::start().await;
    assert_eq!(wix.create(json!({"company": "Stone"})).await.code(), (400, "INSUFFICIENT_CONTACT_DATA"));
    assert_eq!(wix.post(CONTACTS, json!({})).await.code(), (400, "INSUFFICIENT_CONTACT_DATA"));
    let two = json!({"emails": {"items": [{"email": "a@b.io", "primary": true}, {"email": "c@d.io", "primary": true}]}});
    assert_eq!(wix.create(two).await.code(), (400, "CANNOT_HAVE_MULTIPLE_PRIMARY_INFO"));
}

#[tokio::test]
async fn the_email_format_check_can_be_off() {
    let wix = Wix::start().await;
    wix.set("email_format", false);
    assert_eq!(wix.create(json!({"emails": emails(&["nonsense"])})).await.status, 200);
}

#[tokio::test]
async fn a_known_email_is_a_duplicate_whatever_its_case() {
    let wix = Wix::start().await;
    let id = wix.create(json!({"emails": emails(&["a@x.io", "b@x.io"])})).await.id();
    let twin = wix.create(json!({"emails": emails(&["new@x.io", "B@X.io"])})).await;
    assert_eq!(twin.code(), (409, "DUPLICATE_CONTACT_EXISTS"));
    let data = &twin.body["details"]["applicationError"]["data"];
    assert_eq!(data, &json!({"duplicateContactId": id, "duplicateEmail": "b@x.io"}));
    wix.set("duplicate_check", "primary");
    assert_eq!(wix.create(json!({"emails": emails(&["new@x.io", "B@X.io"])})).await.status, 200);
}

#[tokio::test]
async fn phones_are_compared_only_without_an_email() {
    let wix = Wix::start().await;
    let phones = json!({"items": [{"phone": "646-555-0132"}]});
    wix.create(json!({"phones": phones})).await.id();
    assert_eq!(wix.create(json!({"phones": {"items": [{"phone": "(646) 5550132"}]}})).await.code().1, "DUPLICATE_CONTACT_EXISTS");
    assert_eq!(wix.create(json!({"phones": phones, "emails": emails(&["a@x.io"])})).await.status, 200);
    assert_eq!(wix.post(CONTACTS, json!({"info": {"phones": phones}, "allowDuplicates": true})).await.status, 200);
}

#[tokio::test]
async fn phones_can_come_back_reformatted() {
    let wix = Wix::start().await;
    wix.set("phone_reformatting", true);
    let made = wix.create(json!({"phones": {"items": [{"phone": "6465550132", "countryCode": "US"}]}})).await;
    assert_eq!(made.contact()["info"]["phones"]["items"][0]["phone"], "646-555-0132");
    let odd = wix.create(json!({"phones": {"items": [{"phone": "2421642341", "countryCode": "US"}]}})).await;
    let item = &odd.contact()["info"]["phones"]["items"][0];
    assert_eq!((&item["phone"], item.get("e164Phone")), (&json!("2421642341"), None));
}

#[tokio::test]
async fn the_source_type_of_app_contacts_is_open() {
    let wix = Wix::start().await;
    wix.set("source_type", "WIX_APP");
    assert_eq!(wix.create(named("Ada")).await.contact()["source"]["sourceType"], "WIX_APP");
}

#[tokio::test]
async fn a_deleted_contact_is_gone() {
    let wix = Wix::start().await;
    let path = format!("{CONTACTS}/{}", wix.create(named("Ada")).await.id());
    let gone = wix.delete(&path).await;
    assert_eq!((gone.status, gone.body), (200, json!({})));
    assert_eq!(wix.get(&path).await.code(), (404, "CONTACT_NOT_FOUND"));
    assert_eq!(wix.delete(&path).await.code(), (404, "CONTACT_NOT_FOUND"));
    wix.set("delete_unknown", "200");
    assert_eq!(wix.delete(&path).await.status, 200);
    assert_eq!(wix.sim.contacts(None).unwrap()[0]["deleted"], true);
}

#[tokio::test]
async fn members_owners_and_payers_cannot_be_deleted() {
    let wix = Wix::start().await;
    let id = wix.create(named("Ada")).await.id();
    for (flag, code) in [
        ("member", "CANNOT_DELETE_MEMBER"),
        ("billing", "CANNOT_DELETE_CONTACT_WITH_BILLING_SUBSCRIPTION"),
        ("owner", "CANNOT_DELETE_MEMBER_OWNER_OR_CONTRIBUTOR"),
    ] {
        let mut flags = json!({"contact": id, "member": false, "billing": false, "owner": false});
        flags[flag] = true.into();
        assert_eq!(wix.post("/_control/flags", flags).await.status, 200);
        assert_eq!(wix.delete(&format!("{CONTACTS}/{id}")).await.code(), (428, code));
    }
}

#[tokio::test]
async fn seeding_needs_valid_contacts() {
    let wix = Wix::start().await;
    let made = wix.post("/_control/seed", json!({"site": "s2", "contacts": [named("A"), named("B")]})).await;
    assert_eq!(made.body["ids"].as_array().unwrap().len(), 2);
    let wrong = wix.post("/_control/seed", json!({"contacts": [{"company": "x"}]})).await;
    assert_eq!(wrong.status, 400);
    assert!(wrong.body["error"].as_str().unwrap().starts_with("contacts[0]"));
}
