//! The comparison: what people see on both sides, read from the vendors and held against the site's mapping.
//!
//! It reads the mapping's rows and nothing else of the bridge: what both are to mean is worked out here once more, so that an error of
//! the bridge does not hide itself.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use contact_bridge::{
    flows::setup,
    model::{
        ids::Side,
        link::Link,
        site::{Direction, MappingRow, Transform},
    },
};
use serde_json::Value;

use crate::{
    stack::{SiteHandle, Stack},
    vendors::kit::plain_http,
};

/// How the two sides compare.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// People who are linked.
    pub linked: usize,
    /// Mapped fields of linked people.
    pub compared: usize,
    /// Those that hold the same on both sides.
    pub equal: usize,
    /// Those that differ and wait for a person.
    pub waiting: usize,
    /// Those that differ: the ids and the row.
    pub different: Vec<String>,
    /// Records without a link that are reported for a person, by the reason.
    pub reported: BTreeMap<String, usize>,
    /// Records without a link that are not.
    pub unreported: Vec<String>,
    /// Messages that were given up.
    pub dead_letters: usize,
}

impl Comparison {
    /// Compares everybody of a site, as the simulators' control APIs show them.
    ///
    /// # Errors
    /// When a simulator does not answer.
    pub async fn of(stack: &Stack, site: &SiteHandle) -> anyhow::Result<Self> {
        let settings = stack.app.means.sites.site(&site.id).await?.context("the site has settings")?;
        let rows = setup::rows(&settings);
        let both = Both::read(stack, site).await?;
        let links = stack.links(&site.id).await;
        let mut comparison = Self { linked: links.len(), dead_letters: stack.dead_letters().len(), ..Self::default() };
        for link in &links {
            comparison.pair(link, &rows, &both);
        }
        comparison.strays(stack, site, &links, &both).await;
        Ok(comparison)
    }

    /// Tells whether both sides agree and everything else is reported.
    #[must_use]
    pub fn agrees(&self) -> bool {
        self.different.is_empty() && self.unreported.is_empty() && self.dead_letters == 0 && self.equal + self.waiting == self.compared
    }

    pub(super) fn reported_text(&self) -> String {
        let total: usize = self.reported.values().sum();
        let parts: Vec<String> = self.reported.iter().map(|(reason, count)| format!("{count} {}", reason.replace('_', " "))).collect();
        if parts.is_empty() { total.to_string() } else { format!("{total}: {}", parts.join(", ")) }
    }

    fn pair(&mut self, link: &Link, rows: &[MappingRow], both: &Both) {
        let (wix, hubspot) = (link.id(Side::Wix).as_str(), link.id(Side::External).as_str());
        let (Some(mine), Some(theirs)) = (both.wix.get(wix), both.hubspot.get(hubspot)) else {
            if link.held.is_none() {
                self.different.push(format!("{wix} and {hubspot}: one of them is gone"));
            }
            return;
        };
        for row in rows {
            self.compared += 1;
            if agree(row, mine, theirs) {
                self.equal += 1;
            } else if link.rows.contains_key(&row.id) || link.held.is_some() {
                self.waiting += 1;
            } else {
                self.different.push(format!("{wix} and {hubspot}: {} and {} differ", row.wix, row.external));
            }
        }
    }

    async fn strays(&mut self, stack: &Stack, site: &SiteHandle, links: &[Link], both: &Both) {
        let parked = stack.parked(&site.id).await;
        for (side, contacts) in [(Side::Wix, &both.wix), (Side::External, &both.hubspot)] {
            let linked: BTreeSet<&str> = links.iter().map(|link| link.id(side).as_str()).collect();
            for id in contacts.keys().filter(|id| !linked.contains(id.as_str())) {
                match parked.iter().find(|note| note.side == side && note.id.as_str() == id) {
                    Some(note) => *self.reported.entry(reason(&note.reason)).or_default() += 1,
                    None => self.unreported.push(format!("{side} {id} is on one side only, and nobody is told")),
                }
            }
        }
    }
}

fn reason(reason: &impl serde::Serialize) -> String {
    let name = serde_json::to_value(reason).unwrap_or_default();
    name.as_str().map_or_else(|| name.to_string(), str::to_owned)
}

/// The live contacts of both sides, by id.
pub(super) struct Both {
    pub wix: BTreeMap<String, Value>,
    pub hubspot: BTreeMap<String, Value>,
}

impl Both {
    pub async fn read(stack: &Stack, site: &SiteHandle) -> anyhow::Result<Self> {
        let wix = contacts(&stack.wix.base_url(), site.id.as_str()).await?;
        let hubspot = contacts(&stack.hubspot.base_url(), site.id.as_str()).await?;
        Ok(Self { wix, hubspot })
    }
}

