//! Every parser that sees bytes from outside, each with bodies it takes.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use anyhow::Context;
use async_trait::async_trait;
use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::STANDARD};
use contact_bridge::{
    adapters::{memory, wix},
    app::{
        WixApp,
        forms::{FormApp, FormMeans},
    },
    flows::form,
    mapping::wix_fields,
    model::{
        event::Event,
        ids::SiteId,
        message::Message,
        normal,
        site::{Site, form::Form, inbox},
        submission::Submission,
    },
    ports::{Clock, Queue, SiteStore, StoreResult},
    webhook::{
        Channel, HubspotVerifier, MailchimpVerifier, MessagesVerifier, Request, Sender, WixVerifier,
        forms::{self as door, service_names},
    },
};
use contact_bridge_tests::samples;
use futures::FutureExt;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use secrecy::SecretString;
use serde_json::{Value, json};

/// Asks a parser whether it takes these bytes.
type Run = Box<dyn Fn(&[u8]) -> bool>;

/// A parser: what it takes, and how it is asked; it answers whether it took the bytes.
pub struct Target {
    pub name: String,
    pub good: Vec<Vec<u8>>,
    pub run: Run,
}

impl Target {
    fn new(name: impl Into<String>, good: Vec<Vec<u8>>, run: impl Fn(&[u8]) -> bool + 'static) -> Self {
        Self { name: name.into(), good, run: Box::new(run) }
    }
}

/// The instant of everything.
fn now() -> Timestamp {
    Timestamp::from_second(samples::SENT).unwrap_or_default()
}

/// All of them.
pub fn all() -> anyhow::Result<Vec<Target>> {
    let samples = samples::all(now());
    let sample = |path: &str| samples.iter().find(|sample| sample.path.ends_with(path)).map(|sample| sample.event.clone());
    let bodies = |paths: &[&str]| -> anyhow::Result<Vec<Vec<u8>>> {
        let body = |path: &&str| body_of(&sample(path)?);
        paths.iter().map(|path| body(path).with_context(|| (*path).to_owned())).collect()
    };
    let mut targets = vec![
        wix_token(bodies(&["webhook-intake/wix-contact-updated.json", "webhook-intake/wix-contact-created.json"])?)?,
        wix_claims(&bodies(&["webhook-intake/wix-contact-updated.json", "webhook-intake/wix-contact-merged.json"])?)?,
        hubspot(bodies(&["webhook-intake/hubspot-property-change.json", "webhook-intake/hubspot-merge.json"])?)?,
        mailchimp(bodies(&["webhook-intake/mailchimp-unsubscribe.json", "webhook-intake/mailchimp-upemail.json"])?),
    ];
    for (kind, path) in [
        ("application/json", "form-upsert/json.json"),
        ("application/x-www-form-urlencoded", "form-upsert/urlencoded.json"),
        ("multipart/form-data; boundary=xYzZY", "form-upsert/multipart.json"),
    ] {
        targets.push(plain(kind, bodies(&[path])?));
    }
    for service in service_names() {
        let path = format!("form-upsert/{}.json", service.replace('_', "-"));
        targets.push(hosted(service, bodies(&[&path])?));
    }
    targets.push(function(
        samples.iter().filter(|sample| sample.path.starts_with("form-upsert")).map(|sample| sample.event.clone()).collect(),
    )?);
    let queued = sample("form-upsert/queued.json").context("a submission")?;
    let submission = queued.pointer("/Records/0/body").and_then(Value::as_str).unwrap_or_default().as_bytes().to_vec();
    targets.push(Target::new("a submission in the queue", vec![submission], |bytes| serde_json::from_slice::<Submission>(bytes).is_ok()));
    for (service, path) in [
        ("twilio", "webhook-intake/twilio-whatsapp-image.json"),
        ("intercom", "webhook-intake/intercom-user-replied.json"),
        ("calendly", "webhook-intake/calendly-invitee-created.json"),
        ("plain", "webhook-intake/plain-message.json"),
    ] {
        targets.push(said(service, bodies(&[path])?)?);
    }
    let waiting = sample("inbox-relay/plain-message.json").context("a message")?;
    targets
        .push(Target::new("a message in the queue", vec![detail_of(&waiting)?], |bytes| serde_json::from_slice::<Message>(bytes).is_ok()));
    let event = sample("contact-sync/wix-contact-updated.json").context("an event")?;
    let event = detail_of(&event)?;
    targets.push(Target::new("an event in the queue", vec![event.clone()], |bytes| serde_json::from_slice::<Event>(bytes).is_ok()));
    targets.extend([settings(), contact(&event)?, texts()]);
    Ok(targets)
}

