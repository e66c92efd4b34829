//! Behaviours of a vendor that its documents leave open, selectable at run time.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use serde_json::{Map, Value, json};

/// One open behaviour.
#[derive(Debug, Clone, Copy)]
pub struct Switch {
    /// The name used in control calls.
    pub name: &'static str,
    /// What it decides.
    pub doc: &'static str,
    /// Its values and its default.
    pub values: Values,
}

/// The values a switch can take; each variant carries the default.
#[derive(Debug, Clone, Copy)]
pub enum Values {
    /// On or off.
    Flag(bool),
    /// One of several words.
    OneOf(&'static [&'static str], &'static str),
    /// A number of at least 0.
    Number(i64),
}

impl Values {
    fn default_value(self) -> Value {
        match self {
            Self::Flag(on) => Value::Bool(on),
            Self::OneOf(_, word) => Value::from(word),
            Self::Number(number) => Value::from(number),
        }
    }

    fn describe(self) -> Value {
        match self {
            Self::Flag(_) => json!([false, true]),
            Self::OneOf(words, _) => json!(words),
            Self::Number(_) => Value::from("a number of at least 0"),
        }
    }

    fn allows(self, value: &Value) -> bool {
        match self {
            Self::Flag(_) => value.is_boolean(),
            Self::OneOf(words, _) => value.as_str().is_some_and(|word| words.contains(&word)),
            Self::Number(_) => value.as_i64().is_some_and(|number| number >= 0),
        }
    }
}

/// The switches of one simulator and their present values.
#[derive(Debug, Clone)]
pub struct Switches {
    known: &'static [Switch],
    values: Arc<RwLock<BTreeMap<&'static str, Value>>>,
}

impl Switches {
    /// All switches at their defaults.
    #[must_use]
    pub fn new(known: &'static [Switch]) -> Self {
        Self { known, values: Arc::new(RwLock::new(defaults(known))) }
    }

    /// The value of a flag; an unknown name is off.
    #[must_use]
    pub fn flag(&self, name: &str) -> bool {
        self.get(name).as_bool().unwrap_or_default()
    }

    /// The value of a number; an unknown name is 0.
    #[must_use]
    pub fn number(&self, name: &str) -> i64 {
        self.get(name).as_i64().unwrap_or_default()
    }

    /// Whether the switch `name` has the value `word`.
    #[must_use]
    pub fn is(&self, name: &str, word: &str) -> bool {
        self.get(name).as_str() == Some(word)
    }

    /// The value of a switch of words; an unknown name is empty.
    #[must_use]
    pub fn word(&self, name: &str) -> String {
        self.get(name).as_str().unwrap_or_default().to_owned()
    }

    /// Sets several switches, or none if one of them is wrong.
    ///
    /// # Errors
    /// Names the unknown switch or the one with an impossible value.
    pub fn set(&self, wanted: &Map<String, Value>) -> Result<(), String> {
        let checked = wanted.iter().map(|(name, value)| self.check(name, value)).collect::<Result<Vec<_>, _>>()?;
        self.values.write().unwrap_or_else(PoisonError::into_inner).extend(checked);
        Ok(())
    }

    /// Sets one switch.
    ///
    /// # Errors
    /// As [`Self::set`].
    pub fn put(&self, name: &str, value: impl Into<Value>) -> Result<(), String> {
        self.set(&Map::from_iter([(name.to_owned(), value.into())]))
    }

    /// Puts all switches back to their defaults.
    pub fn reset(&self) {
        *self.values.write().unwrap_or_else(PoisonError::into_inner) = defaults(self.known);
    }

    /// All switches with value, default, possible values and meaning.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let described = self.known.iter().map(|switch| {
            let entry = json!({
                "value": self.get(switch.name),
                "default": switch.values.default_value(),
                "values": switch.values.describe(),
                "doc": switch.doc,
            });
            (switch.name.to_owned(), entry)
        });
        Value::Object(described.collect())
    }

    fn check(&self, name: &str, value: &Value) -> Result<(&'static str, Value), String> {
        let switch = self.known.iter().find(|s| s.name == name).ok_or_else(|| format!("no switch named {name}"))?;
        if switch.values.allows(value) {
            Ok((switch.name, value.clone()))
        } else {
            Err(format!("{name}: must be one of {}", switch.values.describe()))
        }
    }

    fn get(&self, name: &str) -> Value {
        self.values.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned().unwrap_or_default()
    }
}

fn defaults(known: &[Switch]) -> BTreeMap<&'static str, Value> {
    known.iter().map(|switch| (switch.name, switch.values.default_value())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[Switch] = &[
        Switch { name: "a", doc: "A.", values: Values::Flag(false) },
        Switch { name: "b", doc: "B.", values: Values::OneOf(&["x", "y"], "x") },
        Switch { name: "c", doc: "C.", values: Values::Number(3) },
    ];

    #[test]
    fn a_wrong_value_changes_nothing() {
        let switches = Switches::new(KNOWN);
        let wanted = json!({"a": true, "b": "z"});
        assert!(switches.set(wanted.as_object().unwrap()).unwrap_err().starts_with("b:"));
        assert!(!switches.flag("a"));
        assert!(switches.put("d", 1).is_err());
        assert!(switches.put("c", -1).is_err());
    }

    #[test]
    fn switches_go_there_and_back() {
        let switches = Switches::new(KNOWN);
        switches.put("a", true).unwrap();
        switches.put("b", "y").unwrap();
        switches.put("c", 9).unwrap();
        assert!(switches.flag("a") && switches.is("b", "y") && switches.number("c") == 9);
        switches.reset();
        assert!(!switches.flag("a") && switches.word("b") == "x" && switches.number("c") == 3);
    }
}
