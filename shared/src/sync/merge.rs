//! The three-way merge, row by row: what each side's record is, against what both last agreed on.

mod displaced;

use std::collections::{BTreeMap, BTreeSet};

use self::displaced::Displaced;
use super::prints;
use crate::{
    mapping::{Mapping, Row},
    model::{
        contact::Contact,
        field::{Patch, Value},
        fingerprint::{Digest, Key, Print},
        ids::{Pair, RowId, Side},
        link::{IntentRow, Link, RowState},
        site::OnConflict,
    },
};

/// Who wins where both sides changed a row differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The site's system of record.
    pub system_of_record: Side,
    /// What happens to conflicts.
    pub on_conflict: OnConflict,
    /// A person's decision for this one merge.
    pub prefer: Option<Side>,
}

/// One row to be written to a side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    /// The value on the side it comes from, fingerprinted.
    pub source: Print,
    /// The value it is to replace, fingerprinted.
    pub replaced: Print,
    /// The value as the row sees it, to be written.
    pub value: Option<Value>,
}

/// What a merge decides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Rows to write, by the side they are written to.
    pub flows: Pair<BTreeMap<RowId, Flow>>,
    /// Rows both sides agree on as they are, with each side's fingerprint: the new base.
    pub agreed: BTreeMap<RowId, Pair<Print>>,
    /// Rows left alone, and why; `None` takes an earlier state away.
    pub states: BTreeMap<RowId, Option<RowState>>,
}

impl Plan {
    /// Tells whether nothing is written to either side.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        self.flows.wix.is_empty() && self.flows.external.is_empty()
    }

    /// Tells whether nothing is to be done at all, not even remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.is_silent() && self.agreed.is_empty() && self.states.is_empty()
    }

    /// Tells whether carrying the plan out takes a value away, goes over an edit of the other side, goes against `side`, or takes what both
    /// changed for agreed: a reason to read `side` afresh first.
    #[must_use]
    pub fn is_grave(&self, side: Side, link: &Link) -> bool {
        let base = |row: &RowId| link.anchors.of(side.opposite()).base.get(row).cloned().unwrap_or_default();
        let takes = |(row, flow): (&RowId, &Flow)| !matches!(flow.value, Some(Value::Text(_))) || flow.replaced != base(row);
        let takes_away = self.flows.of(side.opposite()).iter().any(takes);
        takes_away || !self.flows.of(side).is_empty() || !self.agreed.is_empty() || self.states.values().any(Option::is_some)
    }

    /// Returns the field changes to write to `side`.
    #[must_use]
    pub fn patch(&self, mapping: &Mapping, side: Side) -> Patch {
        let flows = self.flows.of(side);
        let rows = mapping.rows().iter();
        rows.filter_map(|row| flows.get(row.id()).map(|flow| (row.field(side).clone(), row.write(side, flow.value.clone())))).collect()
    }

    /// Returns what to store of the write to `side` before it is done.
    #[must_use]
    pub fn intent_rows(&self, input: &Input, side: Side) -> BTreeMap<RowId, IntentRow> {
        let flows = self.flows.of(side);
        let row = |row: &Row| {
            flows.get(row.id()).map(|flow| {
                let target = prints::print(input.key, row, side, flow.value.as_ref());
                IntentRow {
                    source: flow.source.clone(),
                    loose: prints::loose(input.key, row, flow.value.as_ref()),
                    agreed: self.agreed_when_written(input.link, row.id(), side, &target),
                    target,
                }
            })
        };
        input.mapping.rows().iter().filter_map(|r| row(r).map(|intent| (r.id().clone(), intent))).collect()
    }

    /// A list that changed on both sides is written to one side first; until the other is written too, that side's own additions and
    /// removals are not agreed on yet.
    fn agreed_when_written(&self, link: &Link, row: &RowId, side: Side, target: &Print) -> Option<Print> {
        let before = &self.flows.of(side.opposite()).get(row)?.source;
        let base = link.anchors.of(side).base.get(row).cloned().unwrap_or_default();
        let (base, before, target) = (base.elements(), before.elements(), target.elements());
        let own_additions: BTreeSet<_> = before.difference(&base).copied().collect();
        let own_removals = base.difference(&before).copied();
        Some(Print::List(target.difference(&own_additions).copied().chain(own_removals).collect()))
    }

    /// Takes note that `side` was written to: lists that are to be written to the other side as well come of what it has then.
    pub fn is_written(&mut self, side: Side, returned: &Contact, (key, mapping): (&Key, &Mapping)) {
        let (written, rest) = (self.flows.of(side).clone(), self.flows.of_mut(side.opposite()));
        for row in mapping.rows().iter().filter(|row| written.contains_key(row.id())) {
            if let Some(flow) = rest.get_mut(row.id()) {
                flow.source = prints::print(key, row, side, row.read(side, &returned.fields).as_ref());
            }
        }
    }

    /// Returns the rows that the write to `side` takes something from because the other side has nothing in them.
    pub fn emptied(&self, side: Side) -> impl Iterator<Item = &RowId> {
        self.flows.of(side).iter().filter(|(_, flow)| flow.source == Print::Empty).map(|(id, _)| id)
    }

    /// Leaves rows out of the write to `side`, because it refused their values.
    pub fn refuse(&mut self, side: Side, rows: &[RowId]) {
        self.leave_out(side, rows, RowState::Refused(side));
    }

    /// Leaves rows out of the write to `side`, because the other side only looks empty: it does not have their fields.
    pub fn spare(&mut self, side: Side, rows: &[RowId]) {
        self.leave_out(side, rows, RowState::Refused(side.opposite()));
    }

    /// Both sides count as dealt with as they are, so that the row is tried again when it changes.
    fn leave_out(&mut self, side: Side, rows: &[RowId], state: RowState) {
        for id in rows {
            if let Some(flow) = self.flows.of_mut(side).remove(id) {
                self.agreed.insert(id.clone(), Pair::from_side(side, flow.replaced, flow.source));
                self.states.insert(id.clone(), Some(state));
            }
        }
    }
}

