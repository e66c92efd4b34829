//! What a form changes on a contact that is there.

use serde_json::json;

use super::desk::{Desk, ada};
use crate::scenarios::switches::{Position, at, at_every_switch, at_every_switch_but, at_switches};

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(field, reason)| ((*field).to_owned(), (*reason).to_owned())).collect()
}

#[tokio::test]
async fn a_new_person_is_created_with_everything() {
    at_every_switch(async |lab| {
        let desk = Desk::open(lab).await;
        let all = json!({"email": "ada@example.com", "email2": "a.stone@example.org", "first": "Ada", "last": "Stone", "company": "Works",
            "tel": "(646) 555-0132", "mobile": "+1 212-736-5000", "city": "York", "born": "25.04.1988", "job": "Engineer"});
        let answer = desk.post(all).await;
        assert_eq!((answer.status, answer.text("state"), answer.text("action")), (200, "done", "created"));
        assert_eq!(answer.rejected(), []);
        assert_eq!(answer.body["accepted"].as_array().unwrap().len(), 10);
        let contact = desk.lab.wix(answer.text("contact"));
        for (field, expected) in [
            ("firstname", "Ada"),
            ("lastname", "Stone"),
            ("email", "ada@example.com"),
            ("hs_additional_emails", "a.stone@example.org"),
            ("company", "Works"),
            ("city", "York"),
            ("date_of_birth", "1988-04-25"),
            ("jobtitle", "Engineer"),
        ] {
            assert_eq!(contact.get(field), expected, "{field}");
        }
    })
    .await;
}

