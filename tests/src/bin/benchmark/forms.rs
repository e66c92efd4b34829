//! What a post to a form takes, over real HTTP, the gateway, the function, the embedded DynamoDB and the simulated Wix, against a request that
//! the gateway hands to a function which answers at once.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::{Duration, Instant},
};

use anyhow::Context;
use contact_bridge_local::{
    cloud::{
        dynamo::Storage,
        function,
        gateway::{Gateway, Route},
    },
    stack::{Options, Stack, StoreKind},
    vendors::kit::{Clock, plain_http},
};
use contact_bridge_tests::samples::{FORM_SECRET, form_settings};
use serde_json::{Value, json};

/// Posts of a kind that are not counted: the first ones open connections and fetch tokens.
const WARM_UP: usize = 20;

/// What is posted.
#[derive(Clone, Copy)]
enum Kind {
    /// To a function that answers at once.
    Bare,
    /// Somebody new.
    New,
    /// Somebody known, with something new.
    Known,
    /// Somebody known, with nothing new.
    Nothing,
    /// The submission of the post before, once more.
    Repeat,
    /// Without the form's token.
    Refused,
}

impl Kind {
    const ALL: [Self; 6] = [Self::Bare, Self::New, Self::Known, Self::Nothing, Self::Repeat, Self::Refused];

    const fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare round trip",
            Self::New => "somebody new",
            Self::Known => "somebody known, with something new",
            Self::Nothing => "somebody known, with nothing new",
            Self::Repeat => "the same submission again",
            Self::Refused => "without the token",
        }
    }

    /// The fields of the post with this number. A known person is one whom a post before made.
    fn fields(self, number: usize) -> Value {
        let email = format!("person{number}@example.com");
        match self {
            Self::Bare | Self::New | Self::Refused | Self::Repeat => json!({"email": email, "first_name": "Ada"}),
            Self::Known => json!({"email": email, "first_name": "Ada", "company": "Works"}),
            Self::Nothing => json!({"email": email, "company": "Works"}),
        }
    }
}

/// What posts of a kind took.
struct Taken {
    kind: Kind,
    times: Vec<Duration>,
    wix_calls: u64,
}

/// Prints the table.
pub(super) fn run(posts: usize) -> anyhow::Result<()> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(measure(posts))
}

#[expect(clippy::print_stdout, reason = "the command's answer")]
async fn measure(posts: usize) -> anyhow::Result<()> {
    let desk = Desk::start().await?;
    let mut all: Vec<Taken> = Kind::ALL.map(|kind| Taken { kind, times: Vec::new(), wix_calls: 0 }).into();
    for number in 0..posts + WARM_UP {
        // In turns, so that whatever else the machine does is in all of them.
        for taken in &mut all {
            let (time, calls) = desk.post(taken.kind, number).await?;
            if number >= WARM_UP {
                taken.times.push(time);
                taken.wix_calls += calls;
            }
        }
    }
    for taken in &mut all {
        taken.times.sort();
    }
    let bare = all.first().map(|taken| (at(&taken.times, 50), at(&taken.times, 99))).context("the baseline")?;
    println!("{:<36}{:>9}{:>9}{:>9}{:>8}{:>8}{:>12}", "post", "per s", "p50 ms", "p99 ms", "ratio", "ratio", "calls to Wix");
    for Taken { kind, times, wix_calls } in &all {
        let (p50, p99) = (at(times, 50), at(times, 99));
        let rate = super::rate_of(times);
        let calls = super::per(*wix_calls, times.len());
        println!("{:<36}{rate:>9.0}{p50:>9.2}{p99:>9.2}{:>8.1}{:>8.1}{calls:>12.2}", kind.name(), p50 / bare.0, p99 / bare.1);
    }
    Ok(())
}

/// Returns a percentile in milliseconds.
fn at(times: &[Duration], percent: usize) -> f64 {
    let index = (times.len() * percent / 100).min(times.len().saturating_sub(1));
    times.get(index).map_or(0.0, Duration::as_secs_f64) * 1_000.0
}

/// A stack with a form, and beside it a gateway with a function that answers at once.
struct Desk {
    stack: Stack,
    form: String,
    bare: String,
    http: reqwest::Client,
    _bare: Gateway,
}

impl Desk {
    async fn start() -> anyhow::Result<Self> {
        let stack = Stack::start(Options { store: StoreKind::DynamoDb(Storage::Memory), ..Options::default() }).await?;
        stack.put_secret("forms/secret", FORM_SECRET);
        let forms = serde_json::from_value(form_settings())?;
        let site = stack.add_site("shop", |site| site.forms = forms).await?;
        let at_once = function(|_| async { Ok(json!({"statusCode": 200, "body": "{\"state\": \"done\"}"})) });
        let routes = vec![Route::new("POST /bare", at_once)];
        let bare = Gateway::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), &Clock::real(), routes).await?;
        let form = format!("{}/forms/{}/contact", stack.gateway_url(), site.id);
        let http = plain_http()?;
        Ok(Self { stack, form, bare: format!("{}/bare", bare.url()), http, _bare: bare })
    }

    /// Posts once; how long it took, and how often Wix was called.
    async fn post(&self, kind: Kind, number: usize) -> anyhow::Result<(Duration, u64)> {
        // A second for each: Wix's limit is that of a minute, and is not what is measured.
        self.stack.clock().advance(Duration::from_secs(if matches!(kind, Kind::Repeat) { 0 } else { 2 }));
        let before = self.stack.wix.core().calls.total();
        let url = if matches!(kind, Kind::Bare) { &self.bare } else { &self.form };
        let number = if matches!(kind, Kind::Repeat) { number + 1_000_000 } else { number };
        if matches!(kind, Kind::Repeat) {
            self.send(url, kind, number).await?;
        }
        let called = self.stack.wix.core().calls.total();
        let time = self.send(url, kind, number).await?;
        let from = if matches!(kind, Kind::Repeat) { called } else { before };
        Ok((time, self.stack.wix.core().calls.total() - from))
    }

    async fn send(&self, url: &str, kind: Kind, number: usize) -> anyhow::Result<Duration> {
        let token = if matches!(kind, Kind::Refused) { "none" } else { FORM_SECRET };
        let begun = Instant::now();
        let response = self.http.post(url).bearer_auth(token).json(&kind.fields(number)).send().await?;
        let status = response.status().as_u16();
        response.bytes().await?;
        let took = begun.elapsed();
        anyhow::ensure!(status == if matches!(kind, Kind::Refused) { 401 } else { 200 }, "{}: {status}", kind.name());
        Ok(took)
    }
}
