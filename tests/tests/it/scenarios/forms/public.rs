//! Forms that anybody can post to, from a browser.

use contact_bridge::{app::forms::FormApp, model::ids::FormId};
use serde_json::{json, value::to_raw_value};

use super::desk::{Desk, ORIGIN};
use crate::scenarios::{
    lab::Lab,
    switches::{Position, at},
};

async fn desk() -> Desk {
    Desk::open(Lab::start(&Position::defaults()).await).await
}

/// A browser sends the form as people do.
fn browse(desk: &Desk, fields: &[(&str, &str)]) -> reqwest::RequestBuilder {
    let accept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    desk.request("POST", "news").header("origin", ORIGIN).header("accept", accept).form(fields)
}

#[tokio::test]
async fn a_browser_goes_to_the_thank_you_page() {
    let desk = desk().await;
    desk.adjust("news", json!({"thank_you": "https://shop.example/thanks"})).await;
    let response = desk.send(browse(&desk, &[("email", "ada@example.com")])).await;
    assert_eq!((response.status().as_u16(), &response.headers()["location"]), (303, &"https://shop.example/thanks".parse().unwrap()));
    assert_eq!(desk.lab.wix_ids().len(), 1);
    let refused = desk.send(browse(&desk, &[("first", "<b>Ada</b>")])).await;
    assert_eq!(refused.status().as_u16(), 400);
    let page = refused.text().await.unwrap();
    assert!(page.contains("<strong>email</strong> an e-mail address or a phone number must be given") && !page.contains("Ada"), "{page}");
}

#[tokio::test]
async fn without_a_page_of_its_own_a_plain_one_thanks() {
    let desk = desk().await;
    let response = desk.send(browse(&desk, &[("email", "ada@example.com")])).await;
    assert_eq!(response.status().as_u16(), 200);
    let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
    assert!(header("content-type").starts_with("text/html") && header("content-security-policy").starts_with("default-src 'none'"));
    assert_eq!(header("cache-control"), "no-store");
    assert!(response.text().await.unwrap().contains("<h1>Thank you</h1>"));
}

#[tokio::test]
async fn nobody_learns_who_is_in_the_contact_list() {
    let desk = desk().await;
    desk.lab.wix_create(json!({"firstname": "Ada", "email": "ada@example.com"})).await;
    let known = desk.post_publicly(json!({"email": "ada@example.com", "first": "Eve"})).await;
    let new = desk.post_publicly(json!({"email": "new@example.com", "first": "Eve"})).await;
    let trapped = desk.post_publicly(json!({"email": "bot@example.com", "website": "https://spam.example"})).await;
    for answer in [&known, &new, &trapped] {
        let names: Vec<_> = answer.body.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!((answer.status, names, answer.text("state")), (200, vec!["state", "submission"], "accepted"));
    }
    let told = desk.progress(&known.id()).await;
    assert_eq!(told.body, json!({"submission": known.id(), "state": "done"}));
}

#[tokio::test]
async fn whoever_fills_in_what_people_do_not_see_is_thanked_without_effect() {
    let desk = desk().await;
    for website in ["x", "https://spam.example"] {
        let response = desk.send(browse(&desk, &[("email", "bot@example.com"), ("website", website)])).await;
        assert_eq!(response.status().as_u16(), 200);
    }
    assert_eq!(desk.lab.stack.wix.core().calls.total(), 0);
    let person = desk.send(browse(&desk, &[("email", "ada@example.com"), ("website", "")])).await;
    assert_eq!((person.status().as_u16(), desk.lab.wix_ids().len()), (200, 1));
}

