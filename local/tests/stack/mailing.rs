use contact_bridge::model::site::Site;
use contact_bridge_local::stack::{Options, SiteHandle, Stack};
use serde_json::json;

/// A stack with a site whose subscribers go to the audience of its account.
async fn with_subscribers(name: &str) -> (Stack, SiteHandle) {
    let stack = Stack::start(Options::default()).await.unwrap();
    let site = add(&stack, name).await;
    (stack, site)
}

async fn add(stack: &Stack, name: &str) -> SiteHandle {
    let list = SiteHandle::named(name).audience;
    let subscribe = |site: &mut Site| {
        let settings = json!({"service": {"kind": "mailchimp", "secret": format!("mailchimp/{name}"), "list": list}});
        site.subscribers = Some(serde_json::from_value(settings).unwrap());
    };
    stack.add_site(name, subscribe).await.unwrap()
}

#[tokio::test]
async fn mailchimps_webhooks_are_taken_in_for_every_site() {
    let (stack, shop) = with_subscribers("shop").await;
    let cafe = add(&stack, "cafe").await;
    for site in [&shop, &cafe] {
        stack.mailchimp.act("signup", &json!({"site": site.id, "email": "ada@example.com"})).unwrap();
        assert_eq!(stack.mailchimp.deliver_due().await, 1);
        assert_eq!(stack.mailchimp.next_due(), None, "what is refused is sent again");
    }
}

#[tokio::test]
async fn the_secrets_survive_new_keys_of_wix() {
    let (stack, site) = with_subscribers("shop").await;
    stack.trust_wix_keys(&[stack.wix.public_key_pem()]).await.unwrap();
    stack.mailchimp.act("signup", &json!({"site": site.id, "email": "ada@example.com"})).unwrap();
    assert_eq!((stack.mailchimp.deliver_due().await, stack.mailchimp.next_due()), (1, None));
}

#[tokio::test]
async fn without_its_secret_a_site_gets_nothing() {
    let (stack, site) = with_subscribers("shop").await;
    stack.put_secret("messages/mailchimp", "");
    stack.trust_wix_keys(&[stack.wix.public_key_pem()]).await.unwrap();
    stack.mailchimp.act("signup", &json!({"site": site.id, "email": "ada@example.com"})).unwrap();
    assert_eq!(stack.mailchimp.deliver_due().await, 1);
    assert!(stack.mailchimp.next_due().is_some(), "it was taken");
}