/// What a merge looks at.
#[derive(Clone, Copy)]
pub struct Input<'a> {
    /// The site's mapping.
    pub mapping: &'a Mapping,
    /// The site's fingerprint key.
    pub key: &'a Key,
    /// Who wins conflicts.
    pub policy: Policy,
    /// Both records, as read just now.
    pub contacts: Pair<&'a Contact>,
    /// The link, its intent already recovered.
    pub link: &'a Link,
}

/// Merges two linked records.
#[must_use]
pub fn merge(input: &Input) -> Plan {
    let mut plan = Plan::default();
    let (lists, scalars): (Vec<&Row>, Vec<&Row>) = input.mapping.rows().iter().partition(|row| row.is_list());
    for row in scalars {
        RowMerge::new(input, row).merge_scalar(&mut plan);
    }
    let displaced = Displaced::by(&plan, input);
    for row in lists {
        let displaced = displaced.as_ref().filter(|displaced| displaced.row == row.id());
        RowMerge::new(input, row).keeping(displaced).merge_list(&mut plan);
    }
    plan
}

/// One row of a merge.
struct RowMerge<'a> {
    input: &'a Input<'a>,
    row: &'a Row,
    values: Pair<Option<Value>>,
    prints: Pair<Print>,
    bases: Pair<Print>,
    /// The values as they are, where others are merged.
    stored: Option<Pair<Option<Value>>>,
}

impl<'a> RowMerge<'a> {
    fn new(input: &'a Input<'a>, row: &'a Row) -> Self {
        let values = input.contacts.map(|side, contact| row.read(side, &contact.fields));
        let prints = values.as_ref().map(|side, value| prints::print(input.key, row, side, value.as_ref()));
        let bases = input.link.anchors.as_ref().map(|_, anchor| anchor.base.get(row.id()).cloned().unwrap_or_default());
        Self { input, row, values, prints, bases, stored: None }
    }

    /// Merges the lists as if an address that gives way stood in them already.
    fn keeping(self, displaced: Option<&Displaced>) -> Self {
        let Some(displaced) = displaced else { return self };
        let values = self.values.as_ref().map(|side, list| displaced.kept(side, list.as_ref()));
        let prints = values.as_ref().map(|side, value| prints::print(self.input.key, self.row, side, value.as_ref()));
        Self { stored: Some(self.values), values, prints, ..self }
    }

