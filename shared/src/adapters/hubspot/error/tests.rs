use reqwest::header::{HeaderMap, RETRY_AFTER};
use serde_json::json;

use super::*;

fn now() -> Timestamp {
    "2026-02-03T11:00:00Z".parse().unwrap()
}

fn at(text: &str) -> ErrorKind {
    ErrorKind::Throttled(text.parse().unwrap())
}

fn reply(status: u16, body: &str) -> Reply {
    Reply { status: StatusCode::from_u16(status).unwrap(), headers: HeaderMap::new(), body: body.into(), request_id: None }
}

fn kind(status: u16, body: &Json) -> ErrorKind {
    refusal(&reply(status, &body.to_string()), "hubspot test", now()).kind
}

fn invalid(fields: &[&str]) -> ErrorKind {
    ErrorKind::Invalid(fields.iter().map(|name| Field::from(*name)).collect())
}

#[test]
fn every_status_has_a_kind() {
    for (status, expected) in [
        (400, invalid(&[])),
        (401, ErrorKind::AccessDenied),
        (403, ErrorKind::AccessDenied),
        (404, ErrorKind::NotFound),
        (405, ErrorKind::Unsupported),
        (408, ErrorKind::Unavailable),
        (409, ErrorKind::Exists(None)),
        (414, ErrorKind::Forbidden),
        (415, ErrorKind::Unsupported),
        (418, invalid(&[])),
        (423, at("2026-02-03T11:00:02Z")),
        (429, at("2026-02-03T11:00:10Z")),
        (477, at("2026-02-03T11:01:00Z")),
        (500, ErrorKind::Unavailable),
        (502, ErrorKind::Unavailable),
        (503, ErrorKind::Unavailable),
        (504, ErrorKind::Unavailable),
        (521, ErrorKind::Unavailable),
        (523, ErrorKind::Unavailable),
        (524, ErrorKind::Unavailable),
        (599, ErrorKind::Unavailable),
    ] {
        assert_eq!(kind(status, &json!({"status": "error", "message": "no"})), expected, "{status}");
    }
}

#[test]
fn every_code_has_a_kind() {
    for (codes, meaning) in TABLE {
        for code in codes.iter().filter(|code| !code.starts_with(|c: char| c.is_ascii_digit())) {
            let expected = match meaning {
                Meaning::Refused | Meaning::Invalid => invalid(&["email"]),
                Meaning::NotFound => ErrorKind::NotFound,
                Meaning::Exists => ErrorKind::Exists(None),
                Meaning::Forbidden => ErrorKind::Forbidden,
                Meaning::Unsupported => ErrorKind::Unsupported,
                Meaning::Unavailable => ErrorKind::Unavailable,
                Meaning::Denied => ErrorKind::AccessDenied,
                Meaning::Throttled => at("2026-02-03T11:00:10Z"),
            };
            let row = json!({"category": code, "context": {"propertyName": ["email"]}});
            assert_eq!(row_refusal(&row, "hubspot test", None, now()).kind, expected, "{code}");
        }
    }
}

#[test]
fn the_refused_properties_are_found_in_every_shape() {
    let embedded = r#"Property values were not valid: [{"isValid":false,"message":"Email address [x] is invalid","error":"INVALID_EMAIL","name":"email","localizedErrorMessage":"no"},{"isValid":false,"error":"INVALID_OPTION","name":"tier"}] (2)"#;
    for (body, expected) in [
        (json!({"errors": [{"message": "no", "code": "INVALID_OPTION", "context": {"propertyName": ["tier"]}}]}), vec!["tier"]),
        (json!({"errors": [{"message": "no", "context": {"propertyName": "tier"}}]}), vec!["tier"]),
        (json!({"errors": [{"message": "no", "context": {"properties": ["tier", "size"]}}]}), vec!["size", "tier"]),
        (json!({"errors": [{"message": "no", "in": "email"}]}), vec!["email"]),
        (json!({"errors": [{"message": "no", "in": "properties.email"}]}), vec!["email"]),
        (json!({"errors": [{"message": embedded}]}), vec!["email", "tier"]),
        (json!({"message": embedded}), vec!["email", "tier"]),
        (json!({"validationResults": [{"isValid": false, "error": "READ_ONLY_VALUE", "name": "createdate"}]}), vec!["createdate"]),
        (json!({"message": "Property \"colour\" does not exist", "category": "VALIDATION_ERROR"}), vec!["colour"]),
        (json!({"message": "Cannot do it: ada@example.com", "context": {"propertyName": ["ada@example.com"]}}), vec![]),
        (json!({"message": "Property values were not valid: [{\"name\":\"em"}), vec![]),
        (json!(["a", 1]), vec![]),
        (json!(null), vec![]),
    ] {
        assert_eq!(kind(400, &body), invalid(&expected), "{body}");
    }
}

