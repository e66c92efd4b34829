//! Rows of a batch.

use std::collections::BTreeSet;

use crate::model::fingerprint::Digest;

/// Tells of each row whether it has none of its match keys in common with a row before it: only such rows may be made at the same time.
/// `keys` are those of each row.
#[must_use]
pub fn apart(keys: &[Vec<Digest>]) -> Vec<bool> {
    let mut taken: BTreeSet<Digest> = BTreeSet::new();
    let mut first = |own: &Vec<Digest>| {
        let first = !own.iter().any(|key| taken.contains(key));
        taken.extend(own);
        first
    };
    keys.iter().map(&mut first).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{fingerprint::Key, ids::SiteId};

    #[test]
    fn of_rows_with_a_key_in_common_the_first_is_made() {
        let key = Key::derive(b"deployment", &SiteId::from("site"));
        let digests = |names: &str| names.split(' ').filter(|name| !name.is_empty()).map(|name| key.digest("match:email", name)).collect();
        for (rows, expected) in [
            (&[][..], &[][..]),
            (&["a", "b"], &[true, true]),
            (&["a", "a", "b", "a"], &[true, false, true, false]),
            (&["a b", "b c", "c"], &[true, false, false]),
            (&["", ""], &[true, true]),
        ] {
            let keys: Vec<Vec<Digest>> = rows.iter().map(|names| digests(names)).collect();
            assert_eq!(apart(&keys), expected, "{rows:?}");
        }
    }
}
