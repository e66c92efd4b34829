//! Every behaviour that a vendor's documents leave open, at both of its positions, and every two of them at all of theirs.

use std::{fmt, panic::AssertUnwindSafe};

use contact_bridge_local::{
    cloud::dynamo::Storage,
    stack::{Stack, StoreKind},
};
use futures::FutureExt;
use serde_json::Value;

use super::{crm::Crm, lab::Lab, pairs};

/// Switches that no scenario flips, and why.
const LEFT_ALONE: &[(&str, &str)] = &[
    ("webhook_signatures", "the older signature alone is refused, as it should be"),
    ("webhook_timeout_ms", "is real time"),
    ("token_info_types", "the bridge does not ask for it"),
    ("bulk_events", "the bridge starts no bulk jobs"),
    ("event_name", "is about events of definitions"),
    ("labels_quota", "is not reached"),
    ("extended_fields_quota", "is not reached"),
    ("merged_to_id", "a merge that is not told is a deletion"),
];

/// Switches of Wix's Inbox and e-mail subscriptions, which say nothing of contacts: only scenarios that name them flip them.
const NOT_OF_CONTACTS: &[&str] = &[
    "bulk_invalid_row",
    "inbox_event_names",
    "inbox_lag_ms",
    "inbox_member_by_contact",
    "inbox_touches_contact",
    "inbox_unknown_contact",
    "invalid_media_url_status",
    "member_info",
    "merged_contacts_conversation",
    "merged_conversation",
    "message_backdating",
    "message_text_unit",
    "mirrored_email",
    "missing_direction",
    "missing_visibility",
    "no_inbox_on_list",
    "noop_subscription_event",
    "pending_mail",
    "resubscribe_by_app",
    "send_as_mismatch",
    "subscription_case",
    "subscription_keys",
    "subscription_mirror",
    "subscription_upsert",
    "top_level_direction",
    "unfiltered_subscriptions",
    "unknown_conversation",
    "unknown_subscription",
];

/// Clocks that differ by minutes: what is decided by times of both sides, as between a ticked box and an opt-out, differs by as much. Scenarios
/// of listings name them.
const CLOCKS: &[&str] = &["clock_ahead_ms", "clock_behind_ms"];

/// The other positions of numbers.
const NUMBERS: &[(&str, i64)] = &[
    ("visibility_lag_ms", 90_000),
    ("page_cap", 3),
    ("clock_ahead_ms", 120_000),
    ("clock_behind_ms", 120_000),
    ("inbox_lag_ms", 90_000),
    ("webhook_delay_ms", 30_000),
    ("webhook_batch", 1),
    ("webhook_window_ms", 5_000),
    ("rate_limit_per_minute", 60),
    ("rate_per_ten_seconds", 40),
    ("searches_per_second", 1),
    ("in_limit", 1),
    ("token_lifetime_s", 60),
    ("merge_fields_most", 30),
    ("simultaneous_connections", 8),
    ("busy_turns", 3),
    ("search_lag_ms", 90_000),
    ("calls_per_two_seconds", 10),
    ("searches_per_two_seconds", 5),
    ("tokens_per_day", 0),
    ("day_begins_at_hour", 3),
    ("abuse_after", 8),
];

/// A vendor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vendor {
    Wix,
    /// HubSpot, or where something goes wrong, whichever CRM the lab has.
    Hub,
    Pipe,
    Mail,
}

/// A switch at another position than its default.
type Flip = (Vendor, String, Value);

/// Where the switches stand that are not at their defaults, and the store.
#[derive(Clone)]
pub struct Position {
    flipped: Vec<Flip>,
    dynamodb: bool,
    pub crm: Crm,
}

impl Position {
    /// Every switch at its default, everything in memory.
    pub const fn defaults() -> Self {
        Self { flipped: Vec::new(), dynamodb: false, crm: Crm::Hubspot }
    }

    /// As [`Position::defaults`], with the links in DynamoDB.
    pub const fn dynamodb() -> Self {
        Self { flipped: Vec::new(), dynamodb: true, crm: Crm::Hubspot }
    }

    /// As [`Position::defaults`], with Pipedrive.
    pub const fn pipedrive() -> Self {
        Self { flipped: Vec::new(), dynamodb: false, crm: Crm::Pipedrive }
    }

    /// These switches flipped together.
    pub fn of(flipped: &[(Vendor, &str, Value)]) -> Self {
        let flipped = flipped.iter().map(|(vendor, name, value)| (*vendor, (*name).to_owned(), value.clone())).collect();
        Self { flipped, ..Self::defaults() }
    }

    /// The store.
    pub fn store(&self) -> StoreKind {
        if self.dynamodb { StoreKind::DynamoDb(Storage::Memory) } else { StoreKind::Memory }
    }

