//! How many contacts the shipped flows bring in step where stores and vendors take no time.

use std::{
    hint::black_box,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Instant,
};

use contact_bridge::{
    adapters::memory::Store,
    flows::{
        contact::{Contacts, Outcome},
        setup,
    },
    mapping::Mapping,
    model::{
        field::{Field, Fields, Patch, Value},
        fingerprint::Key,
        ids::{Pair, RecordId, Side, SiteId},
        site::Site,
    },
    ports::ContactStore,
};
use contact_bridge_tests::simulation::{
    executor::Task,
    plants::Plant,
    records::Actor,
    vendor::{SimulatedVendor, enclose},
    world::{Chaos, Shared, World, WorldClock, lock},
};

use super::{median, rate};

/// Contacts of a site: few, for the simulated vendors look through all of theirs.
const CONTACTS: usize = 40;
/// Sites in one round.
const SITES: usize = 25;
/// The filled fields of a contact.
const FIELDS: [(&str, &str); 8] = [
    ("name.first", "Ada"),
    ("name.last", "Lovelace"),
    ("company", "Analytical Engines"),
    ("jobTitle", "Programmer"),
    ("address.line", "12 St James's Square"),
    ("address.city", "London"),
    ("address.postalCode", "SW1Y 4JH"),
    ("address.country", "GB"),
];

/// Prints the rates of contacts created and updated, and of the baseline.
#[expect(clippy::print_stdout, reason = "the command's answer")]
pub(super) fn run(rounds: usize) -> anyhow::Result<()> {
    let mut figures: [Vec<f64>; 5] = Default::default();
    let mut events = 0;
    for _ in 0..rounds {
        let mut sites: Vec<Running> = (0..SITES).map(|_| Running::new()).collect();
        let baseline = round_trips(&sites)?;
        let created = timed(&mut sites, Running::create)?;
        let updated = timed(&mut sites, Running::update)?;
        events = sites.iter().map(|site| site.done).sum();
        for (all, one) in figures.iter_mut().zip([created, updated, baseline, created / baseline, updated / baseline]) {
            all.push(one);
        }
    }
    let [created, updated, baseline, create_ratio, update_ratio] = figures.map(median);
    let contacts = SITES * CONTACTS;
    println!("{contacts} contacts in {SITES} sites, {events} events with the echoes, one core, {rounds} alternating rounds, medians");
    println!("created and linked            {created:>9.0} contacts/s");
    println!("updated                       {updated:>9.0} contacts/s");
    println!("two JSON round trips          {baseline:>9.0} contacts/s");
    println!("ratio, created                {create_ratio:>9.3}");
    println!("ratio, updated                {update_ratio:>9.3}");
    Ok(())
}

fn timed(sites: &mut [Running], act: fn(&mut Running) -> anyhow::Result<()>) -> anyhow::Result<f64> {
    let begun = Instant::now();
    for site in &mut *sites {
        act(site)?;
    }
    Ok(rate(sites.len() * CONTACTS, begun))
}

/// The least any bridge does with a contact: it reads and writes it on both sides.
fn round_trips(sites: &[Running]) -> anyhow::Result<f64> {
    let bodies: Vec<String> = (0..CONTACTS).map(|nth| serde_json::to_string(&fields(nth))).collect::<Result<_, _>>()?;
    let begun = Instant::now();
    for body in sites.iter().flat_map(|_| &bodies) {
        let mut body = black_box(body.clone());
        for _ in Side::BOTH {
            let contact: Fields = serde_json::from_str(&body)?;
            body = serde_json::to_string(&contact)?;
        }
        black_box(body);
    }
    Ok(rate(sites.len() * CONTACTS, begun))
}

fn fields(nth: usize) -> Fields {
    let unique = [("email", format!("person-{nth}@example.com")), ("phone", format!("+1202555{nth:04}"))];
    let same = FIELDS.map(|(field, value)| (field, value.to_owned()));
    same.into_iter().chain(unique).map(|(field, value)| (Field::from(field), Value::Text(value))).collect()
}

/// A site whose vendors and links are in memory and where nothing goes wrong.
struct Running {
    world: Shared,
    contacts: Contacts,
    ids: Vec<RecordId>,
    done: usize,
}

impl Running {
    fn new() -> Self {
        let id = SiteId::new("site");
        let world: Shared = Arc::new(Mutex::new(World::new(id.as_str(), 1, Chaos::NONE)));
        let vendor = |side| -> Arc<dyn ContactStore> { Arc::new(SimulatedVendor { world: world.clone(), side, plant: Plant::None }) };
        let site = Site { system_of_record: Some(Side::Wix), default_country: Some("US".to_owned()), ..setup::defaults(&id) };
        let owners = AtomicU32::new(0);
        let contacts = Contacts {
            mapping: Mapping::new(&setup::rows(&site), site.default_country.as_deref()),
            key: Key::derive(b"benchmark", &site.site),
            stores: Pair { wix: vendor(Side::Wix), external: vendor(Side::External) },
            links: Arc::new(Store::new()),
            clock: Arc::new(WorldClock(world.clone())),
            owner: Arc::new(move || owners.fetch_add(1, Ordering::Relaxed).to_string()),
            site,
        };
        Self { world, contacts, ids: Vec::new(), done: 0 }
    }

    fn create(&mut self) -> anyhow::Result<()> {
        self.ids = (0..CONTACTS).map(|nth| lock(&self.world).insert(Side::Wix, Actor::Person, &fields(nth), None)).collect();
        self.run_dry()
    }

    fn update(&mut self) -> anyhow::Result<()> {
        let patch: Patch = [(Field::from("jobTitle"), Some(Value::Text("Countess".to_owned())))].into();
        for id in &self.ids {
            lock(&self.world).change(Side::Wix, Actor::Person, id, &patch);
        }
        self.run_dry()
    }

    /// Applies what is due, and the echoes, until nothing is; both sides then have every contact.
    fn run_dry(&mut self) -> anyhow::Result<()> {
        loop {
            let event = {
                let mut world = lock(&self.world);
                let Some((due, _)) = world.queue.keys().next().copied() else { break };
                world.now = world.now.max(due);
                world.take_due()
            };
            let Some(event) = event else { continue };
            let (contacts, own) = (self.contacts.clone(), event.clone());
            let mut task = Task::new(async move { contacts.apply(&own).await });
            let outcome = loop {
                if let Some(outcome) = task.step() {
                    break outcome;
                }
            };
            match outcome {
                Outcome::Done(_) => self.done += 1,
                Outcome::Later(later) => lock(&self.world).deliver_at(later.until.as_millisecond(), event),
                Outcome::Poison(error) => anyhow::bail!(error),
            }
        }
        let counts = Side::BOTH.map(|side| lock(&self.world).sides.of(side).present_ids().len());
        anyhow::ensure!(counts == [CONTACTS; 2], "not every contact is on both sides: {counts:?}");
        self.check_last()
    }

    /// The last contact has the same job title on both sides.
    fn check_last(&self) -> anyhow::Result<()> {
        let world = lock(&self.world);
        let wix = self.ids.last().and_then(|id| world.sides.wix.present(id)).map(|record| enclose(&RecordId::from("last"), record));
        let title = wix.as_ref().and_then(|wix| wix.pointer("/fields/jobTitle")).and_then(serde_json::Value::as_str);
        let own = |fields: &Fields| fields.get(&Field::from("jobtitle")).and_then(Value::as_text).map(str::to_owned);
        let theirs = world.sides.external.records.values().next_back().and_then(|record| own(&record.fields));
        anyhow::ensure!(title == theirs.as_deref(), "the sides differ");
        Ok(())
    }
}
