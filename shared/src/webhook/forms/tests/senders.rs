//! Who may submit: stale, future, missing, malformed and rotated signatures of each sender.

use super::*;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn key() -> Vec<u8> {
    STANDARD.decode(SECRET.trim_start_matches("whsec_")).unwrap()
}

/// A post of Standard Webhooks, sent so many seconds from now.
fn standard(offset: i64) -> Post {
    let (body, sent) = (r#"{"email": "ada@example.com"}"#, (now().as_second() + offset).to_string());
    let message = format!("msg_1.{sent}.{body}");
    let post = Post::new("application/json", body).header("webhook-id", "msg_1").header("webhook-timestamp", &sent);
    post.header("webhook-signature", &format!("v1,{}", tag(&key(), message.as_bytes())))
}

fn error(post: &Post, sender: &Value, secrets: &[&str]) -> Option<WebhookError> {
    match post.open(sender, secrets, now()) {
        Ok(_) => None,
        Err(Refusal::Unproven(error)) => Some(error),
        Err(refusal) => panic!("{refusal}"),
    }
}

#[test]
fn standard_webhooks_are_good_for_five_minutes_either_way() {
    for (offset, expected) in [(0, None), (-300, None), (300, None), (-301, Some(WebhookError::Stale)), (301, Some(WebhookError::Stale))] {
        assert_eq!(error(&standard(offset), &service("standard_webhooks"), &[SECRET]), expected, "{offset}");
    }
}

#[test]
fn what_standard_webhooks_lack_or_garble_is_refused() {
    let without = |name: &str| {
        let mut post = standard(0);
        post.headers.remove(name);
        post
    };
    for (post, expected) in [
        (without("webhook-id"), WebhookError::Unsigned),
        (without("webhook-timestamp"), WebhookError::Unsigned),
        (without("webhook-signature"), WebhookError::Unsigned),
        (standard(0).header("webhook-id", ""), WebhookError::Signature),
        (standard(0).header("webhook-timestamp", "now"), WebhookError::MalformedTimestamp),
        (standard(0).header("webhook-timestamp", "1.5"), WebhookError::MalformedTimestamp),
        (standard(0).header("webhook-timestamp", "-9223372036854775808"), WebhookError::Stale),
        (standard(0).header("webhook-signature", "v1,!"), WebhookError::Signature),
        (standard(0).header("webhook-signature", "v1,"), WebhookError::Signature),
        (standard(0).header("webhook-signature", " "), WebhookError::Signature),
    ] {
        assert_eq!(error(&post, &service("standard_webhooks"), &[SECRET]), Some(expected));
    }
}

#[test]
fn a_secret_that_is_no_key_lets_nobody_in() {
    for secret in ["", "whsec_", "whsec_!!", "short"] {
        let key = if secret == "short" { secret.as_bytes() } else { b"" };
        let sent = now().as_second().to_string();
        let message = format!("m.{sent}.{{}}");
        let post = Post::new("application/json", "{}").header("webhook-id", "m").header("webhook-timestamp", &sent);
        let post = post.header("webhook-signature", &format!("v1,{}", tag(key, message.as_bytes())));
        assert_eq!(error(&post, &service("standard_webhooks"), &[secret]), Some(WebhookError::Signature), "{secret}");
    }
    let empty = Post::new("application/json", "{}").header("tally-signature", &tag(b"", b"{}"));
    assert_eq!(error(&empty, &service("tally"), &[""]), Some(WebhookError::Signature));
    assert_eq!(error(&Post::json(&json!({})).query("token="), &token(), &[""]), Some(WebhookError::Token));
}

#[test]
fn during_a_rotation_both_secrets_are_good() {
    let other = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    for secrets in [&[SECRET, other][..], &[other, SECRET]] {
        assert_eq!(error(&standard(0), &service("standard_webhooks"), secrets), None);
    }
    assert_eq!(error(&standard(0), &service("standard_webhooks"), &[other]), Some(WebhookError::Signature));
    let (body, both) = (r#"{"event_type": "x", "eventType": "x"}"#, ["old", "new"]);
    for secret in both {
        let mac = tag(secret.as_bytes(), body.as_bytes());
        let typeform = Post::new("application/json", body).header("typeform-signature", &format!("sha256={mac}"));
        let tally = Post::new("application/json", body).header("tally-signature", &mac);
        assert_eq!(error(&typeform, &service("typeform"), &both), None);
        assert_eq!(error(&tally, &service("tally"), &both), None);
        assert_eq!(error(&Post::json(&json!({})).query(&format!("token={secret}")), &token(), &both), None);
    }
}

#[test]
fn services_that_sign_no_time_are_verified_by_their_body_alone() {
    for (name, header, prefix) in [("typeform", "typeform-signature", "sha256="), ("tally", "tally-signature", "")] {
        let body = r#"{"event_type": "x", "eventType": "x"}"#;
        let good = format!("{prefix}{}", tag(b"secret", body.as_bytes()));
        let post = |body: &str, value: &str| Post::new("application/json", body).header(header, value);
        assert_eq!(error(&post(body, &good), &service(name), &["secret"]), None);
        for (post, expected) in [
            (Post::new("application/json", body), WebhookError::Unsigned),
            (post(&format!("{body} "), &good), WebhookError::Signature),
            (post(body, &format!("{prefix}!!!")), WebhookError::Signature),
            (post(body, &format!("{prefix}{}", hex::encode(b"0123456789abcdef"))), WebhookError::Signature),
            (post(body, ""), WebhookError::Signature),
        ] {
            assert_eq!(error(&post, &service(name), &["secret"]), Some(expected), "{name}");
        }
    }
}

#[test]
fn a_token_is_in_the_header_or_in_the_address() {
    let post = || Post::json(&json!({"email": "ada@example.com"}));
    for (post, expected) in [
        (post().query("token=open-sesame"), None),
        (post().query("a=b&token=open%2Dsesame"), None),
        (post().header("authorization", "Bearer open-sesame"), None),
        (post().header("authorization", "bearer  open-sesame"), None),
        (post(), Some(WebhookError::Unsigned)),
        (post().header("authorization", "Basic open-sesame"), Some(WebhookError::Unsigned)),
        (post().query("token=open"), Some(WebhookError::Token)),
        (post().query("token=open-sesame-and-more"), Some(WebhookError::Token)),
        // A header that is wrong is not made good by the address.
        (post().query("token=open-sesame").header("authorization", "Bearer x"), Some(WebhookError::Token)),
    ] {
        assert_eq!(error(&post, &token(), &["open-sesame"]), expected);
    }
    let jotform = Post::json(&json!({})).query("token=x");
    assert_eq!(error(&jotform, &service("jotform"), &["open-sesame"]), Some(WebhookError::Token));
}

#[test]
fn a_public_form_is_posted_to_from_its_own_pages() {
    let sender = json!({"kind": "public", "origins": ["https://shop.example", "http://localhost:8080"]});
    let post = || Post::json(&json!({"email": "ada@example.com"}));
    for (post, expected) in [
        (post().header("origin", "https://shop.example"), None),
        (post().header("origin", "https://SHOP.example"), None),
        (post().header("origin", "http://localhost:8080"), None),
        (post().header("referer", "https://shop.example/contact?x=1"), None),
        (post().header("referer", "https://shop.example:443/"), None),
        (post(), Some(WebhookError::Origin)),
        (post().header("origin", "null"), Some(WebhookError::Origin)),
        (post().header("origin", "https://shop.example.evil.example"), Some(WebhookError::Origin)),
        (post().header("origin", "http://shop.example"), Some(WebhookError::Origin)),
        (post().header("origin", "https://evil.example").header("referer", "https://shop.example/"), Some(WebhookError::Origin)),
        (post().header("referer", "https://shop.example@evil.example/"), Some(WebhookError::Origin)),
    ] {
        assert_eq!(error(&post, &sender, &[]), expected);
    }
}

#[test]
fn nothing_is_parsed_before_the_sender_is_known() {
    let garbage = Post::new("application/json", [0xff, 0xfe]);
    for sender in [service("typeform"), service("tally"), service("standard_webhooks"), service("jotform"), token()] {
        assert_eq!(garbage.refused(&sender, &["k"]).status().as_u16(), 401);
    }
}
