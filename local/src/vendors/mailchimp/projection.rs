//! What calls have in common: bodies, pages and the choice of fields.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::problem::Problem;

/// The query of a call.
pub(super) type Params = BTreeMap<String, String>;

const PAGE: usize = 10;
const LARGEST_PAGE: usize = 1000;

/// The body of a call as a JSON object.
pub(super) fn object(body: &str) -> Result<Map<String, Value>, Problem> {
    let parsed = serde_json::from_str(body);
    let parsed = parsed.map_err(|_| Problem::new(400, "JSON Parse Exception", "We encountered an unspecified JSON parsing error."))?;
    match parsed {
        Value::Object(map) => Ok(map),
        other => Err(Problem::kind("", "object", &other)),
    }
}

/// The `count` entries from `offset` on.
pub(super) fn page<T>(entries: Vec<T>, params: &Params) -> Result<Vec<T>, Problem> {
    let (count, offset) = (whole(params, "count", PAGE)?, whole(params, "offset", 0)?);
    if count > LARGEST_PAGE {
        return Err(Problem::field("count", format!("The value must be at most {LARGEST_PAGE}.")));
    }
    Ok(entries.into_iter().skip(offset).take(count).collect())
}

fn whole(params: &Params, name: &str, default: usize) -> Result<usize, Problem> {
    let parsed = params.get(name).map_or(Ok(default), |text| text.parse());
    parsed.map_err(|_| Problem::field(name, "The value must be a whole number of at least 0."))
}

/// Leaves only what `fields` names, without what `exclude_fields` names.
pub(super) fn project(body: Value, params: &Params) -> Value {
    let paths = |name: &str| -> Vec<String> {
        params.get(name).into_iter().flat_map(|text| text.split(',')).map(|path| path.trim().to_owned()).collect()
    };
    let (kept, left_out) = (paths("fields"), paths("exclude_fields"));
    let body = if kept.is_empty() { body } else { choose(body, &borrowed(&kept), true) };
    if left_out.is_empty() { body } else { choose(body, &borrowed(&left_out), false) }
}

fn borrowed(paths: &[String]) -> Vec<&str> {
    paths.iter().map(String::as_str).filter(|path| !path.is_empty()).collect()
}

/// Keeps the entries that dotted paths name, or those they do not; lists are looked through.
fn choose(value: Value, paths: &[&str], keep: bool) -> Value {
    match value {
        Value::Array(list) => list.into_iter().map(|each| choose(each, paths, keep)).collect(),
        Value::Object(map) => Value::Object(map.into_iter().filter_map(|(key, value)| chosen(key, value, paths, keep)).collect()),
        scalar => scalar,
    }
}

fn chosen(key: String, value: Value, paths: &[&str], keep: bool) -> Option<(String, Value)> {
    let inner: Vec<&str> = paths.iter().filter_map(|path| path.strip_prefix(&key)).collect();
    if inner.contains(&"") {
        return keep.then_some((key, value));
    }
    let inner: Vec<&str> = inner.iter().filter_map(|path| path.strip_prefix('.')).collect();
    match (inner.is_empty(), keep) {
        (true, true) => None,
        (true, false) => Some((key, value)),
        (false, _) => Some((key, choose(value, &inner, keep))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_look_through_lists() {
        let body = json!({"members": [{"id": "1", "status": "x", "merge_fields": {"A": 1, "B": 2}}], "members_total": 3, "total_items": 1});
        let params = |name: &str, value: &str| Params::from([(name.to_owned(), value.to_owned())]);
        let kept = project(body.clone(), &params("fields", "members.id,members.merge_fields.A,total_items"));
        assert_eq!(kept, json!({"members": [{"id": "1", "merge_fields": {"A": 1}}], "total_items": 1}));
        let rest = project(body, &params("exclude_fields", "members.merge_fields,members_total"));
        assert_eq!(rest, json!({"members": [{"id": "1", "status": "x"}], "total_items": 1}));
    }
}
