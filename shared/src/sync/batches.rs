//! Rows into batches.

use std::collections::BTreeSet;

use crate::model::fingerprint::Digest;

/// Puts rows into batches of at most `most`, in their order, so that no two rows of a batch have a match key in common: whichever comes first
/// is there before the others are looked at. `keys` are those of each row. Returns the rows' positions.
#[must_use]
pub fn apart(keys: &[Vec<Digest>], most: usize) -> Vec<Vec<usize>> {
    let mut batches: Vec<(Vec<usize>, BTreeSet<Digest>)> = Vec::new();
    for (position, own) in keys.iter().enumerate() {
        // Behind the last batch that has one of its keys, so that rows of one person keep their order.
        let after = batches.iter().rposition(|(_, taken)| own.iter().any(|key| taken.contains(key))).map_or(0, |last| last + 1);
        let room = batches.iter_mut().skip(after).find(|(rows, _)| rows.len() < most.max(1));
        match room {
            Some((rows, taken)) => {
                rows.push(position);
                taken.extend(own);
            }
            None => batches.push((vec![position], own.iter().copied().collect())),
        }
    }
    batches.into_iter().map(|(rows, _)| rows).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{fingerprint::Key, ids::SiteId};

    #[test]
    fn rows_of_one_person_do_not_meet_in_a_batch() {
        let key = Key::derive(b"deployment", &SiteId::from("site"));
        let digests = |names: &str| names.split(' ').filter(|name| !name.is_empty()).map(|name| key.digest("match:email", name)).collect();
        for (rows, most, expected) in [
            (&[][..], 2, vec![]),
            (&["a", "b", "c"], 2, vec![vec![0, 1], vec![2]]),
            (&["a", "a", "b"], 9, vec![vec![0, 2], vec![1]]),
            (&["a", "a", "a"], 9, vec![vec![0], vec![1], vec![2]]),
            (&["a b", "b c", "c", "d"], 9, vec![vec![0, 3], vec![1], vec![2]]),
            (&["", "", ""], 2, vec![vec![0, 1], vec![2]]),
            (&["a"], 0, vec![vec![0]]),
        ] {
            let keys: Vec<Vec<Digest>> = rows.iter().map(|names| digests(names)).collect();
            assert_eq!(apart(&keys, most), expected, "{rows:?}");
        }
    }
}
