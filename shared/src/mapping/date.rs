//! Calendar dates. A date has no zone: what is not exactly a date is refused, never shifted.

use jiff::{Timestamp, civil::Date, tz::TimeZone};

use crate::model::ids::Side;

const DAY_MS: i64 = 86_400_000;

/// How the CRM writes dates: `YYYY`, `MM` and `DD` once each, with punctuation around.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Year,
    Month,
    Day,
    Literal(char),
}

impl Pattern {
    /// How Wix, and HubSpot's date properties, write dates.
    pub const ISO: &str = "YYYY-MM-DD";

    /// Reads a pattern; `None` if it does not tell year, month and day once each.
    pub fn parse(pattern: &str) -> Option<Self> {
        let mut parts = Vec::new();
        let mut rest = pattern;
        while let Some(first) = rest.chars().next() {
            let named = [("YYYY", Part::Year), ("MM", Part::Month), ("DD", Part::Day)];
            let (part, tail) = match named.into_iter().find_map(|(name, part)| Some((part, rest.strip_prefix(name)?))) {
                Some(named) => named,
                None if first.is_alphanumeric() => return None,
                None => (Part::Literal(first), rest.strip_prefix(first)?),
            };
            parts.push(part);
            rest = tail;
        }
        let once = |part| parts.iter().filter(|other| **other == part).count() == 1;
        (once(Part::Year) && once(Part::Month) && once(Part::Day)).then_some(Self(parts))
    }

    fn iso() -> Self {
        Self(vec![Part::Year, Part::Literal('-'), Part::Month, Part::Literal('-'), Part::Day])
    }

    fn read(&self, text: &str) -> Option<Date> {
        let (mut year, mut month, mut day) = (0, 0, 0);
        let mut rest = text;
        for part in &self.0 {
            match part {
                Part::Year => (year, rest) = digits(rest, 4)?,
                Part::Month => (month, rest) = digits(rest, 2)?,
                Part::Day => (day, rest) = digits(rest, 2)?,
                Part::Literal(literal) => rest = rest.strip_prefix(*literal)?,
            }
        }
        let date = Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
        rest.is_empty().then_some(date)
    }

    fn write(&self, date: Date) -> String {
        let part = |part: &Part| match part {
            Part::Year => format!("{:04}", date.year()),
            Part::Month => format!("{:02}", date.month()),
            Part::Day => format!("{:02}", date.day()),
            Part::Literal(literal) => literal.to_string(),
        };
        self.0.iter().map(part).collect()
    }
}

/// Converts a date of the other side into `to`'s form.
pub(super) fn convert(pattern: Option<&Pattern>, to: Side, text: &str) -> Option<String> {
    let date = read(pattern?, to.opposite(), text)?;
    match to {
        Side::Wix => Some(iso(date)),
        Side::External => Some(pattern?.write(date)),
    }
}

/// Returns the date as `YYYY-MM-DD`, a text that is none without blanks around.
pub(super) fn key(pattern: Option<&Pattern>, side: Side, text: &str) -> String {
    let date = pattern.and_then(|pattern| read(pattern, side, text));
    date.map_or_else(|| text.trim().to_owned(), iso)
}

/// Tells whether a text is a date as `YYYY-MM-DD`.
pub(super) fn is_iso(text: &str) -> bool {
    Pattern::iso().read(text).is_some()
}

fn read(pattern: &Pattern, side: Side, text: &str) -> Option<Date> {
    let text = text.trim();
    let plain = || Pattern::iso().read(text);
    let date = match side {
        Side::Wix => plain().or_else(|| midnight(text)),
        Side::External => pattern.read(text).or_else(plain).or_else(|| midnight(text)).or_else(|| epoch(text)),
    };
    date.filter(|date| (0..=9999).contains(&date.year()))
}

/// Reads a point in time that is midnight in UTC.
fn midnight(text: &str) -> Option<Date> {
    let at: Timestamp = text.parse().ok()?;
    let exact = at.as_nanosecond() % (i128::from(DAY_MS) * 1_000_000) == 0;
    exact.then(|| at.to_zoned(TimeZone::UTC).date())
}

/// Reads milliseconds since 1970 that are midnight in UTC, the older form of HubSpot's date properties.
/// <https://developers.hubspot.com/docs/api-reference/crm-properties-v3/guide>
fn epoch(text: &str) -> Option<Date> {
    let at = text.parse().ok().filter(|ms: &i64| ms % DAY_MS == 0)?;
    Some(Timestamp::from_millisecond(at).ok()?.to_zoned(TimeZone::UTC).date())
}

fn iso(date: Date) -> String {
    Pattern::iso().write(date)
}

fn digits(text: &str, count: usize) -> Option<(i16, &str)> {
    let (digits, rest) = text.split_at_checked(count)?;
    let number = digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())??;
    Some((number, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_tells_each_part_once() {
        for (pattern, good) in [
            ("YYYY-MM-DD", true),
            ("DD/MM/YYYY", true),
            ("DD. MM. YYYY", true),
            ("YYYYMMDD", true),
            ("DD/MM/YY", false),
            ("MM/YYYY", false),
            ("DD/MM/YYYY/DD", false),
            ("DD MMM YYYY", false),
            ("dd/mm/yyyy", false),
            ("", false),
        ] {
            assert_eq!(Pattern::parse(pattern).is_some(), good, "{pattern}");
        }
    }

    #[test]
    fn what_is_not_exactly_a_date_is_refused() {
        let pattern = Pattern::parse("DD/MM/YYYY");
        for (text, expected) in [
            ("29/02/2024", Some("2024-02-29")),
            (" 29/02/2024 ", Some("2024-02-29")),
            ("2024-02-29", Some("2024-02-29")),
            ("2024-02-29T00:00:00.000Z", Some("2024-02-29")),
            ("1709164800000", Some("2024-02-29")),
            ("0", Some("1970-01-01")),
            ("-86400000", Some("1969-12-31")),
            ("1709164800001", None),
            ("2024-02-29T00:00:00+02:00", None),
            ("2024-02-28T23:00:00Z", None),
            ("29/02/2023", None),
            ("02/29/2024", None),
            ("29/02/24", None),
            ("next spring", None),
        ] {
            assert_eq!(convert(pattern.as_ref(), Side::Wix, text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn the_crm_gets_its_pattern() {
        for (pattern, expected) in [("DD/MM/YYYY", "29/02/2024"), ("YYYYMMDD", "20240229"), (Pattern::ISO, "2024-02-29")] {
            let converted = convert(Pattern::parse(pattern).as_ref(), Side::External, "2024-02-29");
            assert_eq!(converted.as_deref(), Some(expected));
        }
    }
}