    /// Puts the switches of a stack there.
    pub fn take(&self, stack: &Stack) {
        // The machine may be slow.
        stack.wix.switch("webhook_timeout_ms", 60_000).unwrap();
        for (vendor, name, value) in &self.flipped {
            match vendor {
                Vendor::Wix => stack.wix.core().switches.put(name, value.clone()).unwrap(),
                Vendor::Hub => stack.hubspot.switches().put(name, value.clone()).unwrap(),
                Vendor::Pipe => stack.pipedrive.switch(name, value.clone()).unwrap(),
                Vendor::Mail => stack.mailchimp.switch(name, value.clone()).unwrap(),
            }
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.dynamodb { "defaults on dynamodb" } else { "defaults" })?;
        if self.crm == Crm::Pipedrive {
            f.write_str(" with pipedrive")?;
        }
        if self.flipped.len() > 1 {
            f.write_str(" together")?;
        }
        self.flipped.iter().try_for_each(|(vendor, name, value)| write!(f, " but {vendor:?} {name} = {value}"))
    }
}

/// Runs a scenario at the defaults on both stores, and so that every two switches meet at every two of their positions.
///
/// For a quick look, `SCENARIOS_AT` in the environment picks positions: `defaults`, `together`, or a part of a position's name.
pub async fn at_every_switch(scenario: impl AsyncFn(Lab)) {
    at_every_switch_but(&[], scenario).await;
}

/// As [`at_every_switch`], without the switches at whose other positions the vendor cannot do what the scenario needs.
pub async fn at_every_switch_but(left_out: &[&str], scenario: impl AsyncFn(Lab)) {
    let is_left_out = |name: &str| [left_out, NOT_OF_CONTACTS, CLOCKS].iter().any(|names| names.contains(&name));
    at_flips(|vendor, name| matches!(vendor, Vendor::Wix | Vendor::Hub) && !is_left_out(name), scenario).await;
}

/// As [`at_every_switch`], and with Pipedrive: at its defaults, and with all its switches flipped together.
pub async fn on_every_crm(scenario: impl AsyncFn(Lab)) {
    on_every_crm_but(&[], scenario).await;
}

/// As [`on_every_crm`], without the switches at whose other positions the vendor cannot do what the scenario needs.
pub async fn on_every_crm_but(left_out: &[&str], scenario: impl AsyncFn(Lab)) {
    at_every_switch_but(left_out, &scenario).await;
    with_pipedrive(left_out, scenario).await;
}

/// As [`on_every_crm`], but Pipedrive's searches and lists know at once what was written: nowhere else does it show who has an address.
pub async fn on_every_crm_that_finds(scenario: impl AsyncFn(Lab)) {
    at_every_switch(&scenario).await;
    with_pipedrive(&["search_lag_ms", "visibility_lag_ms"], scenario).await;
}

/// As [`at_every_switch`], for a scenario about something that HubSpot has and Pipedrive has not.
pub async fn only_in_hubspot(what: &str, scenario: impl AsyncFn(Lab)) {
    let run = async { at_every_switch(scenario).await };
    if let Err(failure) = AssertUnwindSafe(run).catch_unwind().await {
        let text = failure.downcast_ref::<String>().cloned().unwrap_or_default();
        panic!("where there is {what}: {text}");
    }
}

/// Runs a scenario with Pipedrive alone, as [`on_every_crm_but`] does.
pub async fn with_pipedrive(left_out: &[&str], scenario: impl AsyncFn(Lab)) {
    let is_chosen = |flip: &Flip| flip.0 == Vendor::Pipe && !left_out.contains(&&*flip.1);
    let chosen: Vec<Flip> = flipped().await.into_iter().filter(is_chosen).collect();
    let flipped = together(&chosen).into_iter().map(|position| Position { crm: Crm::Pipedrive, ..position });
    at_chosen(std::iter::once(Position::pipedrive()).chain(flipped).collect(), scenario).await;
}

/// As [`at_every_switch`], of these switches alone.
pub async fn at_switches(names: &[&str], scenario: impl AsyncFn(Lab)) {
    at_flips(|vendor, name| matches!(vendor, Vendor::Wix | Vendor::Hub) && names.contains(&name), scenario).await;
}

/// As [`at_switches`], and with Pipedrive: at the defaults, and with these switches flipped together.
pub async fn at_switches_on_every_crm(names: &[&str], scenario: impl AsyncFn(Lab)) {
    at_switches(names, &scenario).await;
    let is_chosen = |flip: &Flip| matches!(flip.0, Vendor::Wix | Vendor::Pipe) && names.contains(&&*flip.1);
    let chosen: Vec<Flip> = flipped().await.into_iter().filter(is_chosen).collect();
    let flipped = together(&chosen).into_iter().map(|position| Position { crm: Crm::Pipedrive, ..position });
    at_chosen(std::iter::once(Position::pipedrive()).chain(flipped).collect(), scenario).await;
}

/// Runs a scenario at the defaults on both stores, and with these switches of Wix and of the mailing service flipped together: each stands at each
/// of its other positions once.
pub async fn at_switches_of_lists(wix: &[&str], mail: &[&str], scenario: impl AsyncFn(Lab)) {
    let is_chosen = |vendor: Vendor, name: &str| match vendor {
        Vendor::Wix => wix.contains(&name),
        Vendor::Hub | Vendor::Pipe => false,
        Vendor::Mail => mail.contains(&name),
    };
    let chosen: Vec<Flip> = flipped().await.into_iter().filter(|(vendor, name, _)| is_chosen(*vendor, name)).collect();
    let mut positions = vec![Position::dynamodb(), Position::defaults()];
    positions.extend(together(&chosen));
    at_chosen(positions, scenario).await;
}

