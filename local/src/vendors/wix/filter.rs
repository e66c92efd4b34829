//! Filters of query calls, strictly by field and operator,
//! <https://dev.wix.com/docs/rest/crm/members-contacts/contacts/contacts/contact-v4/sort-filter-and-search>.

use std::cmp::Ordering;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{entry::Entry, refusal::Refusal};
use crate::vendors::kit::Switches;

/// What a field holds, which decides how it compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    /// Compares without case.
    Email,
    Instant,
    Date,
    Number,
    List,
}

/// A field that can be filtered or sorted by.
#[derive(Debug, Clone)]
pub(super) struct Field {
    /// Steps into the JSON; `*` goes into every item of a list.
    pub path: Vec<String>,
    pub kind: Kind,
    pub operators: &'static [&'static str],
    pub sortable: bool,
}

/// Error codes, which differ between the resources.
#[derive(Clone, Copy)]
pub(super) struct Codes {
    pub unknown_field: &'static str,
    pub value_type: &'static str,
    pub sort: &'static str,
}

/// What a resource can be filtered and sorted by.
pub(super) struct Dialect<'a> {
    pub field: &'a dyn Fn(&str) -> Option<Field>,
    pub codes: Codes,
    pub switches: &'a Switches,
}

/// A filter that can be asked.
#[derive(Debug, Clone)]
pub(super) enum Filter {
    All(Vec<Filter>),
    Any(Vec<Filter>),
    Not(Box<Filter>),
    Test(Test),
}

/// One operator on one field.
#[derive(Debug, Clone)]
pub(super) struct Test {
    field: Field,
    operator: String,
    value: Value,
    /// The value where the field holds instants.
    instant: Option<Timestamp>,
    ignore_case: bool,
}

const OPERATORS: &[&str] =
    &["$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$in", "$nin", "$exists", "$startsWith", "$begins", "$hasSome", "$hasAll"];

