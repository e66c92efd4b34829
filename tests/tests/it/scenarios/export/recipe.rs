//! The recipe for scheduled exports beside the bridge: what `cargo benchmark recipe` prints.

use contact_bridge_tests::exports::{ALL, Flaw, Kind, play};

/// Which scenarios an export fails, and why.
async fn failed(kind: Kind) -> Vec<(&'static str, &'static str, Vec<Flaw>)> {
    let mut failed = Vec::new();
    for scenario in ALL {
        let flaws = play(scenario, kind).await.unwrap();
        if !flaws.is_empty() {
            failed.push((scenario.id, scenario.what, flaws));
        }
    }
    failed
}

#[tokio::test]
async fn the_bridge_passes_every_scenario_of_the_baseline() {
    assert_eq!(failed(Kind::Bridge).await, []);
}

#[tokio::test]
async fn the_recipe_is_taken_at_its_word_and_loses_contacts() {
    let failed = failed(Kind::Recipe).await;
    let ids: Vec<&str> = failed.iter().map(|(id, ..)| *id).collect();
    for lost in ["W01", "W02", "W03", "W13", "D"] {
        let flaws = failed.iter().find(|(id, ..)| *id == lost).map(|(.., flaws)| flaws);
        assert!(flaws.is_some_and(|flaws| flaws.iter().any(|flaw| matches!(flaw, Flaw::Lost(_)))), "{lost}: {failed:?}");
    }
    assert!(["W12", "P01", "P06", "P07"].iter().all(|id| ids.contains(id)), "{failed:?}");
    // Where nothing goes wrong it does what it promises.
    assert!(["W05", "W08"].iter().all(|id| !ids.contains(id)), "{failed:?}");
}
