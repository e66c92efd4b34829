//! Whatever goes wrong, a message appears once, and in its turn.

use std::{
    future::Future,
    pin::{Pin, pin},
    task::{Context, Poll},
    time::Duration,
};

use contact_bridge::{
    app::inbox::{Relays, Standing},
    model::message::Message,
};
use contact_bridge_local::{
    cloud::queue::Draft,
    vendors::kit::{Fault, FaultKind, plain_http},
};
use serde_json::{Value, json};

use super::{
    super::{
        lab::at_call,
        switches::{Vendor, at_switches},
    },
    Chat, at_every_switch_of_the_inbox,
    services::{plain, sms, words},
};

const POST: &str = "POST /inbox/v2/messages";
const HOUR: Duration = Duration::from_hours(1);

/// What may happen to a call.
pub(super) fn mishaps() -> Vec<FaultKind> {
    vec![FaultKind::LoseReply, FaultKind::Cut, FaultKind::NotJson, FaultKind::Status]
}

pub(super) fn at_post(kind: FaultKind) -> Fault {
    Fault { endpoint: Some(POST.to_owned()), ..at_call(kind, 0) }
}

#[tokio::test]
async fn a_lost_reply_posts_nothing_twice() {
    at_every_switch_of_the_inbox(async |chat| {
        let ada = chat.ada().await;
        let mut expected = Vec::new();
        for (nth, kind) in (0..).zip(mishaps()) {
            chat.lab.fault(Vendor::Wix, at_post(kind));
            // The same words each time: an earlier message is not taken for this one.
            words(&chat.lab, &format!("m{nth}"), nth, "Ok").await;
            expected.push("Ok".to_owned());
            chat.lab.settle().await;
            assert_eq!(chat.said_to(&ada).await, expected, "{kind:?}");
        }
        assert!(chat.reasons().is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_failure_of_any_call_posts_once() {
    at_every_switch_of_the_inbox(async |chat| {
        let mut number = 0;
        for kind in mishaps() {
            for call in 0..4 {
                number += 1;
                let phone = format!("+1202555{:04}", 100 + number);
                chat.lab.fault(Vendor::Wix, at_call(kind, call));
                sms(&chat.lab, &format!("SM{number}"), &phone, &format!("Hello {number:02}")).await;
                chat.lab.settle().await;
                chat.lab.clear_faults();
            }
        }
        let expected: Vec<_> = (1..=number).map(|number| format!("Hello {number:02}")).collect();
        assert_eq!((chat.said().await, chat.lab.wix_ids().len()), (expected, number));
    })
    .await;
}

/// Ends with the future, or after so many polls.
struct Doomed<F> {
    work: F,
    polls: usize,
}

impl<F: Future + Unpin> Future for Doomed<F> {
    type Output = bool;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<bool> {
        if self.polls == 0 {
            return Poll::Ready(false);
        }
        self.polls -= 1;
        Pin::new(&mut self.work).poll(context).map(|_| true)
    }
}

/// Has a worker relay a message, and kills it when it would go on for the last of so many times; tells whether it came to its end.
async fn crash_in(relays: &Relays, message: &Message, polls: usize) -> bool {
    let Standing::Ready(relay) = relays.of(&message.site).await.unwrap() else { panic!("the site works") };
    let work = pin!(relay.relay(message));
    Doomed { work, polls }.await
}

#[tokio::test]
async fn a_worker_that_dies_anywhere_posts_once() {
    at_switches(&["inbox_lag_ms"], async |lab| {
        let chat = Chat::open(lab).await;
        let ada = chat.ada().await;
        let relays = chat.lab.stack.relays.clone();
        let mut expected = Vec::new();
        for polls in 0.. {
            plain(&chat.lab, &format!("m{polls}"), &json!({"text": format!("Hello {polls}")})).await;
            let waiting = chat.lab.stack.message_queue().messages();
            let body: Value = serde_json::from_str(&waiting[0].body).unwrap();
            let message = serde_json::from_value(body["detail"].clone()).unwrap();
            let ended = crash_in(&relays, &message, polls).await;
            chat.lab.settle().await;
            expected.push(format!("Hello {polls}"));
            assert_eq!(chat.said_to(&ada).await, expected, "killed after {polls} polls");
            if ended {
                assert!(polls > 3, "each of the three calls is one to die in");
                return;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_message_that_is_sent_again_a_day_later_appears_once() {
    at_every_switch_of_the_inbox(async |chat| {
        let ada = chat.ada().await;
        for hours in [0, 0, 1, 24, 24 * 20] {
            chat.lab.stack.clock().advance(HOUR * hours);
            sms(&chat.lab, "SM1", "+12025550143", "Hello").await;
            sms(&chat.lab, "SM1", "+12025550143", "Hello").await;
            chat.lab.settle().await;
            assert_eq!(chat.said_to(&ada).await, ["Hello"], "{hours} hours later");
        }
        chat.lab.forget_calls();
        sms(&chat.lab, "SM1", "+12025550143", "Hello").await;
        chat.lab.settle().await;
        assert!(chat.calls().is_empty(), "a repeat costs no call");
    })
    .await;
}

#[tokio::test]
async fn messages_that_come_out_of_order_appear_in_order() {
    at_every_switch_of_the_inbox(async |chat| {
        let ada = chat.ada().await;
        for (id, second) in [("m3", 3), ("m1", 1), ("m2", 2)] {
            words(&chat.lab, id, second, id).await;
        }
        chat.lab.settle().await;
        assert_eq!(chat.said_to(&ada).await, ["m1", "m2", "m3"]);
    })
    .await;
}

#[tokio::test]
async fn a_message_that_fails_is_not_overtaken() {
    at_every_switch_of_the_inbox(async |chat| {
        let ada = chat.ada().await;
        chat.lab.stack.set_workers(3).unwrap();
        for kind in mishaps() {
            chat.lab.fault(Vendor::Wix, at_post(kind));
            let said = chat.said_to(&ada).await.len();
            for nth in 0..4 {
                let number = said + nth;
                words(&chat.lab, &format!("m{number}"), i64::try_from(number).unwrap(), &format!("{number:02}")).await;
                chat.lab.settle_within(0).await;
            }
            chat.lab.settle().await;
        }
        let expected: Vec<_> = (0..16).map(|number| format!("{number:02}")).collect();
        assert_eq!(chat.said_to(&ada).await, expected);
    })
    .await;
}

#[tokio::test]
async fn a_message_in_doubt_is_found_in_the_conversation_it_was_merged_into() {
    at_every_switch_of_the_inbox(async |chat| {
        let ada = chat.ada().await;
        let eve = chat.contact(json!({"firstname": "Eve", "email": "eve@example.com"})).await;
        plain(&chat.lab, "m0", &json!({"contact": {"email": "eve@example.com"}, "text": "I am Eve"})).await;
        chat.lab.settle().await;
        chat.lab.fault(Vendor::Wix, at_post(FaultKind::LoseReply));
        words(&chat.lab, "m1", 0, "I am Ada").await;
        chat.lab.settle_within(60).await;
        chat.lab.wix_merge(&eve, &[&ada]).await;
        chat.lab.settle().await;
        assert_eq!(chat.said().await, ["I am Ada", "I am Eve"]);
        words(&chat.lab, "m2", 1, "We are one").await;
        chat.lab.settle().await;
        assert_eq!(chat.said_to(&eve).await.len(), 3);
    })
    .await;
}

#[tokio::test]
async fn an_hour_without_wix_delays_and_loses_nothing() {
    at_every_switch_of_the_inbox(async |chat| {
        let ada = chat.ada().await;
        chat.lab.fault(Vendor::Wix, Fault { times: 100_000, ..at_call(FaultKind::Status, 0) });
        for number in 0..2 {
            words(&chat.lab, &format!("m{number}"), number, &format!("{number}")).await;
            sms(&chat.lab, &format!("SM{number}"), "+12025550199", &format!("sms {number}")).await;
            chat.lab.settle_within(1_800).await;
        }
        assert!(chat.said().await.is_empty());
        chat.lab.clear_faults();
        chat.lab.settle().await;
        assert_eq!(chat.said_to(&ada).await, ["0", "1"]);
        assert_eq!((chat.said().await.len(), chat.reasons()), (4, vec![]));
    })
    .await;
}

#[tokio::test]
async fn poison_of_one_blocks_nobody() {
    at_every_switch_of_the_inbox(async |chat| {
        let ada = chat.ada().await;
        for body in ["nonsense", "{}", r#"{"detail": {"site": 7}}"#] {
            chat.lab.stack.message_queue().send(Draft::new(body)).unwrap();
        }
        // What Wix refuses for good: its next message is not held up.
        let refusal = json!({"message": "no", "details": {"validationError": {"fieldViolations": [{"field": "message"}]}}});
        chat.lab.fault(Vendor::Wix, Fault { body: Some(refusal), ..Fault::status(400, POST) });
        words(&chat.lab, "m1", 0, "refused").await;
        chat.lab.settle_within(0).await;
        words(&chat.lab, "m2", 1, "taken").await;
        chat.lab.settle().await;
        assert_eq!((chat.said_to(&ada).await, chat.reasons().len()), (vec!["taken".to_owned()], 4));
    })
    .await;
}

#[tokio::test]
async fn a_site_without_an_inbox_gets_its_messages_later() {
    at_every_switch_of_the_inbox(async |chat| {
        let ada = chat.ada().await;
        set_inbox(&chat, false).await;
        words(&chat.lab, "m1", 0, "Hello").await;
        chat.lab.settle().await;
        assert!(chat.reasons()[0].contains("forbidden"), "{:?}", chat.reasons());
        set_inbox(&chat, true).await;
        chat.lab.stack.redrive().await;
        chat.lab.settle().await;
        assert_eq!(chat.said_to(&ada).await, ["Hello"]);
    })
    .await;
}

async fn set_inbox(chat: &Chat, installed: bool) {
    let url = format!("{}/_control/inbox", chat.lab.stack.wix.base_url());
    let body = json!({"site": chat.lab.site.id, "installed": installed});
    assert!(plain_http().unwrap().put(url).json(&body).send().await.unwrap().status().is_success());
}
