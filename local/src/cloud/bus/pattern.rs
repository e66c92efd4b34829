//! Event patterns, as far as rules here need them.

use serde_json::Value;

/// What a rule matches: every field that lists something must match one of its list
/// (<https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html>).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pattern {
    /// Sources; empty matches all.
    pub source: Vec<Match>,
    /// Detail types; empty matches all.
    pub detail_type: Vec<Match>,
}

/// One value of a pattern's list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Match {
    /// Equal to this text.
    Exact(String),
    /// Begins with this text.
    Prefix(String),
}

impl Match {
    fn matches(&self, text: &str) -> bool {
        match self {
            Self::Exact(wanted) => text == wanted,
            Self::Prefix(wanted) => text.starts_with(wanted),
        }
    }
}

/// Why a pattern cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// It is not an object of lists.
    #[error("event pattern field `{0}` is not a list")]
    NotAList(String),
    /// It filters on something this bus does not look at.
    #[error("event pattern field `{0}` is not supported")]
    Field(String),
    /// An item is neither a text nor a prefix.
    #[error("event pattern field `{0}` holds an unsupported filter")]
    Filter(String),
}

impl Pattern {
    /// Reads a pattern as a template writes it: `{"source": ["a"], "detail-type": ["b", {"prefix": "c."}]}`.
    ///
    /// # Errors
    /// Whatever this bus could not honour is refused, so that no rule matches more than it says.
    pub fn from_json(pattern: &Value) -> Result<Self, PatternError> {
        let fields = pattern.as_object().ok_or_else(|| PatternError::NotAList(String::new()))?;
        let mut read = Self::default();
        for (name, list) in fields {
            let list = matches_of(name, list)?;
            match name.as_str() {
                "source" => read.source = list,
                "detail-type" => read.detail_type = list,
                _ => return Err(PatternError::Field(name.clone())),
            }
        }
        Ok(read)
    }

    /// `true` if an event of this source and detail type matches.
    #[must_use]
    pub fn matches(&self, source: &str, detail_type: &str) -> bool {
        any(&self.source, source) && any(&self.detail_type, detail_type)
    }
}

fn any(list: &[Match], text: &str) -> bool {
    list.is_empty() || list.iter().any(|item| item.matches(text))
}

fn matches_of(name: &str, list: &Value) -> Result<Vec<Match>, PatternError> {
    let list = list.as_array().ok_or_else(|| PatternError::NotAList(name.to_owned()))?;
    list.iter().map(|item| match_of(item).ok_or_else(|| PatternError::Filter(name.to_owned()))).collect()
}

fn match_of(item: &Value) -> Option<Match> {
    if let Some(text) = item.as_str() {
        return Some(Match::Exact(text.to_owned()));
    }
    let filter = item.as_object().filter(|filter| filter.len() == 1)?;
    let prefix = filter.get("prefix")?.as_str()?;
    Some(Match::Prefix(prefix.to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_pattern_matches_by_text_and_prefix() {
        let pattern = json!({ "source": ["wix", "hubspot"], "detail-type": [{ "prefix": "contact." }, "app.installed"] });
        let pattern = Pattern::from_json(&pattern).expect("a valid pattern");
        let cases = [
            ("wix", "contact.created", true),
            ("hubspot", "app.installed", true),
            ("wix", "app.installed.twice", false),
            ("other", "contact.created", false),
        ];
        for (source, detail_type, expected) in cases {
            assert_eq!(pattern.matches(source, detail_type), expected, "{source} {detail_type}");
        }
        assert!(Pattern::default().matches("any", "thing"));
    }

    #[test]
    fn a_pattern_that_cannot_be_honoured_is_refused() {
        let cases = [
            (json!({ "detail": { "a": ["b"] } }), PatternError::NotAList("detail".into())),
            (json!({ "account": ["1"] }), PatternError::Field("account".into())),
            (json!({ "source": [{ "suffix": "x" }] }), PatternError::Filter("source".into())),
        ];
        for (pattern, expected) in cases {
            assert_eq!(Pattern::from_json(&pattern), Err(expected));
        }
    }
}
