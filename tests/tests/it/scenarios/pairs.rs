//! Few rows in which every two switches meet at every two of their positions: a covering array of strength two.
//!
//! One switch at a time needs a row for each and never shows two that are at odds. Most faults need one or two settings to come together (Kuhn,
//! Kacker, Lei, "Practical Combinatorial Testing", NIST SP 800-142, section 1.1).

use std::collections::BTreeSet;

/// A switch and one of its positions, both by number; 0 is the default.
type Stand = (usize, usize);

/// Rows of positions, one for each switch, for switches with so many positions each.
///
/// The first row has every switch at its default. The next ones have each away from it, until each has been at all of its positions; the others
/// are as few as choosing the best next one finds. The same numbers make the same rows.
pub fn rows(positions: &[usize]) -> Vec<Vec<usize>> {
    let mut open = Open::of(positions);
    let most = positions.iter().copied().max().unwrap_or(1);
    let together = |turn: usize| positions.iter().map(|count| if *count > 1 { 1 + turn % (count - 1) } else { 0 }).collect();
    let mut rows: Vec<Vec<usize>> = std::iter::once(vec![0; positions.len()]).chain((0..most - 1).map(together)).collect();
    for row in &rows {
        open.close(row);
    }
    while let Some(row) = open.next_row(positions) {
        open.close(&row);
        rows.push(row);
    }
    rows
}

/// The meetings of two switches that no row has yet.
struct Open(BTreeSet<(Stand, Stand)>);

impl Open {
    fn of(positions: &[usize]) -> Self {
        let stands = |switch: usize| (0..positions[switch]).map(move |position| (switch, position));
        let pairs = (0..positions.len()).flat_map(|one| (one + 1..positions.len()).map(move |other| (one, other)));
        Self(pairs.flat_map(|(one, other)| stands(one).flat_map(move |stand| stands(other).map(move |with| (stand, with)))).collect())
    }

    fn close(&mut self, row: &[usize]) {
        self.0.retain(|((one, at), (other, stands))| row[*one] != *at || row[*other] != *stands);
    }

    /// A row with the first meeting that is open, and as many others as go with it.
    fn next_row(&self, positions: &[usize]) -> Option<Vec<usize>> {
        let (one, other) = *self.0.first()?;
        let mut row = vec![one, other];
        for switch in (0..positions.len()).filter(|switch| *switch != one.0 && *switch != other.0) {
            let gain = |position: usize| {
                let stand = (switch, position);
                let met = row.iter().filter(|chosen| self.has(**chosen, stand)).count();
                let later = self.0.iter().filter(|(one, other)| *one == stand || *other == stand).count();
                (met, later, usize::MAX - position)
            };
            let best = (0..positions[switch]).max_by_key(|position| gain(*position)).unwrap_or_default();
            row.push((switch, best));
        }
        row.sort_unstable();
        Some(row.into_iter().map(|(_, position)| position).collect())
    }

    fn has(&self, one: Stand, other: Stand) -> bool {
        self.0.contains(&(one.min(other), one.max(other)))
    }
}

#[test]
fn every_two_switches_meet_at_every_two_positions_in_few_rows() {
    for positions in [vec![], vec![2], vec![3], vec![2, 2], vec![2; 40], vec![2, 3, 4, 2, 2, 5, 2, 3]] {
        let rows = rows(&positions);
        assert!(rows[0].iter().all(|position| *position == 0));
        for one in 0..positions.len() {
            for other in one + 1..positions.len() {
                let met: BTreeSet<(usize, usize)> = rows.iter().map(|row| (row[one], row[other])).collect();
                assert_eq!(met.len(), positions[one] * positions[other], "{one} and {other} of {positions:?}");
            }
            assert_eq!(rows.iter().map(|row| row[one]).collect::<BTreeSet<_>>().len(), positions[one]);
        }
    }
    assert!(rows(&[2; 40]).len() <= 14, "{}", rows(&[2; 40]).len());
}
