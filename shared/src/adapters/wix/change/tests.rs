use serde_json::json;

use super::*;
use crate::adapters::wix::{contact::to_contact, samples::ada};

const MIRROR: &str = "custom.externalcrmid";

fn patch(changes: &[(&str, Option<&str>)]) -> Patch {
    let value = |text: &str| if text.contains('|') { Value::list(text.split('|').map(str::to_owned)) } else { Value::text(text) };
    changes.iter().map(|(field, text)| (Field::from(*field), text.and_then(value))).collect()
}

fn change(native: &Json, changes: &[(&str, Option<&str>)]) -> Change {
    let numbers = ["custom.size".to_owned()].into();
    let rules = Rules { mirror: Some(MIRROR), country: Some("US"), numbers: &numbers };
    from_patch(native, &patch(changes), &rules).unwrap()
}

fn sent(changes: &[(&str, Option<&str>)]) -> Json {
    change(&ada(), changes).info(Clearing::FIRST)
}

#[test]
fn nothing_is_sent_for_what_is_so_already() {
    for changes in [
        vec![],
        vec![("name.first", Some("Ada")), ("company", Some("Stone Works")), ("custom.shoe-size", Some("38.5"))],
        vec![("email", Some("Ada.Stone@example.com")), ("emails", Some("ada@stone-works.example"))],
        vec![("phone", Some("+16465550132")), ("phones", None), ("phone.mobile", None), ("labels", Some("contacts.customers|custom.vip"))],
        vec![("address.city", Some("New York")), ("address.line2", None), ("address.home.city", None), ("invoices.vatId", None)],
    ] {
        let change = change(&ada(), &changes);
        assert!(change.is_empty() && change.add_labels.is_empty() && change.remove_labels.is_empty(), "{changes:?}");
    }
}

#[test]
fn a_name_is_sent_with_both_parts() {
    assert_eq!(sent(&[("name.first", Some("Eve"))]), json!({"name": {"first": "Eve", "last": "Stone"}}));
    assert_eq!(sent(&[("name.last", None)]), json!({"name": {"first": "Ada", "last": ""}}));
    assert_eq!(change(&ada(), &[("name.last", None)]).info(Clearing::FIRST.other()), json!({"name": {"first": "Ada", "last": null}}));
    assert_eq!(
        change(&json!({}), &[("name.last", Some("Lovelace"))]).info(Clearing::FIRST.other()),
        json!({"name": {"first": "", "last": "Lovelace"}})
    );
}

#[test]
fn scalars_are_sent_alone() {
    assert_eq!(sent(&[("company", Some("Iron Works")), ("birthdate", None)]), json!({"company": "Iron Works", "birthdate": null}));
}

#[test]
fn a_new_primary_email_keeps_its_item_and_the_others() {
    let items = |info: Json| info["emails"]["items"].clone();
    let work = json!({"id": "e-2", "tag": "WORK", "email": "ada@stone-works.example", "primary": false});
    assert_eq!(
        items(sent(&[("email", Some("new@example.com"))])),
        json!([{"id": "e-1", "tag": "MAIN", "email": "new@example.com", "primary": true}, work])
    );
    assert_eq!(
        items(sent(&[("email", Some("ada@stone-works.example"))])),
        json!([{"id": "e-2", "tag": "WORK", "email": "ada@stone-works.example", "primary": true}])
    );
    assert_eq!(
        items(sent(&[("email", Some("ada@stone-works.example")), ("emails", Some("ada.stone@example.com|x@example.com"))])),
        json!([{"id": "e-2", "tag": "WORK", "email": "ada@stone-works.example", "primary": true},
               {"id": "e-1", "tag": "MAIN", "email": "ada.stone@example.com", "primary": false}, {"email": "x@example.com"}])
    );
    assert_eq!(items(sent(&[("email", None)])), json!([work]));
    assert_eq!(items(sent(&[("email", None), ("emails", None)])), json!([]));
}

#[test]
fn a_phone_is_sent_with_its_country_and_nothing_computed() {
    let items = |native: &Json, changes: &[_]| change(native, changes).info(Clearing::FIRST.other())["phones"]["items"].clone();
    let mobile = json!({"id": "p-1", "tag": "MOBILE", "countryCode": "US", "phone": "646-555-0132", "primary": true});
    assert_eq!(
        items(&ada(), &[("phone", Some("+43 1 58858"))]),
        json!([{"id": "p-1", "tag": "MOBILE", "countryCode": "AT", "phone": "+43 1 58858", "primary": true}])
    );
    assert_eq!(
        items(&ada(), &[("phone.work", Some("(212) 736-5000")), ("phones", Some("ask for Ada|+43158858"))]),
        json!([mobile, {"phone": "ask for Ada"}, {"countryCode": "AT", "phone": "+43158858"},
               {"tag": "WORK", "countryCode": "US", "phone": "(212) 736-5000"}])
    );
    assert_eq!(
        items(&ada(), &[("phone.work", Some("+43158858")), ("phones", Some("+43158858|+43158859"))]),
        json!([mobile, {"tag": "WORK", "countryCode": "AT", "phone": "+43158858"}, {"countryCode": "AT", "phone": "+43158859"}])
    );
    assert_eq!(
        items(&json!({}), &[("phone", Some("+16465550132"))]),
        json!([{"countryCode": "US", "phone": "+16465550132", "primary": true}])
    );
}

