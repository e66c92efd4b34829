use std::time::Duration;

use super::*;

fn token(text: &str, expires_in: u64) -> ResponseTemplate {
    ok(json!({"access_token": text, "token_type": "Bearer", "expires_in": expires_in}))
}

async fn tokens_asked_for(wix: &Wix) -> usize {
    wix.calls().await.iter().filter(|(call, _)| call == "POST /oauth2/token").count()
}

/// Answers reads that come with this token.
async fn lets_in(wix: &Wix, token: &str) {
    let found = ok(json!({"contact": ada(), "responseType": "REGULAR"}));
    Mock::given(path(of_ada(""))).and(header("authorization", token)).respond_with(found).mount(&wix.server).await;
    Mock::given(path(of_ada(""))).respond_with(ResponseTemplate::new(401)).with_priority(9).mount(&wix.server).await;
}

#[tokio::test]
async fn one_token_serves_until_five_minutes_before_it_expires() {
    let wix = Wix::with_app().await;
    wix.answers("POST", "/oauth2/token", token("t-1", 14_400)).await.answers("POST", "/oauth2/token", token("t-2", 14_400)).await;
    lets_in(&wix, "t-1").await;
    let id = RecordId::from(ADA);
    let (a, b, c) = tokio::join!(wix.client.get(&id), wix.client.get(&id), wix.client.get(&id));
    assert!(a.is_ok() && b.is_ok() && c.is_ok());
    wix.clock.sleep(Duration::from_secs(14_400 - 301)).await;
    wix.client.get(&id).await.unwrap();
    assert_eq!(tokens_asked_for(&wix).await, 1);
    wix.clock.sleep(Duration::from_secs(2)).await;
    lets_in(&wix, "t-2").await;
    wix.client.get(&id).await.unwrap();
    assert_eq!(tokens_asked_for(&wix).await, 2);
    let credentials = json!({"grant_type": "client_credentials", "client_id": "app-1", "client_secret": "s-1", "instance_id": "i-1"});
    assert_eq!(wix.calls().await[0], ("POST /oauth2/token".to_owned(), credentials));
}

#[tokio::test]
async fn a_refused_token_is_renewed_once() {
    let wix = Wix::with_app().await;
    wix.answers("POST", "/oauth2/token", token("t-1", 14_400)).await.answers("POST", "/oauth2/token", token("t-2", 14_400)).await;
    lets_in(&wix, "t-2").await;
    wix.client.get(&ADA.into()).await.unwrap();
    assert_eq!((tokens_asked_for(&wix).await, wix.calls().await.len()), (2, 4));
}

#[tokio::test]
async fn credentials_that_are_refused_need_a_person() {
    let wix = Wix::with_app().await;
    Mock::given(path("/oauth2/token")).respond_with(token("t", 14_400)).up_to_n_times(2).mount(&wix.server).await;
    lets_in(&wix, "another").await;
    assert_eq!(kind(wix.client.get(&ADA.into()).await), ErrorKind::AccessDenied);
    assert_eq!(tokens_asked_for(&wix).await, 2);

    let wix = Wix::with_app().await;
    wix.answers("POST", "/oauth2/token", ResponseTemplate::new(400).set_body_json(json!({"error": "invalid_grant"}))).await;
    let error = wix.client.get(&ADA.into()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::AccessDenied);
    assert!(!format!("{error:?}").contains("s-1"));
}

#[tokio::test]
async fn a_key_is_sent_with_its_site_and_not_renewed_while_it_is_the_same() {
    let wix = Wix::with_key().await;
    Mock::given(header("authorization", "k-1"))
        .and(header("wix-site-id", "site-1"))
        .respond_with(ResponseTemplate::new(401))
        .mount(&wix.server)
        .await;
    assert_eq!(kind(wix.client.get(&ADA.into()).await), ErrorKind::AccessDenied);
    assert_eq!(wix.received().await.len(), 1);
}

/// The one secret there is.
struct Stored(&'static str);

#[async_trait::async_trait]
impl Secrets for Stored {
    async fn secret(&self, _name: &str) -> crate::ports::StoreResult<secrecy::SecretString> {
        Ok(self.0.into())
    }
}

#[tokio::test]
async fn a_key_that_a_person_replaced_is_taken_up_when_the_old_one_is_refused() {
    for (stored, outcome, calls) in [("k-1", false, 1), ("k-2", true, 2)] {
        let mut wix = Wix::with_key().await;
        wix.client = wix.client.renewing_from(Arc::new(Stored(stored)));
        lets_in(&wix, "k-2").await;
        assert_eq!(wix.client.get(&ADA.into()).await.is_ok(), outcome);
        assert_eq!(wix.received().await.len(), calls);
    }
}
