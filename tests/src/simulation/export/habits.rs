//! How a history's vendors and workers are, beside what fails: what the vendors' documentation leaves open, and how late everything is.

use contact_bridge::model::ids::{Pair, Side};
use rand::{Rng, rngs::SmallRng};

/// How a history is.
#[derive(Clone, Copy, Debug)]
pub struct Habits {
    /// The most contacts of a page.
    pub page: usize,
    /// The most rows of an upload.
    pub batch: usize,
    /// Whether a listing tells how many there are.
    pub tells_total: bool,
    /// Pages that hold fewer than were asked for though there are more, in percent.
    pub short_pages: u32,
    /// The longest that a side's listing does not show what happened, in milliseconds.
    pub lags: Pair<i64>,
    /// How far Wix's clock is ahead, in milliseconds.
    pub ahead: i64,
    /// Webhooks that come, in percent.
    pub webhooks: u32,
    /// Calls that take some seconds, in percent.
    pub slow: u32,
    /// How long a runner lives, in milliseconds.
    pub lifetime: i64,
    /// Runners that live on when their time is over, in percent.
    pub overtime: u32,
    /// Ticks of the timer that come twice, in percent.
    pub twin_ticks: u32,
    /// Rows of an upload that fail for a passing reason, in percent.
    pub failing_rows: u32,
    /// Rows of a listing that cannot be understood this time, in percent.
    pub garbled_rows: u32,
    /// Whether a batch fails as a whole because of some records.
    pub breakers: bool,
    /// Whose credentials are refused at present.
    pub revoked: Option<Side>,
    /// How often the owner does something besides, in percent.
    pub bossy: u32,
    /// Whether the sides limit how many calls they take.
    pub is_limited: bool,
}

impl Habits {
    /// How many calls a side takes in how many milliseconds.
    pub const LIMITS: Pair<(usize, i64)> = Pair { wix: (60, 60_000), external: (20, 10_000) };
    /// How fast contact sync calls: so many in that time, and so many at once.
    pub const LIVE: Pair<(u32, u32)> = Pair { wix: (40, 8), external: (12, 5) };
    /// How fast runs call.
    pub const BULK: Pair<(u32, u32)> = Pair { wix: (54, 1), external: (18, 1) };
}

impl Habits {
    /// Draws how a history is; nothing is later than `overlap`, in milliseconds.
    pub fn draw(rng: &mut SmallRng, overlap: i64, is_rough: bool) -> Self {
        let one_of = |rng: &mut SmallRng, choice: &[i64]| choice.get(rng.random_range(0..choice.len())).copied().unwrap_or(0);
        let lag = |rng: &mut SmallRng| one_of(rng, &[0, 0, 2_000, overlap / 2, overlap - 2_000]);
        let percent = |rng: &mut SmallRng, most: u32| if is_rough && rng.random() { rng.random_range(0..most) } else { 0 };
        let is_limited = rng.random_ratio(1, 3);
        Self {
            page: rng.random_range(2..9),
            batch: rng.random_range(1..6),
            tells_total: rng.random_ratio(3, 4),
            short_pages: if rng.random_ratio(1, 4) { 30 } else { 0 },
            lags: Pair { wix: lag(rng), external: lag(rng).min(100_000) },
            ahead: one_of(rng, &[0, 0, 61_000, -61_000, overlap - 2_000, 2_000 - overlap]),
            webhooks: u32::try_from(one_of(rng, &[0, 0, 0, 50, 100])).unwrap_or(0),
            slow: percent(rng, 12),
            lifetime: one_of(rng, &[70_000, 90_000, 300_000, 900_000]),
            // Whoever lives on keeps to no budget that another has by then.
            overtime: if is_limited { 0 } else { percent(rng, 60) },
            twin_ticks: percent(rng, 60),
            failing_rows: percent(rng, 15),
            garbled_rows: percent(rng, 6),
            breakers: is_rough && rng.random_ratio(1, 4),
            revoked: None,
            bossy: if rng.random_ratio(1, 5) { 60 } else { 0 },
            is_limited,
        }
    }

    /// From now on nothing goes wrong; what is late stays late.
    pub const fn calm_down(&mut self) {
        (self.slow, self.overtime, self.twin_ticks) = (0, 0, 0);
        (self.failing_rows, self.garbled_rows, self.breakers, self.revoked) = (0, 0, false, None);
    }
}
