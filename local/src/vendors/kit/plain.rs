//! Calls on one machine.

use reqwest::{Client, redirect::Policy};

/// A client for what listens on this machine: without TLS, because reading the certificates that the machine trusts takes longer than a
/// whole exchange; without proxies; and to which a redirect is an answer like any other, not an address to follow.
///
/// # Errors
/// When there is no client to be had.
pub fn plain_http() -> reqwest::Result<Client> {
    Client::builder().no_proxy().redirect(Policy::none()).tls_certs_only([]).build()
}

#[tokio::test]
async fn nobody_is_trusted_whose_certificate_would_have_to_be_known() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = axum::Router::new().route("/", axum::routing::get(|| async { axum::response::Redirect::to("/elsewhere") }));
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    let reply = plain_http().unwrap().get(format!("http://{address}/")).send().await.unwrap();
    assert_eq!(reply.status(), 303);
    server.abort();
}
