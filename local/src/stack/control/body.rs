//! Bodies of control calls.

use serde::de::DeserializeOwned;

use crate::vendors::kit::ControlError;

/// Reads a body; an empty one is an empty object. The error names the field.
pub(super) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, ControlError> {
    let body = if body.is_empty() { b"{}" } else { body };
    let mut reader = serde_json::Deserializer::from_slice(body);
    let read = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let field = if path == "." { "body" } else { &path };
        ControlError(format!("{field}: {}", error.inner()))
    })?;
    reader.end().map_err(|error| ControlError(format!("body: {error}")))?;
    Ok(read)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Order {
        #[serde(rename = "count")]
        _count: u8,
    }

    #[test]
    fn the_error_names_the_field() {
        for (body, expected) in [
            ("", "body: missing field `count`"),
            (r#"{"count": "x"}"#, "count: invalid type: string \"x\", expected u8"),
            (r#"{"amount": 1}"#, "amount: unknown field `amount`, expected `count`"),
            (r#"{"count": 1} x"#, "body: trailing characters"),
            ("nonsense", "body: expected ident"),
        ] {
            let error = read::<Order>(body.as_bytes()).unwrap_err().0;
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
