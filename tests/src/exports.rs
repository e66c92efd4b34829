//! Two exports on the same simulators: the bridge's, and one that does what the recipe for scheduled exports says, to the letter. What becomes of
//! a scenario is not in its code: it is recounted from what both vendors have.

mod passage;
mod recipe;
mod recount;
pub mod scenarios;
mod shop;

pub use self::{
    recount::Flaw,
    scenarios::{ALL, Scenario},
    shop::Kind,
};

/// Plays a scenario with one of the two exports; what is wrong at its end.
///
/// # Errors
/// When the stack fails.
pub async fn play(scenario: &Scenario, kind: Kind) -> anyhow::Result<Vec<Flaw>> {
    let mut shop = shop::Shop::open(kind).await?;
    (scenario.play)(&mut shop).await?;
    shop.rest().await?;
    recount::of(&shop).await
}
