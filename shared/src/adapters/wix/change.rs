//! From a patch to what is sent to Wix.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json, json};

use super::{
    contact::text_of,
    lists::{self, Emails, Phones, add_address, drop_empty_addresses, items_of, rebuild, set_part, set_tagged},
    place::{Place, SCALARS, is_writable},
};
use crate::model::field::{Field, Patch, Value};

/// What a change must know of the site.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    /// The key of the extended field that holds the counterpart's id; it is not for patches.
    pub mirror: Option<&'a str>,
    /// The country of phone numbers without prefix.
    pub country: Option<&'a str>,
    /// The keys of the extended fields that hold numbers.
    pub numbers: &'a BTreeSet<String>,
}

/// How emptiness is sent. The documentation does not say which way clears, so the reply is looked at and the other way tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clearing {
    /// For what is text.
    texts: Empty,
    /// For the birthdate and extended fields: an empty text is neither a date nor a number.
    others: Empty,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Empty {
    Text,
    Null,
}

impl Empty {
    fn json(self) -> Json {
        match self {
            Self::Text => "".into(),
            Self::Null => Json::Null,
        }
    }

    const fn other(self) -> Self {
        match self {
            Self::Text => Self::Null,
            Self::Null => Self::Text,
        }
    }
}

impl Clearing {
    /// The form to begin with.
    pub const FIRST: Self = Self { texts: Empty::Text, others: Empty::Null };

    /// Returns the other form.
    #[must_use]
    pub const fn other(self) -> Self {
        Self { texts: self.texts.other(), others: self.others.other() }
    }

    /// Returns the form that is right for everything, after `form` has cleared these fields.
    #[must_use]
    pub fn after(mut self, form: Self, cleared: &BTreeSet<Field>) -> Self {
        if cleared.iter().any(is_text) {
            self.texts = form.texts;
        }
        if !cleared.iter().all(is_text) {
            self.others = form.others;
        }
        self
    }

    fn of(self, field: &Field) -> Json {
        if is_text(field) { self.texts.json() } else { self.others.json() }
    }
}

fn is_text(field: &Field) -> bool {
    field.as_str() != "birthdate" && !matches!(Place::of(field), Some(Place::Extended(_)))
}

/// What is to be sent for a patch.
#[derive(Clone, Default)]
pub struct Change {
    /// The properties of `info` to send, without the cleared ones. Those left out stay as they are.
    info: Map<String, Json>,
    /// The texts to clear.
    cleared: BTreeSet<Field>,
    /// The extended fields that change.
    pub(super) extended: Vec<Field>,
    /// The label keys to add.
    pub(super) add_labels: Vec<String>,
    /// The label keys to remove.
    pub(super) remove_labels: Vec<String>,
}

impl Change {
    /// Tells whether there is nothing to send but labels.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.info.is_empty() && self.cleared.is_empty()
    }

    /// Returns the fields that are cleared.
    #[must_use]
    pub const fn cleared(&self) -> &BTreeSet<Field> {
        &self.cleared
    }

    /// Keeps of the change only what clears these fields.
    #[must_use]
    pub fn clearing_only(&self, fields: &BTreeSet<Field>) -> Self {
        let kept = |name: &str| fields.iter().any(|field| field.as_str().starts_with(name));
        let mut info = self.info.clone();
        info.retain(|key, _| match key.as_str() {
            "name" => kept("name."),
            "extendedFields" => fields.iter().any(|field| matches!(Place::of(field), Some(Place::Extended(_)))),
            _ => false,
        });
        Self { info, cleared: fields.clone(), ..Self::default() }
    }

    /// Returns the `info` to send.
    #[must_use]
    pub fn info(&self, clearing: Clearing) -> Json {
        let mut info = self.info.clone();
        for field in &self.cleared {
            match Place::of(field) {
                Some(Place::Name(part)) => sub(&mut info, "name").insert(part.to_owned(), clearing.of(field)),
                Some(Place::Scalar(key)) => info.insert(key.to_owned(), clearing.of(field)),
                Some(Place::Extended(key)) => sub(sub(&mut info, "extendedFields"), "items").insert(key, clearing.of(field)),
                _ => None,
            };
        }
        Json::Object(info)
    }

    /// Returns the `info` of a new contact that names its counterpart in `mirror`.
    #[must_use]
    pub fn new_info(mut self, mirror: Option<(&str, &str)>) -> Json {
        if let Some((key, id)) = mirror {
            sub(sub(&mut self.info, "extendedFields"), "items").insert(key.to_owned(), id.into());
        }
        if !self.add_labels.is_empty() {
            self.info.insert("labelKeys".to_owned(), json!({"items": self.add_labels}));
        }
        Json::Object(self.info)
    }
}

