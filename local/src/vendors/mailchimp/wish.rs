//! What the body of a member call asks for.

use serde_json::{Map, Value};

use super::{problem::Problem, status::Status};

/// A checked body.
#[derive(Default)]
pub(super) struct Wish {
    pub email: Option<String>,
    pub status: Option<Status>,
    pub status_if_new: Option<Status>,
    pub merge: Option<Map<String, Value>>,
    pub tags: Option<Vec<String>>,
    /// Fields stored as sent.
    pub plain: Map<String, Value>,
    /// Accept the member although required merge fields are empty.
    pub skip_required: bool,
}

/// The JSON type of a field stored as sent.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    Flag,
    Object,
    List,
    Time,
}

const PLAIN: &[(&str, Kind)] = &[
    ("email_type", Kind::Text),
    ("language", Kind::Text),
    ("vip", Kind::Flag),
    ("ip_signup", Kind::Text),
    ("timestamp_signup", Kind::Time),
    ("ip_opt", Kind::Text),
    ("interests", Kind::Object),
    ("marketing_permissions", Kind::List),
    ("location", Kind::Object),
];

impl Wish {
    /// Reads the body of a PUT, PATCH or POST of one member, or an entry of a batch.
    pub fn read(body: &Map<String, Value>, skip_required: bool) -> Result<Self, Problem> {
        let mut wish = Self {
            email: text(body, "email_address")?,
            status: status(body, "status")?,
            status_if_new: status(body, "status_if_new")?,
            merge: object(body, "merge_fields")?,
            tags: tags(body)?,
            plain: Map::new(),
            skip_required,
        };
        for (name, kind) in PLAIN {
            if let Some(value) = body.get(*name) {
                kind.check(name, value)?;
                wish.plain.insert((*name).to_owned(), value.clone());
            }
        }
        // When the opt-in happened is shown only where there was one.
        time(body, "timestamp_opt")?;
        Ok(wish)
    }

    /// The address, which this call needs.
    pub fn address(&self) -> Result<&str, Problem> {
        let email = self.email.as_deref().filter(|email| !email.is_empty());
        email.ok_or_else(|| Problem::field("email_address", "This value should not be blank."))
    }
}

impl Kind {
    fn check(self, name: &str, value: &Value) -> Result<(), Problem> {
        let (fits, wanted) = match self {
            Self::Text => (value.is_string(), "string"),
            Self::Flag => (value.is_boolean(), "boolean"),
            Self::Object => (value.is_object(), "object"),
            Self::List => (value.is_array(), "array"),
            Self::Time => (value.as_str().is_some_and(is_time), "date-time"),
        };
        if fits { Ok(()) } else { Err(Problem::kind(name, wanted, value)) }
    }
}

/// RFC 3339, or without a zone, or empty.
fn is_time(text: &str) -> bool {
    text.is_empty() || text.parse::<jiff::Timestamp>().is_ok() || text.parse::<jiff::civil::DateTime>().is_ok()
}

fn time(body: &Map<String, Value>, name: &str) -> Result<(), Problem> {
    body.get(name).map_or(Ok(()), |value| Kind::Time.check(name, value))
}

fn text(body: &Map<String, Value>, name: &str) -> Result<Option<String>, Problem> {
    match body.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.trim().to_owned())),
        Some(value) => Err(Problem::kind(name, "string", value)),
    }
}

fn object(body: &Map<String, Value>, name: &str) -> Result<Option<Map<String, Value>>, Problem> {
    match body.get(name) {
        None => Ok(None),
        Some(Value::Object(map)) => Ok(Some(map.clone())),
        Some(value) => Err(Problem::kind(name, "object", value)),
    }
}

fn status(body: &Map<String, Value>, name: &str) -> Result<Option<Status>, Problem> {
    let Some(word) = text(body, name)? else {
        return Ok(None);
    };
    let writable = Status::named(&word).filter(|status| *status != Status::Archived);
    let words = "subscribed, unsubscribed, cleaned, pending, transactional";
    writable.map(Some).ok_or_else(|| Problem::field(name, format!("Value must be one of: {words}")))
}

fn tags(body: &Map<String, Value>) -> Result<Option<Vec<String>>, Problem> {
    let Some(value) = body.get("tags") else {
        return Ok(None);
    };
    let list = value.as_array().ok_or_else(|| Problem::kind("tags", "array", value))?;
    let names = list.iter().map(|name| name.as_str().map(str::to_owned).ok_or_else(|| Problem::kind("tags.item", "string", name)));
    names.collect::<Result<_, _>>().map(Some)
}