    /// What a side has, whatever is merged.
    fn stored(&self, side: Side) -> Option<&Value> {
        self.stored.as_ref().unwrap_or(&self.values).of(side).as_ref()
    }

    fn stored_print(&self, side: Side) -> Print {
        let stored = self.stored.as_ref().map(|stored| prints::print(self.input.key, self.row, side, stored.of(side).as_ref()));
        stored.unwrap_or_else(|| self.prints.of(side).clone())
    }

    fn changed(&self, side: Side) -> bool {
        self.prints.of(side) != self.bases.of(side)
    }

    fn value(&self, side: Side) -> Option<&Value> {
        self.values.of(side).as_ref()
    }

    fn merge_scalar(&self, plan: &mut Plan) {
        if self.waits() || self.has_passed_by() {
            return self.both(plan);
        }
        if let Some(RowState::Overwritten(side)) = self.state()
            && (self.changed(side.opposite()) || self.input.policy.prefer.is_some())
        {
            return self.both_after_overwriting(side, plan);
        }
        match (self.changed(Side::Wix), self.changed(Side::External)) {
            (false, false) => {}
            (true, false) => self.follow(Side::Wix, plan),
            (false, true) => self.follow(Side::External, plan),
            (true, true) => self.both(plan),
        }
    }

    /// One side changed: the other follows, if the row flows that way.
    fn follow(&self, from: Side, plan: &mut Plan) {
        let to = from.opposite();
        let emptied = self.value(from).is_none() && self.row.keeps_when_empty();
        if !self.row.flows_to(to) || emptied {
            return self.agree(None, plan);
        }
        match self.row.convert(to, self.value(from)) {
            Err(_) => self.agree(Some(RowState::Unconvertible(to)), plan),
            Ok(wanted) if self.row.same(to, wanted.as_ref(), self.value(to)) => self.agree(None, plan),
            Ok(wanted) => self.flow(to, wanted, plan),
        }
    }

    /// Both sides changed: the same is agreed; else the row's direction, the person, or the system of record decides.
    fn both(&self, plan: &mut Plan) {
        if self.is_same() {
            return self.agree(None, plan);
        }
        let one_way = Side::BOTH.into_iter().find(|side| !self.row.flows_to(*side));
        if let Some(source) = one_way {
            return self.follow(source, plan);
        }
        let Policy { system_of_record, on_conflict, prefer } = self.input.policy;
        if prefer.is_none() && (self.waits() || on_conflict == OnConflict::Park && !self.input.link.is_first()) {
            return self.note(Some(RowState::Conflict), plan);
        }
        self.follow(prefer.or(self.row.system_of_record()).unwrap_or(system_of_record), plan);
    }

    /// A person was told of an edit on a side that our write went over. Whoever changes the other side has not seen it either.
    fn both_after_overwriting(&self, side: Side, plan: &mut Plan) {
        match self.input.policy.prefer {
            Some(_) => self.both(plan),
            None if self.is_same() => self.agree(Some(RowState::Overwritten(side)), plan),
            None => self.note(Some(RowState::Conflict), plan),
        }
    }

    fn state(&self) -> Option<RowState> {
        self.input.link.rows.get(self.row.id()).copied()
    }

    /// Tells whether a person has been asked; then nothing but an answer, or equal values, goes on.
    fn waits(&self) -> bool {
        self.state() == Some(RowState::Conflict)
    }

    /// Tells whether a side that did not take the other's value has changed: whoever did that has not seen it, as if both had changed.
    fn has_passed_by(&self) -> bool {
        match self.state() {
            Some(RowState::Unconvertible(side) | RowState::Refused(side)) => self.changed(side),
            Some(RowState::Conflict | RowState::Overwritten(_) | RowState::LostInMerge) | None => false,
        }
    }

    fn is_same(&self) -> bool {
        Side::BOTH.into_iter().any(|to| {
            let converted = self.row.convert(to, self.value(to.opposite()));
            converted.is_ok_and(|value| self.row.same(to, value.as_ref(), self.value(to)))
        })
    }

