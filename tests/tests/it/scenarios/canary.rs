//! Nothing of a contact leaves the vendors but through the encrypted queue: a busy history of people whose names appear nowhere else, and
//! then a search for them in all that was logged, stored, reported and said in errors.

use std::{
    io,
    sync::{Arc, Mutex},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use contact_bridge::{
    model::{
        event::{Event, EventKind},
        ids::{RecordId, Side},
        site::OnConflict,
    },
    telemetry,
};
use contact_bridge_local::{
    cloud::queue::Draft,
    vendors::kit::{Fault, FaultKind, plain_http},
};
use serde_json::{Value, json};

use super::{
    lab::{Lab, at_call, one},
    switches::{Position, Vendor},
};

/// What must not appear, in lower case: names, addresses, phones, labels; and secrets.
const CANARIES: [&str; 17] = [
    "quillfeather",
    "brambleknock",
    "canary.example",
    "6465557391",
    "555-7391",
    "5557392",
    "thistledown",
    "lampwright",
    "snodland",
    "1977-07-17",
    "plumtree",
    "tlh-latn",
    "simulated-app-secret",
    "hubspot-client-secret",
    "pat-",
    "local-fingerprint-secret",
    "simulated-plain-secret",
];

/// The statuses that vendors refuse calls with.
const STATUSES: [u16; 16] = [400, 401, 403, 404, 409, 410, 413, 414, 422, 423, 428, 429, 477, 500, 503, 504];

fn canary(number: usize) -> Value {
    json!({
        "firstname": "Quillfeather", "lastname": format!("Brambleknock{number}"), "email": format!("quillfeather{number}@canary.example"),
        "phone": "(646) 555-7391", "mobilephone": "+16465557392", "company": "Thistledown", "jobtitle": "Lampwright", "city": "Snodland",
        "date_of_birth": "1977-07-17",
    })
}

/// Where logs are written to.
#[derive(Clone, Default)]
struct Logs(Arc<Mutex<Vec<u8>>>);

impl io::Write for Logs {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Everything the bridge said.
struct Heard {
    logs: Logs,
    outcomes: Vec<String>,
}

impl Heard {
    fn lines(&self) -> Vec<String> {
        let logs = String::from_utf8(self.logs.0.lock().unwrap().clone()).unwrap();
        logs.lines().map(str::to_owned).chain(self.outcomes.iter().cloned()).collect()
    }
}

#[tokio::test]
async fn no_contact_value_is_logged_stored_or_reported() {
    let logs = Logs::default();
    let sink = logs.clone();
    let filter = telemetry::filter(&[("LOG_LEVEL", "trace")].into_iter().collect());
    // For the whole test run: whatever runs beside this is searched as well.
    tracing::subscriber::set_global_default(telemetry::subscriber(filter, move || sink.clone())).unwrap();
    let lab = Lab::start(&Position::dynamodb()).await;
    busy_history(&lab).await;
    let outcomes = refusals(&lab).await;
    let heard = Heard { logs, outcomes };
    let stored = texts(&lab.stack.dynamo().unwrap().items("contact-bridge").unwrap().into());
    let letters = lab.stack.dead_letters();
    let reasons = letters.iter().map(|letter| letter["messageAttributes"].to_string()).collect::<Vec<_>>();
    assert!(
        heard.lines().len() > 200 && stored.len() > 200 && reasons.len() > 2,
        "{} {} {}",
        heard.lines().len(),
        stored.len(),
        reasons.len()
    );
    for text in heard.lines().iter().chain(&stored).chain(&reasons) {
        let found = CANARIES.iter().find(|canary| text.to_lowercase().contains(**canary));
        assert_eq!(found, None, "in {text}");
    }
}

/// A bit of everything that can happen to people.
async fn busy_history(lab: &Lab) {
    lab.adjust(|site| site.on_conflict = OnConflict::Park).await;
    let (wix, hub) = lab.pair_of(canary(0)).await;
    lab.wix_label(&wix, "Plumtree Society").await;
    lab.wix_edit(&wix, json!({"hs_language": "tlh-Latn", "company": "Thistledown & Sons"})).await;
    lab.hub_edit(&hub, one("company", "Thistledown & Daughters")).await;
    lab.settle().await;
    for kind in [FaultKind::LoseReply, FaultKind::Cut, FaultKind::NotJson, FaultKind::Status] {
        lab.fault(Vendor::Wix, at_call(kind, 1));
        lab.fault(Vendor::Hub, at_call(kind, 1));
        lab.hub_edit(&hub, one("jobtitle", &format!("Lampwright {kind:?}"))).await;
        lab.settle().await;
    }
    let twin = lab.wix_create(json!({"firstname": "Quillfeather", "email": "quillfeather0@canary.example"})).await;
    let (second, _) = lab.pair_of(canary(2)).await;
    let (third, erased) = lab.pair_of(canary(3)).await;
    lab.wix_edit(&second, one("email", "quillfeather0@canary.example")).await;
    lab.settle().await;
    lab.wix_merge(&wix, &[&second, &twin]).await;
    lab.hub_gdpr_delete(&erased).await;
    lab.wix_edit(&third, one("company", "Thistledown Ltd")).await;
    lab.settle().await;
    let at = lab.stack.app.means.clock.now();
    let poison =
        json!({"detail": {"site": lab.site.id, "side": "wix", "record": wix, "kind": "Quillfeather", "at": at, "entity": canary(4)}});
    for body in [poison.to_string(), canary(5).to_string(), "Quillfeather Brambleknock".to_owned()] {
        lab.stack.queue().send(Draft::new(body)).unwrap();
    }
    forged(lab).await;
    lab.settle().await;
    messages(lab).await;
}

/// What people write: taken, refused, unreadable, and met by every mishap.
async fn messages(lab: &Lab) {
    let source = json!({"plain": {"kind": "plain", "no_match": "create"}});
    lab.adjust(|site| site.inbox = serde_json::from_value(source.clone()).unwrap()).await;
    let who = json!({"email": "quillfeather@canary.example", "phone": "+16465557391", "name": "Quillfeather Brambleknock"});
    let files = json!([{"url": "https://example.com/thistledown.png", "type": "image/png", "name": "Thistledown"}]);
    for (number, kind) in [FaultKind::LoseReply, FaultKind::Cut, FaultKind::NotJson, FaultKind::Status].into_iter().enumerate() {
        for call in 0..3 {
            lab.fault(Vendor::Wix, at_call(kind, call));
            let message = json!({"contact": who, "text": "Lampwright of Snodland", "media": files});
            say(lab, &format!("m{number}-{call}"), &message).await;
            lab.settle().await;
            lab.clear_faults();
        }
    }
    let quoted =
        json!({"message": "Lampwright of Snodland", "details": {"applicationError": {"code": "Lampwright", "description": "Snodland"}}});
    for (number, status) in STATUSES.into_iter().enumerate() {
        lab.fault(Vendor::Wix, Fault { body: Some(quoted.clone()), times: 2, ..Fault::status(status, "P* /inbox/**") });
        say(lab, &format!("r{number}"), &json!({"contact": who, "text": "Lampwright of Snodland"})).await;
        lab.settle().await;
        lab.clear_faults();
    }
    for malformed in [json!({"contact": {"email": "Brambleknock"}, "text": "Lampwright"}), json!({"contact": who, "text": ["Lampwright"]})]
    {
        say(lab, "malformed", &malformed).await;
    }
    let poison = json!({"detail": {"site": lab.site.id, "source": "plain", "content": {"kind": "Lampwright", "text": "Snodland"}}});
    lab.stack.message_queue().send(Draft::new(poison.to_string())).unwrap();
    lab.settle().await;
}

async fn say(lab: &Lab, id: &str, message: &Value) {
    lab.stack.services(&lab.site).plain("plain", id, message.to_string()).await.unwrap();
}

/// Webhooks that nobody signed.
async fn forged(lab: &Lab) {
    let paths = ["/webhooks/wix".to_owned(), format!("/webhooks/hubspot/{}", lab.site.id), "/webhooks/quillfeather".to_owned()];
    for path in paths {
        let call = plain_http().unwrap().post(format!("{}{path}", lab.stack.gateway_url()));
        let reply = call.header("x-hubspot-signature-v3", "Brambleknock").body(canary(6).to_string()).send().await.unwrap();
        assert!(reply.status().is_client_error());
    }
}

/// Refuses every kind of call with every status, in words that quote the contact; what the worker made of it.
async fn refusals(lab: &Lab) -> Vec<String> {
    let quoted = "Quillfeather Brambleknock <quillfeather@canary.example> already exists. Property \"email\": 6465557391";
    let body = json!({"message": quoted, "category": "VALIDATION_ERROR", "correlationId": quoted, "errors": [{"message": quoted, "in": quoted}],
        "details": {"applicationError": {"code": quoted, "description": quoted, "data": {"duplicateEmail": quoted}}}});
    let mut outcomes = Vec::new();
    for (number, status) in STATUSES.into_iter().enumerate() {
        let (wix, hub) = lab.pair_of(canary(100 + number)).await;
        for (side, id, vendor, endpoint) in
            [(Side::Wix, &wix, Vendor::Hub, "P* /crm/**"), (Side::External, &hub, Vendor::Wix, "P* /contacts/**")]
        {
            lab.wix_edit(&wix, one("company", &format!("Thistledown {side}"))).await;
            lab.hub_edit(&hub, one("jobtitle", &format!("Lampwright {side}"))).await;
            lab.fault(vendor, Fault { body: Some(body.clone()), times: 2, ..Fault::status(status, endpoint) });
            outcomes.push(apply(lab, side, id).await);
            lab.clear_faults();
        }
        lab.settle().await;
    }
    outcomes
}

async fn apply(lab: &Lab, side: Side, id: &str) -> String {
    let kind = EventKind::Updated { changes: Vec::new() };
    let at = lab.stack.app.means.clock.now();
    let event = Event { site: lab.site.id.clone(), side, record: Some(RecordId::new(id)), kind, at, id: None, entity: None, attempts: 0 };
    let contacts = lab.stack.app.contacts(&lab.site.id).await.unwrap().unwrap();
    format!("{:?} {event:?} {contacts:?}", contacts.apply(&event).await, contacts = contacts.site)
}

/// Every text of stored items; binary ones decoded.
fn texts(json: &Value) -> Vec<String> {
    match json {
        Value::String(text) => {
            let decoded = STANDARD.decode(text).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
            std::iter::once(text.clone()).chain(decoded).collect()
        }
        Value::Array(list) => list.iter().flat_map(texts).collect(),
        Value::Object(map) => map.iter().flat_map(|(name, value)| std::iter::once(name.clone()).chain(texts(value))).collect(),
        _ => Vec::new(),
    }
}
