//! What Wix refuses of a new contact costs as little as can be.

use contact_bridge_local::vendors::kit::Fault;
use serde_json::{Value, json};

use super::desk::{Desk, ada};
use crate::scenarios::switches::{Position, Vendor, at, at_switches};

const CREATE: &str = "POST /contacts/v4/contacts";

/// Wix refuses the next create with this status and body.
fn refuse(desk: &Desk, status: u16, body: Value) {
    desk.lab.fault(Vendor::Wix, Fault { body: Some(body), ..Fault::status(status, CREATE) });
}

fn rejected(field: &str) -> Vec<(String, String)> {
    vec![(field.to_owned(), "refused".to_owned())]
}

#[tokio::test]
async fn whoever_is_met_by_a_create_gets_the_labels_too() {
    at_switches(&["visibility_lag_ms"], async |lab| {
        let desk = Desk::open(lab).await;
        let vip = desk.lab.wix_create(json!({"firstname": "Vip", "email": "vip@example.com"})).await;
        let lead = desk.lab.wix_label(&vip, "Lead").await;
        desk.adjust("contact", json!({"labels": [lead], "limits": {"value_chars": 5000}})).await;
        desk.lab.hub_create(json!({"firstname": "Ada", "email": "ada@example.com"})).await;
        desk.lab.settle().await;
        desk.lab.forget_calls();
        let answer = desk.post(json!({"email": "ada@example.com", "company": "x".repeat(2_000)})).await;
        assert_eq!((answer.status, answer.rejected()), (200, rejected("company")));
        let ada = desk.lab.wix(answer.text("contact"));
        assert_eq!([ada.get("firstname"), ada.get("wix_labels")], ["Ada", &lead]);
        // Where the index lags, the create is what meets her: with all, without the labels, then without the company.
        let lags = desk.lab.stack.wix.core().switches.number("visibility_lag_ms") > 0;
        assert_eq!(desk.calls(CREATE), if lags { 3 } else { 0 });
    })
    .await;
}

#[tokio::test]
async fn a_refusal_that_names_no_field_costs_the_address_last() {
    at(&[Position::defaults(), Position::dynamodb()], async |lab| {
        let desk = Desk::open(lab).await;
        refuse(&desk, 400, json!({"message": "no", "details": {}}));
        let answer = desk.post(json!({"email": "ada@example.com", "company": "Works"})).await;
        assert_eq!((answer.status, answer.text("action"), answer.rejected()), (200, "created", rejected("company")));
        assert_eq!(desk.lab.wix(answer.text("contact")).get("email"), "ada@example.com");
    })
    .await;
}

#[tokio::test]
async fn nobody_is_looked_for_by_an_address_that_wix_refused() {
    at(&[Position::defaults(), Position::dynamodb()], async |lab| {
        let desk = Desk::open(lab).await;
        let id = desk.lab.wix_create(json!({"phone": "+16465550132"})).await;
        refuse(&desk, 400, json!({"message": "no", "details": {"validationError": {"fieldViolations": [{"field": "info.emails"}]}}}));
        refuse(&desk, 409, json!({"message": "no", "details": {"applicationError": {"code": "DUPLICATE_CONTACT_EXISTS"}}}));
        let answer = desk.post(ada()).await;
        assert_eq!((answer.status, answer.text("contact"), answer.rejected()), (200, id.as_str(), rejected("email")));
        let contact = desk.lab.wix(desk.only_contact()["id"].as_str().unwrap());
        assert_eq!([contact.get("email"), contact.get("company")], ["", "Works"]);
    })
    .await;
}
