//! What a caller sent, read field by field: each reader checks one published rule and names the field that breaks it.

use std::ops::RangeInclusive;

use serde_json::{Map, Value, json};

use super::{
    info::too_many,
    refusal::{Refusal, object},
};
use crate::vendors::kit::Switches;

/// How a text's length is counted, which no document says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Characters,
    /// As Java and JavaScript count: an emoji is two.
    Utf16,
}

impl Unit {
    pub fn of(switches: &Switches) -> Self {
        if switches.is("message_text_unit", "utf16") { Self::Utf16 } else { Self::Characters }
    }

    fn length(self, text: &str) -> usize {
        match self {
            Self::Characters => text.chars().count(),
            Self::Utf16 => text.encode_utf16().count(),
        }
    }
}

/// An object of a request and the path that leads to it.
#[derive(Debug, Clone)]
pub(super) struct Sent<'a> {
    map: &'a Map<String, Value>,
    path: String,
    unit: Unit,
}

impl<'a> Sent<'a> {
    /// The whole request.
    pub fn request(map: &'a Map<String, Value>, unit: Unit) -> Self {
        Self { map, path: String::new(), unit }
    }

    /// The path of the field `key`.
    pub fn path(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// The field as sent; absent and null are `None`.
    pub fn value(&self, key: &str) -> Option<&'a Value> {
        self.map.get(key).filter(|value| !value.is_null())
    }

    /// The object under `key`.
    ///
    /// # Errors
    /// 400 for anything else.
    pub fn object(&self, key: &str) -> Result<Option<Self>, Refusal> {
        let inner = |map| Self { map, path: self.path(key), unit: self.unit };
        Ok(object(self.map, key)?.map(inner))
    }

    /// As [`Self::object`], and it must be there.
    ///
    /// # Errors
    /// 400 `REQUIRED_FIELD`.
    pub fn required(&self, key: &str) -> Result<Self, Refusal> {
        self.object(key)?.ok_or_else(|| self.missing(key))
    }

    /// A text whose length is in `lengths`.
    ///
    /// # Errors
    /// 400 for another type or length.
    pub fn text(&self, key: &str, lengths: RangeInclusive<usize>) -> Result<Option<String>, Refusal> {
        let text = match self.value(key) {
            None => return Ok(None),
            Some(Value::String(text)) => text,
            Some(_) => return Err(self.wrong(key, "TYPE", "must be a text")),
        };
        let (length, least, most) = (self.unit.length(text), *lengths.start(), *lengths.end());
        if length < least {
            return Err(Refusal::field(&self.path(key), "MIN_LENGTH", &format!("has size below {least}"), &json!({"threshold": least})));
        }
        if length > most {
            let text = format!("has size above {most}");
            return Err(Refusal::field(&self.path(key), "MAX_LENGTH", &text, &json!({"threshold": most})));
        }
        Ok(Some(text.clone()))
    }

    /// As [`Self::text`], and it must be there.
    ///
    /// # Errors
    /// 400 `REQUIRED_FIELD`, else as [`Self::text`].
    pub fn required_text(&self, key: &str, lengths: RangeInclusive<usize>) -> Result<String, Refusal> {
        self.text(key, lengths)?.ok_or_else(|| self.missing(key))
    }

    /// A GUID.
    ///
    /// # Errors
    /// 400 `FORMAT` for anything else.
    pub fn guid(&self, key: &str) -> Result<Option<String>, Refusal> {
        let text = self.text(key, 0..=usize::MAX)?;
        match text {
            Some(text) if text.len() != 36 || uuid::Uuid::try_parse(&text).is_err() => Err(Refusal::format(&self.path(key), "GUID")),
            text => Ok(text),
        }
    }

    /// As [`Self::guid`], and it must be there.
    ///
    /// # Errors
    /// 400 `REQUIRED_FIELD`, else as [`Self::guid`].
    pub fn required_guid(&self, key: &str) -> Result<String, Refusal> {
        self.guid(key)?.ok_or_else(|| self.missing(key))
    }

    /// An address on the web, not longer than `longest`.
    ///
    /// # Errors
    /// 400 `FORMAT` for anything else.
    pub fn web_url(&self, key: &str, longest: usize) -> Result<Option<String>, Refusal> {
        match self.text(key, 0..=longest)? {
            Some(text) if !is_web_url(&text) => Err(Refusal::format(&self.path(key), "WEB_URL")),
            text => Ok(text),
        }
    }

