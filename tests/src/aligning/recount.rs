//! Both sides counted from what the vendors have, by somebody who knows who is who.

use std::collections::{BTreeMap, BTreeSet};

use contact_bridge::model::ids::Side;
use contact_bridge_local::stack::{SiteHandle, Stack};
use serde_json::Value;

use super::{
    facts::Facts,
    people::{Cast, Fate, Person, marked},
};

/// So many of a kind are told one by one.
const TOLD: usize = 5;

/// Something that is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flaw {
    /// Somebody is on a side more than once.
    Twice,
    /// Somebody is not on a side on which they should be.
    Missing,
    /// A record is nobody's.
    Stranger,
    /// A value that a side should have is not there.
    Lost,
    /// A value is there that nobody gave.
    Strange,
    /// Two records that are not one person's are linked.
    WronglyLinked,
    /// Somebody unclear was linked, or made on the other side.
    Guessed,
    /// Somebody clear is not linked.
    NotLinked,
    /// Somebody unclear is on no list for a person.
    NotTold,
    /// Somebody clear is on it.
    NeedlesslyTold,
    /// An event was given up.
    DeadLetter,
    /// A preview wrote.
    WroteInPreview,
}

impl Flaw {
    /// All of them, with what they are called.
    pub const ALL: [(Self, &'static str); 12] = [
        (Self::Twice, "people twice on a side"),
        (Self::Missing, "people missing on a side"),
        (Self::Stranger, "records of nobody"),
        (Self::Lost, "fields lost"),
        (Self::Strange, "fields nobody gave"),
        (Self::WronglyLinked, "wrong links"),
        (Self::Guessed, "unclear, and linked or made"),
        (Self::NotLinked, "clear, and not linked"),
        (Self::NotTold, "unclear, and not on the list"),
        (Self::NeedlesslyTold, "clear, and on the list"),
        (Self::DeadLetter, "events given up"),
        (Self::WroteInPreview, "writes of the preview"),
    ];
}

/// What was counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recount {
    /// Contacts in Wix, and records in the CRM.
    pub records: [usize; 2],
    /// People whose two records name each other.
    pub linked: usize,
    /// Those of them who were on both sides before.
    pub matched: usize,
    /// Values compared with what should be there.
    pub compared: usize,
    /// Notes for a person.
    pub notes: usize,
    /// How often what is wrong.
    pub flaws: BTreeMap<Flaw, usize>,
    /// Some of it, in words.
    pub told: Vec<String>,
}

/// Who the records were before, by the vendors' ids.
pub(super) type Places = [BTreeMap<String, usize>; 2];

/// A record as a side has it.
struct Record {
    id: String,
    facts: Facts,
    /// The record of the other side that it names.
    names: String,
}

/// Everybody's records on a side.
struct Shown {
    /// By the id.
    records: BTreeMap<String, Record>,
    /// By the person.
    of: BTreeMap<usize, Vec<String>>,
}

impl Recount {
    /// Counts a flaw.
    pub(super) fn note(&mut self, flaw: Flaw, what: impl FnOnce() -> String) {
        let count = self.flaws.entry(flaw).or_default();
        *count += 1;
        if *count <= TOLD {
            self.told.push(format!("{flaw:?}: {}", what()));
        }
    }

    /// Counts flaws that nobody looks at one by one.
    pub(super) fn note_many(&mut self, flaw: Flaw, count: usize) {
        if count > 0 {
            *self.flaws.entry(flaw).or_default() += count;
        }
    }

    /// Counts both sides.
    pub(super) async fn of(stack: &Stack, site: &SiteHandle, cast: &Cast, before: &Places) -> anyhow::Result<Self> {
        let sides = [wix(stack, site)?, crm(stack, site)?];
        let mut recount = Self { records: [sides[0].len(), sides[1].len()], ..Self::default() };
        let [own, other] = before;
        let [first, second] = sides;
        let shown = [recount.sorted(first, own), recount.sorted(second, other)];
        for (place, person) in cast.people.iter().enumerate() {
            recount.check(place, person, &shown);
        }
        recount.check_links(stack, site, &shown).await;
        recount.check_notes(stack, site, cast, before).await;
        recount.note_many(Flaw::DeadLetter, stack.dead_letters().len());
        Ok(recount)
    }

    fn sorted(&mut self, records: Vec<Record>, before: &BTreeMap<String, usize>) -> Shown {
        let mut of: BTreeMap<usize, Vec<String>> = BTreeMap::new();
        for record in &records {
            let mark = || record.facts.texts.values().chain(&record.facts.emails).find_map(|text| marked(text));
            match before.get(&record.id).copied().or_else(mark) {
                Some(place) => of.entry(place).or_default().push(record.id.clone()),
                None => self.note(Flaw::Stranger, || record.id.clone()),
            }
        }
        Shown { records: records.into_iter().map(|record| (record.id.clone(), record)).collect(), of }
    }

