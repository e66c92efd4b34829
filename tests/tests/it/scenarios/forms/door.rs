//! What is refused, each with the field and the rule.

use contact_bridge::flows::setup;
use contact_bridge_local::vendors::kit::plain_http;
use serde_json::{Value, json};

use super::desk::{Answer, Desk, SECRET, ada};
use crate::scenarios::{
    lab::Lab,
    switches::{Position, at},
};

async fn desk() -> Desk {
    Desk::open(Lab::start(&Position::defaults()).await).await
}

fn one(field: &str, rule: &str) -> Vec<(String, String)> {
    vec![(field.to_owned(), rule.to_owned())]
}

/// A post to the form `contact` that proves who sends it.
fn proven(desk: &Desk) -> reqwest::RequestBuilder {
    desk.request("POST", "contact").bearer_auth(SECRET)
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_with_field_and_rule() {
    let desk = desk().await;
    let json = |body: &[u8]| proven(&desk).header("content-type", "application/json").body(body.to_vec());
    let urlencoded = |body: &[u8]| proven(&desk).header("content-type", "application/x-www-form-urlencoded").body(body.to_vec());
    let big = json!({"email": "ada@example.com", "company": "x".repeat(1_000_000)}).to_string();
    let large = json!({"email": "ada@example.com", "company": "x".repeat(100_000)}).to_string();
    for (request, status, errors) in [
        (json(b"{"), 400, one("body", "must be JSON in UTF-8")),
        (json(b"{\"email\": \"\xff\"}"), 400, one("body", "must be JSON in UTF-8")),
        (json(b"[]"), 400, one("body", "must be a JSON object")),
        (urlencoded(b"email=ada%40example.com&company=%FF"), 400, one("company", "must be text in UTF-8")),
        (json(big.as_bytes()), 413, one("body", "must not be longer than 262144 bytes")),
        (json(large.as_bytes()), 413, one("body", "must not be longer than 65536 bytes")),
        (
            proven(&desk).body("{}"),
            415,
            one("content-type", "must be application/json, application/x-www-form-urlencoded or multipart/form-data"),
        ),
        (
            proven(&desk).header("content-type", "text/plain").body("{}"),
            415,
            one("content-type", "must be application/json, application/x-www-form-urlencoded or multipart/form-data"),
        ),
        (urlencoded("a&".repeat(201).as_bytes()), 400, one("body", "must not have more than 200 fields")),
    ] {
        let answer = desk.answer(request).await;
        assert_eq!((answer.status, answer.errors()), (status, errors));
    }
    assert_eq!(desk.lab.stack.wix.core().calls.total(), 0);
}

#[tokio::test]
async fn a_person_needs_an_address_or_a_number() {
    let desk = desk().await;
    let rule = "an e-mail address or a phone number must be given";
    let none: Vec<_> = ["email", "email2", "tel", "mobile"].map(|field| (field.to_owned(), rule.to_owned())).into();
    for (fields, errors) in [
        (json!({}), none.clone()),
        (json!({"first": "Ada", "email": " ", "tel": ""}), none.clone()),
        (json!({"email": "ada"}), one("email", "must be an e-mail address")),
        (json!({"email": "ada@example.com, ben@example.com"}), one("email", "must be an e-mail address")),
        (json!({"tel": "call me"}), one("tel", "must be a phone number")),
        (json!({"email": format!("{}@example.com", "x".repeat(1_000))}), one("email", "must not be longer than the form's settings allow")),
    ] {
        let answer = desk.post(fields.clone()).await;
        assert_eq!((answer.status, answer.errors()), (400, errors), "{fields}");
    }
    assert_eq!(desk.lab.stack.wix.core().calls.total(), 0);
}

#[tokio::test]
async fn what_is_wrong_beside_the_address_costs_itself_alone() {
    let desk = desk().await;
    for (number, (fields, rejected)) in [
        (json!({"tel": "ask for Ada", "company": "Works"}), [("tel", "not_a_phone")]),
        (json!({"email2": "nonsense", "company": "Works"}), [("email2", "not_an_email")]),
        (json!({"born": "yesterday", "company": "Works"}), [("born", "unconvertible")]),
        (json!({"job": "x".repeat(1_001), "company": "Works"}), [("job", "too_long")]),
    ]
    .into_iter()
    .enumerate()
    {
        let mut fields = fields;
        fields["email"] = format!("person{number}@example.com").into();
        let answer = desk.post(fields.clone()).await;
        let rejected: Vec<_> = rejected.iter().map(|(field, reason)| ((*field).to_owned(), (*reason).to_owned())).collect();
        assert_eq!((answer.status, answer.rejected()), (200, rejected), "{fields}");
        assert_eq!(desk.lab.wix(answer.text("contact")).get("company"), "Works");
        assert!(!answer.body["rejected"][0]["rule"].as_str().unwrap().is_empty());
    }
}

#[tokio::test]
async fn whatever_people_are_called_arrives_as_they_wrote_it() {
    let desk = desk().await;
    for (number, name) in ["Zoë 🐝", "עדה לאבלייס", "李小龙", "O'Neil <b>", "e\u{301}", "\u{202e}evil", "\u{200d}x"].into_iter().enumerate()
    {
        let email = format!("person{number}@example.com");
        let answer = if number % 2 == 0 {
            desk.post(json!({"email": email, "first": name})).await
        } else {
            desk.answer(proven(&desk).form(&[("email", email.as_str()), ("first", name)])).await
        };
        assert_eq!(answer.status, 200, "{name}");
        assert_eq!(desk.lab.wix(answer.text("contact")).get("firstname"), name);
    }
}

#[tokio::test]
async fn several_addresses_of_one_person_are_kept() {
    let desk = desk().await;
    let answer =
        desk.answer(proven(&desk).form(&[("email", "ada@example.com"), ("email", "a@example.org"), ("email2", "ada@example.net")])).await;
    assert_eq!(answer.status, 200);
    let contact = desk.lab.wix(answer.text("contact"));
    assert_eq!([contact.get("email"), contact.get("hs_additional_emails")], ["ada@example.com", "a@example.org;ada@example.net"]);
}

#[tokio::test]
async fn a_phone_without_a_country_is_kept_as_it_was_written_and_said_so() {
    let desk = desk().await;
    desk.lab.adjust(|site| site.default_country = None).await;
    let answer = desk.post(json!({"tel": "0664 1234567", "first": "Ada"})).await;
    assert_eq!((answer.status, answer.text("action"), answer.rejected()), (200, "created", Vec::new()));
    let note = json!([{"field": "tel", "rule": "was kept as it was written: without a country it is no international number"}]);
    assert_eq!(answer.body["notes"], note);
    assert_eq!(desk.lab.wix(answer.text("contact")).get("phone"), "0664 1234567");
    desk.lab.stack.clock().advance(std::time::Duration::from_mins(11));
    let again = desk.post(json!({"tel": "0664 1234567", "first": "Ada"})).await;
    assert_eq!((again.text("action"), again.text("contact")), ("unchanged", answer.text("contact")));
}

#[tokio::test]
async fn who_cannot_prove_who_they_are_hears_nothing() {
    let desk = desk().await;
    for request in [
        desk.request("POST", "contact").json(&ada()),
        desk.request("POST", "contact").bearer_auth("wrong").json(&ada()),
        desk.request("POST", "contact?token=wrong").json(&ada()),
        desk.request("POST", "contact").bearer_auth("wrong").header("accept", "text/html").json(&ada()),
        desk.request("POST", "news").json(&ada()),
        desk.request("POST", "news").header("origin", "https://evil.example").json(&ada()),
        desk.request("POST", "typeform").json(&ada()),
        desk.request("POST", "typeform").header("typeform-signature", "sha256=AAAA").json(&ada()),
    ] {
        let response = desk.send(request).await;
        assert_eq!(response.status().as_u16(), 401);
        assert!(response.headers().get("access-control-allow-origin").is_none());
        let body = response.text().await.unwrap();
        assert!(body.is_empty() || !body.contains("must"), "{body}");
    }
    assert_eq!(desk.lab.stack.wix.core().calls.total(), 0);
}

#[tokio::test]
async fn what_does_not_exist_is_said_to_be_missing() {
    let desk = desk().await;
    let elsewhere = |path: &str| plain_http().unwrap().post(format!("{}{path}", desk.lab.stack.gateway_url()));
    for (request, field) in [
        (desk.request("POST", "unknown").bearer_auth(SECRET).json(&ada()), "form"),
        (elsewhere("/forms/nowhere/contact").bearer_auth(SECRET).json(&ada()), "site"),
        (desk.request("GET", "submissions/0123456789abcdef01234567"), "submission"),
    ] {
        let answer = desk.answer(request).await;
        assert_eq!((answer.status, answer.errors()), (404, one(field, "must be one that exists")));
    }
    desk.adjust("contact", json!({"enabled": false})).await;
    let off = desk.post(ada()).await;
    assert_eq!((off.status, off.errors()), (403, one("form", "must be switched on, and its owner has switched it off")));
    let now = desk.lab.stack.app.means.clock.now();
    setup::removed(desk.lab.stack.app.means.sites.as_ref(), &desk.lab.site.id, now, now).await.unwrap();
    desk.lab.stack.forms.forget(&desk.lab.site.id);
    assert_eq!(desk.post(ada()).await.status, 404);
}

#[tokio::test]
async fn a_secret_that_is_missing_is_no_reason_to_lose_a_form() {
    let desk = desk().await;
    let sender = |secrets: &[&str]| json!({"sender": {"kind": "token", "secrets": secrets}});
    desk.adjust("contact", sender(&["forms/next", "forms/secret"])).await;
    assert_eq!(desk.post(ada()).await.status, 200, "one of two is enough");
    desk.adjust("contact", sender(&["forms/next"])).await;
    let answer = desk.post(ada()).await;
    assert_eq!((answer.status, answer.errors()), (503, one("form", "cannot be dealt with now: nothing was stored, send it again")));
}

#[tokio::test]
async fn settings_of_forms_are_refused_with_field_and_rule() {
    let desk = desk().await;
    for (change, said) in [
        (
            json!({"sender": {"kind": "service", "service": "formly", "secrets": ["s"]}}),
            "forms.contact.sender.service: must be one of jotform, standard_webhooks, tally, typeform, and `formly` is not",
        ),
        (
            json!({"fields": [{"from": "email", "to": "email"}, {"from": "x", "to": "custom.none"}]}),
            "forms.contact.fields.x: must lead to a field that Wix has, and `custom.none` is none",
        ),
        (json!({"labels": ["custom.none"]}), "forms.contact.labels: must be keys of labels that exist in Wix, and `custom.none` is not"),
    ] {
        let before = desk.lab.settings().await;
        let mut site = before.clone();
        let mut forms = serde_json::to_value(&site.forms).unwrap();
        forms["contact"].as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        site.forms = serde_json::from_value(forms).unwrap();
        let refusal = desk.lab.stack.save_site(site).await.unwrap_err().to_string();
        assert_eq!(refusal, said);
        assert_eq!(desk.lab.settings().await, before);
    }
}

#[tokio::test]
async fn every_service_makes_its_contact() {
    at(&[Position::defaults()], async |lab| {
        let desk = Desk::open(lab).await;
        let sender = |service: &str| json!({"sender": {"kind": "service", "service": service, "secrets": ["forms/secret"]}});
        let check = |answer: Answer, name: &str| {
            assert_eq!((answer.status, answer.text("action")), (200, "created"), "{name}: {answer:?}");
            assert_eq!(desk.lab.wix(answer.text("contact")).get("firstname"), name);
        };
        check(desk.post_as_typeform("t", &[("email", "typeform@example.com"), ("first", "Typeform")]).await, "Typeform");
        desk.adjust("typeform", sender("tally")).await;
        let fields = [("email", "tally@example.com"), ("first", "Tally")].map(|(key, value)| json!({"key": key, "value": value}));
        let body = json!({"eventType": "FORM_RESPONSE", "data": {"submissionId": "s", "fields": fields}}).to_string();
        let request = desk.request("POST", "typeform").header("tally-signature", mac(body.as_bytes())).body(body);
        check(desk.answer(request).await, "Tally");
        desk.adjust("typeform", sender("jotform")).await;
        let raw = json!({"email": "jotform@example.com", "first": "Jotform"}).to_string();
        let boundary = "xYzZY";
        let part = |name: &str, text: &str| format!("--{boundary}\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n");
        let body = format!("{}{}--{boundary}--\r\n", part("submissionID", "1"), part("rawRequest", &raw));
        let request = desk.request("POST", &format!("typeform?token={SECRET}"));
        let request = request.header("content-type", format!("multipart/form-data; boundary={boundary}")).body(body);
        check(desk.answer(request).await, "Jotform");
        desk.adjust("typeform", sender("standard_webhooks")).await;
        let (body, sent) = (json!({"email": "sw@example.com", "first": "Standard"}).to_string(), desk.lab.stack.clock().now_ms() / 1_000);
        let signature = mac(format!("m.{sent}.{body}").as_bytes());
        let request = desk.request("POST", "typeform").header("webhook-id", "m").header("webhook-timestamp", sent.to_string());
        check(desk.answer(request.header("webhook-signature", format!("v1,{signature}")).body(body)).await, "Standard");
    })
    .await;
}

fn mac(message: &[u8]) -> String {
    use base64::Engine;
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, SECRET.as_bytes());
    base64::engine::general_purpose::STANDARD.encode(aws_lc_rs::hmac::sign(&key, message))
}

#[tokio::test]
async fn an_event_of_a_service_that_is_no_submission_is_answered_and_forgotten() {
    let desk = desk().await;
    let body = json!({"event_type": "form_response_partial", "form_response": {"token": "t"}}).to_string();
    let request = desk.request("POST", "typeform").header("typeform-signature", format!("sha256={}", mac(body.as_bytes())));
    let answer = desk.answer(request.body(body)).await;
    assert_eq!((answer.status, &answer.body["state"]), (200, &Value::from("ignored")));
    assert_eq!(desk.lab.stack.wix.core().calls.total(), 0);
}
