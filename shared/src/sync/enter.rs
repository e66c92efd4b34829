//! Entering what was carried out into a link: what both sides agree on then.

use std::collections::BTreeSet;

use super::{merge::Plan, prints};
use crate::{
    mapping::{Mapping, Row},
    model::{
        contact::Contact,
        field::{Fields, Value},
        fingerprint::{Key, Print},
        ids::{Pair, RowId, Side},
        link::{Base, Intent, Link, RowState},
        normal,
    },
};

/// Begins a link between a record and the one that was made of it: what was drafted is what both agreed on, however the far side
/// normalised it; whatever differs was changed since.
pub fn begin_with(link: &mut Link, draft: &Intent, key: &Key, mapping: &Mapping, made: &Contact) {
    let side = draft.side;
    for row in mapping.rows() {
        let Some(wrote) = draft.rows.get(row.id()) else { continue };
        let value = row.read(side, &made.fields);
        let now = prints::print(key, row, side, value.as_ref());
        let as_made = prints::loose(key, row, value.as_ref()) == wrote.loose;
        set_base(&mut link.anchors.of_mut(side).base, row.id(), if as_made { now } else { wrote.target.clone() });
        set_base(&mut link.anchors.of_mut(side.opposite()).base, row.id(), wrote.source.clone());
        if wrote.target == Print::Empty && wrote.source != Print::Empty {
            link.rows.insert(row.id().clone(), RowState::Refused(side));
        }
    }
}

/// Takes over what another link agreed on, for the rows whose values came from its records when both pairs were merged, `side` last: what the
/// merge filled in there is nobody's edit, and gives way to what was done to the other record meanwhile. Each side keeps its own
/// spelling, and what it refused stays refused; so does, for a person to know of, what the other side did not take and `side` does not have any
/// more. Tells whether there were any.
pub fn take_over(kept: &mut Link, (lost, side): (&Link, Side), contacts: Pair<&Contact>, (key, mapping): (&Key, &Mapping)) -> bool {
    let before = kept.clone();
    for row in mapping.rows() {
        let agreed = lost.anchors.as_ref().map(|_, anchor| anchor.base.get(row.id()).cloned().unwrap_or_default());
        let now = contacts.map(|side, contact| prints::print(key, row, side, row.read(side, &contact.fields).as_ref()));
        let was = kept.anchors.of(side).base.get(row.id()).cloned().unwrap_or_default();
        let is_filled = was == Print::Empty && now.of(side) != &was && now.of(side) == agreed.of(side);
        if now == agreed || is_filled {
            for (side, print) in [(Side::Wix, agreed.wix), (Side::External, agreed.external)] {
                set_base(&mut kept.anchors.of_mut(side).base, row.id(), print);
            }
            match lost.rows.get(row.id()) {
                Some(state) => {
                    kept.rows.insert(row.id().clone(), *state);
                }
                // What a person is to decide stays theirs; what was refused is another value now.
                None => kept.rows.retain(|id, state| id != row.id() || matches!(state, RowState::Conflict | RowState::Overwritten(_))),
            }
        } else if let Some(state) = lost.rows.get(row.id())
            && matches!(state, RowState::Refused(by) | RowState::Unconvertible(by) if *by != side)
            && now.of(side) != agreed.of(side)
        {
            kept.rows.entry(row.id().clone()).or_insert(RowState::LostInMerge);
        }
    }
    (&kept.anchors, &kept.rows) != (&before.anchors, &before.rows)
}

/// Takes the texts for agreed that differ in nothing but what a far side makes of them, each side in its own spelling. Tells whether there were
/// any that were not yet.
pub fn agree_loosely(link: &mut Link, contacts: Pair<&Contact>, (key, mapping): (&Key, &Mapping)) -> bool {
    let before = link.anchors.clone();
    for row in mapping.rows().iter().filter(|row| !row.is_list()) {
        let values = contacts.map(|side, contact| row.read(side, &contact.fields));
        let loosely = values.as_ref().map(|_, value| prints::loose(key, row, value.as_ref()));
        if loosely.wix != Print::Empty && loosely.wix == loosely.external {
            for side in Side::BOTH {
                let now = prints::print(key, row, side, values.of(side).as_ref());
                set_base(&mut link.anchors.of_mut(side).base, row.id(), now);
            }
        }
    }
    link.anchors != before
}

/// Sets a row's fingerprint in a base; an empty one is left out.
pub fn set_base(base: &mut Base, row: &RowId, print: Print) {
    if print == Print::Empty {
        base.remove(row);
    } else {
        base.insert(row.clone(), print);
    }
}

