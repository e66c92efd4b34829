//! The search call (<https://developers.hubspot.com/docs/api-reference/search/guide>).

use std::{cmp::Ordering, collections::BTreeSet};

use serde_json::Value;

use super::{
    contact::Contact,
    errors::ApiError,
    portal::{MORE_EMAILS, Portal},
    schema::{Kind, Schema},
    text,
};

const MAX_BODY: usize = 3_000;
const MAX_GROUPS: usize = 5;
const MAX_PER_GROUP: usize = 6;
const MAX_FILTERS: usize = 18;
const MAX_PAGE: usize = 200;
/// A search never answers more than its first ten thousand results.
const MAX_RESULTS: usize = 10_000;

/// A checked search.
pub(super) struct Search {
    groups: Vec<Vec<Filter>>,
    sort: Option<(String, bool)>,
    query: Option<String>,
    /// Properties to answer; empty for the usual ones.
    pub properties: Vec<String>,
    limit: usize,
    after: usize,
}

struct Filter {
    property: String,
    kind: Kind,
    test: Test,
}

enum Test {
    Less(String),
    LessOrEqual(String),
    Greater(String),
    GreaterOrEqual(String),
    Equal(String),
    NotEqual(String),
    Between(String, String),
    In(Vec<String>),
    NotIn(Vec<String>),
    Has,
    HasNot,
    Token(String),
    NoToken(String),
}

/// One page of hits.
pub(super) struct Hits {
    pub total: usize,
    pub ids: Vec<u64>,
    pub next: Option<usize>,
}

impl Search {
    pub fn parse(raw: &str, schema: &Schema) -> Result<Self, ApiError> {
        if raw.len() > MAX_BODY {
            return Err(ApiError::invalid(format!("Request body is longer than {MAX_BODY} characters")));
        }
        let body: Value =
            serde_json::from_str(raw).map_err(|_| ApiError::invalid("Invalid input JSON on line 1, column 1: cannot be read"))?;
        let groups = groups(&body, schema)?;
        let limit = whole(&body, "limit")?.unwrap_or(10);
        if limit == 0 || limit > MAX_PAGE {
            return Err(ApiError::invalid(format!("limit must be between 1 and {MAX_PAGE}")));
        }
        let after = whole(&body, "after")?.unwrap_or(0);
        if after + limit > MAX_RESULTS {
            return Err(ApiError::invalid(format!("paging beyond the first {MAX_RESULTS} results of a search is not possible")));
        }
        Ok(Self {
            groups,
            sort: sort(&body, schema)?,
            query: body.get("query").and_then(Value::as_str).map(str::to_lowercase),
            properties: strings(body.get("properties")),
            limit,
            after,
        })
    }

    /// Runs over the contacts as they were at `at_ms`.
    pub fn run(&self, portal: &Portal, at_ms: i64) -> Hits {
        let is_hit = |contact: &&Contact| contact.listed_at(at_ms, false) && self.matches(contact, at_ms);
        let mut hits: Vec<&Contact> = match self.candidates(portal) {
            Some(ids) => ids.iter().filter_map(|id| portal.contacts.get(id)).filter(is_hit).collect(),
            None => portal.contacts.values().filter(is_hit).collect(),
        };
        if let Some((name, descending)) = &self.sort {
            let kind = portal.schema.get(name).map_or(Kind::Text, |property| property.kind);
            hits.sort_by(|a, b| order(a.value_at(name, at_ms), b.value_at(name, at_ms), kind, *descending));
        }
        let end = self.after + self.limit;
        Hits {
            total: hits.len(),
            ids: hits.iter().skip(self.after).take(self.limit).map(|contact| contact.id).collect(),
            next: (hits.len() > end).then_some(end),
        }
    }

    /// Everybody who can be a hit, if each group asks for certain values of what is often searched by.
    fn candidates(&self, portal: &Portal) -> Option<BTreeSet<u64>> {
        let in_group = |group: &Vec<Filter>| group.iter().find_map(|filter| filter.candidates(portal));
        let groups: Option<Vec<BTreeSet<u64>>> = self.groups.iter().map(in_group).collect();
        groups.filter(|groups| !groups.is_empty()).map(|groups| groups.into_iter().flatten().collect())
    }

    fn matches(&self, contact: &Contact, at_ms: i64) -> bool {
        let in_groups = self.groups.is_empty() || self.groups.iter().any(|group| group.iter().all(|filter| filter.holds(contact, at_ms)));
        in_groups && self.query.as_ref().is_none_or(|query| found(contact, query, at_ms))
    }
}

