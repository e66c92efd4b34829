//! What HubSpot takes as a property value and what it makes of it.

use serde_json::Value;

use super::{
    errors::Problem,
    policy::Policy,
    schema::{Kind, Property},
    text,
};

/// HubSpot's limit for one value.
const MAX_LENGTH: usize = 65_536;

/// The value as HubSpot stores it; empty clears.
pub(super) fn accept(property: &Property, given: &Value, policy: &Policy) -> Result<String, Problem> {
    let refuse = |code, message: String| Problem::new(&property.name, code, message);
    let raw = match given {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        Value::Array(_) | Value::Object(_) => {
            return Err(refuse("INVALID_STRING", "a property value must be a string".to_owned()));
        }
    };
    if raw.is_empty() {
        return Ok(raw);
    }
    if raw.chars().count() > MAX_LENGTH {
        return Err(refuse("VALUE_TOO_LONG", format!("value is longer than {MAX_LENGTH} characters")));
    }
    match property.kind {
        Kind::Text => text_value(property, &raw, policy),
        Kind::Number => number(&raw).ok_or_else(|| refuse("INVALID_NUMBER", format!("{raw} was not a valid number."))),
        Kind::Bool => match raw.as_str() {
            "true" | "false" => Ok(raw),
            _ => Err(not_an_option(property, &raw, &["true", "false"])),
        },
        Kind::Date => date(property, &raw),
        Kind::DateTime => text::millis(&raw).map(text::iso).ok_or_else(|| refuse("INVALID_LONG", format!("{raw} was not a valid long."))),
        Kind::Enumeration if property.is_multiple() => several(property, &raw),
        Kind::Enumeration => one(property, &raw),
    }
}

fn text_value(property: &Property, raw: &str, policy: &Policy) -> Result<String, Problem> {
    let value = if policy.trim_strings { raw.trim() } else { raw };
    match (property.name.as_str(), property.field_type.as_str()) {
        ("email", _) => email(&property.name, value, policy),
        ("hs_additional_emails", _) => {
            let list: Result<Vec<String>, Problem> =
                value.split(';').map(str::trim).filter(|each| !each.is_empty()).map(|each| email(&property.name, each, policy)).collect();
            Ok(list?.join(";"))
        }
        ("hubspot_owner_id", _) if !value.chars().all(|each| each.is_ascii_digit()) => {
            Err(Problem::new(&property.name, "INVALID_OWNER_ID", format!("owner id {value} does not exist")))
        }
        ("firstname", _) if policy.change_name_case => Ok(capitalised(value)),
        (_, "phonenumber") if policy.reformat_phone => Ok(plain_phone(value)),
        _ => Ok(value.to_owned()),
    }
}

fn email(property: &str, value: &str, policy: &Policy) -> Result<String, Problem> {
    let valid = value.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty()
            && !domain.contains('@')
            && domain.contains('.')
            && domain.split('.').all(|label| !label.is_empty())
            && !value.chars().any(|each| each.is_whitespace() || "<>(),;:\"[]\\".contains(each))
    });
    if !valid {
        let message = format!("Email address {value} is invalid");
        return Err(Problem::new(property, "INVALID_EMAIL", message));
    }
    Ok(if policy.lower_case_email { value.to_lowercase() } else { value.to_owned() })
}

fn capitalised(value: &str) -> String {
    let mut rest = value.chars();
    match rest.next() {
        Some(first) => first.to_uppercase().chain(rest.flat_map(char::to_lowercase)).collect(),
        None => String::new(),
    }
}

fn plain_phone(value: &str) -> String {
    let digits: String = value.chars().filter(char::is_ascii_digit).collect();
    if digits.is_empty() {
        return value.to_owned();
    }
    if value.trim_start().starts_with('+') { format!("+{digits}") } else { digits }
}

fn number(raw: &str) -> Option<String> {
    let plain = raw.chars().all(|each| each.is_ascii_digit() || "+-.eE".contains(each));
    (plain && raw.parse::<f64>().is_ok_and(f64::is_finite)).then(|| raw.to_owned())
}

fn date(property: &Property, raw: &str) -> Result<String, Problem> {
    if text::day(raw).is_some() {
        return Ok(raw.to_owned());
    }
    let ms = text::millis(raw).ok_or_else(|| Problem::new(&property.name, "INVALID_LONG", format!("{raw} was not a valid long.")))?;
    text::day_of(ms).ok_or_else(|| {
        let message = format!("{raw} is at {} UTC, not midnight!", text::iso(ms).get(11..23).unwrap_or_default());
        Problem::new(&property.name, "INVALID_DATE", message)
    })
}

fn not_an_option(property: &Property, raw: &str, allowed: &[&str]) -> Problem {
    let message = format!("{raw} was not one of the allowed options: [{}]", allowed.join(", "));
    Problem::new(&property.name, "INVALID_OPTION", message)
}

fn one(property: &Property, raw: &str) -> Result<String, Problem> {
    if property.options.iter().any(|choice| choice.value == raw) {
        return Ok(raw.to_owned());
    }
    let allowed: Vec<&str> = property.options.iter().map(|choice| choice.value.as_str()).collect();
    Err(not_an_option(property, raw, &allowed))
}

/// A `;` list; a leading `;` is kept, it means "add to what is there".
fn several(property: &Property, raw: &str) -> Result<String, Problem> {
    let mut list: Vec<String> = Vec::new();
    for each in raw.split(';').filter(|each| !each.is_empty()) {
        let value = one(property, each)?;
        if !list.contains(&value) {
            list.push(value);
        }
    }
    let joined = list.join(";");
    Ok(if raw.starts_with(';') { format!(";{joined}") } else { joined })
}