/// One write of a plan that was carried out.
#[derive(Clone, Copy)]
pub struct Written<'a> {
    /// The side written to.
    pub side: Side,
    /// The record as it was before.
    pub before: &'a Contact,
    /// The record as the side returned it.
    pub returned: &'a Contact,
    /// Whether the plan's write to the other side is done already.
    pub is_second: bool,
    /// What was stored before the write.
    pub intent: &'a Intent,
}

/// Enters a write into the link: the base is what was returned, not what was sent.
///
/// Returns the rows whose value the side did not take although it answered that it had.
pub fn enter(link: &mut Link, plan: &Plan, written: Written, key: &Key, mapping: &Mapping) -> Vec<(RowId, RowState)> {
    let (side, other) = (written.side, written.side.opposite());
    let mut dropped = Vec::new();
    for row in mapping.rows() {
        let value = row.read(side, &written.returned.fields);
        let before = row.read(side, &written.before.fields);
        let Some(flow) = plan.flows.of(side).get(row.id()) else {
            take_side_effect(link, written, row, [before.as_ref(), value.as_ref()].map(|value| prints::print(key, row, side, value)));
            continue;
        };
        if is_dropped([before.as_ref(), flow.value.as_ref(), value.as_ref()], written.returned) {
            dropped.push((row.id().clone(), RowState::Refused(side)));
        }
        let now = prints::print(key, row, side, value.as_ref());
        let two_way = plan.flows.of(other).contains_key(row.id());
        let agreed = written.intent.rows.get(row.id()).and_then(|intent| intent.agreed.clone());
        let own = agreed.filter(|_| !(two_way && written.is_second)).unwrap_or(now);
        set_base(&mut link.anchors.of_mut(side).base, row.id(), own);
        set_base(&mut link.anchors.of_mut(other).base, row.id(), flow.source.clone());
        // A later write of the plan may fail: what it said of the earlier value is over.
        enter_state(link, plan, row.id());
    }
    link.rows.extend(dropped.iter().cloned());
    dropped
}

fn enter_state(link: &mut Link, plan: &Plan, row: &RowId) {
    match plan.states.get(row) {
        Some(Some(state)) => link.rows.insert(row.clone(), *state),
        Some(None) => link.rows.remove(row),
        None => None,
    };
}

/// Enters what a write changed beside what was sent, as when the next number moves up because the primary one was taken away: it is nobody's
/// edit. Only a write on the condition of a revision can tell, as nobody else came between.
fn take_side_effect(link: &mut Link, written: Written, row: &Row, [before, now]: [Print; 2]) {
    let conditional = written.returned.revision.as_ref().is_some_and(|revision| revision.counter().is_some());
    let base = &mut link.anchors.of_mut(written.side).base;
    if conditional && before != now && base.get(row.id()).cloned().unwrap_or_default() == before {
        set_base(base, row.id(), now);
    }
}

/// Returns the rows of which a record just made lacks an element that it was to have.
#[must_use]
pub fn left_out(mapping: &Mapping, side: Side, drafted: &Fields, made: &Contact) -> Vec<RowId> {
    let lacks = |row: &&Row| {
        let (wanted, now) = (row.read(side, drafted), row.read(side, &made.fields));
        wanted.is_some() && is_dropped([None, wanted.as_ref(), now.as_ref()], made)
    };
    mapping.rows().iter().filter(|row| row.is_list()).filter(lacks).map(|row| row.id().clone()).collect()
}

/// Tells whether a side did not take what it was sent, rather than wrote it down in its own way: it has something where nothing was to be or
/// the other way round, it has what it had before, or an element less that stands in none of its fields.
fn is_dropped([before, wanted, now]: [Option<&Value>; 3], returned: &Contact) -> bool {
    if wanted.is_none() != now.is_none() {
        return true;
    }
    let count = |value: Option<&Value>| value.map_or(0, |value| value.elements().len());
    let (before, wanted_loose, now_loose) = (loose(before), loose(wanted), loose(now));
    let anywhere: BTreeSet<String> = returned.fields.values().flat_map(|value| loose(Some(value))).collect();
    let missing = wanted_loose.iter().any(|element| !anywhere.contains(element) && !before.contains(element));
    missing && (count(now) < count(wanted) || now_loose == before)
}

fn loose(value: Option<&Value>) -> BTreeSet<String> {
    value.map(Value::elements).unwrap_or_default().iter().map(|item| normal::loose(item)).collect()
}

/// Enters what needs no write into the link: agreed rows and row states.
pub fn enter_agreed(link: &mut Link, plan: &Plan) {
    for (id, prints) in &plan.agreed {
        for side in Side::BOTH {
            set_base(&mut link.anchors.of_mut(side).base, id, prints.of(side).clone());
        }
    }
    for row in plan.states.keys() {
        enter_state(link, plan, row);
    }
}

