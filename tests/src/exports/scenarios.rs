//! What goes on around an export: watermarks, pages, failures.

use std::time::Duration;

use contact_bridge_local::vendors::kit::Fault;
use futures::future::BoxFuture;

use super::shop::{PAGE, Shop};

const AT_ONCE: Duration = Duration::ZERO;
const A_SECOND: Duration = Duration::from_secs(1);
const UPSERT: &str = "/batch/upsert";

/// What a scenario does.
type Played<'a> = BoxFuture<'a, anyhow::Result<()>>;

/// A scenario: its number in the list of known failures of bridges, and what happens.
pub struct Scenario {
    /// The number.
    pub id: &'static str,
    /// What happens.
    pub what: &'static str,
    /// Plays it.
    pub play: for<'a> fn(&'a mut Shop) -> Played<'a>,
}

/// All of them.
pub const ALL: &[Scenario] = &[
    Scenario { id: "W01", what: "contacts share the millisecond at which a load ends", play: |shop| Box::pin(one_millisecond(shop)) },
    Scenario { id: "W02", what: "a contact is created between the page and the upload", play: |shop| Box::pin(between(shop)) },
    Scenario { id: "W03", what: "contacts show up to five minutes late in listings", play: |shop| Box::pin(late(shop)) },
    Scenario { id: "W05", what: "nothing is new", play: |shop| Box::pin(nothing_new(shop)) },
    Scenario { id: "W08", what: "the last page is short, empty or full", play: |shop| Box::pin(last_pages(shop)) },
    Scenario { id: "W12", what: "the run is killed in the middle", play: |shop| Box::pin(killed(shop)) },
    Scenario { id: "W13", what: "contacts are created during the upload of earlier ones", play: |shop| Box::pin(during_uploads(shop)) },
    Scenario { id: "D", what: "contacts are deleted between pages", play: |shop| Box::pin(deleted(shop)) },
    Scenario { id: "P01", what: "the CRM refuses a row of a batch", play: |shop| Box::pin(refused_row(shop)) },
    Scenario { id: "P04", what: "the account, with an outage in the middle", play: |shop| Box::pin(account(shop)) },
    Scenario { id: "P06", what: "a row breaks every call it is in", play: |shop| Box::pin(poison(shop)) },
    Scenario { id: "P07", what: "a refused row stays refused for a day", play: |shop| Box::pin(refused_for_good(shop)) },
    Scenario { id: "P07", what: "the CRM is down for a while", play: |shop| Box::pin(outage(shop)) },
];

async fn one_millisecond(shop: &mut Shop) -> anyhow::Result<()> {
    shop.crowd.come(3, AT_ONCE)?;
    let rest = shop.crowd.clone();
    // They are created in the same millisecond, after the last listing: the clock stands still during an upload.
    shop.hubspot.before(UPSERT, 1, move || drop(rest.come(4, AT_ONCE)));
    shop.pass().await
}

async fn between(shop: &mut Shop) -> anyhow::Result<()> {
    shop.crowd.come(3, A_SECOND)?;
    let late = shop.crowd.clone();
    shop.hubspot.before(UPSERT, 1, move || drop(late.come(1, A_SECOND)));
    shop.pass().await
}

async fn late(shop: &mut Shop) -> anyhow::Result<()> {
    for number in 0..12 {
        shop.lag(number * 137 % 300)?;
        shop.crowd.come(4, Duration::from_secs(47))?;
        shop.pass().await?;
    }
    Ok(())
}

async fn nothing_new(shop: &mut Shop) -> anyhow::Result<()> {
    shop.crowd.come(12, A_SECOND)?;
    shop.rest().await?;
    shop.hubspot.forget_calls();
    shop.rest().await?;
    let writes = shop.hubspot.calls(UPSERT);
    shop.note("writes although nothing is new", writes > 0);
    Ok(())
}

async fn last_pages(shop: &mut Shop) -> anyhow::Result<()> {
    for count in [0, 1, PAGE - 1, PAGE, PAGE + 1, 2 * PAGE - 1, 2 * PAGE, 2 * PAGE + 1] {
        shop.crowd.come(count, A_SECOND)?;
        shop.pass().await?;
    }
    Ok(())
}

/// Three pages may be under way when the run is killed; those that were done are not done again.
async fn killed(shop: &mut Shop) -> anyhow::Result<()> {
    let pages = 12;
    shop.crowd.come(pages * PAGE, A_SECOND)?;
    shop.run_killed_after(pages - 4).await?;
    shop.rest().await?;
    let uploads = shop.hubspot.calls(UPSERT);
    shop.note("begins again from the start", uploads > pages + 3);
    Ok(())
}

async fn during_uploads(shop: &mut Shop) -> anyhow::Result<()> {
    shop.crowd.come(2 * PAGE, A_SECOND)?;
    let late = shop.crowd.clone();
    shop.hubspot.before(UPSERT, 3, move || drop(late.come(1, A_SECOND)));
    shop.pass().await
}

async fn deleted(shop: &mut Shop) -> anyhow::Result<()> {
    let ids = shop.crowd.come(4 * PAGE, A_SECOND)?;
    let (people, mut doomed) = (shop.crowd.clone(), ids.into_iter());
    // Whoever was on the first page goes while it is uploaded.
    shop.hubspot.before(UPSERT, 2, move || drop(doomed.next().map(|id| people.leaves(&id))));
    shop.pass().await
}

async fn refused_row(shop: &mut Shop) -> anyhow::Result<()> {
    shop.crowd.come(2, A_SECOND)?;
    shop.crowd.refused_comes()?;
    shop.crowd.come(PAGE, A_SECOND)?;
    shop.pass().await
}

async fn account(shop: &mut Shop) -> anyhow::Result<()> {
    shop.crowd.come(4 * PAGE, A_SECOND)?;
    let fault = Fault { after: 2, ..Fault::status(503, "POST /crm/objects/*/contacts/batch/upsert") };
    shop.stack.hubspot.faults().add(fault).map_err(|text| anyhow::anyhow!(text))?;
    shop.pass().await
}

async fn poison(shop: &mut Shop) -> anyhow::Result<()> {
    shop.crowd.come(3 * PAGE, A_SECOND)?;
    shop.hubspot.poison("person7@");
    shop.rest().await?;
    let there = shop.stack.hubspot.contacts(Some(shop.site.id.as_str())).map_err(|refusal| anyhow::anyhow!(refusal.0))?;
    let there = there.get("contacts").and_then(serde_json::Value::as_array).map_or(0, Vec::len);
    shop.note("one row stops all behind it", there < 3 * PAGE - 1);
    shop.hubspot.poison("nobody at all");
    Ok(())
}

async fn refused_for_good(shop: &mut Shop) -> anyhow::Result<()> {
    shop.crowd.refused_comes()?;
    shop.crowd.come(2, A_SECOND)?;
    for _ in 0..12 {
        shop.rest().await?;
    }
    // Whatever may pass had half a day to do so.
    shop.hubspot.forget_calls();
    for _ in 0..12 {
        shop.rest().await?;
    }
    let writes = shop.hubspot.calls(UPSERT);
    shop.note("sends it again for ever", writes > 0);
    Ok(())
}

async fn outage(shop: &mut Shop) -> anyhow::Result<()> {
    shop.crowd.come(3 * PAGE, A_SECOND)?;
    let fault = Fault { times: 4, ..Fault::status(503, "POST /crm/objects/*/contacts/batch/upsert") };
    shop.stack.hubspot.faults().add(fault).map_err(|text| anyhow::anyhow!(text))?;
    for _ in 0..3 {
        shop.rest().await?;
    }
    Ok(())
}