#[tokio::test]
async fn a_script_of_the_forms_own_pages_may_post_and_read_the_answer() {
    let desk = desk().await;
    let preflight = |origin: &str| desk.request("OPTIONS", "news").header("origin", origin).header("access-control-request-method", "POST");
    let allowed = desk.send(preflight(ORIGIN)).await;
    let header = |name: &str| allowed.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    assert_eq!(allowed.status().as_u16(), 204);
    assert_eq!(header("access-control-allow-origin").as_deref(), Some(ORIGIN));
    assert_eq!(header("access-control-allow-methods").as_deref(), Some("POST"));
    assert_eq!(header("access-control-allow-headers").as_deref(), Some("content-type"));
    assert_eq!(header("vary").as_deref(), Some("origin"));
    let other = desk.send(preflight("https://evil.example")).await;
    assert!(other.headers().get("access-control-allow-origin").is_none());
    let posted = desk.send(desk.request("POST", "news").header("origin", ORIGIN).json(&json!({"first": "Ada"}))).await;
    assert_eq!((posted.status().as_u16(), &posted.headers()["access-control-allow-origin"]), (400, &ORIGIN.parse().unwrap()));
}

#[tokio::test]
async fn one_internet_address_posts_so_often_a_minute_however_many_instances_there_are() {
    at(&[Position::defaults(), Position::dynamodb()], async |lab| {
        let desk = Desk::open(lab).await;
        // At the beginning of a minute, for the count is by the clock's.
        let into_minute = desk.lab.stack.clock().now_ms() % 60_000;
        desk.lab.stack.clock().advance(std::time::Duration::from_millis(u64::try_from(60_000 - into_minute).unwrap()));
        let other = FormApp::new(desk.lab.stack.forms.means.clone()).unwrap();
        let (forms, id) = (other.site(&desk.lab.site.id).await.unwrap().unwrap(), FormId::from("news"));
        let form = (&id, &forms.site.forms[&id]);
        for number in 0..3 {
            assert_eq!(desk.post_publicly(json!({"email": format!("person{number}@example.com")})).await.status, 200);
            assert!(other.count(&forms, form, "127.0.0.1").await.unwrap() || number > 1, "{number}");
        }
        let refused = desk.send(desk.request("POST", "news").header("origin", ORIGIN).json(&json!({"email": "one@example.com"}))).await;
        assert_eq!((refused.status().as_u16(), &refused.headers()["retry-after"]), (429, &"60".parse().unwrap()));
        assert!(refused.text().await.unwrap().contains("must not be posted to more often"));
        assert!(other.count(&forms, form, "203.0.113.9").await.unwrap(), "others have their own turns");
        desk.lab.stack.clock().advance(std::time::Duration::from_secs(61));
        assert_eq!(desk.post_publicly(json!({"email": "one@example.com"})).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn a_flood_is_refused_before_it_costs_anything() {
    at(&[Position::dynamodb()], async |lab| {
        let desk = Desk::open(lab).await;
        for number in 0..40 {
            desk.post_publicly(json!({"email": "ada@example.com", "website": format!("{number}")})).await;
        }
        let refused = desk.post_publicly(json!({"email": "ada@example.com"})).await;
        assert_eq!((refused.status, desk.lab.stack.wix.core().calls.total()), (429, 0));
    })
    .await;
}

#[tokio::test]
async fn other_methods_are_named() {
    let desk = desk().await;
    for (method, path, allow) in [
        ("GET", "/forms/s/news", "POST, OPTIONS"),
        ("PUT", "/prod/forms/s/news", "POST, OPTIONS"),
        ("POST", "/forms/s/submissions/0123456789abcdef01234567", "GET"),
    ] {
        let context = json!({"http": {"method": method, "path": path, "sourceIp": "203.0.113.7"}, "timeEpoch": 0});
        let event = json!({"version": "2.0", "rawPath": path, "rawQueryString": "", "headers": {}, "requestContext": context,
            "isBase64Encoded": false});
        let answer = form_upsert::handle(&desk.lab.stack.forms, to_raw_value(&event).unwrap()).await.unwrap();
        assert_eq!((&answer["statusCode"], &answer["headers"]["allow"]), (&json!(405), &json!(allow)), "{answer}");
    }
}
