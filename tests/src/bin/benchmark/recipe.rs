//! The recipe for scheduled exports, to the letter, beside the bridge: the same scenarios on the same simulators, recounted the same way.

use contact_bridge_tests::exports::{ALL, Flaw, Kind, play};

/// Prints the table.
#[expect(clippy::print_stdout, reason = "the command's answer")]
pub(super) fn run() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    println!("{:<5}{:<58}{:<52}the bridge", "", "", "the recipe");
    for scenario in ALL {
        let [recipe, bridge] = [Kind::Recipe, Kind::Bridge].map(|kind| runtime.block_on(play(scenario, kind)).map(|flaws| told(&flaws)));
        println!("{:<5}{:<58}{:<52}{}", scenario.id, scenario.what, recipe?, bridge?);
    }
    Ok(())
}

fn told(flaws: &[Flaw]) -> String {
    if flaws.is_empty() { "good".to_owned() } else { flaws.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ") }
}
