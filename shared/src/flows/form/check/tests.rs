use serde_json::{Value, json};

use super::*;
use crate::mapping::wix_fields;

const SERVICES: [&str; 2] = ["tally", "typeform"];

fn schema() -> Vec<FieldSpec> {
    let mut fields = wix_fields();
    fields.retain(|spec| spec.field != Field::from("labels"));
    let spec = |name: &str, kind, writable| FieldSpec { field: Field::from(name), kind, writable };
    fields.push(spec("labels", Kind::Choices(vec!["custom.lead".to_owned()]), true));
    fields.push(spec("custom.age", Kind::Number, true));
    fields.push(spec("custom.externalcrmid", Kind::Text, false));
    fields
}

/// A good form with some of its settings replaced.
fn form(change: &Value) -> Form {
    let mut form = json!({
        "sender": {"kind": "token", "secrets": ["forms/contact"]},
        "fields": [{"from": "email", "to": "email"}, {"from": "born", "to": "birthdate", "transform": {"kind": "date", "pattern": "DD.MM.YYYY"}}],
        "labels": ["custom.lead"],
        "consent": {"field": "news", "text_version": "2026-11"},
        "thank_you": "https://shop.example/thanks",
        "honeypot": "website",
    });
    let settings = form.as_object_mut().unwrap();
    settings.extend(change.as_object().unwrap().clone());
    serde_json::from_value(form).unwrap()
}

fn errors(id: &str, change: &Value) -> Vec<String> {
    let forms = Forms::from([(FormId::from(id), form(change))]);
    check(&forms, &SERVICES, &schema()).iter().map(ToString::to_string).collect()
}

#[test]
fn good_settings_pass() {
    for change in [
        json!({}),
        json!({"sender": {"kind": "service", "service": "tally", "secrets": ["a", "b"]}}),
        json!({"sender": {"kind": "public", "origins": ["https://shop.example", "http://localhost:8080", "http://127.0.0.1:4700"]}}),
        json!({"fields": [
            {"from": "tel", "to": "phone.mobile"}, {"from": "age", "to": "custom.age"}, {"from": "mail", "to": "email"},
            {"from": "mail2", "to": "emails"}, {"from": "mail3", "to": "emails", "transform": {"kind": "join", "separator": "; "}},
            {"from": "country", "to": "address.country", "transform": {"kind": "country"}}, {"from": "day", "to": "birthdate"},
            {"from": "lang", "to": "locale", "transform": {"kind": "options", "table": {"en": "English"}}}]}),
        json!({"on_filled": {"kind": "override", "allowed_by": "Grace", "allowed_at": "2026-11-20T12:00:00Z"}}),
    ] {
        assert_eq!(errors("contact", &change), Vec::<String>::new(), "{change}");
    }
}

#[test]
fn what_is_wrong_is_named_with_its_rule() {
    let field = |to: &str| json!([{"from": "email", "to": "email"}, {"from": "x", "to": to}]);
    let origins = |origin: &str| json!({"sender": {"kind": "public", "origins": [origin]}});
    for (change, expected) in [
        (json!({"sender": {"kind": "token", "secrets": []}}), "sender.secrets: must name one to three secrets"),
        (json!({"sender": {"kind": "token", "secrets": [" "]}}), "sender.secrets: must name one to three secrets"),
        (
            json!({"sender": {"kind": "service", "service": "formly", "secrets": ["a"]}}),
            "sender.service: must be one of tally, typeform, and `formly` is not",
        ),
        (json!({"sender": {"kind": "public", "origins": []}}), "sender.origins: must name at least one origin, as `https://shop.example`"),
        (
            json!({"fields": [{"from": "name", "to": "name.first"}], "consent": null}),
            "fields: must lead to an e-mail address or a phone number, by which the contact is found",
        ),
        (json!({"fields": field("emial")}), "fields.x: must lead to a field that Wix has, and `emial` is none"),
        (
            json!({"fields": field("custom.externalcrmid")}),
            "fields.x: must lead to a field that can be written, and `custom.externalcrmid` is read-only",
        ),
        (json!({"fields": field("labels")}), "fields.x: must not lead to labels: those that everybody gets are in `labels`"),
        (
            json!({"fields": [{"from": "email", "to": "email"}, {"from": "a", "to": "company"}, {"from": "b", "to": "company"}]}),
            "fields.b: must be the only one for `company`, which holds one value",
        ),
        (
            json!({"fields": [{"from": "email", "to": "email"}, {"from": "x", "to": "company", "transform": {"kind": "constant", "value": "A"}}]}),
            "fields.x: must not be a constant: a constant comes from no form",
        ),
        (json!({"labels": ["custom.old"]}), "labels: must be keys of labels that exist in Wix, and `custom.old` is not"),
        (json!({"consent": {"field": "news", "text_version": " "}}), "consent.text_version: must say which text people consent to"),
        (
            json!({"consent": {"field": "news", "ticked": [], "text_version": "1"}}),
            "consent.ticked: must be the values of a ticked box, and none of them empty",
        ),
        (
            json!({"fields": [{"from": "tel", "to": "phone"}]}),
            "consent: must be about an e-mail address, and none of the fields leads to one",
        ),
        (json!({"thank_you": "/thanks"}), "thank_you: must be the full address of a page, beginning with https://"),
        (json!({"thank_you": "javascript:alert(1)"}), "thank_you: must be the full address of a page, beginning with https://"),
        (json!({"thank_you": "http://shop.example"}), "thank_you: must be the full address of a page, beginning with https://"),
        (json!({"honeypot": "email"}), "honeypot: must be a field that people do not see, so none of those that are used"),
        (json!({"honeypot": "news"}), "honeypot: must be a field that people do not see, so none of those that are used"),
        (json!({"limits": {"body_bytes": 0}}), "limits.body_bytes: must be 1 to 1048576"),
        (json!({"limits": {"per_minute": 0}}), "limits.per_minute: must be at least 1"),
        (
            json!({"on_filled": {"kind": "override", "allowed_by": "", "allowed_at": "2026-11-20T12:00:00Z"}}),
            "on_filled.allowed_by: must say who decided that filled values are overridden",
        ),
    ] {
        assert_eq!(errors("contact", &change), [format!("forms.contact.{expected}")], "{change}");
    }
    for origin in
        ["https://shop.example/", "https://shop.example/contact", "shop.example", "http://shop.example", "null", "https://SHOP.example"]
    {
        let found = errors("contact", &origins(origin));
        assert!(found[0].starts_with("forms.contact.sender.origins: must be origins as browsers send them"), "{origin}: {found:?}");
    }
}

#[test]
fn a_transform_that_cannot_work_is_named() {
    let fields = json!({"fields": [{"from": "email", "to": "email"}, {"from": "born", "to": "birthdate", "transform": {"kind": "date", "pattern": "YY"}}]});
    let found = errors("contact", &fields);
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("forms.contact.fields.born: ") && found[0].contains("`YY`"), "{found:?}");
}

#[test]
fn an_id_is_a_part_of_an_address() {
    for id in ["", "a/b", "Ä", "A", &"x".repeat(65)] {
        assert_eq!(errors(id, &json!({})).len(), 1, "{id}");
    }
    let many: Forms = (0..101).map(|number| (FormId::new(format!("f{number:03}")), form(&json!({})))).collect();
    assert_eq!(check(&many, &SERVICES, &schema()).len(), 1);
}