async fn contacts(base: &str, site: &str) -> anyhow::Result<BTreeMap<String, Value>> {
    let http = plain_http()?;
    let reply: Value = http.get(format!("{base}/_control/contacts?site={site}")).send().await?.error_for_status()?.json().await?;
    let all = reply.get("contacts").and_then(Value::as_array).cloned().unwrap_or_default();
    let is_live =
        |contact: &Value| contact.get("deleted") == Some(&Value::Bool(false)) && contact.get("mergedInto").is_none_or(Value::is_null);
    let by_id = |contact: Value| Some((contact.get("id")?.as_str()?.to_owned(), contact));
    Ok(all.into_iter().filter(is_live).filter_map(by_id).collect())
}

/// Tells whether a row holds the same on both sides, as far as it flows.
pub(super) fn agree(row: &MappingRow, wix: &Value, hubspot: &Value) -> bool {
    let mine = meaning(row, Side::Wix, wix_values(wix, row.wix.as_str()));
    let theirs = meaning(row, Side::External, hubspot_values(hubspot, row));
    match row.direction {
        Direction::Both => mine == theirs,
        Direction::ToCrm => mine.is_empty() || mine == theirs,
        Direction::ToWix => theirs.is_empty() || mine == theirs,
    }
}

/// What texts mean, in a form that both sides share.
fn meaning(row: &MappingRow, side: Side, texts: Vec<String>) -> BTreeSet<String> {
    let name = row.wix.as_str();
    let mean = |text: String| match &row.transform {
        _ if name == "email" || name == "emails" => text.trim().to_lowercase(),
        Transform::Phone => text.chars().filter(|c| c.is_ascii_digit() || *c == '+').collect(),
        Transform::Country => country(&text),
        Transform::Options { table } if side == Side::Wix => table.get(&text).cloned().unwrap_or(text),
        Transform::Lower => text.to_lowercase(),
        Transform::Upper => text.to_uppercase(),
        Transform::Constant { value } => value.clone(),
        Transform::None => text,
        Transform::Trim | Transform::Date { .. } | Transform::Join { .. } | Transform::Options { .. } => text.trim().to_owned(),
    };
    texts.into_iter().filter(|text| !text.is_empty()).map(mean).collect()
}

/// The code of a country; the names are those the crowd uses.
fn country(text: &str) -> String {
    match text {
        "United Kingdom" => "GB".to_owned(),
        name => rust_iso3166::ALL.iter().find(|known| known.name == name).map_or_else(|| name.to_owned(), |known| known.alpha2.to_owned()),
    }
}

fn hubspot_values(contact: &Value, row: &MappingRow) -> Vec<String> {
    let value = contact.get("properties").and_then(|all| all.get(row.external.as_str())).and_then(Value::as_str).unwrap_or_default();
    let split = |separator: &str| value.split(separator).map(|part| part.trim().to_owned()).collect();
    match &row.transform {
        Transform::Join { separator } => split(separator.trim()),
        _ if row.external.as_str() == "hs_additional_emails" => split(";"),
        _ => vec![value.to_owned()],
    }
}

fn wix_values(contact: &Value, field: &str) -> Vec<String> {
    let Some(info) = contact.get("info") else { return Vec::new() };
    let text = |pointer: &str| info.pointer(pointer).and_then(Value::as_str).map(str::to_owned).into_iter().collect();
    match field {
        "name.first" => text("/name/first"),
        "name.last" => text("/name/last"),
        "company" | "jobTitle" | "birthdate" | "locale" => text(&format!("/{field}")),
        "labels" => list(info, "labelKeys").iter().filter_map(|key| Some(key.as_str()?.to_owned())).collect(),
        "email" => primary(info, "emails", "email").into_iter().collect(),
        "emails" => others(info, "emails").iter().map(|item| part(item, "email")).collect(),
        "phone" => primary(info, "phones", "phone").into_iter().collect(),
        _ if field.starts_with("phone.") => {
            let tagged = |item: &&Value| Some(part(item, "tag").to_lowercase().as_str()) == field.strip_prefix("phone.");
            others(info, "phones").iter().find(tagged).map(number).into_iter().collect()
        }
        _ if field.starts_with("address.") => {
            let name = field.trim_start_matches("address.");
            text(&format!("/addresses/items/0/address/{}", if name == "line" { "addressLine" } else { name }))
        }
        key => info.pointer("/extendedFields/items").and_then(|all| all.get(key)).map(plain).into_iter().collect(),
    }
}

fn list<'a>(info: &'a Value, name: &str) -> &'a [Value] {
    info.get(name).and_then(|list| list.get("items")).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn is_primary(item: &Value) -> bool {
    item.get("primary") == Some(&Value::Bool(true))
}

fn primary(info: &Value, name: &str, what: &str) -> Option<String> {
    let item = list(info, name).iter().find(|item| is_primary(item))?;
    Some(if what == "phone" { number(item) } else { part(item, what) })
}

fn others(info: &Value, name: &str) -> Vec<Value> {
    list(info, name).iter().filter(|item| !is_primary(item)).cloned().collect()
}

fn number(item: &Value) -> String {
    let e164 = part(item, "e164Phone");
    if e164.is_empty() { part(item, "phone") } else { e164 }
}

fn part(item: &Value, key: &str) -> String {
    item.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