async fn at_flips(is_chosen: impl Fn(Vendor, &str) -> bool, scenario: impl AsyncFn(Lab)) {
    let chosen: Vec<Flip> = flipped().await.into_iter().filter(|(vendor, name, _)| is_chosen(*vendor, name)).collect();
    let switches = by_switch(&chosen);
    let counts: Vec<usize> = switches.iter().map(|flips| flips.len() + 1).collect();
    let at_row = |row: Vec<usize>| {
        let flip = |(flips, position): (&Vec<Flip>, usize)| position.checked_sub(1).map(|number| flips[number].clone());
        Position { flipped: switches.iter().zip(row).filter_map(flip).collect(), ..Position::defaults() }
    };
    at_chosen(std::iter::once(Position::dynamodb()).chain(pairs::rows(&counts).into_iter().map(at_row)).collect(), scenario).await;
}

/// Runs a scenario at those of these positions that `SCENARIOS_AT` in the environment picks.
async fn at_chosen(mut positions: Vec<Position>, scenario: impl AsyncFn(Lab)) {
    let asked = std::env::var("SCENARIOS_AT").unwrap_or_default();
    positions.retain(|position| position.to_string().contains(&asked) && (asked != "defaults" || position.flipped.is_empty()));
    at(&positions, scenario).await;
}

/// All switches flipped at once, as often as the one with the most positions needs to take each of them.
fn together(chosen: &[Flip]) -> Vec<Position> {
    let switches = by_switch(chosen);
    let turns = switches.iter().map(Vec::len).max().unwrap_or_default();
    let at_turn = |turn: usize| switches.iter().map(|switch| switch[turn % switch.len()].clone()).collect();
    (0..turns).map(|turn| Position { flipped: at_turn(turn), ..Position::defaults() }).collect()
}

/// The other positions of each switch.
fn by_switch(flips: &[Flip]) -> Vec<Vec<Flip>> {
    flips.chunk_by(|one, next| (one.0, &one.1) == (next.0, &next.1)).map(<[Flip]>::to_vec).collect()
}

/// Runs a scenario at these positions. Where it fails, says at which, without the switches that have nothing to do with it.
pub async fn at(positions: &[Position], scenario: impl AsyncFn(Lab)) {
    let mut before: Option<Lab> = None;
    for position in positions {
        let lab = match &before {
            Some(lab) if lab.stack.dynamo().is_some() == position.dynamodb => lab.again(position).await,
            _ => Lab::start(position).await,
        };
        before = Some(lab.clone());
        if let Err(text) = outcome(&scenario, lab).await {
            panic!("at {}: {text}", least_failing(position, &scenario).await);
        }
    }
}

/// Runs a scenario once; what its panic says.
async fn outcome(scenario: &impl AsyncFn(Lab), lab: Lab) -> Result<(), String> {
    let run = async { scenario(lab).await };
    let Err(failure) = AssertUnwindSafe(run).catch_unwind().await else {
        return Ok(());
    };
    let text = failure.downcast_ref::<String>().cloned();
    Err(text.or_else(|| failure.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default())
}

/// The scenario fails at a position: leaves out whatever switch it fails without as well. What is left is needed, each of them.
async fn least_failing(position: &Position, scenario: &impl AsyncFn(Lab)) -> Position {
    let mut least = position.clone();
    for flip in &position.flipped {
        let flipped = least.flipped.iter().filter(|kept| *kept != flip).cloned().collect();
        let without = Position { flipped, ..least.clone() };
        if outcome(scenario, Lab::start(&without).await).await.is_err() {
            least = without;
        }
    }
    least
}

/// Every other position of every switch of both vendors.
async fn flipped() -> Vec<Flip> {
    let lab = Lab::start(&Position::defaults()).await;
    let known = [
        (Vendor::Wix, lab.stack.wix.core().switches.to_json()),
        (Vendor::Hub, lab.stack.hubspot.switches().to_json()),
        (Vendor::Pipe, lab.stack.pipedrive.core().switches.to_json()),
        (Vendor::Mail, lab.stack.mailchimp.core().switches.to_json()),
    ];
    let mut flipped = Vec::new();
    for (vendor, switches) in known {
        for (name, switch) in switches.as_object().unwrap() {
            let others = others(name, switch);
            flipped.extend(others.into_iter().map(|value| (vendor, name.clone(), value)));
        }
    }
    flipped
}

fn others(name: &str, switch: &Value) -> Vec<Value> {
    if LEFT_ALONE.iter().any(|(known, _)| *known == name) {
        return Vec::new();
    }
    match &switch["values"] {
        Value::Array(values) => values.iter().filter(|value| **value != switch["default"]).cloned().collect(),
        _ => vec![NUMBERS.iter().find(|(known, _)| *known == name).map(|(_, number)| Value::from(*number)).expect(name)],
    }
}
