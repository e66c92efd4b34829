use std::time::Duration;

use reqwest::{Method, Url};
use serde_json::json;
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{body_json, body_string, header, method, path},
};

use super::{
    stub::{PLAIN, StubClock, http},
    *,
};

fn request(server: &MockServer, safety: Safety) -> Request {
    let method = if safety == Safety::Read { Method::GET } else { Method::POST };
    Request::new(method, Url::parse(&server.uri()).unwrap().join("/contacts").unwrap(), safety)
}

/// Answers with these, one after the other, and then with 200.
async fn server(replies: impl IntoIterator<Item = ResponseTemplate>) -> MockServer {
    let server = MockServer::builder().start().await;
    for reply in replies {
        Mock::given(path("/contacts")).respond_with(reply).up_to_n_times(1).mount(&server).await;
    }
    Mock::given(path("/contacts"))
        .respond_with(ResponseTemplate::new(200).insert_header("x-request-id", "r-1").set_body_string("{}"))
        .mount(&server)
        .await;
    server
}

async fn calls(server: &MockServer) -> usize {
    server.received_requests().await.unwrap().len()
}

#[tokio::test]
async fn reads_are_sent_again_after_a_5xx_and_writes_are_not() {
    for (safety, failures, status, sent) in
        [(Safety::Read, 2, 200, 3), (Safety::Read, 3, 500, 3), (Safety::Write, 1, 500, 1), (Safety::Write, 0, 200, 1)]
    {
        let server = server((0..failures).map(|_| ResponseTemplate::new(500))).await;
        let reply = http(&StubClock::shared(), PLAIN).send(&request(&server, safety)).await.unwrap();
        assert_eq!((reply.status.as_u16(), calls(&server).await), (status, sent));
    }
}

#[tokio::test]
async fn a_short_retry_after_is_waited_for_and_never_undercut() {
    let clock = StubClock::shared();
    let start = clock.now();
    let server = server([ResponseTemplate::new(429).insert_header("retry-after", "3")]).await;
    let reply = http(&clock, PLAIN).send(&request(&server, Safety::Write)).await.unwrap();
    assert_eq!((reply.status.as_u16(), reply.request_id.as_deref()), (200, Some("r-1")));
    assert!(clock.now().duration_since(start) >= SignedDuration::from_secs(3));
}

#[tokio::test]
async fn a_long_retry_after_is_returned_at_once_and_holds_back_what_follows() {
    let clock = StubClock::shared();
    let until = clock.now() + SignedDuration::from_secs(60);
    let server = server([ResponseTemplate::new(503).insert_header("retry-after", "Tue, 03 Feb 2026 11:01:00 GMT")]).await;
    let http = http(&clock, PLAIN);
    for _ in 0..2 {
        let failure = http.send(&request(&server, Safety::Read)).await.unwrap_err();
        assert_eq!(failure.kind(), crate::ports::ErrorKind::Throttled(until));
    }
    assert_eq!(calls(&server).await, 1);
}

#[tokio::test]
async fn a_read_without_an_answer_is_sent_again_and_a_write_is_unavailable() {
    for (safety, sent) in [(Safety::Read, 2), (Safety::Write, 1)] {
        let server = server([ResponseTemplate::new(200).set_delay(Duration::from_secs(30))]).await;
        let http = http(&StubClock::shared(), PLAIN).with_timeout(Duration::from_millis(100));
        let outcome = http.send(&request(&server, safety)).await;
        assert_eq!(calls(&server).await, sent);
        assert_eq!(outcome.map_err(|failure| failure.kind()).is_ok(), safety == Safety::Read);
    }
}

#[tokio::test]
async fn what_cannot_be_sent_is_unavailable_and_tells_no_address() {
    let gone = Url::parse("http://127.0.0.1:1/contacts?email=ada@example.com").unwrap();
    let failure = http(&StubClock::shared(), PLAIN).send(&Request::new(Method::POST, gone, Safety::Write)).await.unwrap_err();
    assert!(matches!(failure, Failure::Unsent(_)), "{failure:?}");
    assert!(!format!("{failure:?}").contains("ada"));
}

#[tokio::test]
async fn a_reply_that_is_too_long_is_garbled() {
    let server = server([ResponseTemplate::new(200).set_body_string("x".repeat(100))]).await;
    let failure = http(&StubClock::shared(), PLAIN).with_longest_reply(99).send(&request(&server, Safety::Read)).await.unwrap_err();
    assert!(matches!(failure, Failure::TooLong));
}

#[tokio::test]
async fn bodies_and_headers_are_sent_as_given() {
    let server = MockServer::builder().start().await;
    let json = Mock::given(method("POST")).and(body_json(json!({"a": 1}))).and(header("authorization", "Bearer s")).and(header("x-a", "b"));
    json.respond_with(ResponseTemplate::new(200)).mount(&server).await;
    Mock::given(method("POST")).and(body_string("a=1+2")).respond_with(ResponseTemplate::new(201)).mount(&server).await;
    let http = http(&StubClock::shared(), PLAIN);
    let json = request(&server, Safety::Write)
        .json(json!({"a": 1}))
        .header("x-a".parse().unwrap(), "b")
        .and_then(|request| request.secret(reqwest::header::AUTHORIZATION, "Bearer ", &"s".into()))
        .unwrap();
    let form = request(&server, Safety::Write).form([("a".to_owned(), "1 2".to_owned())]);
    assert_eq!(http.send(&json).await.unwrap().status, 200);
    assert_eq!(http.send(&form).await.unwrap().status, 201);
}

#[test]
fn a_secret_that_cannot_stand_in_a_header_is_refused() {
    let request = Request::get(Url::parse("http://localhost/").unwrap());
    assert!(matches!(request.secret(reqwest::header::AUTHORIZATION, "", &"a\nb".into()), Err(Failure::Unfit)));
}

/// A socket that promises more than it sends.
#[tokio::test]
async fn a_cut_reply_is_garbled() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/contacts", listener.local_addr().unwrap())).unwrap();
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let _ = socket.read(&mut [0; 4096]).await;
        let _ = socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"contact\":").await;
    });
    let failure = http(&StubClock::shared(), PLAIN).send(&Request::new(Method::POST, url, Safety::Write)).await.unwrap_err();
    assert!(matches!(failure, Failure::Cut(_)), "{failure:?}");
    assert!(failure.kind().is_ambiguous());
}
