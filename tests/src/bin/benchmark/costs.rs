//! What an event costs at the vendors and at the table, over the whole path: signed webhook, intake, bus, queue, contact sync.

use std::{cell::Cell, sync::Arc, time::Duration};

use anyhow::Context;
use contact_bridge::{app::App, model::ids::Side};
use contact_bridge_local::{
    cloud::{
        Function, FunctionError,
        dynamo::{Dynamo, Storage, Usage},
        function,
        queue::Draft,
        worker::{Worker, WorkerOptions},
    },
    stack::{Options, People, Stack, StoreKind},
};
use serde_json::json;

/// What was consumed by one event.
struct Cost {
    what: String,
    wix: u64,
    hubspot: u64,
    usage: Usage,
}

/// Prints the table.
pub(super) fn run() -> anyhow::Result<()> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(measure())
}

#[expect(clippy::print_stdout, reason = "the command's answer")]
async fn measure() -> anyhow::Result<()> {
    let bench = Bench::start().await?;
    let mut costs = Vec::new();
    for side in Side::BOTH {
        costs.extend(bench.of_an_edit(side).await?);
    }
    costs.push(bench.of_a_look().await?);
    for side in Side::BOTH {
        costs.push(bench.of_a_first_event(side).await?);
    }
    println!("{:<36}{:>4}{:>9}{:>8}{:>9}{:>7}  calls of the table", "", "Wix", "HubSpot", "writes", "refused", "reads");
    for Cost { what, wix, hubspot, usage } in costs {
        let Usage { write_units, refused_write_units, read_units, calls } = usage;
        let calls = calls.iter().map(|(operation, times)| format!("{times} {operation}")).collect::<Vec<_>>().join(", ");
        println!("{what:<36}{wix:>4}{hubspot:>9}{write_units:>8.1}{refused_write_units:>9.1}{read_units:>7.1}  {calls}");
    }
    Ok(())
}

/// A stack whose table is metered, with one linked contact.
struct Bench {
    stack: Stack,
    people: People,
    wix_id: String,
    hubspot_id: String,
    /// So many edits were made: each writes another name.
    edits: Cell<usize>,
}

impl Bench {
    async fn start() -> anyhow::Result<Self> {
        let options = Options { store: StoreKind::DynamoDb(Storage::Memory), metered: true, ..Options::default() };
        let stack = Stack::start(options).await?;
        let site = stack.add_site("shop", |site| site.default_country = Some("US".to_owned())).await?;
        let people = stack.client(&site);
        let ada = json!({"name": {"first": "Ada", "last": "Byron"}, "emails": {"items": [{"email": "ada@example.com"}]}});
        let wix_id = people.wix_create(ada).await?;
        stack.settle().await?;
        let links = stack.links(&site.id).await;
        let hubspot_id = links.first().context("the contact is linked")?.id(Side::External).to_string();
        Ok(Self { stack, people, wix_id, hubspot_id, edits: Cell::new(0) })
    }

    /// An edit on one side: the update it brings, its echo from the other side, and the same event once more.
    async fn of_an_edit(&self, side: Side) -> anyhow::Result<[Cost; 3]> {
        let app = &self.stack.app;
        let bodies = self.edit(side).await?;
        let fresh = self.warm(app, format!("fresh update from {}", side.name())).await?;
        self.deliver(side.opposite()).await;
        let echo = self.warm(app, format!("its echo from {}", side.opposite().name())).await?;
        for body in bodies {
            self.stack.queue().send(Draft::new(body))?;
        }
        let duplicate = self.warm(app, format!("its duplicate from {}", side.name())).await?;
        anyhow::ensure!(self.stack.settle().await?.webhooks == 0, "an echo or a duplicate was written");
        Ok([fresh, echo, duplicate])
    }

    /// An instance reads a site's settings and cool-downs, before its first event and then once in a while.
    async fn of_a_look(&self) -> anyhow::Result<Cost> {
        self.reset()?;
        self.stack.another_app()?.cooling_down(&self.people.site().id).await?;
        self.spent("a look at the site".to_owned())
    }

    /// An update is the first event of an instance that was just started.
    async fn of_a_first_event(&self, side: Side) -> anyhow::Result<Cost> {
        self.edit(side).await?;
        let cost = self.cold(&self.stack.another_app()?, format!("an instance's first, from {}", side.name())).await?;
        self.stack.settle().await?;
        Ok(cost)
    }

    /// A person changes the last name, and the webhook about it arrives in the queue; returns its messages.
    async fn edit(&self, side: Side) -> anyhow::Result<Vec<String>> {
        self.edits.set(self.edits.get() + 1);
        let name = format!("Lovelace {}", self.edits.get());
        match side {
            Side::Wix => self.people.wix_update(&self.wix_id, json!({"name": {"first": "Ada", "last": name}})).await?,
            Side::External => self.people.hub_update(&self.hubspot_id, json!({"lastname": name})).await?,
        }
        self.deliver(side).await;
        Ok(self.stack.queue().messages().into_iter().map(|message| message.body).collect())
    }

    /// Lets one side's webhooks arrive in the queue.
    async fn deliver(&self, side: Side) {
        let next_due = || match side {
            Side::Wix => self.stack.wix.next_due(),
            Side::External => self.stack.hubspot.next_due(),
        };
        while let Some(due) = next_due() {
            self.stack.clock().set_ms(due.max(self.stack.clock().now_ms()));
            match side {
                Side::Wix => self.stack.wix.deliver_due().await,
                Side::External => self.stack.hubspot.deliver_due().await,
            };
        }
    }

    /// The cost at an instance that has looked at the site a moment ago.
    async fn warm(&self, app: &Arc<App>, what: String) -> anyhow::Result<Cost> {
        app.contacts(&self.people.site().id).await?;
        self.cold(app, what).await
    }

    /// Works the queue off, which holds one event, and counts.
    async fn cold(&self, app: &Arc<App>, what: String) -> anyhow::Result<Cost> {
        let waiting = self.stack.queue().counts().visible;
        anyhow::ensure!(waiting == 1, "{what}: {waiting} events wait");
        self.reset()?;
        Worker::new(self.stack.queue(), contact_sync(app), WorkerOptions::default()).drain().await;
        anyhow::ensure!(self.stack.queue().is_empty(), "{what}: it was put back");
        self.spent(what)
    }

    fn reset(&self) -> anyhow::Result<()> {
        self.dynamo()?.reset_usage();
        self.stack.wix.core().calls.clear();
        self.stack.hubspot.calls().clear();
        Ok(())
    }

    fn spent(&self, what: String) -> anyhow::Result<Cost> {
        let (wix, hubspot) = (self.stack.wix.core().calls.total(), self.stack.hubspot.calls().total());
        Ok(Cost { what, wix, hubspot, usage: self.dynamo()?.usage() })
    }

    fn dynamo(&self) -> anyhow::Result<&Dynamo> {
        self.stack.dynamo().context("the stack has a table")
    }
}

/// Contact sync as the queue calls it.
fn contact_sync(app: &Arc<App>) -> Function {
    let app = Arc::clone(app);
    function(move |event| {
        let app = Arc::clone(&app);
        async move {
            let batch = serde_json::from_value(event).map_err(|error| FunctionError::of(&error))?;
            let answer = contact_sync::handle(&app, batch, Duration::from_mins(1)).await.map_err(|error| FunctionError::of(&error))?;
            serde_json::to_value(answer).map_err(|error| FunctionError::of(&error))
        }
    })
}
