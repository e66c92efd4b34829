//! Two full sides that are aligned for the first time: previewed, loaded, compared and synchronised over the whole path, with everything killed in
//! the middle more than once. What became of everybody is recounted from what both vendors have, by somebody who knows who is who.

mod facts;
mod people;
mod play;
mod recount;

use std::time::Duration;

use contact_bridge::{
    model::{ids::Side, run::RunKind},
    sync::preview,
};
use contact_bridge_local::stack::{Options, StoreKind};

pub use self::{
    people::FEWEST,
    recount::{Flaw, Recount},
};
use self::{
    people::{Cast, Fate},
    play::{Moment, Stage},
};

/// What an invocation takes beside its calls to the vendors. Without it, everything that waits would be put back at every pause.
const INVOCATION: Duration = Duration::from_millis(100);

/// How two sides were aligned.
#[derive(Debug)]
pub struct Report {
    /// How many pairs, people on one side, and unclear records there were.
    pub cast: [usize; 3],
    /// What the preview said.
    pub preview: preview::Found,
    /// Whether each step was killed before it was over.
    pub killed: Vec<(&'static str, bool)>,
    /// Calls to Wix and to the CRM, of the preview and of the alignment.
    pub calls: [[u64; 2]; 2],
    /// Calls that the vendors refused for excess, of the preview and of the alignment; each was made again.
    pub refused: [u64; 2],
    /// Writes to the vendors, of the preview and of the alignment.
    pub writes: [u64; 2],
    /// Virtual time, of the preview and of the alignment.
    pub time: [Duration; 2],
    /// What both sides have in the end.
    pub recount: Recount,
}

/// Aligns two sides with so many contacts each, at least [`FEWEST`]. `tell` hears how it goes.
///
/// # Errors
/// When the stack fails.
pub async fn align(contacts: usize, store: StoreKind, tell: &dyn Fn(&str)) -> anyhow::Result<Report> {
    anyhow::ensure!(contacts >= FEWEST, "at least {FEWEST} contacts make two sides");
    let cast = Cast::of(contacts);
    let stage = Stage::open(&cast, Options { store, hurried: true, invocation: INVOCATION, ..Options::default() }).await?;
    tell("both sides are full");
    let half = u64::try_from(contacts / 2)?;
    let untouched = stage.records()?;

    let mut killed = Vec::new();
    stage.ask(RunKind::Preview).await?;
    let mut kill = async |name, moment| {
        let over = stage.kill_at(moment).await?;
        tell(&format!("{name}: {}", if over { "over before" } else { "killed" }));
        killed.push((name, !over));
        anyhow::Ok(())
    };
    kill("half-way through the preview", Moment::Previewed(half)).await?;
    stage.rest().await?;
    let preview = stage.preview().await?.last.map(|last| last.found).unwrap_or_default();
    let looked = stage.spent();
    let changed = stage.records()?.iter().zip(&untouched).filter(|(now, before)| now != before).count();
    tell("previewed");

    stage.turn_on(Side::Wix).await?;
    stage.spent();
    let pairs = u64::try_from(cast.count(Fate::Linked))?;
    kill("half-way through the first load", Moment::Read(half)).await?;
    kill("some of the pairs written", Moment::Written(pairs / 10)).await?;
    kill("at the end of the first load", Moment::Loaded).await?;
    kill("most of the pairs written", Moment::Written(pairs * 4 / 5)).await?;
    stage.ask(RunKind::Audit).await?;
    kill("half-way through the comparison", Moment::Compared(2 * half)).await?;
    stage.rest().await?;
    let worked = stage.spent();
    tell("aligned");

    let mut recount = stage.recount(&cast).await?;
    recount.note_many(Flaw::WroteInPreview, changed.max(usize::try_from(looked.writes)?));
    tell("recounted");
    Ok(Report {
        cast: [Fate::Linked, Fate::Made, Fate::Left].map(|fate| cast.count(fate)),
        preview,
        killed,
        calls: [looked.calls, worked.calls],
        refused: [looked.refused, worked.refused],
        writes: [looked.writes, worked.writes],
        time: [looked.time, worked.time],
        recount,
    })
}

impl Report {
    /// What is not as it should be, in words.
    #[must_use]
    pub fn complaints(&self) -> Vec<String> {
        let [pairs, alone, left] = self.cast;
        let counted = Flaw::ALL.into_iter().filter_map(|(flaw, name)| Some(format!("{} {name}", self.recount.flaws.get(&flaw)?)));
        let kills = self.killed.iter().filter(|(_, killed)| !killed).map(|(name, _)| format!("not killed: {name}"));
        let records: usize = self.recount.records.iter().sum();
        let expected = [
            (self.recount.matched == pairs, "not every pair is linked"),
            (records == 2 * (pairs + alone) + left, "there are too many or too few records"),
            (self.recount.notes >= left, "not everybody unclear is on the list"),
            (!self.preview.sample.is_empty(), "the preview shows nobody"),
        ];
        let others = expected.into_iter().filter(|(good, _)| !good).map(|(_, what)| what.to_owned());
        counted.chain(kills).chain(others).chain(self.recount.told.iter().cloned()).collect()
    }
}
