//! What a scenario stands on: both vendors, the bridge between them, and people who edit on either side.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use contact_bridge::model::{
    event::Event,
    ids::{RecordId, Side},
    link::{Link, Parked, ParkedReason},
    site::Site,
};
use contact_bridge_local::{
    stack::{Options, People, SiteHandle, Stack},
    vendors::{
        kit::{Clock, Fault, FaultKind},
        wix::Flags,
    },
};
use jiff::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    crm::{Codes, Crm},
    people::{Seen, ada},
    switches::{Position, Vendor},
};

/// When every scenario begins: half an hour before midnight in UTC, before a day on which clocks change.
pub const START: &str = "2026-03-28T23:30:00Z";

/// Writes a vendor got from the bridge since they were last forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Writes {
    pub wix: u64,
    pub hub: u64,
}

/// One site of a running stack. Clones share the stack.
#[derive(Clone)]
pub struct Lab {
    pub stack: Arc<Stack>,
    pub site: SiteHandle,
    pub crm: Crm,
    pub(super) people: Arc<People>,
    pub(super) codes: Arc<Codes>,
}

impl Lab {
    /// A stack with one site.
    ///
    /// With `RUST_LOG` in the environment, everything logs to standard output.
    pub async fn start(position: &Position) -> Self {
        if std::env::var_os("RUST_LOG").is_some() {
            // Started already by the scenario before.
            let _ = contact_bridge::telemetry::start();
        }
        let start: Timestamp = START.parse().unwrap();
        let options = Options { clock: Clock::manual(start.as_millisecond()), store: position.store(), ..Options::default() };
        let stack = Stack::start(options).await.unwrap();
        position.take(&stack);
        Self::on(Arc::new(stack), "main", position.crm).await
    }

    /// A new site of a stack that has served its other ones: starting a stack takes longer than a scenario.
    pub async fn again(&self, position: &Position) -> Self {
        let (wix, hub) = (self.stack.wix.core(), &self.stack.hubspot);
        wix.switches.reset();
        hub.switches().reset();
        wix.outbox.clear();
        hub.outbox().clear();
        self.stack.mailchimp.core().switches.reset();
        self.stack.mailchimp.core().outbox.clear();
        self.stack.pipedrive.core().switches.reset();
        self.stack.pipedrive.core().outbox.clear();
        self.clear_faults();
        self.stack.purge();
        self.stack.set_workers(1).unwrap();
        self.stack.clock().advance(Duration::from_mins(10));
        position.take(&self.stack);
        Self::on(self.stack.clone(), &position.to_string(), position.crm).await
    }

    /// One more site of the same stack.
    pub async fn other_site(&self) -> Self {
        let name = format!("beside {}", self.site.id);
        Self::on(self.stack.clone(), &name, self.crm).await
    }

    async fn on(stack: Arc<Stack>, name: &str, crm: Crm) -> Self {
        let adjust = |site: &mut Site| {
            site.default_country = Some("US".to_owned());
            if crm == Crm::Pipedrive {
                site.crm = SiteHandle::named(name).in_pipedrive();
            }
        };
        let site = stack.add_site(name, adjust).await.unwrap();
        let people = Arc::new(stack.client(&site));
        let mut lab = Self { stack, site, crm, people, codes: Arc::default() };
        if crm == Crm::Pipedrive {
            lab.codes = Arc::new(lab.read_codes().await);
        }
        lab.forget_calls();
        lab
    }

    /// The site's settings.
    pub async fn settings(&self) -> Site {
        self.stack.app.means.sites.site(&self.site.id).await.unwrap().unwrap()
    }

    /// Saves other settings.
    pub async fn adjust(&self, change: impl FnOnce(&mut Site)) {
        let mut site = self.settings().await;
        change(&mut site);
        self.stack.save_site(site).await.unwrap();
        self.forget_calls();
    }

    /// Runs until nothing is due.
    pub async fn settle(&self) {
        self.stack.settle().await.unwrap();
    }

    /// Runs for at most so much virtual time.
    pub async fn settle_within(&self, seconds: u64) {
        self.stack.settle_within(Duration::from_secs(seconds)).await.unwrap();
    }

    // People on both sides.

    pub async fn wix_create(&self, person: Value) -> String {
        let info = Seen::from(&person).info(person.as_object().unwrap());
        self.people.wix_create(info).await.unwrap()
    }

    pub async fn wix_edit(&self, id: &str, change: Value) {
        let mut seen = self.wix(id);
        change.as_object().unwrap().keys().for_each(|name| drop(seen.0.remove(name.as_str())));
        seen.0.extend(Seen::from(&change).0);
        let mut info = seen.info(change.as_object().unwrap());
        if self.stack.wix.core().switches.is("patch_clearing", "null") {
            to_null(&mut info);
        }
        self.people.wix_update(id, info).await.unwrap();
    }

    pub async fn wix_delete(&self, id: &str) {
        self.people.wix_delete(id).await.unwrap();
    }

