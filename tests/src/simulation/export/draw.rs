//! What a history is drawn from: how much goes wrong, and what the owner wants.

use contact_bridge::{
    flows::setup,
    model::{
        ids::Side,
        site::{Export as Settings, Include, OnDelete, Rails, Site},
    },
};
use rand::{Rng, rngs::SmallRng};

use super::super::{people as others, world::Chaos};

/// How much goes wrong.
pub fn chaos(rng: &mut SmallRng) -> Chaos {
    Chaos {
        throttled: rng.random_range(0..4),
        failed: rng.random_range(0..6),
        lost_replies: rng.random_range(0..8),
        crashes: *[0, 1, 4, 10].get(rng.random_range(0..4)).unwrap_or(&0),
        repeats: rng.random_range(0..40),
        delay: *[0, 50, 5_000, 90_000].get(rng.random_range(0..4)).unwrap_or(&0),
        lag: 0,
    }
}

/// What the owner wants.
pub fn site(name: &str, rng: &mut SmallRng) -> Site {
    let export = Settings {
        enabled: true,
        interval_minutes: rng.random_range(5..20),
        include: if rng.random() { Include::Created } else { Include::CreatedAndUpdated },
        overlap_minutes: rng.random_range(1..7),
        busy_share: 50,
        audit_hours: if rng.random_ratio(1, 4) { 3 } else { 0 },
    };
    let side = if rng.random() { Side::Wix } else { Side::External };
    Site {
        version: 1,
        system_of_record: Some(side),
        on_delete: if rng.random() { OnDelete::Propagate } else { OnDelete::Unlink },
        rails: Rails { deletes_per_hour: 5, percent_per_hour: 100 },
        default_country: Some("US".to_owned()),
        mapping: others::mapping(),
        export,
        ..setup::defaults(&name.into())
    }
}
