//! The scheduled export of a shop with many new contacts: killed half-way, resumed, and recounted on both sides.

use std::{collections::BTreeMap, pin::pin, time::Duration};

use anyhow::Context;
use contact_bridge::{
    model::{
        run::RunKind,
        site::{Export, Site},
    },
    sync::export::{Checkpoint, Tally},
};
use indicatif::ProgressBar;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{compare::Comparison, crowd, screen::Screen, span};
use crate::stack::{SiteHandle, Stack};

/// So many contacts are created in Wix within one second.
const IN_A_SECOND: usize = 40;
/// Of so many contacts one has nothing but an address that `HubSpot` takes for none.
const ONE_IS_BAD_OF: usize = 4_000;
/// A clock that moved so far between two looks was waited on.
const LONGEST_LOOK_MS: i64 = 120_000;
/// What `HubSpot` allows: so many calls in ten seconds.
const BUDGET: i64 = 100;
/// How `HubSpot` counts uploads.
const UPLOADED: &str = "POST /crm/objects/2026-09/contacts/batch/upsert";

/// Exports so many new contacts; what did not end as it should.
pub(super) async fn play(stack: &Stack, contacts: usize, screen: &mut Screen) -> anyhow::Result<Vec<String>> {
    if contacts == 0 {
        return Ok(Vec::new());
    }
    let site = stack.add_new_site("exporting-shop").await?;
    let bad = fill(stack, &site, contacts)?;
    screen.line(&format!("\nAnother shop has {contacts} new contacts in Wix; a scheduled export takes them to HubSpot."));
    let mut watch = Watch::over(stack, &site, contacts);
    turn_on(stack, &site).await?;
    let over = watch.until(screen, |seen| seen.tally.read * 2 >= contacts as u64).await?;
    let killed = watch.seen().await?;
    screen.line(&format!("  The function is killed in the middle: {} pages are done and entered.", killed.tally.pages));
    let over = watch.until(screen, |seen| seen.is_over).await? || over;
    let ended = watch.seen().await?;
    stack.pause_run(&site.id, RunKind::Export, true).await?;
    let settled = stack.settle().await?;
    let recount = Recount::of(stack, &site, bad).await?;
    recount.tell(&ended, screen);
    let checks = [
        ("it was killed half-way", !over && killed.tally.read < contacts as u64),
        ("each row was entered once", ended.tally.read == contacts as u64),
        ("the pass went on where it stood", ended.began == killed.began && ended.tally.pages <= most_pages(contacts)),
        ("the account equals what was read", ended.tally.accounted() == ended.tally.read),
        ("every row is accounted for on both sides", recount.is_complete(contacts)),
        ("nothing was sent too fast", stack.wix.core().calls.refused() + stack.hubspot.calls().refused() == 0),
        ("nothing is left to do", settled.quiet),
    ];
    Ok(checks.iter().filter(|(_, good)| !good).map(|(what, _)| format!("export: not this: {what}")).collect())
}

/// Has contacts in Wix of which no webhook tells; the addresses of those that `HubSpot` refuses, by the contacts' ids.
fn fill(stack: &Stack, site: &SiteHandle, contacts: usize) -> anyhow::Result<BTreeMap<String, String>> {
    let mut bad = BTreeMap::new();
    stack.wix.set_webhook_urls(Vec::new());
    let is_bad = |number: usize| number % ONE_IS_BAD_OF.min(contacts) == ONE_IS_BAD_OF.min(contacts) / 3;
    let numbers: Vec<usize> = (0..contacts).collect();
    for numbers in numbers.chunks(IN_A_SECOND) {
        let infos: Vec<Value> =
            numbers.iter().map(|number| if is_bad(*number) { refused(*number) } else { crowd::new_contact(*number) }).collect();
        let ids = stack.wix.seed(Some(site.id.as_str()), &infos)?;
        bad.extend(ids.into_iter().zip(numbers).filter(|(_, number)| is_bad(**number)).map(|(id, number)| (id, bad_address(*number))));
        stack.clock().advance(Duration::from_secs(1));
    }
    stack.wix.set_webhook_urls(vec![format!("{}/webhooks/wix", stack.gateway_url())]);
    Ok(bad)
}

fn bad_address(number: usize) -> String {
    format!("nobody({number})@example.com")
}

fn refused(number: usize) -> Value {
    json!({"emails": {"items": [{"email": bad_address(number), "primary": true}]}})
}

async fn turn_on(stack: &Stack, site: &SiteHandle) -> anyhow::Result<()> {
    let settings = stack.app.means.sites.site(&site.id).await?.context("the site has settings")?;
    let export = Export { enabled: true, audit_hours: 0, ..Export::default() };
    stack.save_site(Site { export, ..settings }).await?;
    Ok(())
}

/// How far the export has come.
struct Seen {
    tally: Tally,
    /// Every page of the load is entered.
    is_over: bool,
    /// When the load began.
    began: Option<Timestamp>,
}

/// Somebody who lets the stack work and looks at the progress.
struct Watch<'a> {
    stack: &'a Stack,
    site: &'a SiteHandle,
    contacts: usize,
    /// Where the progress that is shown began: the clock, the uploads and the rows.
    base: (i64, u64, u64),
    /// When somebody last looked.
    looked_ms: i64,
    /// The next part of the contacts, in quarters, that is told where there is no terminal.
    told: u64,
}

