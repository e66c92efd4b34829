//! How a site's contacts are exported to its CRM on a schedule, and how often the two sides are compared.

use std::{ops::RangeInclusive, time::Duration};

use serde::{Deserialize, Serialize};

/// The owner's settings of the scheduled runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Export {
    /// Whether anything runs on a schedule.
    pub enabled: bool,
    /// From the begin of one export to the next, in minutes.
    pub interval_minutes: u32,
    /// Which contacts later exports look at.
    pub include: Include,
    /// How far an export looks back behind what it has handed over, in minutes: longer than the vendor's listing lags behind writes, and than
    /// clocks differ.
    pub overlap_minutes: u32,
    /// The share of the vendors' budgets, in percent, that an export uses while events of the site wait.
    pub busy_share: u32,
    /// From the begin of one full comparison to the next, in hours; 0 for none.
    pub audit_hours: u32,
}

/// Which contacts later exports look at; the first one takes all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Include {
    /// Those created since.
    #[default]
    Created,
    /// Those created or updated since.
    CreatedAndUpdated,
}

impl Default for Export {
    fn default() -> Self {
        Self { enabled: false, interval_minutes: 15, include: Include::default(), overlap_minutes: 5, busy_share: 50, audit_hours: 7 * 24 }
    }
}

/// Five minutes to thirty days.
const INTERVAL_MINUTES: RangeInclusive<u32> = 5..=30 * 24 * 60;
/// A minute to a day.
const OVERLAP_MINUTES: RangeInclusive<u32> = 1..=24 * 60;
/// Neither side is left with so little that its calls time out while they wait for their turn.
const BUSY_SHARE: RangeInclusive<u32> = 10..=90;
/// Up to a year.
const AUDIT_HOURS: RangeInclusive<u32> = 0..=365 * 24;

impl Export {
    /// Checks the settings; returns the field and the rule it breaks.
    ///
    /// # Errors
    /// The first field that breaks a rule.
    pub fn check(&self) -> Result<(), (&'static str, &'static str)> {
        for (holds, field, rule) in [
            (INTERVAL_MINUTES.contains(&self.interval_minutes), "export.interval_minutes", "must be 5 minutes to 30 days, 5 to 43200"),
            (OVERLAP_MINUTES.contains(&self.overlap_minutes), "export.overlap_minutes", "must be a minute to a day, 1 to 1440"),
            (BUSY_SHARE.contains(&self.busy_share), "export.busy_share", "must be a percentage, 10 to 90"),
            (AUDIT_HOURS.contains(&self.audit_hours), "export.audit_hours", "must be up to a year, 1 to 8760, or 0 for never"),
        ] {
            if !holds {
                return Err((field, rule));
            }
        }
        Ok(())
    }

    /// From the begin of one export to the next.
    #[must_use]
    pub const fn interval(&self) -> Duration {
        Duration::from_mins(self.interval_minutes as u64)
    }

    /// How far an export looks back.
    #[must_use]
    pub const fn overlap(&self) -> Duration {
        Duration::from_mins(self.overlap_minutes as u64)
    }

    /// From the begin of one full comparison to the next, if there are any.
    #[must_use]
    pub const fn audit_interval(&self) -> Option<Duration> {
        if self.audit_hours == 0 { None } else { Some(Duration::from_hours(self.audit_hours as u64)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_breaks_a_rule_is_named() {
        let usual = Export::default();
        for (export, expected) in [
            (usual, None),
            (Export { interval_minutes: 5, ..usual }, None),
            (Export { interval_minutes: 4, ..usual }, Some("export.interval_minutes")),
            (Export { interval_minutes: 43_200, ..usual }, None),
            (Export { interval_minutes: 43_201, ..usual }, Some("export.interval_minutes")),
            (Export { overlap_minutes: 0, ..usual }, Some("export.overlap_minutes")),
            (Export { busy_share: 9, ..usual }, Some("export.busy_share")),
            (Export { busy_share: 91, ..usual }, Some("export.busy_share")),
            (Export { audit_hours: 0, ..usual }, None),
            (Export { audit_hours: 9_000, ..usual }, Some("export.audit_hours")),
        ] {
            assert_eq!(export.check().err().map(|(field, _)| field), expected, "{export:?}");
        }
    }
}
