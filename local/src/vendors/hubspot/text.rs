//! Instants and days as HubSpot writes them.

use jiff::{Timestamp, civil::Date, tz::TimeZone};

const DAY_MS: i64 = 86_400_000;

/// `2026-11-20T10:00:00.000Z`.
pub(super) fn iso(ms: i64) -> String {
    Timestamp::from_millisecond(ms).map_or_else(|_| String::new(), |at| format!("{at:.3}"))
}

/// Milliseconds of an ISO instant, of a day, or of a plain number of milliseconds.
pub(super) fn millis(text: &str) -> Option<i64> {
    if let Ok(ms) = text.parse::<i64>() {
        return Some(ms);
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at.as_millisecond());
    }
    day(text)
}

/// Milliseconds of midnight UTC of a `YYYY-MM-DD`.
pub(super) fn day(text: &str) -> Option<i64> {
    if text.len() != 10 {
        return None;
    }
    let date: Date = text.parse().ok()?;
    let at = date.to_zoned(TimeZone::UTC).ok()?;
    Some(at.timestamp().as_millisecond())
}

/// `YYYY-MM-DD` of an instant at midnight UTC, nothing for any other instant.
pub(super) fn day_of(ms: i64) -> Option<String> {
    (ms.rem_euclid(DAY_MS) == 0).then(|| iso(ms).get(..10).map(str::to_owned)).flatten()
}

/// The words of a text, for a search; a `*` belongs to them.
pub(super) fn words(text: &str) -> Vec<String> {
    text.split(|each: char| !each.is_alphanumeric() && each != '*').filter(|word| !word.is_empty()).map(str::to_owned).collect()
}