impl<'a> Watch<'a> {
    fn over(stack: &'a Stack, site: &'a SiteHandle, contacts: usize) -> Self {
        let now = stack.clock().now_ms();
        Self { stack, site, contacts, base: (now, stack.hubspot.calls().of(UPLOADED), 0), looked_ms: now, told: 1 }
    }

    async fn seen(&self) -> anyhow::Result<Seen> {
        let run = self.stack.run_of(&self.site.id, RunKind::Export).await?;
        let notes = run.progress.checkpoint;
        let checkpoint: Checkpoint = if notes.is_null() { Checkpoint::default() } else { serde_json::from_value(notes)? };
        // The load is what the first pass does; later ones find what changed since.
        let done = checkpoint.last.as_ref().map(|last| (last.tally, last.began));
        let load = done.or(checkpoint.pass.as_ref().map(|pass| (pass.tally, pass.began)));
        Ok(Seen { tally: load.map(|(tally, _)| tally).unwrap_or_default(), is_over: done.is_some(), began: load.map(|(_, began)| began) })
    }

    /// Lets the stack work until the progress is as wanted, looking whenever time has passed, and then drops whatever it is at, the function's
    /// run in the middle of it. Tells whether the stack was through before.
    async fn until(&mut self, screen: &mut Screen, is_wanted: impl Fn(&Seen) -> bool) -> anyhow::Result<bool> {
        let bar = screen.rows(self.contacts);
        let mut work = pin!(self.stack.settle());
        let over = loop {
            tokio::select! {
                biased;
                () = self.stack.clock().moved() => {
                    let seen = self.seen().await?;
                    self.show(&seen, &bar, screen);
                    if is_wanted(&seen) {
                        break false;
                    }
                }
                settled = &mut work => break settled.map(|_| true)?,
            }
        };
        bar.finish_and_clear();
        Ok(over)
    }

    fn show(&mut self, seen: &Seen, bar: &ProgressBar, screen: &mut Screen) {
        let Tally { read, pages, parked, failed, .. } = seen.tally;
        let (now, uploads) = (self.stack.clock().now_ms(), self.stack.hubspot.calls().of(UPLOADED));
        // Nothing is done while a lease runs out.
        if now - self.looked_ms > LONGEST_LOOK_MS || self.base.2 > read {
            self.base = (now, uploads, read);
        }
        self.looked_ms = now;
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let (elapsed, rows) = ((now - self.base.0).max(1), number(read - self.base.2).max(1));
        let budget = (number(uploads - self.base.1) * 10_000 / elapsed * 100 / BUDGET).min(100);
        let left = number((self.contacts as u64).saturating_sub(read)).saturating_mul(elapsed) / rows;
        bar.set_position(read);
        let facts = format!("{pages} pages, {} failed, {budget} % of HubSpot's budget, {} left", parked + failed, span(left));
        bar.set_message(facts.clone());
        let quarter = self.contacts as u64 / 4;
        if bar.is_hidden() && read >= quarter * self.told && quarter > 0 {
            self.told = read / quarter + 1;
            screen.line(&format!("  {read} rows: {facts}"));
        }
    }
}

/// So many pages of a thousand there are at most: the contacts of a second come twice where a page ends in it.
fn most_pages(contacts: usize) -> u64 {
    contacts.div_ceil(1_000 - IN_A_SECOND) as u64 + 1
}

/// Both sides, counted without asking the bridge.
struct Recount {
    comparison: Comparison,
    /// The addresses of those that wait for a person.
    waiting: Vec<String>,
    /// Those of them that were to go through, and those to wait that did not.
    wrong: usize,
}

impl Recount {
    async fn of(stack: &Stack, site: &SiteHandle, bad: BTreeMap<String, String>) -> anyhow::Result<Self> {
        let comparison = Comparison::of(stack, site).await?;
        let parked = stack.parked(&site.id).await;
        let waiting: Vec<String> = parked.iter().filter_map(|note| bad.get(note.id.as_str()).cloned()).collect();
        let wrong = parked.len() - waiting.len() + bad.len() - waiting.len();
        Ok(Self { comparison, waiting, wrong })
    }

    fn is_complete(&self, contacts: usize) -> bool {
        self.wrong == 0 && self.comparison.agrees() && self.comparison.linked + self.waiting.len() == contacts
    }

    fn tell(&self, ended: &Seen, screen: &mut Screen) {
        let Comparison { linked, compared, equal, different, unreported, .. } = &self.comparison;
        let tally = &ended.tally;
        let handed = format!("{} of {}: {} left to contact sync by the kill", tally.accounted(), tally.read, tally.handed_over);
        screen.summary(&[
            ("rows accounted for", handed, tally.accounted() == tally.read),
            ("contacts in HubSpot, each once", linked.to_string(), different.is_empty()),
            ("fields equal", format!("{equal} of {compared}"), equal == compared),
            ("waiting for a person", format!("{}, refused by HubSpot", self.waiting.len()), self.wrong == 0),
            ("contacts nobody reports", unreported.len().to_string(), unreported.is_empty()),
        ]);
        for address in &self.waiting {
            screen.line(&format!("  {address} is no address to HubSpot, and is all there is of the contact"));
        }
    }
}