/// Properties that the free-text query looks at.
const QUERIED: &[&str] = &["email", "firstname", "lastname", "phone", "hs_additional_emails", "fax", "mobilephone", "company"];

fn found(contact: &Contact, query: &str, at_ms: i64) -> bool {
    query
        .split_whitespace()
        .all(|word| QUERIED.iter().filter_map(|name| contact.value_at(name, at_ms)).any(|value| value.to_lowercase().contains(word)))
}

impl Filter {
    /// Everybody who can pass, if the filter asks for certain values of what is often searched by.
    fn candidates(&self, portal: &Portal) -> Option<BTreeSet<u64>> {
        if self.kind != Kind::Text || !portal.is_searched_by(&self.property) {
            return None;
        }
        let all = |values: &[String]| values.iter().flat_map(|value| portal.ever(&self.property, value)).collect();
        match &self.test {
            Test::Equal(value) => Some(all(std::slice::from_ref(value))),
            Test::In(values) => Some(all(values)),
            Test::Token(token) if self.property == MORE_EMAILS && !token.contains('*') => text::words(token).get(..1).map(all),
            Test::Less(_) | Test::LessOrEqual(_) | Test::Greater(_) | Test::GreaterOrEqual(_) | Test::NotEqual(_) | Test::Between(..) => {
                None
            }
            Test::NotIn(_) | Test::Has | Test::HasNot | Test::Token(_) | Test::NoToken(_) => None,
        }
    }

    fn holds(&self, contact: &Contact, at_ms: i64) -> bool {
        let value = contact.value_at(&self.property, at_ms);
        let compare = |other: &str| value.and_then(|value| compare(value, other, self.kind));
        match &self.test {
            Test::Has => value.is_some(),
            Test::HasNot => value.is_none(),
            Test::Equal(other) => self.equals(contact, value, other),
            Test::NotEqual(other) => !self.equals(contact, value, other),
            Test::Less(other) => compare(other).is_some_and(Ordering::is_lt),
            Test::LessOrEqual(other) => compare(other).is_some_and(Ordering::is_le),
            Test::Greater(other) => compare(other).is_some_and(Ordering::is_gt),
            Test::GreaterOrEqual(other) => compare(other).is_some_and(Ordering::is_ge),
            Test::Between(low, high) => compare(low).is_some_and(Ordering::is_ge) && compare(high).is_some_and(Ordering::is_le),
            Test::In(list) => value.is_some_and(|value| self.listed(value, list)),
            Test::NotIn(list) => !value.is_some_and(|value| self.listed(value, list)),
            Test::Token(token) => value.is_some_and(|value| has_token(value, token)),
            Test::NoToken(token) => !value.is_some_and(|value| has_token(value, token)),
        }
    }

    fn equals(&self, contact: &Contact, value: Option<&str>, other: &str) -> bool {
        let additional = self.property == "email" && contact.additional_emails().iter().any(|each| each.eq_ignore_ascii_case(other));
        additional || value.is_some_and(|value| compare(value, other, self.kind) == Some(Ordering::Equal))
    }

    /// The list must already be in lower case to match text; that is HubSpot's rule.
    fn listed(&self, value: &str, list: &[String]) -> bool {
        list.iter().any(|each| match self.kind {
            Kind::Text => value.to_lowercase() == *each,
            _ => compare(value, each, self.kind) == Some(Ordering::Equal),
        })
    }
}

fn compare(value: &str, other: &str, kind: Kind) -> Option<Ordering> {
    match kind {
        Kind::Number => value.parse::<f64>().ok()?.partial_cmp(&other.parse().ok()?),
        Kind::Date | Kind::DateTime => Some(text::millis(value)?.cmp(&text::millis(other)?)),
        _ => Some(value.to_lowercase().cmp(&other.to_lowercase())),
    }
}

fn order(a: Option<&str>, b: Option<&str>, kind: Kind, descending: bool) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => {
            let order = compare(a, b, kind).unwrap_or(Ordering::Equal);
            if descending { order.reverse() } else { order }
        }
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    }
}

/// A `*` stands for any letters; without one the token must be a whole word of the value.
fn has_token(value: &str, token: &str) -> bool {
    let (value, token) = (value.to_lowercase(), token.to_lowercase());
    let (have, want) = (text::words(&value), text::words(&token));
    glob(&token, &value)
        || (!want.is_empty() && have.windows(want.len()).any(|run| run.iter().zip(&want).all(|(have, want)| glob(want, have))))
}