    fn check(&mut self, place: usize, person: &Person, shown: &[Shown; 2]) {
        let own = shown.each_ref().map(|side| side.of.get(&place).map(Vec::as_slice).unwrap_or_default());
        for (ids, was_there) in own.into_iter().zip([person.wix.is_some(), person.crm.is_some()]) {
            if ids.len() > 1 {
                self.note(Flaw::Twice, || format!("{place} as {ids:?}"));
            }
            match (ids.is_empty(), was_there || person.fate != Fate::Left) {
                (true, true) => self.note(Flaw::Missing, || place.to_string()),
                (false, false) => self.note(Flaw::Guessed, || format!("{place} was made")),
                _ => {}
            }
        }
        let expected = person.expected();
        let records = own.into_iter().zip(shown).flat_map(|(ids, side)| ids.iter().filter_map(|id| side.records.get(id)));
        for record in records {
            let difference = expected.difference(&record.facts);
            self.compared += expected.count();
            for lost in &difference.lost {
                self.note(Flaw::Lost, || format!("{place} as {}: {lost}, of {person:?}", record.id));
            }
            for strange in &difference.strange {
                self.note(Flaw::Strange, || format!("{place} as {}: {strange}, of {person:?}", record.id));
            }
            if person.fate == Fate::Left && !record.names.is_empty() {
                self.note(Flaw::Guessed, || format!("{place} as {} names {}", record.id, record.names));
            }
        }
        if person.fate != Fate::Left {
            self.check_pair(place, person, shown, own);
        }
    }

    /// Two records of one person name each other.
    fn check_pair(&mut self, place: usize, person: &Person, shown: &[Shown; 2], own: [&[String]; 2]) {
        let named = |side: usize, id: &String| shown.get(side).and_then(|side| side.records.get(id)).map(|record| record.names.clone());
        let [wix, crm] = own.map(<[String]>::first);
        let is_linked = wix.zip(crm).is_some_and(|(wix, crm)| named(0, wix).as_ref() == Some(crm) && named(1, crm).as_ref() == Some(wix));
        if is_linked {
            self.linked += 1;
            self.matched += usize::from(person.fate == Fate::Linked);
        } else {
            let named = [wix.and_then(|id| named(0, id)), crm.and_then(|id| named(1, id))];
            self.note(Flaw::NotLinked, || format!("{place}, {wix:?} and {crm:?}, which name {named:?}: {person:?}"));
        }
    }

    /// Whatever is linked, in the bridge's table or by a vendor's record, is one person's.
    async fn check_links(&mut self, stack: &Stack, site: &SiteHandle, shown: &[Shown; 2]) {
        let people: Vec<BTreeMap<&str, usize>> =
            shown.iter().map(|side| side.of.iter().flat_map(|(place, ids)| ids.iter().map(|id| (id.as_str(), *place))).collect()).collect();
        let of = |side: usize, id: &str| people.get(side).and_then(|people| people.get(id)).copied();
        let links = stack.links(&site.id).await;
        let stored = links.iter().map(|link| (link.id(Side::Wix).to_string(), link.id(Side::External).to_string()));
        let [wix, crm] = shown.each_ref().map(|side| side.records.values().filter(|record| !record.names.is_empty()));
        let told = wix.map(|record| (record.id.clone(), record.names.clone()));
        let told = told.chain(crm.map(|record| (record.names.clone(), record.id.clone())));
        let pairs: BTreeSet<(String, String)> = stored.chain(told).collect();
        for (wix, crm) in pairs {
            let people = [of(0, &wix), of(1, &crm)];
            if people[0].is_none() || people[0] != people[1] {
                self.note(Flaw::WronglyLinked, || format!("{wix} and {crm}, who are {people:?}"));
            }
        }
    }

    async fn check_notes(&mut self, stack: &Stack, site: &SiteHandle, cast: &Cast, before: &Places) {
        let notes = stack.parked(&site.id).await;
        self.notes = notes.len();
        let mut told = BTreeSet::new();
        for note in &notes {
            let places = if note.side == Side::Wix { &before[0] } else { &before[1] };
            let place = places.get(note.id.as_str()).copied();
            let is_left = place.and_then(|place| cast.people.get(place)).is_some_and(|person| person.fate == Fate::Left);
            if is_left {
                told.extend(place);
            } else {
                self.note(Flaw::NeedlesslyTold, || {
                    format!("{} {} ({place:?}) for {:?}, rows {:?}", note.side, note.id, note.reason, note.rows)
                });
            }
        }
        for (place, _) in cast.people.iter().enumerate().filter(|(place, person)| person.fate == Fate::Left && !told.contains(place)) {
            self.note(Flaw::NotTold, || place.to_string());
        }
    }
}

fn is_live(contact: &Value) -> bool {
    contact.get("deleted") == Some(&Value::Bool(false)) && contact.get("mergedInto").is_none_or(Value::is_null)
}

fn text(contact: &Value, pointer: &str) -> String {
    contact.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn wix(stack: &Stack, site: &SiteHandle) -> anyhow::Result<Vec<Record>> {
    let all = stack.wix.contacts(Some(site.id.as_str()))?;
    let named = |contact: &Value| {
        let fields = contact.pointer("/info/extendedFields/items").and_then(Value::as_object);
        let named = fields.into_iter().flatten().find(|(key, _)| key.to_lowercase().ends_with("externalcrmid"));
        named.and_then(|(_, id)| id.as_str()).unwrap_or_default().to_owned()
    };
    let record = |contact: &Value| Record { id: text(contact, "/id"), facts: Facts::of_wix(contact), names: named(contact) };
    Ok(all.iter().filter(|contact| is_live(contact)).map(record).collect())
}

fn crm(stack: &Stack, site: &SiteHandle) -> anyhow::Result<Vec<Record>> {
    let all = stack.hubspot.contacts(Some(site.id.as_str())).map_err(|refusal| anyhow::anyhow!(refusal.0))?;
    let record = |contact: &Value| Record {
        id: text(contact, "/id"),
        facts: Facts::of_hubspot(contact),
        names: text(contact, "/properties/wix_contact_id"),
    };
    let all = all.get("contacts").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    Ok(all.iter().filter(|contact| is_live(contact)).map(record).collect())
}