/// Returns the object under `key`, made if it is missing.
fn sub<'a>(parent: &'a mut Map<String, Json>, key: &str) -> &'a mut Map<String, Json> {
    let child = parent.entry(key).or_insert_with(|| Json::Object(Map::new()));
    if !child.is_object() {
        *child = Json::Object(Map::new());
    }
    child.as_object_mut().expect("it was just made an object")
}

/// Works out what to send so that the contact with this native form gets the patch.
///
/// # Errors
/// Names the fields that Wix does not have, that cannot be written, or that hold one text and are given several.
pub fn from_patch(native: &Json, patch: &Patch, rules: &Rules<'_>) -> Result<Change, Vec<Field>> {
    let mut places = BTreeMap::new();
    let mut refused = Vec::new();
    for (field, value) in patch {
        match Place::of(field) {
            Some(place) if fits(&place, value.as_ref(), rules) => {
                places.insert(field.as_str(), (place, value.as_ref()));
            }
            _ => refused.push(field.clone()),
        }
    }
    if !refused.is_empty() {
        return Err(refused);
    }
    let mut draft = Drafting { info: native.get("info").unwrap_or(&Json::Null), places, change: Change::default(), rules };
    draft.name();
    draft.scalars();
    draft.emails();
    draft.phones();
    draft.addresses();
    draft.labels();
    draft.extended();
    Ok(draft.change)
}

fn fits(place: &Place, value: Option<&Value>, rules: &Rules<'_>) -> bool {
    match place {
        Place::Emails | Place::Phones | Place::Labels => true,
        Place::Extended(key) if !is_writable(key) || rules.mirror == Some(key) => false,
        _ => !matches!(value, Some(Value::List(_))),
    }
}

/// A change in the making.
struct Drafting<'a> {
    info: &'a Json,
    places: BTreeMap<&'a str, (Place, Option<&'a Value>)>,
    change: Change,
    rules: &'a Rules<'a>,
}

