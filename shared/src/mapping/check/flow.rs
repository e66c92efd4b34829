//! Where values flow in a mapping as a whole: one source per field, and no way round.

use std::collections::{BTreeSet, VecDeque};

use super::{MappingError, example, field_of, reads_wix};
use crate::{
    mapping::{fields, flows_to},
    model::{
        field::{Field, FieldSpec},
        ids::{Pair, RowId, Side},
        site::MappingRow,
    },
};

/// A flow of values: a row, in one of its directions.
#[derive(Clone, Copy)]
struct Flow<'a> {
    index: usize,
    row: &'a MappingRow,
    to: Side,
}

impl<'a> Flow<'a> {
    fn source(self) -> &'a Field {
        field_of(self.row, self.to.opposite())
    }

    fn target(self) -> &'a Field {
        field_of(self.row, self.to)
    }

    fn feeds(self, next: Self) -> bool {
        self.to != next.to && touch(self.to, self.target(), next.source())
    }
}

fn flows(rows: &[MappingRow]) -> impl Iterator<Item = Flow<'_>> {
    rows.iter().enumerate().flat_map(|(index, row)| {
        let targets = Side::BOTH.into_iter().filter(|side| flows_to(row.direction, *side));
        targets.map(move |to| Flow { index, row, to })
    })
}

fn touch(side: Side, a: &Field, b: &Field) -> bool {
    match side {
        Side::Wix => fields::overlap(a, b),
        Side::External => a == b,
    }
}

/// Finds rows that write to one field, or to fields that share values.
pub(super) fn same_targets(rows: &[MappingRow], schemas: Pair<&[FieldSpec]>) -> Vec<MappingError> {
    let flows: Vec<_> = flows(rows).collect();
    let pairs = flows.iter().flat_map(|first| flows.iter().map(move |second| (first, second)));
    let same = pairs
        .filter(|(first, second)| first.index < second.index && first.to == second.to && touch(first.to, first.target(), second.target()));
    let error = |(first, second): (&Flow<'_>, &Flow<'_>)| MappingError::SameTarget {
        first: first.row.id.clone(),
        second: second.row.id.clone(),
        side: first.to,
        field: second.target().clone(),
        value: example(schemas, first.to, second.target()),
    };
    same.map(error).collect()
}

/// Finds rows that together feed a field into itself. A row of both directions alone is no loop: its base ends echoes.
pub(super) fn loops(rows: &[MappingRow], schemas: Pair<&[FieldSpec]>) -> Vec<MappingError> {
    let flows: Vec<_> = flows(rows).filter(|flow| reads_wix(flow.row)).collect();
    let mut seen = BTreeSet::new();
    let mut errors = Vec::new();
    for flow in &flows {
        let Some(rows) = way_back(&flows, *flow) else { continue };
        if seen.insert(rows.iter().cloned().collect::<BTreeSet<_>>()) {
            let (side, field) = (flow.to.opposite(), flow.source().clone());
            let value = example(schemas, side, &field);
            errors.push(MappingError::Loop { rows, side, field, value });
        }
    }
    errors
}

/// Returns the rows of the shortest way from where a flow ends to where it starts, without its own row but beginning with it.
fn way_back(flows: &[Flow<'_>], start: Flow<'_>) -> Option<Vec<RowId>> {
    let mut visited = BTreeSet::new();
    let mut queue = VecDeque::from([(start, vec![start.row.id.clone()])]);
    while let Some((flow, way)) = queue.pop_front() {
        if flow.index != start.index && flow.feeds(start) {
            return Some(way);
        }
        for next in flows.iter().filter(|next| next.index != start.index && flow.feeds(**next)) {
            if visited.insert((next.index, next.to)) {
                let way = way.iter().cloned().chain([next.row.id.clone()]).collect();
                queue.push_back((*next, way));
            }
        }
    }
    None
}
