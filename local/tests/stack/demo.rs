//! The demonstration, as `cargo demo` runs it.

use contact_bridge_local::demo::{self, Plan, Screen};
use serde_json::json;

#[tokio::test]
async fn the_demonstration_ends_with_both_sides_equal() {
    let mut screen = Screen::hidden();
    let outcome = demo::play(&Plan::default(), &mut screen).await.unwrap();
    let shown = screen.lines().join("\n");
    assert!(outcome.is_good(), "{shown}\n{:?}", outcome.comparison);
    let told = ["killed in the middle", "rows accounted for", "20000 of 20000", "nobody(1333)@example.com", "Every row is accounted for."];
    assert!(told.iter().all(|part| shown.contains(part)), "{shown}");
    assert!(outcome.comparison.linked > 40 && !outcome.comparison.reported.is_empty(), "{shown}");
    assert!(screen.lines().iter().all(|line| line.chars().count() <= 100), "{shown}");
    assert!(!shown.contains('\u{1b}'), "no colours but on a terminal");
    let refused = (outcome.stack.wix.core().calls.refused(), outcome.stack.hubspot.calls().refused());
    assert_eq!(refused, (0, 0), "nothing was sent too fast");
}

#[tokio::test]
async fn other_people_meet_the_same_end() {
    let plan = Plan { people: Plan::FEWEST, exported: 0, seed: 7, ..Plan::default() };
    let mut screen = Screen::hidden();
    let outcome = demo::play(&plan, &mut screen).await.unwrap();
    assert!(outcome.is_good(), "{}", screen.lines().join("\n"));
}

#[tokio::test]
async fn a_change_behind_the_bridges_back_is_found() {
    let plan = Plan { people: Plan::FEWEST, exported: 0, ..Plan::default() };
    let outcome = demo::play(&plan, &mut Screen::hidden()).await.unwrap();
    let (stack, site) = (&outcome.stack, &outcome.stack.sites()[0]);
    let link = stack.links(&site.id).await.remove(0);
    let people = stack.client(site);
    people.wix_update(link.anchors.wix.id.as_str(), json!({"company": "Quietly Changed"})).await.unwrap();
    people.hub_create(json!({"firstname": "Stray"})).await.unwrap();
    let comparison = demo::Comparison::of(stack, site).await.unwrap();
    assert_eq!((comparison.different.len(), comparison.unreported.len()), (1, 1));
    assert!(!comparison.agrees());
}
