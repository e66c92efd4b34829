//! Where scenes are played: who is on, what was called, how it ended.

use std::collections::VecDeque;

use contact_bridge::{
    flows::setup,
    model::{ids::Side, link::Link, site::MappingRow},
};
use serde_json::Value;

use super::{
    compare::{Both, agree},
    forms::{self, Answer},
    screen::{Screen, Told},
};
use crate::stack::{People, SiteHandle, Stack};

/// A linked person.
#[derive(Clone, Debug)]
pub(super) struct Pair {
    pub name: String,
    pub wix: String,
    pub hubspot: String,
}

/// The stage.
pub(super) struct Stage<'a> {
    pub stack: &'a Stack,
    pub people: People,
    site: SiteHandle,
    screen: &'a mut Screen,
    rows: Vec<MappingRow>,
    waiting: VecDeque<Pair>,
    calls: [u64; 2],
    played: usize,
    failed: Vec<String>,
}

impl<'a> Stage<'a> {
    /// Opens the stage: everybody who is linked and has an e-mail address and a job waits for their scene.
    pub async fn open(stack: &'a Stack, site: &SiteHandle, screen: &'a mut Screen) -> anyhow::Result<Self> {
        let both = Both::read(stack, site).await?;
        let settings = stack.app.means.sites.site(&site.id).await?;
        let waiting = stack.links(&site.id).await.iter().filter_map(|link| pair(link, &both)).collect();
        screen.open_table();
        Ok(Self {
            stack,
            people: stack.client(site),
            site: site.clone(),
            screen,
            rows: settings.as_ref().map(setup::rows).unwrap_or_default(),
            waiting,
            calls: calls(stack),
            played: 0,
            failed: Vec::new(),
        })
    }

    /// The next person.
    pub fn next(&mut self) -> anyhow::Result<Pair> {
        self.waiting.pop_front().ok_or_else(|| anyhow::anyhow!("there are too few people for all scenes"))
    }

    /// Lets the bridge work.
    pub async fn settle(&self) -> anyhow::Result<()> {
        self.stack.settle().await.map(drop)
    }

    /// Calls of a route of `HubSpot` so far.
    pub fn hubspot_calls(&self, route: &str) -> u64 {
        self.stack.hubspot.calls().of(route)
    }

    /// Calls of a route of Wix so far.
    pub fn wix_calls(&self, route: &str) -> u64 {
        self.stack.wix.core().calls.of(route)
    }

    /// Somebody fills in the shop's form; what they are answered.
    pub async fn post(&self, fields: &Value) -> anyhow::Result<Answer> {
        forms::post(&format!("{}/forms/{}", self.stack.gateway_url(), self.site.id), fields).await
    }

    /// The person a form made, or found, and who came of it in `HubSpot`.
    pub async fn posted(&self, name: &str, answer: &Answer) -> Pair {
        let wix = answer.contact.clone();
        let link = self.link(Side::Wix, &wix).await;
        Pair { name: name.to_owned(), hubspot: link.map(|link| link.id(Side::External).to_string()).unwrap_or_default(), wix }
    }

    /// A text of a Wix contact.
    pub async fn wix(&self, pair: &Pair, pointer: &str) -> anyhow::Result<String> {
        let contact = self.people.wix_get(&pair.wix).await?.unwrap_or_default();
        Ok(contact.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned())
    }

    /// A property of a `HubSpot` contact.
    pub async fn hubspot(&self, pair: &Pair, name: &str) -> anyhow::Result<String> {
        let contact = self.people.hub_get(&pair.hubspot).await?.unwrap_or_default();
        let value = contact.get("properties").and_then(|all| all.get(name)).and_then(Value::as_str);
        Ok(value.unwrap_or_default().to_owned())
    }

    /// What is said in the conversation with a Wix contact, the oldest first.
    pub async fn said_to(&self, pair: &Pair) -> anyhow::Result<Vec<String>> {
        let url = format!("{}/_control/conversations?site={}", self.stack.wix.base_url(), self.site.id);
        let reply: Value = reqwest::get(url).await?.json().await?;
        let all = reply.get("conversations").and_then(Value::as_array).cloned().unwrap_or_default();
        let own = all.iter().find(|one| one.pointer("/participant/contactId").and_then(Value::as_str) == Some(&pair.wix));
        let messages = own.and_then(|own| own.get("messages")).and_then(Value::as_array).cloned().unwrap_or_default();
        let words = |message: &Value| {
            let text = message.pointer("/content/basic/items/0/text").or_else(|| message.pointer("/content/minimal/text"));
            text.and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        Ok(messages.iter().map(words).collect())
    }

    /// The link a record is in.
    pub async fn link(&self, side: Side, id: &str) -> Option<Link> {
        self.stack.links(&self.site.id).await.into_iter().find(|link| link.id(side).as_str() == id)
    }

    /// Ends a scene whose people are to be equal on both sides.
    pub async fn equal(&mut self, did: &str, bridge: &str, pair: &Pair, expected: bool) -> anyhow::Result<()> {
        let both = Both::read(self.stack, &self.site).await?;
        let equal = match (both.wix.get(&pair.wix), both.hubspot.get(&pair.hubspot)) {
            (Some(wix), Some(hubspot)) => self.rows.iter().all(|row| agree(row, wix, hubspot)),
            _ => false,
        };
        let state = if equal { "equal" } else { "different" };
        self.tell(did, bridge, state, expected && equal);
        Ok(())
    }

    /// Ends a scene.
    pub fn tell(&mut self, did: &str, bridge: &str, state: &str, good: bool) {
        let now = calls(self.stack);
        let [wix, hubspot] = [now[0] - self.calls[0], now[1] - self.calls[1]];
        let mark = if good { '✓' } else { '✗' };
        let told = Told {
            did: did.to_owned(),
            bridge: if good { bridge.to_owned() } else { format!("not this: {bridge}") },
            calls: format!("{wix} / {hubspot}"),
            state: format!("{mark} {state}"),
            good,
        };
        self.screen.row(&told, self.played == 0);
        self.played += 1;
        self.calls = now;
        if !good {
            self.failed.push(format!("scene: {did}"));
        }
    }

    /// Ends the play; the scenes that went wrong.
    pub fn close(self) -> Vec<String> {
        self.screen.close_table();
        self.failed
    }
}

fn calls(stack: &Stack) -> [u64; 2] {
    [stack.wix.core().calls.total(), stack.hubspot.calls().total()]
}

fn pair(link: &Link, both: &Both) -> Option<Pair> {
    let (wix, hubspot) = (link.id(Side::Wix).as_str(), link.id(Side::External).as_str());
    let (mine, theirs) = (both.wix.get(wix)?, both.hubspot.get(hubspot)?);
    let name = |part: &str| mine.pointer(part).and_then(Value::as_str);
    theirs.pointer("/properties/email")?;
    let name = format!("{} {}", name("/info/name/first")?, name("/info/name/last")?);
    let is_one_of_a_kind = !name.ends_with(" Elm");
    is_one_of_a_kind.then(|| Pair { name, wix: wix.to_owned(), hubspot: hubspot.to_owned() })
}