    /// One of `words`; proto's zero word, which starts with `UNKNOWN`, is as good as nothing.
    ///
    /// # Errors
    /// 400 `ENUM` for anything else.
    pub fn word(&self, key: &str, words: &[&'static str]) -> Result<Option<&'static str>, Refusal> {
        let Some(value) = self.value(key) else {
            return Ok(None);
        };
        let sent = value.as_str().unwrap_or_default();
        match words.iter().find(|word| **word == sent) {
            Some(word) => Ok(Some(word)),
            None if sent.starts_with("UNKNOWN") => Ok(None),
            None => Err(Refusal::field(&self.path(key), "ENUM", "is not a known value", &json!({"allowed": words}))),
        }
    }

    /// On or off; absent is off.
    ///
    /// # Errors
    /// 400 for another type.
    pub fn flag(&self, key: &str) -> Result<bool, Refusal> {
        match self.value(key) {
            None => Ok(false),
            Some(Value::Bool(on)) => Ok(*on),
            Some(_) => Err(self.wrong(key, "TYPE", "must be true or false")),
        }
    }

    /// A number; absent is 0.
    ///
    /// # Errors
    /// 400 for another type.
    pub fn number(&self, key: &str) -> Result<f64, Refusal> {
        match self.value(key) {
            None => Ok(0.0),
            Some(value) => value.as_f64().ok_or_else(|| self.wrong(key, "TYPE", "must be a number")),
        }
    }

    /// A list of objects whose length is in `sizes`; absent is empty.
    ///
    /// # Errors
    /// 400 for another type or size.
    pub fn objects(&self, key: &str, sizes: RangeInclusive<usize>) -> Result<Vec<Self>, Refusal> {
        let list = self.list(key, sizes)?;
        let item = |(index, value): (usize, &'a Value)| match value {
            Value::Object(map) => Ok(Self { map, path: format!("{}[{index}]", self.path(key)), unit: self.unit }),
            _ => Err(Refusal::bare(400, "Expected an object")),
        };
        list.iter().enumerate().map(item).collect()
    }

    /// A list of at most `most` texts, each not longer than `longest`; absent is empty.
    ///
    /// # Errors
    /// 400 for another type, size or length.
    pub fn texts(&self, key: &str, most: usize, longest: usize) -> Result<Vec<String>, Refusal> {
        let mut texts = Vec::new();
        for (index, value) in self.list(key, 0..=most)?.iter().enumerate() {
            let name = format!("{key}[{index}]");
            let one = Map::from_iter([(name.clone(), value.clone())]);
            let one = Sent { map: &one, path: self.path.clone(), unit: self.unit };
            texts.push(one.required_text(&name, 0..=longest)?);
        }
        Ok(texts)
    }

    /// Which one of `keys` was sent.
    ///
    /// # Errors
    /// 400 when it is none or several.
    pub fn one_of(&self, keys: &[&'static str]) -> Result<&'static str, Refusal> {
        let sent: Vec<&'static str> = keys.iter().copied().filter(|key| self.value(key).is_some()).collect();
        match sent.as_slice() {
            [one] => Ok(one),
            [] => Err(Refusal::field(&self.path, "REQUIRED_ONE_OF", "must have one value set", &json!({"oneOf": keys}))),
            [first, second, ..] => Err(Refusal::bare(400, &format!("{}: {first} and {second} exclude each other", self.path))),
        }
    }

    /// The refusal of a field that must be there.
    pub fn missing(&self, key: &str) -> Refusal {
        self.wrong(key, "REQUIRED_FIELD", "must not be empty")
    }

    fn list(&self, key: &str, sizes: RangeInclusive<usize>) -> Result<&'a [Value], Refusal> {
        let list = match self.value(key) {
            None => &[],
            Some(Value::Array(list)) => list.as_slice(),
            Some(_) => return Err(Refusal::bare(400, "Expected an array")),
        };
        if list.len() < *sizes.start() {
            let least = sizes.start();
            return Err(Refusal::field(&self.path(key), "MIN_SIZE", &format!("has size below {least}"), &json!({"threshold": least})));
        }
        if list.len() > *sizes.end() {
            return Err(too_many(&self.path(key), *sizes.end()));
        }
        Ok(list)
    }

    fn wrong(&self, key: &str, rule: &str, text: &str) -> Refusal {
        Refusal::field(&self.path(key), rule, text, &json!({}))
    }
}

/// Whether `text` is an address on the web.
pub(super) fn is_web_url(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|url| ["http", "https"].contains(&url.scheme()) && url.has_host())
}
