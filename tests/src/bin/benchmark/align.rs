//! Two full sides aligned for the first time.

use std::time::{Duration, Instant};

use contact_bridge_local::{cloud::dynamo::Storage, stack::StoreKind};
use contact_bridge_tests::aligning::{Flaw, Report, align};

/// Prints the table; fails if anything is not as it should be.
#[expect(clippy::print_stdout, reason = "the command's answer")]
pub(super) fn run(contacts: usize, table: bool) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let store = if table { StoreKind::DynamoDb(Storage::Memory) } else { StoreKind::Memory };
    let begun = Instant::now();
    let tell = |what: &str| println!("{:>8.1} s  {what}", begun.elapsed().as_secs_f64());
    let report = runtime.block_on(align(contacts, store, &tell))?;
    print(contacts, &report, begun.elapsed());
    let complaints = report.complaints();
    anyhow::ensure!(complaints.is_empty(), "not as it should be:\n  {}", complaints.join("\n  "));
    println!("everything is as it should be");
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the command's answer")]
fn print(contacts: usize, report: &Report, took: Duration) {
    let Report { cast: [pairs, alone, left], preview, killed, calls, refused, writes, time, recount } = report;
    let row = |name: &str, figure: String| println!("{name:<34}{figure:>12}");
    let figures = [("contacts on each side", contacts), ("pairs", *pairs), ("on one side only", *alone), ("unclear", *left)];
    for (name, count) in figures {
        row(name, count.to_string());
    }
    let tally = &preview.tally;
    let said = [("link", tally.link), ("review", tally.review), ("make in the CRM", tally.make_in_crm), ("make in Wix", tally.make_in_wix)];
    for (name, count) in said {
        row(&format!("preview: {name}"), count.to_string());
    }
    row("killed and resumed", killed.iter().filter(|(_, killed)| *killed).count().to_string());
    for (name, step) in [("preview", 0), ("alignment", 1)] {
        let of = |figures: [u64; 2]| figures.get(step).copied().unwrap_or_default().to_string();
        row(&format!("{name}: calls to Wix"), of(calls.map(|calls| calls[0])));
        row(&format!("{name}: calls to the CRM"), of(calls.map(|calls| calls[1])));
        row(&format!("{name}: refused"), of(*refused));
        row(&format!("{name}: writes"), of(*writes));
        row(&format!("{name}: virtual hours"), format!("{:.2}", time.get(step).copied().unwrap_or_default().as_secs_f64() / 3_600.0));
    }
    let [wix, crm] = recount.records;
    let found = [
        ("contacts in Wix", wix),
        ("records in the CRM", crm),
        ("people linked", recount.linked),
        ("of them pairs before", recount.matched),
    ];
    for (name, count) in found {
        row(name, count.to_string());
    }
    row("notes for a person", recount.notes.to_string());
    row("values compared", recount.compared.to_string());
    for (flaw, name) in Flaw::ALL {
        row(name, recount.flaws.get(&flaw).copied().unwrap_or_default().to_string());
    }
    row("real seconds", format!("{:.0}", took.as_secs_f64()));
}