impl<'a> Drafting<'a> {
    /// Returns what the patch says of a text: nothing, that it is cleared, or what it is.
    fn patched_text(&self, field: &str) -> lists::Change<'a> {
        self.places.get(field).map(|(_, value)| value.and_then(Value::as_text))
    }

    /// Returns what the patch says of a list: nothing, or what is in it.
    fn patched_list(&self, field: &str) -> Option<&'a [String]> {
        self.places.get(field).map(|(_, value)| value.map(Value::elements).unwrap_or_default())
    }

    fn current(&self, path: &[&str]) -> Option<&'a str> {
        path.iter().try_fold(self.info, |json, key| json.get(key)).and_then(Json::as_str).filter(|text| !text.is_empty())
    }

    /// Both parts are sent: nothing says that a part left out stays.
    fn name(&mut self) {
        let parts = ["first", "last"].map(|part| (part, self.patched_text(&format!("name.{part}")), self.current(&["name", part])));
        if parts.iter().all(|(_, new, old)| new.is_none_or(|new| new == *old)) {
            return;
        }
        let name = sub(&mut self.change.info, "name");
        for (part, new, old) in parts {
            match new.unwrap_or(old) {
                Some(text) => {
                    name.insert(part.to_owned(), text.into());
                }
                None if old.is_some() => {
                    self.change.cleared.insert(Field::new(format!("name.{part}")));
                }
                None => {
                    name.insert(part.to_owned(), "".into());
                }
            }
        }
    }

    fn scalars(&mut self) {
        for key in SCALARS {
            let old = self.current(&[key]);
            match self.patched_text(key) {
                Some(new) if new == old => {}
                Some(Some(text)) => {
                    self.change.info.insert(key.to_owned(), text.into());
                }
                Some(None) => {
                    self.change.cleared.insert(key.into());
                }
                None => {}
            }
        }
    }

    fn emails(&mut self) {
        let old = items_of(self.info, "emails");
        let new = rebuild(&Emails, &old, self.patched_text("email"), self.patched_list("emails"));
        self.put_list("emails", &old, new);
    }

    fn phones(&mut self) {
        let entry = Phones(self.rules.country);
        let old = items_of(self.info, "phones");
        let tagged: Vec<(&str, Option<&str>)> = self
            .places
            .values()
            .filter_map(|(place, value)| match place {
                Place::PhoneTag(tag) => Some((*tag, value.and_then(Value::as_text))),
                _ => None,
            })
            .collect();
        // A tag means an item behind the primary one, and that may go: first what is to be taken away, then what is to be there.
        let mut left = rebuild(&entry, &old, None, None);
        for (tag, _) in tagged.iter().filter(|(_, value)| value.is_none()) {
            set_tagged(&entry, &mut left, tag, None);
        }
        let mut new = rebuild(&entry, &left, self.patched_text("phone"), self.patched_list("phones"));
        for (tag, value) in tagged.iter().filter(|(_, value)| value.is_some()) {
            set_tagged(&entry, &mut new, tag, *value);
        }
        self.put_list("phones", &old, new);
    }

    fn addresses(&mut self) {
        let old = items_of(self.info, "addresses");
        let mut new = old.clone();
        let parts = || {
            self.places.values().filter_map(|(place, value)| match place {
                Place::Address(tag, part) => Some((*tag, *part, *value)),
                _ => None,
            })
        };
        // The first address first: only then there can be another one.
        for (tag, part, value) in parts().filter(|(tag, ..)| tag.is_none()).chain(parts().filter(|(tag, ..)| tag.is_some())) {
            set_part(&mut new, tag, part, value);
        }
        let added = self.places.values().filter_map(|(place, value)| match place {
            Place::NewAddress(part) => Some((*part, *value)),
            _ => None,
        });
        add_address(&mut new, added);
        if new != old {
            drop_empty_addresses(&mut new);
        }
        self.put_list("addresses", &old, new);
    }

    fn put_list(&mut self, list: &str, old: &[Map<String, Json>], new: Vec<Map<String, Json>>) {
        // An order that only puts the primary item first is no change.
        if new.len() != old.len() || new.iter().any(|item| !old.contains(item)) {
            self.change.info.insert(list.to_owned(), json!({"items": lists::sendable(new)}));
        }
    }

    fn labels(&mut self) {
        let Some(wanted) = self.patched_list("labels") else { return };
        let keys = self.info.get("labelKeys").and_then(|wrapper| wrapper.get("items")?.as_array());
        let current: Vec<&str> = keys.into_iter().flatten().filter_map(Json::as_str).collect();
        self.change.add_labels = wanted.iter().filter(|key| !current.contains(&key.as_str())).cloned().collect();
        let gone = current.into_iter().filter(|key| !wanted.iter().any(|wanted| wanted == key));
        self.change.remove_labels = gone.map(str::to_owned).collect();
    }

    /// All writable ones are sent again: nothing says that those left out stay.
    fn extended(&mut self) {
        let current = self.info.get("extendedFields").and_then(|wrapper| wrapper.get("items")?.as_object());
        let mut items = current.cloned().unwrap_or_default();
        for (place, value) in self.places.values() {
            let Place::Extended(key) = place else { continue };
            let old = items.get(key).and_then(text_of).filter(|text| !text.is_empty());
            let new = value.and_then(Value::as_text);
            if old.as_deref() == new {
                continue;
            }
            self.change.extended.push(Field::new(key));
            if let Some(text) = new {
                let number = self.rules.numbers.contains(key) || items.get(key).is_some_and(Json::is_number);
                items.insert(key.clone(), if number { number_of(text) } else { text.into() });
            } else {
                items.remove(key);
                self.change.cleared.insert(Field::new(key));
            }
        }
        if !self.change.extended.is_empty() {
            self.change.info.insert("extendedFields".to_owned(), json!({"items": writable(items)}));
        }
    }
}

/// Returns the extended fields that may be sent.
pub(super) fn writable(mut items: Map<String, Json>) -> Map<String, Json> {
    items.retain(|key, _| is_writable(key));
    items
}

/// Returns the number, or the text for Wix to refuse.
fn number_of(text: &str) -> Json {
    let number = text.parse::<i64>().map(Into::into).ok().or_else(|| serde_json::Number::from_f64(text.parse().ok()?));
    number.map_or_else(|| text.into(), Json::Number)
}

#[cfg(test)]
mod tests;
