//! One history: people, events, workers, crashes; then quiet; then the judgement.

use rand::{Rng, SeedableRng, rngs::SmallRng};

use super::{backend::Backend, check, plants::Plant, site::Running, world::lock};

/// The sites of a history: both have records of the same ids.
const SITES: [&str; 2] = ["site-a", "site-b"];

/// What one history shows.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// Its seed.
    pub seed: u64,
    /// The hash of everything that happened, by site.
    pub traces: Vec<u64>,
    /// What the checker found.
    pub violations: Vec<String>,
    /// Edits by people.
    pub edits: usize,
    /// Events dealt with.
    pub events: usize,
}

impl Verdict {
    /// Returns the hash of everything that happened.
    #[must_use]
    pub fn trace(&self) -> u64 {
        self.traces.iter().fold(0, |sum, trace| sum.rotate_left(17) ^ trace)
    }
}

/// Makes the empty store of a history.
pub type Backends<'a> = dyn Fn() -> Backend + Sync + 'a;

/// Runs the history of a seed over two sites that share one store and take turns.
#[must_use]
pub fn run(seed: u64, plant: Plant, backends: &Backends<'_>) -> Verdict {
    let backend = backends();
    let sites = sites(seed, plant, &mut || backend.clone());
    judge(seed, sites)
}

/// Runs the history of a seed, each of its sites with a store of its own. The traces must be those of [`run`]: the same seed gives the same
/// history (I16), and no site feels the other (I15).
#[must_use]
pub fn run_apart(seed: u64, plant: Plant, backends: &Backends<'_>) -> Verdict {
    judge(seed, sites(seed, plant, &mut || backends()))
}

fn sites(seed: u64, plant: Plant, backend: &mut dyn FnMut() -> Backend) -> Vec<Running> {
    let mut rng = SmallRng::seed_from_u64(seed);
    SITES.iter().map(|name| Running::new(name, rng.random(), plant, &backend())).collect()
}

fn judge(seed: u64, mut sites: Vec<Running>) -> Verdict {
    while sites.iter_mut().fold(false, |busy, site| site.turn() | busy) {}
    let mut verdict = Verdict { seed, traces: Vec::new(), violations: Vec::new(), edits: 0, events: 0 };
    for running in &mut sites {
        running.come_to_rest();
        check::at_rest(running);
        // What waits for a person may find its way at another look, when what stood in the way is gone; then nothing is left to do.
        running.replay(true);
        let before = check::snapshot(running);
        running.replay(false);
        check::at_rest(running);
        check::nothing_happened(running, &before);
        let world = lock(&running.world);
        verdict.traces.push(world.trace_hash());
        verdict.edits += world.edits.len();
        verdict.events += running.done;
        verdict.violations.extend(world.violations.iter().map(|violation| format!("{}: {violation}", world.site)));
    }
    verdict
}
