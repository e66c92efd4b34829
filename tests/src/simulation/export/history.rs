//! One history: people, pages, timers, crashes; then quiet, passes with nothing new, full comparisons; and the judgement of each.

use contact_bridge::model::{event::Event, run::RunKind};
use jiff::Timestamp;
use rand::{Rng, SeedableRng, rngs::SmallRng};

use super::{
    super::{
        backend::Backend,
        history::{Backends, Verdict},
        world::lock,
    },
    Plant, check,
    site::Running,
};

/// The sites of a history.
const SITES: [&str; 2] = ["site-a", "site-b"];

/// Runs the history of a seed over two sites that share one store and take turns.
#[must_use]
pub fn run(seed: u64, plant: Plant, backends: &Backends<'_>) -> Verdict {
    let backend = backends();
    judge(seed, sites(seed, plant, &mut || backend.clone()))
}

/// Runs the history of a seed, each of its sites with a store of its own. The traces must be those of [`run`].
#[must_use]
pub fn run_apart(seed: u64, plant: Plant, backends: &Backends<'_>) -> Verdict {
    judge(seed, sites(seed, plant, &mut || backends()))
}

fn sites(seed: u64, plant: Plant, backend: &mut dyn FnMut() -> Backend) -> Vec<Running> {
    let mut rng = SmallRng::seed_from_u64(seed);
    let sites = if rng.random_ratio(1, 4) { 2 } else { 1 };
    SITES.iter().take(sites).map(|name| Running::new(name, rng.random(), plant, &backend())).collect()
}

fn judge(seed: u64, mut sites: Vec<Running>) -> Verdict {
    while sites.iter_mut().fold(false, |busy, site| site.turn() | busy) {}
    let mut verdict = Verdict { seed, traces: Vec::new(), violations: Vec::new(), edits: 0, events: 0 };
    for running in &mut sites {
        end(running);
        let world = lock(&running.stage.world);
        verdict.traces.push(world.trace_hash());
        verdict.edits += running.stage.books().acts;
        verdict.events += running.done;
        verdict.violations.extend(world.violations.iter().map(|violation| format!("{}: {violation}", world.site)));
    }
    verdict
}

/// All comes to rest, and is judged.
fn end(running: &mut Running) {
    running.calm_down();
    // A pass that began when all that happened before shows.
    let overlap = running.settings().map_or(0, |site| i64::from(site.export.overlap_minutes) * 60_000);
    exports_since(running, overlap);
    check::exported(running);
    check::counted(running);
    // By a clock that is ahead, what was refused may have changed since, for twice as long.
    exports_since(running, overlap);
    let before = check::snapshot(running);
    exports_since(running, 1);
    check::nothing_happened(running, &before);
    // An event that ends a pair looks again at those who waited for that; if it is put off in the middle of it, only the next comparison goes on.
    compare(running);
    compare(running);
    check::compared(running);
    let before = check::snapshot(running);
    compare(running);
    exports_since(running, 1);
    check::nothing_happened(running, &before);
    check::compared(running);
}

/// Passes go on until one has ended that began so much later.
fn exports_since(running: &mut Running, wait: i64) {
    let since = Timestamp::from_millisecond(running.stage.now() + wait).unwrap_or(Timestamp::MAX);
    running.come_to_rest(|running| running.checkpoint().last.is_some_and(|last| last.began >= since));
}

/// The owner asks for a full comparison, and it ends.
fn compare(running: &mut Running) {
    let (stage, kind) = (running.stage.clone(), RunKind::Audit);
    let now = lock(&stage.world).instant();
    if let Err(error) = stage.backend.finish(stage.backend.runs.ask(&stage.site, kind, now)) {
        stage.violation("store", error.to_string());
    }
    stage.request_at(stage.now(), Event::requested(&stage.site, kind, now));
    running.come_to_rest(|running| {
        let notes = running.run_of(kind).progress.checkpoint;
        let last = serde_json::from_value::<contact_bridge::sync::audit::Checkpoint>(notes).ok().and_then(|notes| notes.last);
        last.is_some_and(|last| last.began >= now)
    });
}