#[tokio::test]
async fn filled_values_stay_and_are_reported_and_lists_grow() {
    at_every_switch(async |lab| {
        let desk = Desk::open(lab).await;
        let known =
            json!({"firstname": "Augusta", "email": "ada@example.com", "phone": "+16465550132", "company": "Mills", "city": "York"});
        let id = desk.lab.wix_create(known).await;
        desk.lab.settle().await;
        let mut fields = ada();
        fields["tel"] = "212-736-5000".into();
        fields["city"] = "Rome".into();
        fields["email2"] = "a.stone@example.org".into();
        let answer = desk.post(fields).await;
        assert_eq!((answer.text("contact"), answer.text("action")), (id.as_str(), "updated"));
        assert_eq!(answer.rejected(), pairs(&[("company", "filled"), ("first", "filled")]));
        let contact = desk.lab.wix_contacts().remove(0);
        let texts = |list: &str, item: &str| -> Vec<String> {
            let items = contact["info"][list]["items"].as_array().unwrap();
            items.iter().map(|one| one.pointer(item).unwrap().as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(texts("emails", "/email"), ["ada@example.com", "a.stone@example.org"]);
        assert_eq!(texts("addresses", "/address/city"), ["York", "Rome"]);
        assert_eq!(texts("phones", "/phone").len(), 2);
        assert_eq!([&contact["info"]["name"]["first"], &contact["info"]["company"]], ["Augusta", "Mills"]);
        assert_eq!(contact["info"]["name"]["last"], "Stone", "what was empty is filled");
    })
    .await;
}

#[tokio::test]
async fn the_same_values_again_change_nothing_and_cost_one_call() {
    at_every_switch(async |lab| {
        let desk = Desk::open(lab).await;
        let all =
            json!({"email": "ada@example.com", "tel": "(646) 555-0132", "mobile": "212-736-5000", "city": "York", "company": "Works"});
        desk.post(all.clone()).await;
        desk.lab.settle().await;
        desk.lab.stack.clock().advance(std::time::Duration::from_mins(11));
        for _ in 0..2 {
            desk.lab.forget_calls();
            let again = desk.post(all.clone()).await;
            assert_eq!((again.text("action"), again.rejected()), ("unchanged", Vec::new()));
            assert_eq!(desk.lab.writes().wix, 0);
            desk.lab.stack.clock().advance(std::time::Duration::from_mins(2));
        }
    })
    .await;
}

#[tokio::test]
async fn an_owner_who_decided_so_has_filled_values_overridden() {
    at_switches(&["patch_name", "patch_extended_fields"], async |lab| {
        let desk = Desk::open(lab).await;
        let decision = json!({"kind": "override", "allowed_by": "Grace", "allowed_at": "2026-03-01T12:00:00Z"});
        desk.adjust("contact", json!({"on_filled": decision})).await;
        let id =
            desk.lab.wix_create(json!({"firstname": "Augusta", "lastname": "King", "email": "ada@example.com", "company": "Mills"})).await;
        let answer = desk.post(json!({"email": "ada@example.com", "email2": "b@example.com", "first": "Ada", "company": "Works"})).await;
        assert_eq!((answer.text("action"), answer.rejected()), ("updated", Vec::new()));
        let contact = desk.lab.wix(&id);
        assert_eq!([contact.get("firstname"), contact.get("lastname"), contact.get("company")], ["Ada", "King", "Works"]);
        assert_eq!(contact.get("email"), "ada@example.com", "an address is added, never put in the place of another");
    })
    .await;
}

#[tokio::test]
async fn everybody_who_submits_gets_the_labels() {
    at_every_switch(async |lab| {
        let desk = Desk::open(lab).await;
        let vip = desk.lab.wix_create(json!({"firstname": "Vip", "email": "vip@example.com"})).await;
        let (lead, old) = (desk.lab.wix_label(&vip, "Lead").await, desk.lab.wix_label(&vip, "Old").await);
        desk.lab.wix_unlabel(&vip, &lead).await;
        desk.adjust("contact", json!({"labels": [lead]})).await;
        desk.lab.settle().await;
        desk.post(json!({"email": "vip@example.com"})).await;
        let new = desk.post(json!({"email": "new@example.com"})).await;
        let labels = |id: &str| desk.lab.wix(id).get("wix_labels").to_owned();
        assert_eq!(labels(new.text("contact")), lead);
        let both = labels(&vip);
        assert!(both.contains(&lead) && both.contains(&old), "{both}");
    })
    .await;
}

#[tokio::test]
async fn a_label_that_was_deleted_costs_the_label_alone() {
    at_switches(&["unknown_label"], async |lab| {
        let desk = Desk::open(lab).await;
        let vip = desk.lab.wix_create(json!({"firstname": "Vip", "email": "vip@example.com"})).await;
        let lead = desk.lab.wix_label(&vip, "Lead").await;
        desk.adjust("contact", json!({"labels": [lead]})).await;
        desk.lab.wix_delete_label(&lead).await;
        for fields in [json!({"email": "vip@example.com", "company": "Works"}), json!({"email": "new@example.com", "company": "Works"})] {
            let answer = desk.post(fields.clone()).await;
            assert_eq!(answer.status, 200, "{answer:?}");
            assert_eq!(desk.lab.wix(answer.text("contact")).get("company"), "Works", "{fields}");
            assert_ne!(answer.text("action"), "unchanged");
        }
    })
    .await;
}

#[tokio::test]
async fn an_address_of_somebody_else_is_not_taken_over() {
    // At the other position Wix lets contacts share addresses that are not the primary one.
    at_every_switch_but(&["duplicate_check"], async |lab| {
        let desk = Desk::open(lab).await;
        let ben = desk.lab.wix_create(json!({"firstname": "Ben", "email": "ben@example.com"})).await;
        let ada = desk.lab.wix_create(json!({"firstname": "Ada", "email": "ada@example.com"})).await;
        desk.lab.stack.clock().advance(std::time::Duration::from_mins(3));
        let known = desk.post(json!({"email": "ada@example.com", "email2": "ben@example.com", "company": "Works"})).await;
        assert_eq!((known.text("contact"), known.rejected()), (ada.as_str(), pairs(&[("email2", "another_contact")])));
        assert_eq!([desk.lab.wix(&ada).get("company"), desk.lab.wix(&ben).get("company")], ["Works", ""]);
    })
    .await;
}

#[tokio::test]
async fn a_value_that_wix_refuses_costs_that_value_alone() {
    at(&[Position::defaults(), Position::dynamodb()], async |lab| {
        let desk = Desk::open(lab).await;
        desk.adjust("contact", json!({"limits": {"value_chars": 5000}})).await;
        for known in [false, true] {
            let email = format!("person{known}@example.com");
            if known {
                desk.lab.wix_create(json!({"firstname": "P", "email": email})).await;
            }
            let answer = desk.post(json!({"email": email, "company": "x".repeat(2_000), "job": "Engineer"})).await;
            assert_eq!((answer.status, answer.rejected()), (200, pairs(&[("company", "refused")])), "{known}");
            assert_eq!(desk.lab.wix(answer.text("contact")).get("jobtitle"), "Engineer");
        }
    })
    .await;
}

#[tokio::test]
async fn a_contact_that_changes_meanwhile_is_read_again() {
    use crate::scenarios::crash::Watched;
    at_every_switch(async |lab| {
        let desk = Desk::open(lab).await;
        let id = desk.lab.wix_create(json!({"firstname": "Ada", "email": "ada@example.com"})).await;
        desk.lab.stack.clock().advance(std::time::Duration::from_mins(3));
        let watched = Watched::towards(crate::scenarios::switches::Vendor::Wix, &desk.lab).await;
        let (other, edited) = (desk.lab.clone(), id.clone());
        watched.before("PATCH *", 1, move || {
            let (lab, id) = (other.clone(), edited.clone());
            async move { lab.wix_edit(&id, json!({"company": "Mills"})).await }
        });
        let answer = watched.submit(&desk.lab, "contact", &[("email", "ada@example.com"), ("company", "Works"), ("job", "Engineer")]).await;
        assert!(watched.is_over() && answer, "the edit came in between");
        let contact = desk.lab.wix(&id);
        assert_eq!([contact.get("company"), contact.get("jobtitle")], ["Mills", "Engineer"]);
    })
    .await;
}