    /// Lists merge by element: each side's additions and removals are applied to the other.
    fn merge_list(&self, plan: &mut Plan) {
        if self.waits() {
            return self.both(plan);
        }
        if !self.changed(Side::Wix) && !self.changed(Side::External) && self.stored.is_none() {
            return;
        }
        let mut unconvertible = None;
        let mut flowed = false;
        for to in Side::BOTH {
            if !self.row.flows_to(to) {
                continue;
            }
            let (wanted, skipped) = self.list_for(to);
            unconvertible = skipped.then_some(RowState::Unconvertible(to)).or(unconvertible);
            if !self.row.same(to, wanted.as_ref(), self.stored(to)) {
                self.flow(to, wanted, plan);
                flowed = true;
            }
        }
        if flowed { self.note(unconvertible, plan) } else { self.agree(unconvertible, plan) }
    }

    /// Returns the list `to` should have, and whether an element has no counterpart there.
    fn list_for(&self, to: Side) -> (Option<Value>, bool) {
        let from = to.opposite();
        let (there, here) = (self.keyed(to), self.keyed(from));
        let emptied = here.is_empty() && self.row.keeps_when_empty();
        // An element that only this side has agreed on is its own addition: keeping it beats removing it.
        let agreed = |digest: &Digest| self.bases.of(from).contains(digest) && self.bases.of(to).contains(digest);
        let removed = |digest: &Digest| !emptied && agreed(digest) && !here.contains_key(digest);
        let mut wanted: Vec<String> = there.iter().filter(|(digest, _)| !removed(digest)).map(|(_, item)| item.clone()).collect();
        let order: BTreeSet<&Digest> = there.keys().collect();
        let (mut skipped, mut seen) = (false, BTreeSet::new());
        for item in self.value(from).map(Value::elements).unwrap_or_default() {
            let digest = prints::element(self.input.key, self.row, from, item);
            if self.bases.of(from).contains(&digest) || order.contains(&digest) || !seen.insert(digest) {
                continue;
            }
            match self.row.convert(to, Some(&Value::List(vec![item.clone()]))) {
                Ok(value) => wanted.extend(value.iter().flat_map(Value::elements).cloned()),
                Err(_) => skipped = true,
            }
        }
        (Value::list(self.in_order(to, wanted)), skipped)
    }

    /// Keeps the side's own order for what it has; additions come behind.
    fn in_order(&self, side: Side, wanted: Vec<String>) -> Vec<String> {
        let own = self.value(side).map(Value::elements).unwrap_or_default();
        let place = |item: &String| own.iter().position(|own| own == item).unwrap_or(usize::MAX);
        let mut wanted = wanted;
        wanted.sort_by_key(place);
        wanted
    }

    fn keyed(&self, side: Side) -> BTreeMap<Digest, String> {
        let items = self.value(side).map(Value::elements).unwrap_or_default();
        items.iter().map(|item| (prints::element(self.input.key, self.row, side, item), item.clone())).collect()
    }

    fn flow(&self, to: Side, value: Option<Value>, plan: &mut Plan) {
        let from = to.opposite();
        // What is never written to `from` must not pass for what it has: that it is missing there would look like a removal.
        let source = if self.row.flows_to(from) { self.prints.of(from).clone() } else { self.stored_print(from) };
        let replaced = self.stored_print(to);
        plan.flows.of_mut(to).insert(self.row.id().clone(), Flow { source, replaced, value });
        self.note(None, plan);
    }

    fn agree(&self, state: Option<RowState>, plan: &mut Plan) {
        plan.agreed.insert(self.row.id().clone(), Pair { wix: self.stored_print(Side::Wix), external: self.stored_print(Side::External) });
        self.note(state, plan);
    }

    /// Notes a row's state if it differs from what the link says.
    fn note(&self, state: Option<RowState>, plan: &mut Plan) {
        let id = self.row.id();
        if self.input.link.rows.get(id).copied() == state {
            plan.states.remove(id);
        } else {
            plan.states.insert(id.clone(), state);
        }
    }
}
