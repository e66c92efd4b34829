//! What filters and sorts look at: an entity that is put into the API's form only where that is needed, because a
//! query looks at every contact and shows a page of them.

use std::cell::OnceCell;

use jiff::Timestamp;
use serde_json::Value;

use super::{contact::Contact, filter::Field};

/// Something that can be filtered and sorted.
pub(super) trait Entry {
    /// What it holds in this field.
    fn values<'a>(&'a self, field: &Field) -> Vec<&'a Value>;

    /// The instant it holds in this field.
    fn instant(&self, field: &Field) -> Option<Timestamp> {
        self.values(field).first()?.as_str()?.parse().ok()
    }
}

impl Entry for Value {
    fn values<'a>(&'a self, field: &Field) -> Vec<&'a Value> {
        walk(vec![self], &field.path)
    }
}

/// A contact of a listing.
pub(super) struct Row<'a> {
    contact: &'a Contact,
    shown: OnceCell<Value>,
}

impl<'a> Row<'a> {
    pub fn of(contact: &'a Contact) -> Self {
        Self { contact, shown: OnceCell::new() }
    }

    /// The contact as the API shows it.
    pub fn into_json(self) -> Value {
        self.shown.into_inner().unwrap_or_else(|| self.contact.to_json())
    }
}

impl Entry for Row<'_> {
    fn values<'a>(&'a self, field: &Field) -> Vec<&'a Value> {
        match field.path.as_slice() {
            [info, part, steps @ ..] if info == "info" && is_stored_as_shown(part, steps) => {
                walk(self.contact.info.get(part).into_iter().collect(), steps)
            }
            path => walk(vec![self.shown.get_or_init(|| self.contact.to_json())], path),
        }
    }

    fn instant(&self, field: &Field) -> Option<Timestamp> {
        let path: Vec<&str> = field.path.iter().map(String::as_str).collect();
        let ms = match path.as_slice() {
            ["createdDate"] => self.contact.created_ms,
            ["updatedDate"] => self.contact.updated_ms,
            ["lastActivity", "activityDate"] => self.contact.activity.0,
            _ => return None,
        };
        Timestamp::from_millisecond(ms).ok()
    }
}

/// Wix adds extended fields of its own to what callers wrote, and nothing else to the info.
fn is_stored_as_shown(part: &str, steps: &[String]) -> bool {
    part != "extendedFields" || steps.last().is_some_and(|key| key.starts_with("custom."))
}

fn walk<'a>(from: Vec<&'a Value>, steps: &[String]) -> Vec<&'a Value> {
    steps.iter().fold(from, |found, step| {
        let inner = |value: &'a Value| match step.as_str() {
            "*" => value.as_array().into_iter().flatten().collect::<Vec<_>>(),
            step => value.get(step).into_iter().collect(),
        };
        found.into_iter().flat_map(inner).collect()
    })
}