    pub async fn wix_merge(&self, target: &str, sources: &[&str]) {
        self.people.wix_merge(target, sources).await.unwrap();
    }

    pub async fn wix_label(&self, id: &str, name: &str) -> String {
        self.people.wix_label(id, name).await.unwrap()
    }

    pub async fn wix_unlabel(&self, id: &str, key: &str) {
        self.people.wix_unlabel(id, key).await.unwrap();
    }

    pub async fn wix_delete_label(&self, key: &str) {
        self.people.wix(Method::DELETE, &format!("/contacts/v4/labels/{key}"), None).await.unwrap();
    }

    /// The owner of an address, or whoever sends mails to it, makes its subscription this.
    pub async fn set_subscription(&self, email: &str, status: &str, deliverability: &str) {
        let body = json!({"site": self.site.id, "email": email, "subscriptionStatus": status, "deliverabilityStatus": deliverability});
        self.people.wix(Method::POST, "/_control/subscriptions", Some(body)).await.unwrap();
    }

    /// What Wix knows of an address.
    pub async fn subscription(&self, email: &str) -> Value {
        let all = self.people.wix(Method::GET, &format!("/_control/subscriptions?site={}", self.site.id), None).await.unwrap().unwrap();
        let own = all["subscriptions"].as_array().unwrap().iter().find(|known| known["email"].as_str() == Some(&email.to_lowercase()));
        own.cloned().unwrap_or_default()
    }

    pub fn wix_anonymize(&self, id: &str) {
        self.stack.wix.anonymize(Some(self.site.id.as_str()), id).unwrap();
    }

    /// Makes a contact a site member, which Wix lets nobody delete.
    pub fn wix_member(&self, id: &str) {
        self.stack.wix.set_flags(Some(self.site.id.as_str()), id, Flags { member: true, ..Flags::default() }).unwrap();
    }

    /// Any other call of a person's to Wix.
    pub async fn wix_call(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        self.people.wix(method, path, body).await.unwrap().unwrap_or_default()
    }

    /// Ada on both sides, linked; what that took is forgotten. Wix's id and HubSpot's.
    pub async fn pair(&self) -> (String, String) {
        self.pair_of(ada()).await
    }

    /// Somebody on both sides, linked.
    pub async fn pair_of(&self, person: Value) -> (String, String) {
        let wix = self.wix_create(person).await;
        self.settle().await;
        let hub = self.in_hub(&wix).expect("the contact is in the CRM");
        self.forget_calls();
        (wix, hub)
    }

    // What the vendors have.

    pub fn wix_contacts(&self) -> Vec<Value> {
        let all = self.stack.wix.contacts(Some(self.site.id.as_str())).unwrap();
        all.into_iter().filter(|contact| contact["deleted"] == false && contact.get("mergedInto").is_none()).collect()
    }

    /// The ids of Wix's contacts.
    pub fn wix_ids(&self) -> Vec<String> {
        ids(&self.wix_contacts())
    }

    /// The ids of the CRM's contacts.
    pub fn hub_ids(&self) -> Vec<String> {
        self.hub_contacts().into_iter().map(|(id, _)| id).collect()
    }

    /// A contact of Wix; nothing if it is gone.
    pub fn wix(&self, id: &str) -> Seen {
        self.wix_contacts().iter().find(|contact| contact["id"] == id).map(Seen::in_wix).unwrap_or_default()
    }

    /// A contact of the CRM; nothing if it is gone.
    pub fn hub(&self, id: &str) -> Seen {
        self.hub_contacts().into_iter().find(|(own, _)| own == id).map(|(_, seen)| seen).unwrap_or_default()
    }

    /// The one contact of the CRM that names this Wix contact.
    pub fn in_hub(&self, wix: &str) -> Option<String> {
        let named = self.hub_contacts().into_iter().filter(|(_, seen)| seen.get("wix_contact_id") == wix);
        let mut named: Vec<String> = named.map(|(id, _)| id).collect();
        assert!(named.len() < 2, "two contacts of the CRM name {wix}");
        named.pop()
    }

    /// Both sides have the same people, each once, with equal fields.
    pub fn assert_in_step(&self) {
        let pairs: Vec<(String, String)> = self.wix_ids().into_iter().filter_map(|wix| Some((self.in_hub(&wix)?, wix))).collect();
        for (hub, wix) in &pairs {
            assert_eq!(self.hub(hub), self.wix(wix), "{:?}'s {hub} and Wix's {wix}", self.crm);
        }
        let paired: BTreeSet<_> = pairs.iter().map(|(hub, _)| hub).collect();
        assert_eq!(
            (paired.len(), self.hub_ids().len(), self.wix_ids().len()),
            (pairs.len(), pairs.len(), pairs.len()),
            "people on one side only"
        );
    }

    // What the bridge did.

