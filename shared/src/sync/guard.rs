//! Rails: how many deletes may be propagated before a person is asked.

use crate::model::site::Rails;

/// Returns how many deletes a site may propagate within an hour, given the number of its links.
///
/// `links` need not be counted beyond [`links_to_count`].
#[must_use]
pub fn deletes_per_hour(rails: Rails, links: u32) -> u32 {
    let share = u64::from(links) * u64::from(rails.percent_per_hour) / 100;
    let share = u32::try_from(share).unwrap_or(u32::MAX);
    rails.deletes_per_hour.min(share.max(Rails::FLOOR))
}

/// Returns up to where counting links can change the answer of [`deletes_per_hour`].
#[must_use]
pub fn links_to_count(rails: Rails) -> u32 {
    if rails.percent_per_hour == 0 {
        return 0;
    }
    rails.deletes_per_hour.saturating_mul(100).div_ceil(rails.percent_per_hour)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stricter_of_number_and_share_holds_but_not_below_the_floor() {
        for (number, percent, links, expected) in
            [(50, 10, 10_000, 50), (50, 10, 200, 20), (50, 10, 10, 5), (3, 10, 10_000, 3), (50, 0, 10_000, 5), (0, 10, 10_000, 0)]
        {
            let rails = Rails { deletes_per_hour: number, percent_per_hour: percent };
            assert_eq!(deletes_per_hour(rails, links), expected, "{number} {percent} {links}");
        }
    }

    #[test]
    fn counting_further_changes_nothing() {
        let rails = Rails { deletes_per_hour: 50, percent_per_hour: 7 };
        let enough = links_to_count(rails);
        assert_eq!(deletes_per_hour(rails, enough), deletes_per_hour(rails, enough * 10));
    }
}
