//! Names as proto JSON takes them: `conversation_id` and `conversationId` are the same field.

use serde_json::{Map, Value};

/// The object with all its names in camel case, however deep; of two spellings of one name the last one counts.
pub(super) fn camel_object(sent: Map<String, Value>) -> Map<String, Value> {
    sent.into_iter().map(|(name, value)| (camel_name(&name), camel(value))).collect()
}

fn camel(value: Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(camel_object(map)),
        Value::Array(list) => Value::Array(list.into_iter().map(camel).collect()),
        scalar => scalar,
    }
}

fn camel_name(name: &str) -> String {
    let mut parts = name.split('_');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |mut camel, part| {
        let mut letters = part.chars();
        camel.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
        camel.push_str(letters.as_str());
        camel
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn both_spellings_of_a_name_are_read() {
        let sent = json!({"conversation_id": "a", "message": {"badges": [{"icon_url": "b"}]}, "sendAs": "c"});
        let expected = json!({"conversationId": "a", "message": {"badges": [{"iconUrl": "b"}]}, "sendAs": "c"});
        assert_eq!(Value::Object(camel_object(sent.as_object().unwrap().clone())), expected);
    }
}
