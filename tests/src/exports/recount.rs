//! What is wrong at the end of a scenario, as somebody sees it who counts both vendors' contacts.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde_json::Value;

use super::shop::Shop;

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// So many contacts never reached the CRM, and nobody is told.
    Lost(usize),
    /// So many are there more than once.
    Twice(usize),
    /// So many of those the CRM refuses are named nowhere.
    Unnamed(usize),
    /// The account says one number, the CRM another.
    Account(u64, usize),
    /// Something that a scenario looks out for.
    Noted(&'static str),
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost(count) => write!(f, "{count} lost"),
            Self::Twice(count) => write!(f, "{count} twice"),
            Self::Unnamed(count) => write!(f, "{count} refused, unnamed"),
            Self::Account(said, there) => write!(f, "says {said}, {there} there"),
            Self::Noted(what) => f.write_str(what),
        }
    }
}

/// Counts both sides.
pub(super) async fn of(shop: &Shop) -> anyhow::Result<Vec<Flaw>> {
    let site = Some(shop.site.id.as_str());
    let wix = shop.stack.wix.contacts(site)?;
    let text = |contact: &Value, pointer: &str| contact.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let is_live = |contact: &&Value| contact.get("deleted") == Some(&Value::Bool(false));
    let all: BTreeSet<String> = wix.iter().filter(is_live).map(|contact| text(contact, "/id")).collect();
    let hubspot = shop.stack.hubspot.contacts(site).map_err(|refusal| anyhow::anyhow!(refusal.0))?;
    let mut there: BTreeMap<String, usize> = BTreeMap::new();
    for contact in hubspot.get("contacts").and_then(Value::as_array).into_iter().flatten().filter(is_live) {
        *there.entry(text(contact, "/properties/wix_contact_id")).or_default() += 1;
    }
    let refused = shop.crowd.refused();
    let named: BTreeSet<String> = shop.stack.parked(&shop.site.id).await.iter().map(|note| note.id.to_string()).collect();
    let lost = all.iter().filter(|id| !there.contains_key(*id) && !refused.contains(*id) && !named.contains(*id)).count();
    let twice = there.values().filter(|times| **times > 1).count();
    let unnamed = refused.iter().filter(|id| !named.contains(*id)).count();
    let exported = there.keys().filter(|id| !id.is_empty()).count();
    let said = shop.said().await?;
    let account = said.filter(|said| usize::try_from(*said) != Ok(exported)).map(|said| Flaw::Account(said, exported));
    let unaccounted = shop.tally().await?.is_some_and(|tally| tally.accounted() != tally.read);
    let counted = [(lost, Flaw::Lost(lost)), (twice, Flaw::Twice(twice)), (unnamed, Flaw::Unnamed(unnamed))];
    let mut flaws: Vec<Flaw> = counted.into_iter().filter(|(count, _)| *count > 0).map(|(_, flaw)| flaw).collect();
    flaws.extend(account);
    flaws.extend(unaccounted.then_some(Flaw::Noted("rows are not accounted for")));
    flaws.extend(shop.noted.iter().filter(|(_, happened)| *happened).map(|(what, _)| Flaw::Noted(what)));
    Ok(flaws)
}
