//! The sample events under `events/`: what AWS hands to the functions when Wix, a CRM, a form or a service with messages has sent something.

mod aws;
mod bodies;
mod forms;
pub mod mailchimp;
pub mod messages;
mod pipedrive;
mod sign;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

pub use self::forms::{FORM_SECRET, settings as form_settings};
use contact_bridge::{
    model::{
        event::{Event, EventKind},
        ids::{RecordId, Side, SiteId},
        message::Message,
        run::RunKind,
    },
    webhook::{HubspotVerifier, MailchimpVerifier, PipedriveVerifier, Request, WixVerifier},
};
use http::{HeaderMap, Method};
use jiff::Timestamp;
use serde_json::{Value, json};

/// The app the samples are for.
pub const APP: &str = "0f9c2b7e-6d0a-4c1e-9a51-2b8f6c3d7e10";
/// The site the samples are of.
pub const SITE: &str = "3d1f7a52-8c64-4b0e-a7d9-5e2c90b1f4a6";
/// The URL the samples were sent to.
pub const PUBLIC_URL: &str = "https://bridge.example.com";
/// When the files in the repository were sent, in seconds: 2026-11-20T12:00:00Z.
pub const SENT: i64 = 1_795_176_000;

/// A generated file.
pub struct Sample {
    /// Its path below `events/`.
    pub path: PathBuf,
    /// Its content.
    pub event: Value,
}

/// A request as its sender makes it.
struct Sent {
    name: &'static str,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: String,
}

/// Returns all samples, as sent and signed at `now`.
#[must_use]
pub fn all(now: Timestamp) -> Vec<Sample> {
    let requests: Vec<Sent> = bodies::wix(now)
        .into_iter()
        .map(|(name, claims)| sign::wix(name, &claims))
        .chain(bodies::hubspot(now).into_iter().map(|(name, notices)| sign::hubspot(name, &notices, now)))
        .chain(pipedrive::all(now))
        .chain(mailchimp::all(now))
        .chain(messages::all(now))
        .collect();
    let intake = requests.iter().map(|sent| sample("webhook-intake", sent.name, aws::http(sent, now)));
    let of_subscribers = |event: &Event| matches!(event.kind, EventKind::SubscriptionChanged { .. });
    let (subscribers, others): (Vec<_>, Vec<_>) =
        requests.iter().map(|sent| (sent.name, events(sent, now))).partition(|(_, events)| events.iter().any(of_subscribers));
    let sync = others.into_iter().chain(resyncs(now));
    let carried = |events: &[Event]| events.iter().map(|event| (event.detail_type(), json!(event))).collect();
    let sync = sync.map(|(name, events)| (name, carried(&events)));
    let relay = requests.iter().map(|sent| (sent.name, messages(sent, now)));
    let relay = relay.map(|(name, messages)| (name, messages.iter().map(|own| (Message::DETAIL_TYPE.to_owned(), json!(own))).collect()));
    let runs = [("export-requested", RunKind::Export), ("audit-requested", RunKind::Audit), ("preview-requested", RunKind::Preview)];
    let export = runs.into_iter().map(|(name, run)| (name, vec![Event::requested(&SiteId::new(SITE), run, now)]));
    let export = export.chain(subscribers).map(|(name, events)| (name, carried(&events)));
    let schedules = [sample("contact-sync", "daily", aws::scheduled(now)), sample("scheduled-export", "timer", aws::timer(now))];
    let behind_queues =
        queued("contact-sync", sync, now).chain(queued("inbox-relay", relay, now)).chain(queued("scheduled-export", export, now));
    intake.chain(behind_queues).chain(schedules).chain(forms::all(now)).collect()
}

/// What the bus carries to a function: detail types and details.
type Carried = Vec<(String, Value)>;

/// Returns the samples of a function behind a queue; a request that leads to nothing is none of its.
fn queued<'a>(
    function: &'a str,
    all: impl Iterator<Item = (&'static str, Carried)> + 'a,
    now: Timestamp,
) -> impl Iterator<Item = Sample> + 'a {
    let carried = all.filter(|(_, carried)| !carried.is_empty());
    carried.map(move |(name, carried)| sample(function, name, aws::queued(function, &carried, now)))
}