/// What the bus carried in the first record of a queue.
fn detail_of(event: &Value) -> anyhow::Result<Vec<u8>> {
    let envelope: Value = serde_json::from_str(event.pointer("/Records/0/body").and_then(Value::as_str).unwrap_or_default())?;
    Ok(envelope.get("detail").map(Value::to_string).unwrap_or_default().into_bytes())
}

fn body_of(event: &Value) -> Option<Vec<u8>> {
    let body = event.get("body")?.as_str()?;
    if event.get("isBase64Encoded")? == true { STANDARD.decode(body).ok() } else { Some(body.as_bytes().to_vec()) }
}

fn headers(pairs: &[(&'static str, String)]) -> HeaderMap {
    let header = |(name, value): &(&'static str, String)| Some((HeaderName::from_static(name), HeaderValue::from_str(value).ok()?));
    pairs.iter().filter_map(header).collect()
}

fn wix_verifier() -> anyhow::Result<WixVerifier> {
    Ok(WixVerifier::new(samples::APP, include_str!("../../../../events/keys/wix-webhook.public.pem"))?)
}

fn opens_in_wix(verifier: &WixVerifier, body: &[u8]) -> bool {
    let headers = HeaderMap::new();
    let request = Request::new(&Method::POST, "/webhooks/wix", &headers, body, usize::MAX);
    request.and_then(|request| verifier.verify(&request, now())?.events()).is_ok()
}

/// The token as it comes, its signature hardly ever right.
fn wix_token(good: Vec<Vec<u8>>) -> anyhow::Result<Target> {
    let verifier = wix_verifier()?;
    Ok(Target::new("a token of Wix", good, move |bytes| opens_in_wix(&verifier, bytes)))
}

/// What the token says, signed as it is.
fn wix_claims(tokens: &[Vec<u8>]) -> anyhow::Result<Target> {
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let verifier = wix_verifier()?;
    let key = EncodingKey::from_rsa_pem(include_bytes!("../../../../events/keys/wix-webhook.private.pem"))?;
    let part = |token: &Vec<u8>, index: usize| token.split(|byte| *byte == b'.').nth(index).map(<[u8]>::to_vec).unwrap_or_default();
    let header = String::from_utf8(tokens.first().map(|token| part(token, 0)).unwrap_or_default())?;
    let good = tokens.iter().map(|token| URL_SAFE_NO_PAD.decode(part(token, 1))).collect::<Result<_, _>>()?;
    Ok(Target::new("signed claims of Wix", good, move |bytes| {
        let message = format!("{header}.{}", URL_SAFE_NO_PAD.encode(bytes));
        let signature = crypto::sign(message.as_bytes(), &key, Algorithm::RS256).unwrap_or_default();
        opens_in_wix(&verifier, format!("{message}.{signature}").as_bytes())
    }))
}

fn tag(secret: &str, parts: &[&[u8]]) -> String {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()));
    for part in parts {
        context.update(part);
    }
    STANDARD.encode(context.sign())
}

/// A batch, signed as it is.
fn hubspot(good: Vec<Vec<u8>>) -> anyhow::Result<Target> {
    let secret = include_str!("../../../../events/keys/hubspot-client-secret.txt");
    let verifier = HubspotVerifier::new(samples::PUBLIC_URL, secret)?;
    let path = format!("/webhooks/hubspot/{}", samples::SITE);
    Ok(Target::new("a signed batch of HubSpot", good, move |bytes| {
        let sent = now().as_millisecond().to_string();
        let signature = tag(secret, &[b"POST", samples::PUBLIC_URL.as_bytes(), path.as_bytes(), bytes, sent.as_bytes()]);
        let headers = headers(&[("x-hubspot-signature-v3", signature), ("x-hubspot-request-timestamp", sent)]);
        let request = Request::new(&Method::POST, &path, &headers, bytes, usize::MAX);
        request.and_then(|request| verifier.verify(&request, &SiteId::new(samples::SITE), now())?.events()).is_ok()
    }))
}

/// A notice, signed as it is.
fn mailchimp(good: Vec<Vec<u8>>) -> Target {
    let verifier = MailchimpVerifier::new(&format!("*={}", samples::messages::SECRET).into());
    let path = format!("/webhooks/mailchimp/{}", samples::SITE);
    Target::new("a signed notice of Mailchimp", good, move |bytes| {
        let headers = headers(&[("x-mailchimp-signature", samples::mailchimp::signature(bytes, now()))]);
        let request = Request::new(&Method::POST, &path, &headers, bytes, usize::MAX);
        request.and_then(|request| verifier.verify(&request, &SiteId::new(samples::SITE), now())?.events()).is_ok()
    })
}

/// The form the samples of this name are for.
fn sample_form(name: &str) -> Form {
    let settings = samples::form_settings();
    serde_json::from_value(settings.get(name).cloned().unwrap_or_default()).expect("the sample forms are forms")
}

fn opens(form: &Form, headers: &HeaderMap, bytes: &[u8]) -> bool {
    let target = format!("/forms/s/f?token={}", samples::FORM_SECRET);
    let secrets = [SecretString::from(samples::FORM_SECRET)];
    let Ok(request) = Request::new(&Method::POST, &target, headers, bytes, usize::MAX) else { return false };
    door::open(form, &secrets, &request, now()).is_ok()
}

fn plain(kind: &'static str, good: Vec<Vec<u8>>) -> Target {
    let form = sample_form("contact");
    let headers = headers(&[("content-type", kind.to_owned())]);
    Target::new(format!("a form as {}", kind.split(';').next().unwrap_or_default()), good, move |bytes| opens(&form, &headers, bytes))
}

/// A body of a service, signed as it is.
fn hosted(service: &'static str, good: Vec<Vec<u8>>) -> Target {
    let form = sample_form(&service.replace('_', "-"));
    Target::new(format!("a form of {service}"), good, move |bytes| {
        let sent = now().as_second().to_string();
        let standard = tag(samples::FORM_SECRET, &[b"m.", sent.as_bytes(), b".", bytes]);
        let plain = tag(samples::FORM_SECRET, &[bytes]);
        let headers = headers(&[
            ("content-type", "multipart/form-data; boundary=xYzZY".to_owned()),
            ("typeform-signature", format!("sha256={plain}")),
            ("tally-signature", plain),
            ("webhook-id", "m".to_owned()),
            ("webhook-timestamp", sent),
            ("webhook-signature", format!("v1,{standard}")),
        ]);
        opens(&form, &headers, bytes)
    })
}

/// A message of a service, signed as it is.
fn said(service: &'static str, good: Vec<Vec<u8>>) -> anyhow::Result<Target> {
    let verifier = MessagesVerifier::new(samples::PUBLIC_URL, &[(service, format!("*={}", samples::messages::SECRET).into())]);
    let path = format!("/webhooks/{service}/{}", samples::SITE);
    let Some(Sender::Messages(channel)) = Sender::of_path(&path) else { anyhow::bail!("{service} sends no messages") };
    Ok(Target::new(format!("a message of {service}"), good, move |bytes| opens_as_message(&verifier, &channel, &path, bytes)))
}

fn opens_as_message(verifier: &MessagesVerifier, channel: &Channel, path: &str, bytes: &[u8]) -> bool {
    let (target, headers) = samples::messages::signed(path, bytes, now());
    let request = Request::new(&Method::POST, &target, &headers, bytes, usize::MAX);
    request.and_then(|request| verifier.verify(&request, channel, now())?.messages()).is_ok()
}

/// The instant of the samples, for ever.
struct Then;

#[async_trait]
impl Clock for Then {
    fn now(&self) -> Timestamp {
        now()
    }

    async fn sleep(&self, _: Duration) {}
}

/// The whole function, as the gateway calls it: what is in the requests may be anything, and which of them it is, is the first byte. The site is
/// paused: everything is read, and nothing is sent anywhere.
fn function(events: Vec<Value>) -> anyhow::Result<Target> {
    let posts: Vec<(Value, Vec<u8>)> = events.into_iter().filter_map(|event| Some((event.clone(), body_of(&event)?))).collect();
    let good = (0_u8..).zip(&posts).map(|(number, (_, body))| [&[number], body.as_slice()].concat()).collect();
    let app = paused()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    Ok(Target::new("the whole function", good, move |bytes| {
        let Some((number, body)) = bytes.split_first() else { return false };
        let Some((Value::Object(event), _)) = posts.get(usize::from(*number) % posts.len()) else { return false };
        let mut event = event.clone();
        event.extend([("body".to_owned(), json!(STANDARD.encode(body))), ("isBase64Encoded".to_owned(), json!(true))]);
        let Ok(event) = serde_json::value::to_raw_value(&event) else { return false };
        let Ok(answer) = runtime.block_on(form_upsert::handle(&app, event)) else { return false };
        answer.get("statusCode").is_some_and(|status| status.as_u64().is_some_and(|status| status < 400))
    }))
}

/// A queue that takes everything and keeps nothing.
struct Sink;

#[async_trait]
impl Queue<Submission> for Sink {
    async fn put_back(&self, _: &Submission, _: Duration) -> StoreResult<()> {
        Ok(())
    }

    async fn give_up(&self, _: &Submission, _: &str) -> StoreResult<()> {
        Ok(())
    }

    async fn give_up_unread(&self, _: &str, _: &str) -> StoreResult<()> {
        Ok(())
    }
}

fn paused() -> anyhow::Result<FormApp> {
    let store = Arc::new(memory::Store::new());
    let vault = Arc::new(memory::Vault::default());
    vault.put("forms/secret", samples::FORM_SECRET);
    let site: Site = serde_json::from_value(json!({
        "site": samples::SITE, "version": 1, "paused": true, "crm": {"kind": "hubspot", "secret": "none"}, "forms": samples::form_settings(),
    }))?;
    store.save_site(&site).now_or_never().context("memory answers at once")??;
    Ok(FormApp::new(FormMeans {
        sites: store.clone(),
        submissions: store.clone(),
        links: store,
        queue: Arc::new(Sink),
        secrets: vault,
        clock: Arc::new(Then),
        fingerprint_secret: SecretString::from("hostile"),
        wix: WixApp { base: "http://127.0.0.1:9".parse()?, id: "app".to_owned(), secret: SecretString::from("secret") },
        max_body_bytes: usize::MAX,
    })?)
}

/// Settings, read and checked.
fn settings() -> Target {
    let site = json!({"site": samples::SITE, "version": 1, "crm": {"kind": "hubspot", "secret": "s"}, "forms": samples::form_settings(),
        "inbox": {"sms": {"kind": "twilio", "badge": {"text": "SMS", "icon": "https://example.com/sms.png"}}}});
    let services: Vec<_> = service_names().collect();
    Target::new("the settings of a site", vec![site.to_string().into_bytes()], move |bytes| {
        let site = serde_json::from_slice::<Site>(bytes);
        site.is_ok_and(|site| {
            form::check(&site.forms, &services, &wix_fields()).is_empty() && inbox::check(&site.inbox, &["twilio"]).is_ok()
        })
    })
}

/// A contact as Wix sends it.
fn contact(event: &[u8]) -> anyhow::Result<Target> {
    let event: BTreeMap<String, Value> = serde_json::from_slice(event)?;
    let entity = event.get("entity").map(Value::to_string).context("an enclosed contact")?;
    Ok(Target::new("a contact of Wix", vec![entity.into_bytes()], |bytes| {
        serde_json::from_slice::<Value>(bytes).is_ok_and(|native| wix::to_contact(native, Some("custom.externalcrmid")).is_ok())
    }))
}

/// Texts that people type where an address or a number is asked for.
fn texts() -> Target {
    let good = ["ada@example.com", "+43 1 58858", "(646) 555-0132 ext. 4", "info@müller.example", "+1-212-736-5000;ext=7"];
    Target::new("an address or a number", good.map(|text| text.as_bytes().to_vec()).into(), |bytes| {
        let text = String::from_utf8_lossy(bytes);
        let numbers = ["US", "AT", "GB"].map(|country| normal::e164(&text, Some(country)).is_some());
        normal::is_email(&text) | normal::is_phone(&text) | numbers.contains(&true)
    })
}