impl Dialect<'_> {
    /// Reads a filter; absent and null match everything.
    ///
    /// # Errors
    /// 400 with the code of what is not supported.
    pub fn filter(&self, sent: Option<&Value>) -> Result<Filter, Refusal> {
        match sent {
            None | Some(Value::Null) => Ok(Filter::All(Vec::new())),
            Some(Value::Object(map)) => self.all(map),
            Some(_) => Err(malformed()),
        }
    }

    fn all(&self, map: &Map<String, Value>) -> Result<Filter, Refusal> {
        map.iter().map(|(key, value)| self.entry(key, value)).collect::<Result<_, _>>().map(Filter::All)
    }

    fn entry(&self, key: &str, value: &Value) -> Result<Filter, Refusal> {
        if key.starts_with('$') {
            return self.logic(key, value);
        }
        let text = format!("Filter field {key} is not supported.");
        let field = (self.field)(key).ok_or_else(|| Refusal::coded(400, self.codes.unknown_field, &text))?;
        match value {
            Value::Object(operators) if operators.is_empty() => Err(malformed()),
            Value::Object(operators) => {
                let tests = operators.iter().map(|(operator, value)| self.test(key, &field, operator, value));
                tests.collect::<Result<_, _>>().map(Filter::All)
            }
            value => self.test(key, &field, "$eq", value),
        }
    }

    fn logic(&self, key: &str, value: &Value) -> Result<Filter, Refusal> {
        if !self.switches.flag("filter_logic") {
            return Err(Refusal::coded(400, "UNSUPPORTED_FILTER", &format!("{key} is not supported.")));
        }
        let several = || -> Result<Vec<Filter>, Refusal> {
            let parts = value.as_array().ok_or_else(malformed)?;
            parts.iter().map(|one| self.filter(Some(one))).collect()
        };
        match key {
            "$and" => Ok(Filter::All(several()?)),
            "$or" => Ok(Filter::Any(several()?)),
            "$not" => Ok(Filter::Not(Box::new(self.filter(Some(value))?))),
            _ => Err(Refusal::coded(400, "UNSUPPORTED_FILTER_OPERATOR", &format!("{key} is not supported."))),
        }
    }

    fn test(&self, name: &str, field: &Field, operator: &str, value: &Value) -> Result<Filter, Refusal> {
        let operator = if operator == "$begins" { "$startsWith" } else { operator };
        if !OPERATORS.contains(&operator) || !field.operators.contains(&operator) {
            let text = format!("{operator} is not supported for {name}.");
            return Err(Refusal::coded(400, "UNSUPPORTED_FILTER_OPERATOR", &text));
        }
        self.check_value(name, field, operator, value)?;
        let ignore_case = field.kind == Kind::Email || (operator == "$startsWith" && self.switches.flag("starts_with_ignores_case"));
        let instant = instant(value).filter(|_| field.kind == Kind::Instant);
        Ok(Filter::Test(Test { field: field.clone(), operator: operator.to_owned(), value: value.clone(), instant, ignore_case }))
    }

    fn check_value(&self, name: &str, field: &Field, operator: &str, value: &Value) -> Result<(), Refusal> {
        let wrong_type = || Refusal::coded(400, self.codes.value_type, &format!("Value type of {name} is not supported."));
        let wrong = || Refusal::coded(400, "UNSUPPORTED_FILTER_VALUE", &format!("Value of {name} is not supported."));
        let suits = |value: &Value| match field.kind {
            Kind::Number => value.is_number(),
            _ => value.is_string(),
        };
        match operator {
            "$exists" if value == &Value::Bool(false) && !self.switches.flag("exists_false") => Err(wrong()),
            "$exists" => value.is_boolean().then_some(()).ok_or_else(wrong_type),
            "$in" | "$nin" | "$hasSome" | "$hasAll" => {
                let list = value.as_array().ok_or_else(wrong_type)?;
                let most = usize::try_from(self.switches.number("in_limit")).unwrap_or_default();
                if most > 0 && list.len() > most {
                    return Err(wrong());
                }
                list.iter().all(suits).then_some(()).ok_or_else(wrong_type)
            }
            _ if !suits(value) => Err(wrong_type()),
            _ => parses(field.kind, value).then_some(()).ok_or_else(wrong),
        }
    }

    /// The field to sort by.
    ///
    /// # Errors
    /// 400 when it is unknown or not sortable.
    pub fn sort_field(&self, name: &str) -> Result<Field, Refusal> {
        let found = (self.field)(name).filter(|field| field.sortable);
        found.ok_or_else(|| Refusal::coded(400, self.codes.sort, &format!("Sorting by {name} is not supported.")))
    }
}

impl Filter {
    /// Whether `entity` passes.
    pub fn passes(&self, entity: &impl Entry) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.passes(entity)),
            Self::Any(parts) => parts.iter().any(|part| part.passes(entity)),
            Self::Not(part) => !part.passes(entity),
            Self::Test(test) => test.passes(entity),
        }
    }

    /// Of which values whatever passes has one, if the filter asks for some of what is often looked for.
    pub fn sought(&self) -> Option<Sought> {
        match self {
            Self::All(parts) => parts.iter().find_map(Self::sought),
            Self::Test(test) => test.sought(),
            Self::Any(_) | Self::Not(_) => None,
        }
    }
}

/// Values of which a contact has to have one.
pub(super) struct Sought {
    /// A part of an e-mail or a phone, or the key of a custom field.
    pub part: String,
    pub values: Vec<String>,
}

impl Sought {
    /// The part of e-mails, whose case does not count.
    pub const EMAIL: &'static str = "email";
    /// The parts of phones.
    pub const PHONES: [&'static str; 2] = ["phone", "e164Phone"];

    /// Tells whether an extended field is one of the owner's.
    pub fn is_custom(key: &str) -> bool {
        key.starts_with("custom.")
    }
}

impl Test {
    fn sought(&self) -> Option<Sought> {
        let path: Vec<&str> = self.field.path.iter().map(String::as_str).collect();
        let part = match path.as_slice() {
            ["info", "emails", "items", "*", part] if *part == Sought::EMAIL => *part,
            ["info", "phones", "items", "*", part] if Sought::PHONES.contains(part) => *part,
            ["info", "extendedFields", "items", key] if Sought::is_custom(key) && self.field.kind == Kind::Text => *key,
            _ => return None,
        };
        let values = match (self.operator.as_str(), &self.value) {
            ("$eq", Value::String(text)) => vec![text.clone()],
            ("$in", Value::Array(list)) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            _ => return None,
        };
        Some(Sought { part: part.to_owned(), values })
    }