#[test]
fn an_existing_contact_is_found_in_every_shape() {
    let some = |id: &str| ErrorKind::Exists(Some(id.into()));
    let taken = "Cannot set PropertyValueCoordinates{propertyName=wix_contact_id, value=w 1} on 511. 512 already has that value.";
    for (status, body, expected) in [
        (409, json!({"category": "CONFLICT", "message": "Contact already exists. Existing ID: 512"}), some("512")),
        (409, json!({"category": "CONFLICT", "message": "Contact already exists."}), ErrorKind::Exists(None)),
        (409, json!("Contact already exists. Existing ID: 512"), ErrorKind::Exists(None)),
        (409, json!({"error": "CONTACT_EXISTS", "identityProfile": {"vid": 512}}), some("512")),
        (409, json!({"errors": [{"message": "A contact with email a@b.c already exists. Existing ID: 512", "in": "email"}]}), some("512")),
        (400, json!({"category": "VALIDATION_ERROR", "message": "Contact already exists. Existing ID: 512"}), some("512")),
        (400, json!({"category": "VALIDATION_ERROR", "errors": [{"code": "CONFLICTING_UNIQUE_VALUE", "message": taken}]}), some("512")),
        (400, json!({"category": "CONFLICT", "message": "Conflict"}), ErrorKind::Exists(None)),
    ] {
        assert_eq!(kind(status, &body), expected, "{body}");
    }
}

#[test]
fn a_quoted_value_does_not_pass_for_a_clash() {
    let message = "Email address Contact already exists. Existing ID: 7 is invalid";
    let body = json!({"category": "VALIDATION_ERROR", "message": message,
        "errors": [{"message": message, "code": "INVALID_EMAIL", "context": {"propertyName": ["email"]}}]});
    assert_eq!(kind(400, &body), invalid(&["email"]));
}

#[test]
fn a_limit_holds_as_long_as_its_policy_says() {
    for (body, expected) in [
        (json!({"policyName": "DAILY", "message": "You have reached your daily limit."}), "2026-02-04T00:00:00Z"),
        (json!({"message": "You have reached your daily limit."}), "2026-02-04T00:00:00Z"),
        (json!({"policyName": "TEN_SECONDLY_ROLLING", "message": "You have reached your ten_secondly_rolling limit."}), "2026-02-03T11:00:10Z"),
        (json!({"message": "You have reached your ten_secondly_rolling limit."}), "2026-02-03T11:00:10Z"),
        (json!({"policyName": "SECONDLY"}), "2026-02-03T11:00:01Z"),
        (json!({"status": "error", "message": "You have reached your secondly limit.", "errorType": "RATE_LIMIT"}), "2026-02-03T11:00:01Z"),
        (json!("slow down"), "2026-02-03T11:00:10Z"),
    ] {
        assert_eq!(kind(429, &body), at(expected), "{body}");
    }
}

#[test]
fn retry_after_counts_more_than_the_policy() {
    for status in [423, 429, 477] {
        for (text, expected) in [("7", "2026-02-03T11:00:07Z"), ("Tue, 03 Feb 2026 12:00:00 GMT", "2026-02-03T12:00:00Z")] {
            let mut reply = reply(status, r#"{"policyName":"DAILY"}"#);
            reply.headers.insert(RETRY_AFTER, text.parse().unwrap());
            assert_eq!(refusal(&reply, "hubspot test", now()).kind, at(expected), "{status}");
        }
    }
    let mut reply = reply(503, "");
    reply.headers.insert(RETRY_AFTER, "7".parse().unwrap());
    assert_eq!(not_before(&reply, now()), None, "a 503 may have been carried out");
}

#[test]
fn bodies_that_cannot_be_read_leave_the_status_to_decide() {
    for body in ["", "<html>", "{\"category\":\"VAL", "null"] {
        assert_eq!(refusal(&reply(400, body), "hubspot test", now()).kind, invalid(&[]), "{body}");
        assert_eq!(refusal(&reply(404, body), "hubspot test", now()).kind, ErrorKind::Garbled, "{body}");
        assert_eq!(refusal(&reply(502, body), "hubspot test", now()).kind, ErrorKind::Unavailable, "{body}");
    }
}

#[test]
fn the_request_is_named_and_nothing_else() {
    let body = json!({"message": "Email address ada@example.com is invalid", "correlationId": "b688-1283", "category": "VALIDATION_ERROR"});
    let error = refusal(&reply(400, &body.to_string()), "hubspot update 512", now());
    assert_eq!(error.to_string(), "hubspot update 512: invalid (request b688-1283)");
    assert!(!format!("{error:?}").contains("ada"));
    let body = json!({"correlationId": "ada@example.com"});
    assert_eq!(refusal(&reply(400, &body.to_string()), "x", now()).request, None);
}