/// Enters which rows a side did not take, or cannot have: both count as dealt with as they are.
pub fn enter_left_out(link: &mut Link, plan: &Plan) {
    let left_out = |state: &Option<RowState>| matches!(state, Some(RowState::Refused(_) | RowState::Unconvertible(_)));
    for row in plan.states.iter().filter(|(_, state)| left_out(state)).map(|(row, _)| row) {
        for side in Side::BOTH {
            if let Some(prints) = plan.agreed.get(row) {
                set_base(&mut link.anchors.of_mut(side).base, row, prints.of(side).clone());
            }
        }
        enter_state(link, plan, row);
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::model::{
        field::{Field, Fields},
        ids::SiteId,
        site::{Direction, MappingRow, OnEmpty, Transform},
    };

    #[test]
    fn a_value_that_came_over_in_a_merge_stays_refused() {
        let rows = ["company", "name"].map(|name| MappingRow {
            id: name.into(),
            wix: name.into(),
            external: name.into(),
            direction: Direction::Both,
            transform: Transform::None,
            on_empty: OnEmpty::Clear,
            system_of_record: None,
        });
        let (mapping, key) = (Mapping::new(&rows, None), Key::derive(b"test", &SiteId::from("s")));
        let record = |company: &str, name: &str| record([("company", company), ("name", name)]);
        let contacts = Pair { wix: record("Acme", "Ann"), external: record("Bee", "Ann") };
        let (mut lost, mut kept) =
            (Link::new("w".into(), "e".into(), Timestamp::UNIX_EPOCH), Link::new("x".into(), "f".into(), Timestamp::UNIX_EPOCH));
        for side in Side::BOTH {
            lost.anchors.of_mut(side).base = prints::base(&key, &mapping, side, contacts.of(side));
        }
        lost.rows.insert("company".into(), RowState::Refused(Side::External));
        kept.rows.insert("name".into(), RowState::Refused(Side::External));
        assert!(take_over(&mut kept, (&lost, Side::Wix), contacts.as_ref(), (&key, &mapping)));
        assert_eq!(kept.rows, lost.rows, "what differs is not agreed on");
        // The company was filled in by the merge in Wix; in the CRM somebody has cleared it meanwhile.
        let cleared = Pair { wix: record("Acme", "Ann"), external: record("", "Ann") };
        let mut kept = Link::new("x".into(), "f".into(), Timestamp::UNIX_EPOCH);
        assert!(take_over(&mut kept, (&lost, Side::Wix), cleared.as_ref(), (&key, &mapping)));
        let company = RowId::from("company");
        assert_eq!(kept.anchors.wix.base.get(&company), lost.anchors.wix.base.get(&company));
        assert_eq!(kept.anchors.external.base.get(&company), lost.anchors.external.base.get(&company), "so it counts as cleared");
    }

    fn record<const N: usize>(values: [(&str, &str); N]) -> Contact {
        let fields = values.into_iter().filter_map(|(field, value)| Some((Field::from(field), Value::text(value)?)));
        Contact {
            id: "r".into(),
            revision: None,
            created_at: None,
            updated_at: None,
            counterpart: None,
            fields: fields.collect(),
            native: serde_json::Value::Null,
        }
    }

    fn list(items: &[&str]) -> Option<Value> {
        Value::list(items.iter().map(|item| (*item).to_owned()))
    }

    #[test]
    fn what_a_side_did_not_take_is_told_from_what_it_wrote_down_in_its_own_way() {
        for (before, wanted, now, elsewhere, expected) in [
            (vec![], vec!["Ada"], vec!["ada"], "", false),
            (vec!["ada"], vec!["Ada"], vec!["ada"], "", false),
            (vec!["+16465550100"], vec!["(646) 555-0111"], vec!["+16465550111"], "", false),
            (vec!["York"], vec!["Leeds"], vec!["York"], "", true),
            (vec!["York"], vec![], vec!["York"], "", true),
            (vec![], vec!["York"], vec![], "", true),
            (vec!["a"], vec!["a", "b"], vec!["a"], "", true),
            (vec!["a"], vec!["a", "b", "c"], vec!["a", "c"], "", true),
            (vec!["a"], vec!["a", "b"], vec!["a"], "b", false),
        ] {
            let fields = Fields::from([("others".into(), list(&now)), ("primary".into(), Value::text(elsewhere))].map(filled));
            let returned = Contact {
                id: "r".into(),
                revision: None,
                created_at: None,
                updated_at: None,
                counterpart: None,
                fields,
                native: serde_json::Value::Null,
            };
            let values = [list(&before), list(&wanted), list(&now)];
            assert_eq!(is_dropped(values.each_ref().map(Option::as_ref), &returned), expected, "{before:?} {wanted:?} {now:?} {elsewhere}");
        }
    }

    fn filled((field, value): (Field, Option<Value>)) -> (Field, Value) {
        (field, value.unwrap_or(Value::List(Vec::new())))
    }
}