    fn passes(&self, entity: &impl Entry) -> bool {
        if let Some(wanted) = self.instant {
            let found = entity.instant(&self.field).map(|held| held.cmp(&wanted));
            return found.map_or(self.operator == "$ne", |found| ordered(&self.operator, found));
        }
        let held = entity.values(&self.field);
        let any = |test: &dyn Fn(&Value) -> bool| held.iter().any(|value| test(value));
        let equals = |wanted: &Value| any(&|value| self.compare(value, wanted) == Some(Ordering::Equal));
        let among = || self.value.as_array().into_iter().flatten();
        match self.operator.as_str() {
            "$eq" => equals(&self.value),
            "$ne" => !equals(&self.value),
            "$in" | "$hasSome" => among().any(equals),
            "$nin" => !among().any(equals),
            "$hasAll" => among().all(equals),
            "$exists" => self.value == Value::Bool(held.iter().any(|value| *value != "")),
            "$startsWith" => any(&|value| self.fold(value).starts_with(&self.fold(&self.value))),
            order => any(&|value| self.compare(value, &self.value).is_some_and(|found| ordered(order, found))),
        }
    }

    fn compare(&self, held: &Value, wanted: &Value) -> Option<Ordering> {
        match self.field.kind {
            Kind::Text | Kind::Email | Kind::List => Some(self.fold(held).cmp(&self.fold(wanted))),
            kind => compare(kind, held, wanted),
        }
    }

    fn fold(&self, value: &Value) -> String {
        let text = value.as_str().unwrap_or_default();
        if self.ignore_case { text.to_lowercase() } else { text.to_owned() }
    }
}

impl Field {
    /// The order of two entities by this field; missing values come first.
    pub fn order<E: Entry>(&self, a: &E, b: &E) -> Ordering {
        if self.kind == Kind::Instant {
            return a.instant(self).cmp(&b.instant(self));
        }
        match (a.values(self).first(), b.values(self).first()) {
            (Some(a), Some(b)) => compare(self.kind, a, b).unwrap_or(Ordering::Equal),
            (a, b) => a.is_some().cmp(&b.is_some()),
        }
    }
}

fn compare(kind: Kind, a: &Value, b: &Value) -> Option<Ordering> {
    match kind {
        Kind::Number => a.as_f64()?.partial_cmp(&b.as_f64()?),
        _ => Some(a.as_str()?.cmp(b.as_str()?)),
    }
}

fn ordered(operator: &str, found: Ordering) -> bool {
    match operator {
        "$eq" => found.is_eq(),
        "$ne" => found.is_ne(),
        "$gt" => found.is_gt(),
        "$gte" => found.is_ge(),
        "$lt" => found.is_lt(),
        _ => found.is_le(),
    }
}

fn instant(value: &Value) -> Option<Timestamp> {
    value.as_str()?.parse().ok()
}

fn parses(kind: Kind, value: &Value) -> bool {
    match kind {
        Kind::Instant => instant(value).is_some(),
        Kind::Date => value.as_str().is_some_and(|text| text.parse::<jiff::civil::Date>().is_ok()),
        _ => true,
    }
}

fn malformed() -> Refusal {
    Refusal::coded(400, "MALFORMED_FILTER", "The filter is malformed.")
}

/// A field at a dotted path.
pub(super) fn at(path: &str, kind: Kind, operators: &'static [&'static str], sortable: bool) -> Field {
    Field { path: path.split('.').map(str::to_owned).collect(), kind, operators, sortable }
}
