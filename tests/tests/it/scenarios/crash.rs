//! Workers that die, and people who act while a worker is at work.

use std::{
    collections::BTreeSet,
    future::Future,
    pin::{Pin, pin},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::header::CONTENT_LENGTH,
    response::Response,
};
use contact_bridge::{
    app::{App, Exporter, Means, Pace, forms::FormApp},
    flows::form::Answer,
    model::{event::Event, ids::FormId, submission::Filled},
};
use contact_bridge_local::vendors::kit::plain_http;
use futures::future::BoxFuture;
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

use super::{lab::Lab, switches::Vendor};

/// Has a worker apply an event, and kills it when it would go on for the last of so many times.
pub async fn crash_in(lab: &Lab, polls: usize, event: &Event) {
    let contacts = lab.stack.app.contacts(&lab.site.id).await.unwrap().unwrap();
    die_after(polls, Box::pin(contacts.apply(event))).await;
}

/// Kills whoever does this work when he would go on for the last of so many times; tells whether he was through before.
pub async fn die_after(polls: usize, work: impl Future) -> bool {
    let work = pin!(work);
    Doomed { work, polls }.await
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

type Act = Box<dyn Fn() -> BoxFuture<'static, ()> + Send>;

/// What people do before a call is carried out.
struct Moment {
    call: String,
    times: u32,
    act: Act,
}

/// A worker whose calls to a vendor pass through somebody who lets people act first.
pub struct Watched {
    app: App,
    means: Means,
    poison: Arc<Mutex<Vec<(String, u16)>>>,
    moments: Arc<Mutex<Vec<Moment>>>,
    surprised: Arc<AtomicBool>,
    garbled: Arc<Mutex<BTreeSet<String>>>,
    server: JoinHandle<()>,
}

impl Watched {
    /// A worker of this site, watched on its way to one vendor.
    pub async fn towards(vendor: Vendor, lab: &Lab) -> Self {
        let mut means = lab.stack.app.means.clone();
        let base = match vendor {
            Vendor::Wix => &mut means.vendors.wix.base,
            Vendor::Hub => &mut means.vendors.hubspot_base,
            Vendor::Pipe => means.vendors.pipedrive_base.as_mut().expect("a simulator"),
            Vendor::Mail => means.vendors.mailchimp_base.as_mut().expect("a simulator"),
        };
        let moments = Arc::new(Mutex::new(Vec::new()));
        let surprised = Arc::new(AtomicBool::new(false));
        let to = base.to_string().trim_end_matches('/').to_owned();
        let poison = Arc::new(Mutex::new(Vec::new()));
        let garbled = Arc::default();
        let passage = Passage {
            to,
            http: plain_http().unwrap(),
            moments: Arc::clone(&moments),
            surprised: Arc::clone(&surprised),
            garbled: Arc::clone(&garbled),
            poison: Arc::clone(&poison),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        *base = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let router = Router::new().fallback(pass).with_state(passage);
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { app: App::new(means.clone()).unwrap(), means, poison, moments, surprised, garbled, server }
    }

    /// Right before each of the next `times` calls that are like `call` (method and path, `*` for anything), `act` is done.
    pub fn before<F>(&self, call: &str, times: u32, act: impl Fn() -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let act: Act = Box::new(move || Box::pin(act()));
        self.moments.lock().unwrap().push(Moment { call: call.to_owned(), times, act });
    }

    /// From now on every object of the vendor's answers has members nobody has heard of.
    pub fn surprise(&self) {
        self.surprised.store(true, Ordering::SeqCst);
    }

    /// From now on Wix contacts of these ids come in a form that nobody understands.
    pub fn garble(&self, ids: &[String]) {
        *self.garbled.lock().unwrap() = ids.iter().cloned().collect();
    }

    /// Answers calls whose body has this text with this status, until [`Watched::cure`].
    pub fn poison(&self, text: &str, status: u16) {
        self.poison.lock().unwrap().push((text.to_owned(), status));
    }

    /// Lets everything through again.
    pub fn cure(&self) {
        self.poison.lock().unwrap().clear();
    }

    /// Scheduled export on the same way.
    pub fn exporter(&self, lab: &Lab) -> Exporter {
        let Exporter { batches, log, bus, .. } = &*lab.stack.exporter;
        Exporter { app: App::new(self.means.clone()).unwrap().at(Pace::Bulk), batches: batches.clone(), log: log.clone(), bus: bus.clone() }
    }

    /// Takes the messages that are due, as the queue hands them out, and works on them.
    pub async fn work(&self, lab: &Lab) {
        lab.stack.wix.deliver_due().await;
        lab.stack.hubspot.deliver_due().await;
        lab.stack.pipedrive.deliver_due().await;
        let received = lab.stack.queue().receive(10);
        assert!(!received.is_empty(), "nothing to work on");
        let records: Vec<Value> = received.iter().map(|one| json!({"messageId": one.message.id, "body": one.message.body})).collect();
        let batch = serde_json::from_value(json!({"Records": records})).unwrap();
        let answer = contact_sync::handle(&self.app, batch, Duration::from_mins(1)).await.unwrap();
        for one in received.iter().filter(|one| answer.batch_item_failures.iter().all(|failed| failed.item_identifier != one.message.id)) {
            assert!(lab.stack.queue().delete(&one.receipt));
        }
    }

    /// Deals with a form as it was filled in; tells whether it could.
    pub async fn submit(&self, lab: &Lab, form: &str, entries: &[(&str, &str)]) -> bool {
        let mut means = lab.stack.forms.means.clone();
        means.wix.base = self.app.means.vendors.wix.base.clone();
        let app = FormApp::new(means).unwrap();
        let (forms, id) = (app.site(&lab.site.id).await.unwrap().unwrap(), FormId::from(form));
        let filled = Filled { entries: entries.iter().copied().collect(), ..Filled::default() };
        let submission = forms.read(&id, &forms.site.forms[&id], &filled).unwrap();
        matches!(forms.submit(&submission).await.unwrap(), Answer::Done(_))
    }

    /// Tells whether everything that was to happen before a call has happened.
    pub fn is_over(&self) -> bool {
        self.moments.lock().unwrap().is_empty()
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.server.abort();
    }
}

#[derive(Clone)]
struct Passage {
    to: String,
    http: reqwest::Client,
    moments: Arc<Mutex<Vec<Moment>>>,
    surprised: Arc<AtomicBool>,
    garbled: Arc<Mutex<BTreeSet<String>>>,
    poison: Arc<Mutex<Vec<(String, u16)>>>,
}

impl Passage {
    /// What is to be done before this call.
    fn due(&self, call: &str) -> Option<BoxFuture<'static, ()>> {
        let mut moments = self.moments.lock().unwrap();
        let place = moments.iter().position(|moment| is_like(&moment.call, call))?;
        let moment = &mut moments[place];
        let act = (moment.act)();
        moment.times -= 1;
        if moment.times == 0 {
            moments.remove(place);
        }
        Some(act)
    }
}

fn is_like(pattern: &str, call: &str) -> bool {
    pattern.split_once('*').map_or(pattern == call, |(start, end)| call.starts_with(start) && call.ends_with(end))
}

async fn pass(State(passage): State<Passage>, request: Request) -> Response {
    let path = request.uri().path_and_query().unwrap().to_string();
    if let Some(act) = passage.due(&format!("{} {path}", request.method())) {
        act.await;
    }
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let text = String::from_utf8_lossy(&body);
    let poison = passage.poison.lock().unwrap().iter().find(|(poison, _)| text.contains(poison)).map(|(_, status)| *status);
    if let Some(status) = poison {
        return Response::builder().status(status).body(Body::from("{}")).unwrap();
    }
    let sent = passage.http.request(parts.method, format!("{}{path}", passage.to)).headers(parts.headers).body(body);
    let reply = sent.send().await.unwrap();
    let mut answer = Response::builder().status(reply.status());
    answer.headers_mut().unwrap().extend(reply.headers().clone());
    let mut body = reply.bytes().await.unwrap();
    let (surprised, garbled) = (passage.surprised.load(Ordering::SeqCst), passage.garbled.lock().unwrap().clone());
    if let (true, Ok(mut json)) = (surprised || !garbled.is_empty(), serde_json::from_slice(&body)) {
        if surprised {
            surprise(&mut json);
        }
        garble(&mut json, &garbled);
        body = json.to_string().into();
        answer.headers_mut().unwrap().insert(CONTENT_LENGTH, body.len().into());
    }
    answer.body(Body::from(body)).unwrap()
}

/// Adds unknown members wherever names are the vendor's, not a site's.
fn surprise(json: &mut Value) {
    match json {
        Value::Object(map) => {
            let named_by_site = |name: &str| ["properties", "items", "propertiesWithHistory"].contains(&name);
            map.iter_mut().filter(|(name, value)| !named_by_site(name) || value.is_array()).for_each(|(_, value)| surprise(value));
            map.insert("surprise".to_owned(), json!({"a": [1, null, {"b": "c"}]}));
        }
        Value::Array(list) => list.iter_mut().for_each(surprise),
        _ => {}
    }
}

/// Has contacts of these ids come with something else where their values are.
fn garble(json: &mut Value, ids: &BTreeSet<String>) {
    match json {
        Value::Object(map) => {
            if map.get("id").and_then(Value::as_str).is_some_and(|id| ids.contains(id)) && map.contains_key("info") {
                map.insert("info".to_owned(), json!(7));
            }
            for value in map.values_mut() {
                garble(value, ids);
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|value| garble(value, ids)),
        _ => {}
    }
}