#[test]
fn a_part_of_an_address_keeps_the_rest() {
    let items = |changes: &[_]| sent(changes)["addresses"]["items"].clone();
    let rest = json!({"addressLine": "3 Park Ave", "city": "Boston", "subdivision": "US-MA", "country": "US", "postalCode": "10016"});
    assert_eq!(
        items(&[("address.city", Some("Boston")), ("address.subdivision", Some("US-MA"))]),
        json!([{"id": "a-1", "tag": "BILLING", "address": rest}])
    );
    assert_eq!(items(&[("address.home.city", Some("Graz"))])[1], json!({"tag": "HOME", "address": {"city": "Graz"}}));
    let new = items(&[("address.new.city", Some("Oslo")), ("address.new.line", Some("1 Karl Johans gate"))]);
    assert_eq!(new[0]["id"], "a-1");
    assert_eq!(new[1], json!({"address": {"city": "Oslo", "addressLine": "1 Karl Johans gate"}}));
    let all = ["line", "city", "subdivision", "country", "postalCode"].map(|part| format!("address.{part}"));
    assert_eq!(items(&all.each_ref().map(|field| (field.as_str(), None))), json!([]));
}

#[test]
fn a_street_gives_way_to_a_line_only_when_the_line_changes() {
    let street = json!({"number": "3", "name": "Park Ave"});
    let native = json!({"info": {"addresses": {"items": [{"address": {"streetAddress": street, "geocode": {"latitude": 1}}}]}}});
    let address = |changes: &[_]| change(&native, changes).info(Clearing::FIRST.other())["addresses"]["items"][0]["address"].clone();
    assert_eq!(
        address(&[("address.city", Some("Graz")), ("address.line", Some("3 Park Ave"))]),
        json!({"streetAddress": street, "city": "Graz"})
    );
    assert_eq!(address(&[("address.line", Some("4 Park Ave"))]), json!({"addressLine": "4 Park Ave"}));
}

#[test]
fn all_writable_extended_fields_are_sent_again_and_no_other() {
    assert_eq!(
        sent(&[("custom.size", Some("42")), ("custom.note", Some("42"))]),
        json!({"extendedFields": {"items":
            {"invoices.vatId": "", MIRROR: "crm-000417", "custom.shoe-size": 38.5, "custom.size": 42, "custom.note": "42"}}})
    );
    let cleared = change(&ada(), &[("custom.shoe-size", None)]);
    let items = |clearing| cleared.info(clearing)["extendedFields"]["items"]["custom.shoe-size"].clone();
    assert_eq!((items(Clearing::FIRST), items(Clearing::FIRST.other())), (Json::Null, "".into()));
}

#[test]
fn what_clears_texts_says_nothing_of_the_rest() {
    let other = Clearing::FIRST.other();
    let learnt = Clearing::FIRST.after(other, &["custom.size".into()].into());
    assert_eq!(
        (learnt.of(&"company".into()), learnt.of(&"custom.size".into()), learnt.of(&"birthdate".into())),
        ("".into(), "".into(), "".into())
    );
    assert_eq!(Clearing::FIRST.after(other, &["company".into(), "birthdate".into()].into()), other);
}

#[test]
fn labels_are_told_apart_from_the_rest() {
    let change = change(&ada(), &[("labels", Some("custom.vip|custom.new"))]);
    assert!(change.is_empty());
    assert_eq!((change.add_labels, change.remove_labels), (vec!["custom.new".to_owned()], vec!["contacts.customers".to_owned()]));
}

#[test]
fn what_cannot_be_written_is_named() {
    let rules = Rules { mirror: Some(MIRROR), country: None, numbers: &BTreeSet::new() };
    for (field, value) in [(MIRROR, "x"), ("members.membershipStatus", "x"), ("picture", "x"), ("phone.main", "1"), ("company", "a|b")] {
        let refused = from_patch(&ada(), &patch(&[(field, Some(value)), ("jobTitle", Some("x"))]), &rules).err().unwrap();
        assert_eq!(refused, [Field::from(field)]);
    }
}

#[test]
fn what_a_new_contact_is_sent_as_reads_back_the_same() {
    let wanted = patch(&[
        ("name.first", Some("Ada")),
        ("company", Some("Stone Works")),
        ("email", Some("a@example.com")),
        ("emails", Some("b@example.com|c@example.com")),
        ("phone", Some("+43158858")),
        ("phone.mobile", Some("+43158859")),
        ("phones", Some("+43158859|ask for Ada")),
        ("address.city", Some("Graz")),
        ("address.billing.city", Some("Wien")),
        ("labels", Some("custom.a|custom.b")),
        ("custom.size", Some("-7.5")),
    ]);
    let numbers = ["custom.size".to_owned()].into();
    let rules = Rules { mirror: Some(MIRROR), country: None, numbers: &numbers };
    let info = from_patch(&Json::Null, &wanted, &rules).unwrap().new_info(Some((MIRROR, "h-1")));
    let contact = to_contact(json!({"id": "c-1", "info": info}), Some(MIRROR)).unwrap();
    let got: Patch = contact.fields.into_iter().map(|(field, value)| (field, Some(value))).collect();
    assert!(got == wanted, "{info}");
    assert_eq!(contact.counterpart, Some("h-1".into()));
}

#[test]
fn clearing_again_sends_nothing_else() {
    let change = change(&ada(), &[("name.last", None), ("company", None), ("jobTitle", Some("x")), ("email", Some("x@example.com"))]);
    let again = change.clearing_only(&["name.last".into()].into()).info(Clearing::FIRST.other());
    assert_eq!(again, json!({"name": {"first": "Ada", "last": null}}));
}
