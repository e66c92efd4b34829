//! When to try again.

use std::time::Duration;

use jiff::Timestamp;

/// The first wait of a row; it doubles.
const ROW: Duration = Duration::from_mins(15);
/// The longest wait of a row.
const LONGEST_OF_A_ROW: Duration = Duration::from_hours(24);
/// So often a row is tried before a person is asked.
const MOST_OF_A_ROW: u32 = 10;
/// The first wait of a run; it doubles.
const RUN: Duration = Duration::from_mins(1);
/// The longest wait of a run.
const LONGEST_OF_A_RUN: Duration = Duration::from_hours(1);

/// Returns when a row that failed for a passing reason is tried again; nothing if it was tried often enough.
#[must_use]
pub fn row(attempts: u32, now: Timestamp) -> Option<Timestamp> {
    (attempts < MOST_OF_A_ROW).then(|| after(now, doubled(ROW, attempts).min(LONGEST_OF_A_ROW)))
}

/// Returns when a run that failed so often in a row is tried again.
#[must_use]
pub fn run(times: u32, now: Timestamp) -> Timestamp {
    after(now, doubled(RUN, times).min(LONGEST_OF_A_RUN))
}

fn doubled(first: Duration, times: u32) -> Duration {
    first.saturating_mul(1 << times.saturating_sub(1).min(16))
}

fn after(now: Timestamp, wait: Duration) -> Timestamp {
    now.saturating_add(wait).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_limit() {
        let minutes = |at: Timestamp| at.as_second() / 60;
        let rows: Vec<_> = (1..=11).map(|attempts| row(attempts, Timestamp::UNIX_EPOCH).map(minutes)).collect();
        let expected = [15, 30, 60, 120, 240, 480, 960, 1_440, 1_440].map(Some).into_iter().chain([None, None]);
        assert_eq!(rows, expected.collect::<Vec<_>>());
        let runs: Vec<_> = [0, 1, 2, 6, 7, 4_000_000].map(|times| minutes(run(times, Timestamp::UNIX_EPOCH))).into();
        assert_eq!(runs, [1, 1, 2, 32, 60, 60]);
    }
}
