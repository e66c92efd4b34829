//! Query parameters of GET and DELETE: dotted names with repeated lists, or one `.r` with base64url JSON.

use axum::{extract::FromRequestParts, http::request::Parts};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use super::refusal::Refusal;

/// Parameters that are lists even when given once.
const LISTS: &[&str] = &["fields", "fieldsets", "labelKeys"];

/// The parameters as one JSON object.
#[derive(Debug, Clone, Default)]
pub struct Params(pub Map<String, Value>);

impl<S: Sync> FromRequestParts<S> for Params {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        Self::parse(parts.uri.query().unwrap_or_default())
    }
}

impl Params {
    /// Reads a query string.
    ///
    /// # Errors
    /// 400 when `.r` is not base64url JSON.
    pub fn parse(query: &str) -> Result<Self, Refusal> {
        let mut root = Map::new();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            if name == ".r" {
                return packed(&value).map(Self).ok_or_else(|| Refusal::bare(400, "Malformed .r parameter"));
            }
            insert(&mut root, &name, value.into_owned());
        }
        Ok(Self(root))
    }
}

fn packed(text: &str) -> Option<Map<String, Value>> {
    let bytes = URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()?;
    serde_json::from_slice(&bytes).ok()
}

fn insert(into: &mut Map<String, Value>, name: &str, value: String) {
    if let Some((head, rest)) = name.split_once('.') {
        let inner = into.entry(head).or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(inner) = inner {
            insert(inner, rest, value);
        }
        return;
    }
    let is_list = LISTS.contains(&name);
    match into.get_mut(name) {
        Some(Value::Array(list)) => list.push(value.into()),
        _ if is_list => {
            into.insert(name.to_owned(), Value::Array(vec![value.into()]));
        }
        _ => {
            into.insert(name.to_owned(), value.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn dotted_and_packed_parameters_are_the_same() {
        let expected = json!({"paging": {"limit": "5"}, "fields": ["info.name"]});
        let dotted = Params::parse("paging.limit=5&fields=info.name").unwrap();
        assert_eq!(Value::Object(dotted.0), expected);
        let packed = URL_SAFE_NO_PAD.encode(expected.to_string());
        assert_eq!(Value::Object(Params::parse(&format!(".r={packed}")).unwrap().0), expected);
        assert!(Params::parse(".r=%21").is_err());
    }
}
