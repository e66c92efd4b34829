//! People at work: contacts come in groups, change and go while pages are read; the owner pauses, asks, saves and takes the app away.

use std::time::Duration;

use async_trait::async_trait;
use contact_bridge::{
    flows::{
        run,
        setup::{self, Registry},
    },
    model::{
        event::EventKind,
        field::{Field, Fields, Patch, Value},
        ids::{RecordId, Side},
        run::RunKind,
        site::{Site, Status},
    },
    ports::Clock,
};
use jiff::Timestamp;
use rand::Rng;

use super::{
    super::{
        people::{TEXTS, field},
        records::Actor,
        world::{World, lock},
    },
    Plant,
    stage::Stage,
};

/// So many addresses there are; whoever gets one that is taken is somebody that both sides have.
const ADDRESSES: u32 = 60;

fn text(value: String) -> Option<Value> {
    Value::text(value)
}

/// A person of a side, with an address, a phone number, or nothing that anybody could be known by.
fn somebody(world: &mut World, side: Side) -> Fields {
    let mut fields = Fields::new();
    for row in TEXTS {
        let number = world.edits.number();
        fields.extend(text(format!("v{number} Ann")).map(|value| (field(side, row), value)));
    }
    let number = world.rng.random_range(0..ADDRESSES);
    let email = match world.rng.random_range(0..20) {
        0 => Some(format!("poison{number}@example.com")),
        1 => None,
        _ => Some(format!("P{number}@Example.com")),
    };
    match email {
        Some(email) => fields.extend(text(email).map(|value| (Field::from("email"), value))),
        None => fields.extend(text(format!("+1202555{number:04}")).map(|value| (Field::from("phone"), value))),
    }
    fields
}

/// Somebody is added. The CRM has one of an address; Wix seldom has two.
pub fn add(world: &mut World, side: Side) {
    let fields = somebody(world, side);
    let is_taken = world.holder(side, &fields, None).is_some();
    if is_taken && (side == Side::External || world.rng.random_ratio(9, 10)) {
        return;
    }
    world.insert(side, Actor::Person, &fields, None);
}

fn any_record(world: &mut World, side: Side) -> Option<RecordId> {
    let ids = world.sides.of(side).present_ids();
    if ids.is_empty() {
        return None;
    }
    let nth = world.rng.random_range(0..ids.len());
    ids.get(nth).cloned()
}

fn change(world: &mut World, side: Side) {
    let Some(id) = any_record(world, side) else { return };
    let number = world.edits.number();
    let row = TEXTS.get(world.rng.random_range(0..TEXTS.len())).copied().unwrap_or(TEXTS[0]);
    let patch = Patch::from([(field(side, row), text(format!("v{number} Ann")))]);
    world.change(side, Actor::Person, &id, &patch);
}

/// Often it is somebody who was just added.
fn delete(world: &mut World, side: Side) {
    let latest = |world: &World| {
        let present = world.sides.of(side).records.iter().filter(|(_, record)| !record.deleted);
        present.max_by_key(|(_, record)| record.created).map(|(id, _)| id.clone())
    };
    let id = if world.chance(50) { latest(world) } else { any_record(world, side) };
    if let Some(id) = id {
        world.now += 1;
        world.remove(side, &id, EventKind::Deleted { by_merge: false });
    }
}

/// Somebody does something.
pub fn act(stage: &Stage) {
    let what = stage.below(100);
    stage.books().acts += 1;
    match what {
        0..35 => group(&mut lock(&stage.world)),
        35..45 => add(&mut lock(&stage.world), Side::External),
        45..70 => change(&mut lock(&stage.world), Side::Wix),
        70..76 => change(&mut lock(&stage.world), Side::External),
        76..88 => delete(&mut lock(&stage.world), Side::Wix),
        88..91 => delete(&mut lock(&stage.world), Side::External),
        _ => owner(stage),
    }
    if stage.chance(stage.habits().bossy) {
        owner(stage);
    }
}

/// Some are added at once, as an import does.
fn group(world: &mut World) {
    world.now += 1;
    let most = *[1, 1, 2, 4, 9].get(world.rng.random_range(0..5)).unwrap_or(&1);
    for _ in 0..most {
        add(world, Side::Wix);
    }
}

/// The owner does something.
fn owner(stage: &Stage) {
    let kind = if stage.chance(30) { RunKind::Audit } else { RunKind::Export };
    let (backend, site, now) = (&stage.backend, &stage.site, lock(&stage.world).instant());
    let what = stage.below(10);
    lock(&stage.world).trace(("owner", what, kind.name()));
    let done = match what {
        0 | 1 => backend.finish(backend.runs.pause(site, kind)),
        2..5 => backend.finish(backend.runs.resume(site, kind, now)),
        5 | 6 => backend.finish(backend.runs.ask(site, kind, now)),
        7 => backend.finish(setup::removed(backend.sites.as_ref(), site, now, now)),
        // Who installed it once does so again, sooner or later.
        8 => {
            come_back(stage);
            Ok(())
        }
        _ => {
            let minutes = u32::try_from(5 + stage.below(20)).unwrap_or(5);
            save(stage, |site| {
                site.export.enabled = minutes.is_multiple_of(5) || !minutes.is_multiple_of(3);
                site.export.interval_minutes = minutes;
            });
            Ok(())
        }
    };
    if let Err(error) = done {
        stage.violation("store", error.to_string());
    }
}

/// The app is there, again if it was removed.
pub fn come_back(stage: &Stage) {
    let backend = &stage.backend;
    let clock = Instant(lock(&stage.world).instant());
    let (sites, runs, links) = (backend.sites.as_ref(), backend.runs.as_ref(), backend.links.as_ref());
    let registry = Registry { sites, runs, links, clock: &clock };
    let done = match stage.plant {
        Plant::ComparesNobodyAfterwards => {
            save(stage, |site| site.status = Status::Installed);
            Ok(())
        }
        _ => backend.finish(setup::installed(registry, &stage.site, clock.0)),
    };
    if let Err(error) = done {
        stage.violation("store", error.to_string());
    }
}

/// The clock of a call that nobody waits in.
struct Instant(Timestamp);

#[async_trait]
impl Clock for Instant {
    fn now(&self) -> Timestamp {
        self.0
    }

    async fn sleep(&self, _: Duration) {}
}

/// The owner saves other settings.
pub fn save(stage: &Stage, change: impl FnOnce(&mut Site)) {
    let backend = &stage.backend;
    let Ok(Some(mut site)) = backend.finish(backend.sites.site(&stage.site)) else { return };
    change(&mut site);
    site.version += 1;
    let now = lock(&stage.world).instant();
    let saved = backend.finish(async {
        backend.sites.save_site(&site).await?;
        run::schedule(backend.runs.as_ref(), &site, now).await
    });
    if let Err(error) = saved {
        stage.violation("store", error.to_string());
    }
}
