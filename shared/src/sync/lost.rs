//! An edit that a write of ours went over unseen, and what a record would be with it.

use std::collections::BTreeSet;

use super::prints;
use crate::{
    mapping::Row,
    model::{
        field::Value,
        fingerprint::{Digest, Key, Print},
        ids::Side,
    },
};

/// A row's values around an edit that was lost.
#[derive(Clone, Copy)]
pub struct Lost<'a> {
    /// The site's fingerprint key.
    pub key: &'a Key,
    /// The row.
    pub row: &'a Row,
    /// The side of the edit.
    pub side: Side,
    /// What we read before we wrote.
    pub read: &'a Print,
    /// What the edit had left.
    pub edit: Option<&'a Value>,
    /// What stands now.
    pub now: Option<&'a Value>,
}

impl Lost<'_> {
    /// Tells whether putting the edit back would change what stands now.
    #[must_use]
    pub fn makes_a_difference(&self) -> bool {
        self.print(self.edit) != *self.read && !self.is_in(self.now)
    }

    /// Tells whether a value has all that the edit did.
    #[must_use]
    pub fn is_in(&self, value: Option<&Value>) -> bool {
        if !self.row.is_list() {
            return self.row.same(self.side, value, self.edit);
        }
        let (read, edit, value) = (self.read.elements(), self.print(self.edit).elements(), self.print(value).elements());
        edit.difference(&read).all(|added| value.contains(added)) && read.difference(&edit).all(|removed| !value.contains(removed))
    }

    /// Returns what stands now with the edit in it; in a list element by element.
    #[must_use]
    pub fn restored(&self) -> Option<Value> {
        if !self.row.is_list() {
            return self.edit.cloned();
        }
        let (read, edit) = (self.read.elements(), self.print(self.edit).elements());
        let kept = |item: &&String| edit.contains(&self.digest(item)) || !read.contains(&self.digest(item));
        let mut items: Vec<String> = elements(self.now).iter().filter(kept).cloned().collect();
        let there: BTreeSet<Digest> = items.iter().map(|item| self.digest(item)).collect();
        let added = |item: &&String| !read.contains(&self.digest(item)) && !there.contains(&self.digest(item));
        items.extend(elements(self.edit).iter().filter(added).cloned());
        Value::list(items)
    }

    fn print(&self, value: Option<&Value>) -> Print {
        prints::print(self.key, self.row, self.side, value)
    }

    fn digest(&self, item: &str) -> Digest {
        prints::element(self.key, self.row, self.side, item)
    }
}

fn elements(value: Option<&Value>) -> &[String] {
    value.map(Value::elements).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        mapping::Mapping,
        model::{
            ids::SiteId,
            site::{Direction, MappingRow, OnEmpty, Transform},
        },
    };

    /// Puts back the edit from `read` to `edit` where `now` stands; `None` if there is nothing to put back.
    fn restored(wix: &str, [read, edit, now]: [&[&str]; 3]) -> Option<Vec<String>> {
        let row = MappingRow {
            id: "r".into(),
            wix: wix.into(),
            external: "r".into(),
            direction: Direction::Both,
            transform: Transform::None,
            on_empty: OnEmpty::Clear,
            system_of_record: None,
        };
        let (mapping, key, side) = (Mapping::new(&[row], None), Key::derive(b"test", &SiteId::from("s")), Side::Wix);
        let row = mapping.rows().first().unwrap();
        let value = |items: &[&str]| {
            if row.is_list() {
                Value::list(items.iter().map(|item| (*item).to_owned()))
            } else {
                items.first().and_then(|text| Value::text(*text))
            }
        };
        let (read, edit, now) = (value(read), value(edit), value(now));
        let read = prints::print(&key, row, side, read.as_ref());
        let lost = Lost { key: &key, row, side, read: &read, edit: edit.as_ref(), now: now.as_ref() };
        lost.makes_a_difference().then(|| elements(lost.restored().as_ref()).to_vec())
    }

    #[test]
    fn a_text_is_put_back_as_it_was() {
        assert_eq!(restored("company", [&["a"], &["b"], &["c"]]), Some(vec!["b".to_owned()]));
        assert_eq!(restored("company", [&["a"], &[], &["c"]]), Some(Vec::new()));
        assert_eq!(restored("company", [&["a"], &["a"], &["c"]]), None, "it was set back by its author");
        assert_eq!(restored("company", [&["a"], &["c"], &["c"]]), None);
        assert_eq!(restored("phone", [&["1"], &["+1 (212) 736-5000"], &["+12127365000"]]), None, "the same number");
    }

    #[test]
    fn of_a_list_only_what_the_edit_changed_is_put_back() {
        let expected = Some(vec!["kept".to_owned(), "ours".to_owned(), "added".to_owned()]);
        assert_eq!(restored("labels", [&["kept", "removed"], &["kept", "added"], &["kept", "removed", "ours"]]), expected);
        assert_eq!(restored("labels", [&["x"], &["x", "y"], &["y", "z"]]), None, "it is there, and somebody took the other away since");
    }
}