fn glob(pattern: &str, value: &str) -> bool {
    let Some((head, tail)) = pattern.split_once('*') else {
        return pattern == value;
    };
    let Some(rest) = value.strip_prefix(head) else {
        return false;
    };
    rest.char_indices().map(|(at, _)| at).chain([rest.len()]).any(|at| rest.get(at..).is_some_and(|rest| glob(tail, rest)))
}

fn groups(body: &Value, schema: &Schema) -> Result<Vec<Vec<Filter>>, ApiError> {
    let none = Vec::new();
    let list = body.get("filterGroups").and_then(Value::as_array).unwrap_or(&none);
    if list.len() > MAX_GROUPS {
        return Err(ApiError::invalid(format!("at most {MAX_GROUPS} filterGroups are allowed")));
    }
    let mut groups = Vec::new();
    for group in list {
        let filters = group.get("filters").and_then(Value::as_array).unwrap_or(&none);
        if filters.len() > MAX_PER_GROUP {
            return Err(ApiError::invalid(format!("at most {MAX_PER_GROUP} filters per group are allowed")));
        }
        let parsed: Result<Vec<Filter>, ApiError> = filters.iter().map(|each| filter(each, schema)).collect();
        groups.push(parsed?);
    }
    if groups.iter().map(Vec::len).sum::<usize>() > MAX_FILTERS {
        return Err(ApiError::invalid(format!("at most {MAX_FILTERS} filters are allowed")));
    }
    Ok(groups)
}

fn filter(filter: &Value, schema: &Schema) -> Result<Filter, ApiError> {
    let name = filter.get("propertyName").and_then(Value::as_str).unwrap_or_default();
    let property = schema.get(name).ok_or_else(|| no_property(name))?;
    let operator = filter.get("operator").and_then(Value::as_str).unwrap_or_default();
    let one = |key: &str| filter.get(key).and_then(scalar).ok_or_else(|| ApiError::invalid(format!("operator {operator} requires {key}")));
    let many = || match strings(filter.get("values")) {
        list if list.is_empty() => Err(ApiError::invalid(format!("operator {operator} requires values"))),
        list => Ok(list),
    };
    let test = match operator {
        "LT" => Test::Less(one("value")?),
        "LTE" => Test::LessOrEqual(one("value")?),
        "GT" => Test::Greater(one("value")?),
        "GTE" => Test::GreaterOrEqual(one("value")?),
        "EQ" => Test::Equal(one("value")?),
        "NEQ" => Test::NotEqual(one("value")?),
        "BETWEEN" => Test::Between(one("value")?, one("highValue")?),
        "IN" => Test::In(many()?),
        "NOT_IN" => Test::NotIn(many()?),
        "HAS_PROPERTY" => Test::Has,
        "NOT_HAS_PROPERTY" => Test::HasNot,
        "CONTAINS_TOKEN" => Test::Token(one("value")?),
        "NOT_CONTAINS_TOKEN" => Test::NoToken(one("value")?),
        _ => {
            return Err(ApiError::invalid(format!("'{operator}' is not an operator")));
        }
    };
    Ok(Filter { property: name.to_owned(), kind: property.kind, test })
}

fn no_property(name: &str) -> ApiError {
    ApiError::invalid(format!("There was a problem with the request. Property '{name}' does not exist"))
}

fn sort(body: &Value, schema: &Schema) -> Result<Option<(String, bool)>, ApiError> {
    let none = Vec::new();
    let sorts = body.get("sorts").and_then(Value::as_array).unwrap_or(&none);
    if sorts.len() > 1 {
        return Err(ApiError::invalid("only one sort is allowed"));
    }
    let Some(sort) = sorts.first() else {
        return Ok(None);
    };
    let (name, descending) = match sort {
        Value::String(name) => (name.trim_start_matches('-'), name.starts_with('-')),
        _ => (
            sort.get("propertyName").and_then(Value::as_str).unwrap_or_default(),
            sort.get("direction").and_then(Value::as_str) == Some("DESCENDING"),
        ),
    };
    schema.get(name).ok_or_else(|| no_property(name))?;
    Ok(Some((name.to_owned(), descending)))
}

fn whole(body: &Value, name: &str) -> Result<Option<usize>, ApiError> {
    let number = match body.get(name) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) if text.is_empty() => return Ok(None),
        Some(Value::String(text)) => text.parse().ok(),
        Some(value) => value.as_u64().and_then(|number| usize::try_from(number).ok()),
    };
    number.map(Some).ok_or_else(|| ApiError::invalid(format!("{name} must be a whole number")))
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

/// The texts of a JSON list.
pub(super) fn strings(list: Option<&Value>) -> Vec<String> {
    let list = list.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    list.iter().filter_map(scalar).collect()
}