/// Writes samples below `folder`.
///
/// # Errors
/// If a file cannot be written.
pub fn write(samples: &[Sample], folder: &Path) -> io::Result<()> {
    for sample in samples {
        let path = folder.join(&sample.path);
        path.parent().map_or(Ok(()), fs::create_dir_all)?;
        fs::write(path, text(&sample.event))?;
    }
    Ok(())
}

fn text(event: &Value) -> String {
    format!("{event:#}\n")
}

fn sample(function: &str, name: &str, event: Value) -> Sample {
    Sample { path: Path::new(function).join(name).with_extension("json"), event }
}

/// Returns what intake makes of a request: the samples of `contact-sync` are not written by hand.
fn events(sent: &Sent, now: Timestamp) -> Vec<Event> {
    if messages::channel(sent).is_some() {
        return Vec::new();
    }
    let headers = headers(sent);
    let request = Request::new(&Method::POST, &sent.path, &headers, sent.body.as_bytes(), usize::MAX);
    let opened = request.and_then(|request| {
        if sent.name.starts_with("wix") {
            let verifier = WixVerifier::new(APP, sign::WIX_PUBLIC_KEY).expect("the test key is a key");
            verifier.verify(&request, now)?.events()
        } else if sent.name.starts_with("pipedrive") {
            let verifier = PipedriveVerifier::new(&format!("{SITE}={}", pipedrive::credentials()).into());
            verifier.verify(&request, &SiteId::new(SITE), now)?.events()
        } else if sent.name.starts_with("mailchimp") {
            let verifier = MailchimpVerifier::new(&format!("{SITE}={}", messages::SECRET).into());
            verifier.verify(&request, &SiteId::new(SITE), now)?.events()
        } else {
            let verifier = HubspotVerifier::new(PUBLIC_URL, sign::HUBSPOT_SECRET).expect("the test secret is a secret");
            verifier.verify(&request, &SiteId::new(SITE), now)?.events()
        }
    });
    opened.expect("samples are well-signed and readable")
}

/// Returns the messages intake makes of a request.
fn messages(sent: &Sent, now: Timestamp) -> Vec<Message> {
    messages::channel(sent).map(|channel| messages::messages(sent, &channel, &headers(sent), now)).unwrap_or_default()
}

fn headers(sent: &Sent) -> HeaderMap {
    sent.headers.iter().filter_map(|(name, value)| Some((name.parse().ok()?, value.parse().ok()?))).collect()
}

/// Events that a person and not a vendor causes.
fn resyncs(at: Timestamp) -> [(&'static str, Vec<Event>); 2] {
    let resync = |approve_delete| Event {
        site: SiteId::new(SITE),
        side: Side::Wix,
        record: Some(RecordId::from(bodies::WIX_CONTACT)),
        kind: EventKind::Resync { approve_delete, prefer: None },
        at,
        id: None,
        entity: None,
        attempts: 0,
    };
    [("resync", vec![resync(false)]), ("resync-approve-delete", vec![resync(true)])]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_files_are_what_is_generated() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../events");
        let samples = all(Timestamp::from_second(SENT).unwrap());
        for sample in &samples {
            let file = fs::read_to_string(folder.join(&sample.path)).unwrap_or_default();
            assert!(file == text(&sample.event), "{} is out of date: run sign-events", sample.path.display());
        }
        let generated: BTreeSet<_> = samples.into_iter().map(|sample| sample.path).collect();
        for function in ["webhook-intake", "contact-sync", "form-upsert", "inbox-relay", "scheduled-export"] {
            for entry in fs::read_dir(folder.join(function)).unwrap() {
                let path = Path::new(function).join(entry.unwrap().file_name());
                assert!(generated.contains(&path), "{} is not generated", path.display());
            }
        }
    }
}