    /// The writes the vendors got for this site, without those that came back because of too many calls.
    pub fn writes(&self) -> Writes {
        let count = |calls: &Value, site: &str| {
            let of = |kind: &str| -> u64 {
                let routes = calls[kind][site].as_object().cloned().unwrap_or_default();
                routes.iter().filter(|(route, _)| is_write(route)).map(|(_, count)| count.as_u64().unwrap()).sum()
            };
            of("sites") - of("turned_away")
        };
        Writes {
            wix: count(&self.stack.wix.core().calls.to_json(), self.site.id.as_str()),
            hub: match self.crm {
                Crm::Hubspot => count(&self.stack.hubspot.calls().to_json(), &self.site.portal.to_string()),
                Crm::Pipedrive => count(&self.stack.pipedrive.core().calls.to_json(), self.site.id.as_str()),
            },
        }
    }

    /// Counts from zero again.
    pub fn forget_calls(&self) {
        self.stack.wix.core().calls.clear();
        self.stack.hubspot.calls().clear();
        self.stack.pipedrive.core().calls.clear();
    }

    pub async fn links(&self) -> Vec<Link> {
        self.stack.links(&self.site.id).await
    }

    pub async fn parked(&self) -> Vec<Parked> {
        self.stack.parked(&self.site.id).await
    }

    /// Why things wait for a person.
    pub async fn reasons(&self) -> Vec<ParkedReason> {
        self.parked().await.into_iter().map(|parked| parked.reason).collect()
    }

    /// A person asks for a record to be synchronised again.
    pub async fn resync(&self, side: Side, id: &str) {
        self.stack.resync(&self.site.id, side, &RecordId::new(id), false, None).await.unwrap();
    }

    /// Puts an event on the bus.
    pub async fn publish(&self, event: &Event) {
        self.stack.publish(event).await.unwrap();
    }

    /// A person approves a delete that waits.
    pub async fn approve_delete(&self, side: Side, id: &str) {
        self.stack.resync(&self.site.id, side, &RecordId::new(id), true, None).await.unwrap();
    }

    /// A person decides a conflict.
    pub async fn decide(&self, side: Side, id: &str, for_side: Side) {
        self.stack.resync(&self.site.id, side, &RecordId::new(id), false, Some(for_side)).await.unwrap();
    }

    // What goes wrong.

    pub fn fault(&self, vendor: Vendor, fault: Fault) {
        match vendor {
            Vendor::Wix => self.stack.wix.fault(fault).unwrap(),
            Vendor::Hub if self.crm == Crm::Hubspot => self.stack.hubspot.faults().add(fault).unwrap(),
            Vendor::Hub | Vendor::Pipe => self.stack.pipedrive.core().faults.add(fault).unwrap(),
            Vendor::Mail => self.stack.mailchimp.core().faults.add(fault).unwrap(),
        }
    }

    pub fn clear_faults(&self) {
        self.stack.wix.core().faults.clear();
        self.stack.hubspot.faults().clear();
        self.stack.pipedrive.core().faults.clear();
        self.stack.mailchimp.core().faults.clear();
    }

    /// Holds the next webhooks of a vendor back, the first by the first number of seconds and so on.
    pub fn delay_webhooks(&self, vendor: Vendor, seconds: &[u64]) {
        for seconds in seconds {
            self.fault(vendor, Fault { ms: Some(seconds * 1_000), ..Fault::any(FaultKind::WebhookDelay) });
        }
    }

    /// Holds the next webhook of this kind back.
    pub fn delay_event(&self, vendor: Vendor, event: &str, seconds: u64) {
        let fault = Fault { ms: Some(seconds * 1_000), event: Some(event.to_owned()), ..Fault::any(FaultKind::WebhookDelay) };
        self.fault(vendor, fault);
    }

    /// Sends the next `times` webhooks of a vendor `more` times more.
    pub fn repeat_webhooks(&self, vendor: Vendor, times: u32, more: u32) {
        self.fault(vendor, Fault { n: Some(more), times, ..Fault::any(FaultKind::WebhookRepeat) });
    }
}

fn ids(contacts: &[Value]) -> Vec<String> {
    contacts.iter().map(|contact| contact["id"].as_str().unwrap().to_owned()).collect()
}

fn is_write(route: &str) -> bool {
    const READS: [&str; 5] = ["/query", "/search", "/batch/read", "/token", "/preview-merge"];
    !route.starts_with("GET ") && !READS.iter().any(|end| route.ends_with(end))
}

/// Clears with `null`, where that is Wix's way.
fn to_null(info: &mut Value) {
    match info {
        Value::Object(map) => map.values_mut().for_each(to_null),
        Value::String(text) if text.is_empty() => *info = Value::Null,
        _ => {}
    }
}

/// A fault on the call number `after` of a vendor, counted from now.
pub fn at_call(kind: FaultKind, after: u32) -> Fault {
    let status = (kind == FaultKind::Status).then_some(503);
    Fault { after, status, ..Fault::any(kind) }
}

/// A JSON object with one member.
pub fn one(name: &str, value: &str) -> Value {
    json!({name: value})
}
