//! Subscribers of a shop go to its mailing list; one of them opts out when she is already listed, but not yet sent.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::{Future, poll_fn},
    pin::{Pin, pin},
    task::Poll,
    time::Duration,
};

use anyhow::Context;
use contact_bridge::model::{
    run::RunKind,
    site::subscribers::{MailingAccess, Subscribers},
};
use reqwest::Method;
use serde_json::{Value, json};

use super::screen::Screen;
use crate::stack::{People, SiteHandle, Stack};

/// A page lists them all; they are sent in more than one batch.
const SUBSCRIBED: usize = 520;
/// Contacts who are not to be sent, and what Wix knows of their addresses.
const OTHERS: [(&str, &str); 3] = [("unsubscribed", "UNSUBSCRIBED"), ("asked", "PENDING"), ("silent", "NOT_SET")];
const OF_EACH: usize = 10;
/// How Mailchimp counts batches.
const BATCHES: &str = "POST /3.0/lists/{list}";
/// By then whatever people did shows in listings.
const SHOWN: Duration = Duration::from_mins(10);

/// Sends the subscribers of a shop of their own; what did not end as it should.
pub(super) async fn play(stack: &Stack, screen: &mut Screen) -> anyhow::Result<Vec<String>> {
    let site = open(stack).await?;
    let people = stack.client(&site);
    fill(stack, &people).await?;
    let others = OTHERS.len() * OF_EACH;
    screen.line(&format!("\nA third shop has {SUBSCRIBED} e-mail subscribers in Wix, and {others} contacts who are none."));
    stack.run_now(&site.id, RunKind::Subscribers).await?;
    let before = batches(stack);
    let mut work = pin!(stack.settle());
    let over = up_to(work.as_mut(), || batches(stack) > before).await.transpose()?;
    // The first batch is on its way: the last of those who are listed opts out before hers is.
    let last = address("subscriber", SUBSCRIBED - 1);
    set(&people, &last, "UNSUBSCRIBED").await?;
    screen.line(&format!("  {last} opts out in Wix, listed already; her batch is not posted yet."));
    let settled = match over {
        Some(settled) => settled,
        None => work.await?,
    };
    let recount = Recount::of(stack, &people).await?;
    recount.tell(screen);
    let checks = [
        ("she opted out in the middle of the run", over.is_none()),
        ("she was listed, and left out", left_out(stack, &site).await? == 1),
        ("the list has everybody who is subscribed in Wix, and nobody else", recount.agrees() && recount.members.len() == SUBSCRIBED - 1),
        ("nobody else was written to", recount.mails == 0),
        ("nothing is left to do", settled.quiet),
    ];
    Ok(checks.iter().filter(|(_, good)| !good).map(|(what, _)| format!("subscribers: not this: {what}")).collect())
}

async fn open(stack: &Stack) -> anyhow::Result<SiteHandle> {
    let site = stack.add_new_site("mailing-shop").await?;
    let settings = stack.app.means.sites.site(&site.id).await?.context("the site has settings")?;
    let service = MailingAccess::Mailchimp { secret: format!("mailchimp/{}", site.id), list: site.audience.clone() };
    let subscribers: Subscribers = serde_json::from_value(json!({"service": service, "interval_minutes": 720}))?;
    stack.save_site(contact_bridge::model::site::Site { subscribers: Some(subscribers), ..settings }).await?;
    Ok(site)
}

/// Has contacts in Wix of which no webhook tells.
async fn fill(stack: &Stack, people: &People) -> anyhow::Result<()> {
    stack.wix.set_webhook_urls(Vec::new());
    let others = OTHERS.iter().flat_map(|(name, status)| (0..OF_EACH).map(move |number| (address(name, number), *status)));
    let all: Vec<(String, &str)> = (0..SUBSCRIBED).map(|number| (address("subscriber", number), "SUBSCRIBED")).chain(others).collect();
    for (email, status) in &all {
        let info = json!({"name": {"first": "Reader"}, "emails": {"items": [{"email": email, "primary": true}]}});
        stack.wix.seed(Some(people.site().id.as_str()), &[info])?;
        set(people, email, status).await?;
        stack.clock().advance(Duration::from_millis(10));
    }
    stack.clock().advance(SHOWN);
    stack.wix.set_webhook_urls(vec![format!("{}/webhooks/wix", stack.gateway_url())]);
    Ok(())
}

fn address(name: &str, number: usize) -> String {
    format!("{name}-{number}@example.com")
}

/// A person decides about an address.
async fn set(people: &People, email: &str, status: &str) -> anyhow::Result<()> {
    let body = json!({"site": people.site().id, "email": email, "subscriptionStatus": status, "deliverabilityStatus": "VALID"});
    people.wix(Method::POST, "/_control/subscriptions", Some(body)).await?;
    Ok(())
}

fn batches(stack: &Stack) -> u64 {
    stack.mailchimp.core().calls.of(BATCHES)
}

/// Works until something is reached, and lets the work lie there; what became of the work if it ended before.
async fn up_to<T>(mut work: Pin<&mut impl Future<Output = T>>, is_reached: impl Fn() -> bool) -> Option<T> {
    poll_fn(|context| if is_reached() { Poll::Ready(None) } else { work.as_mut().poll(context).map(Some) }).await
}

/// How many the run listed and did not send.
async fn left_out(stack: &Stack, site: &SiteHandle) -> anyhow::Result<u64> {
    let notes = stack.run_of(&site.id, RunKind::Subscribers).await?.progress.checkpoint;
    Ok(notes.pointer("/last/tally/left_out").and_then(Value::as_u64).unwrap_or_default())
}

/// Both sides, counted without asking the bridge.
struct Recount {
    /// Who is subscribed in Wix.
    subscribed: BTreeSet<String>,
    /// Who is on the list, and how.
    members: BTreeMap<String, String>,
    /// Mails of Mailchimp to anybody else.
    mails: usize,
}

impl Recount {
    async fn of(stack: &Stack, people: &People) -> anyhow::Result<Self> {
        let site = people.site().id.as_str();
        let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let all = people.wix(Method::GET, &format!("/_control/subscriptions?site={site}"), None).await?.unwrap_or_default();
        let all = all.get("subscriptions").and_then(Value::as_array).cloned().unwrap_or_default();
        let subscribed = all.iter().filter(|one| text(one, "subscriptionStatus") == "SUBSCRIBED").map(|one| text(one, "email"));
        let subscribed: BTreeSet<String> = subscribed.collect();
        let members = stack.mailchimp.contacts(Some(site))?;
        Ok(Self {
            members: members.iter().map(|member| (text(member, "email_address"), text(member, "status"))).collect(),
            mails: stack.mailchimp.mails().iter().filter(|mail| !subscribed.contains(&text(mail, "email"))).count(),
            subscribed,
        })
    }

    fn strangers(&self) -> usize {
        self.members.keys().filter(|email| !self.subscribed.contains(*email)).count()
    }

    fn missing(&self) -> usize {
        self.subscribed.iter().filter(|email| self.members.get(*email).map(String::as_str) != Some("subscribed")).count()
    }

    fn agrees(&self) -> bool {
        self.strangers() + self.missing() == 0
    }

    fn tell(&self, screen: &mut Screen) {
        screen.summary(&[
            (
                "subscribed in Wix, on the list",
                format!("{} of {}", self.subscribed.len() - self.missing(), self.subscribed.len()),
                self.missing() == 0,
            ),
            ("on the list, not subscribed", self.strangers().to_string(), self.strangers() == 0),
            ("mails to anybody else", self.mails.to_string(), self.mails == 0),
        ]);
    }
}
