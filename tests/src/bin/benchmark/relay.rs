//! What a relayed message takes and costs, over the whole path: signed webhook, intake, bus, queue, relay, the simulated Inbox.

use std::time::{Duration, Instant};

use anyhow::Context;
use contact_bridge::model::ids::SourceId;
use contact_bridge_local::{
    cloud::dynamo::{Storage, Usage},
    stack::{Options, Services, SiteHandle, Stack, StoreKind},
    vendors::kit::plain_http,
};
use serde_json::json;

/// Messages in one round.
const MESSAGES: usize = 200;

/// Prints the times and the costs.
pub(super) fn run(rounds: usize) -> anyhow::Result<()> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(measure(rounds))
}

#[expect(clippy::print_stdout, reason = "the command's answer")]
async fn measure(rounds: usize) -> anyhow::Result<()> {
    let bench = Bench::start().await?;
    let (mut messages, mut bare) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        for nth in 0..MESSAGES {
            bare.push(bench.round_trip().await?);
            messages.push(bench.message(&format!("m{round}-{nth}")).await?);
            // Wix takes 200 calls a minute.
            bench.stack.clock().advance(Duration::from_secs(2));
        }
    }
    let count = messages.len();
    println!("{count} messages of one sender, each alternating with a bare round trip, one core");
    println!("{:<34}{:>10}{:>10}", "", "p50", "p99");
    let [own, other] = [messages, bare].map(|mut times| [percentile(&mut times, 50), percentile(&mut times, 99)]);
    println!("{:<34}{:>7.2} ms{:>7.2} ms", "message, to where it stands", own[0], own[1]);
    println!("{:<34}{:>7.2} ms{:>7.2} ms", "HTTP round trip on loopback", other[0], other[1]);
    println!("{:<34}{:>10.1}{:>10.1}", "ratio", own[0] / other[0], own[1] / other[1]);
    println!();
    println!("{:<34}{:>5}{:>8}{:>7}  calls of Wix; calls of the table", "", "Wix", "writes", "reads");
    for (what, id) in [("message", "c1"), ("the same again", "c1"), ("another message", "c2")] {
        bench.cost(what, id).await?;
    }
    Ok(())
}

/// Returns a percentile of times, in milliseconds.
fn percentile(times: &mut [Duration], percent: usize) -> f64 {
    times.sort();
    let at = times.len().saturating_sub(1) * percent / 100;
    times.get(at).map(Duration::as_secs_f64).unwrap_or_default() * 1000.0
}

/// A stack whose table is metered, with one contact and one source.
struct Bench {
    stack: Stack,
    site: SiteHandle,
    http: reqwest::Client,
    services: Services,
}

impl Bench {
    async fn start() -> anyhow::Result<Self> {
        let options = Options { store: StoreKind::DynamoDb(Storage::Memory), metered: true, ..Options::default() };
        let stack = Stack::start(options).await?;
        let source = serde_json::from_value(json!({"kind": "plain", "badge": {"text": "Chat"}}))?;
        let site = stack.add_site("shop", |site| drop(site.inbox.insert(SourceId::from("plain"), source))).await?;
        let ada = json!({"name": {"first": "Ada"}, "emails": {"items": [{"email": "ada@example.com"}]}});
        stack.client(&site).wix_create(ada).await?;
        stack.settle().await?;
        let services = stack.services(&site);
        let bench = Self { stack, site, http: plain_http()?, services };
        bench.message("the first one opens the conversation").await?;
        Ok(bench)
    }

    /// The least that any call takes here.
    async fn round_trip(&self) -> anyhow::Result<Duration> {
        let begun = Instant::now();
        let reply = self.http.post(format!("{}/nothing/here", self.stack.gateway_url())).body("{}").send().await?;
        anyhow::ensure!(reply.status() == 404, "nothing is there");
        Ok(begun.elapsed())
    }

    /// From the service's post to the message's place in the conversation.
    async fn message(&self, id: &str) -> anyhow::Result<Duration> {
        let body = json!({"contact": {"email": "ada@example.com"}, "text": "Is my order ready?"}).to_string();
        let posts = self.stack.wix.core().calls.of("POST /inbox/v2/messages");
        let begun = Instant::now();
        let status = self.services.plain("plain", id, body).await?;
        anyhow::ensure!(status == 200, "the message was refused: {status}");
        self.stack.settle_within(Duration::ZERO).await?;
        let took = begun.elapsed();
        let posted = self.stack.wix.core().calls.of("POST /inbox/v2/messages") - posts;
        anyhow::ensure!(posted == 1 || id == "c1", "{id} was posted {posted} times");
        Ok(took)
    }

    #[expect(clippy::print_stdout, reason = "the command's answer")]
    async fn cost(&self, what: &str, id: &str) -> anyhow::Result<()> {
        let dynamo = self.stack.dynamo().context("the stack has a table")?;
        self.stack.clock().advance(Duration::from_mins(1));
        // The instance is warm: it has its token and has read the settings.
        self.message(&format!("warm {what}")).await?;
        self.stack.wix.core().calls.clear();
        dynamo.reset_usage();
        self.message(id).await?;
        let Usage { write_units, read_units, calls, .. } = dynamo.usage();
        let wix = self.stack.wix.core().calls.to_json();
        let routes = wix.pointer(&format!("/sites/{}", self.site.id)).and_then(serde_json::Value::as_object).cloned().unwrap_or_default();
        let total: u64 = routes.values().filter_map(serde_json::Value::as_u64).sum();
        let routes = routes.iter().map(|(route, times)| format!("{times} {route}")).collect::<Vec<_>>().join(", ");
        let calls = calls.iter().map(|(operation, times)| format!("{times} {operation}")).collect::<Vec<_>>().join(", ");
        println!("{what:<34}{total:>5}{write_units:>8.1}{read_units:>7.1}  {routes}; {calls}");
        Ok(())
    }
}
