//! The client of Mailchimp with the strict simulator, in every position of what Mailchimp's documents leave open.

use std::{
    collections::BTreeSet,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use contact_bridge::{
    adapters::{
        http::{Http, Limiter, pool},
        mailchimp::{Client, HABITS, RATE, Settings},
    },
    model::subscriber::{Address, Entry, Member, MemberStatus, Values},
    ports::{self, ErrorKind, MailingService, Members, Roll},
};
use contact_bridge_local::vendors::{
    kit::{Clock, Fault, FaultKind, Switch, Values as Positions},
    mailchimp::{AccountOptions, ListOptions, Options, SWITCHES, Simulator},
};
use futures::future::join_all;
use jiff::Timestamp;
use serde_json::{Value, json};

const START_MS: i64 = 1_788_249_600_000;

/// The simulator's clock as the client sees it.
struct Seen(Clock);

#[async_trait]
impl ports::Clock for Seen {
    fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.0.now_ms()).unwrap()
    }

    async fn sleep(&self, duration: Duration) {
        self.0.advance(duration);
    }
}

/// An account with one audience, and a client for it.
struct Account {
    simulator: Simulator,
    client: Client,
    clock: Clock,
}

impl Account {
    async fn new() -> anyhow::Result<Self> {
        Self::with(ListOptions::new("list")).await
    }

    async fn with(list: ListOptions) -> anyhow::Result<Self> {
        let clock = Clock::manual(START_MS);
        let account = AccountOptions { lists: vec![list], ..AccountOptions::new("shop", "list") };
        let options = Options { clock: clock.clone(), accounts: vec![account], ..Options::default() };
        let simulator = Simulator::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), options).await?;
        let seen: Arc<dyn ports::Clock> = Arc::new(Seen(clock.clone()));
        let http = Http::new(pool()?, seen.clone(), Arc::new(Limiter::new(RATE, seen.clone())), HABITS);
        let settings = Settings { base: Some(simulator.base_url().parse()?), list: "list".to_owned() };
        let client = Client::new(&settings, http, &"key-shop-us6".into(), seen)?;
        Ok(Self { simulator, client, clock })
    }

    /// As [`Self::new`], once for each position of these switches on its own.
    async fn at(switches: &[&str]) -> anyhow::Result<Vec<(String, Self)>> {
        let mut accounts = vec![("defaults".to_owned(), Self::new().await?)];
        for switch in SWITCHES.iter().filter(|switch| switches.contains(&switch.name)) {
            for value in positions(switch) {
                let account = Self::new().await?;
                account.simulator.switch(switch.name, value.clone())?;
                accounts.push((format!("{}={value}", switch.name), account));
            }
        }
        Ok(accounts)
    }

    fn seed(&self, contacts: &Value) {
        self.simulator.seed(&json!({ "contacts": contacts })).unwrap();
    }

    async fn call(&self, method: reqwest::Method, path: &str) {
        let url = format!("{}/3.0/lists/list/members/{path}", self.simulator.base_url());
        let answer = reqwest::Client::new().request(method, url).bearer_auth("key-shop-us6").send().await.unwrap();
        assert!(answer.status().is_success(), "{path}");
    }

    async fn archive(&self, email: &str) {
        self.call(reqwest::Method::DELETE, &hash(email)).await;
    }

    async fn forget(&self, email: &str) {
        self.call(reqwest::Method::POST, &format!("{}/actions/delete-permanent", hash(email))).await;
    }

    /// How Mailchimp has an address.
    fn stored(&self, email: &str) -> Option<Value> {
        self.simulator.contacts(None).unwrap().into_iter().find(|member| member["email_address"] == email)
    }

    fn status(&self, email: &str) -> Option<String> {
        self.stored(email).map(|member| member["status"].as_str().unwrap().to_owned())
    }

    fn mails(&self, kind: &str) -> usize {
        self.simulator.mails().iter().filter(|mail| mail["kind"] == kind).count()
    }

    async fn listed(&self, roll: Roll) -> Members {
        self.client.members(&roll).await.unwrap()
    }
}

/// The positions of a switch.
fn positions(switch: &Switch) -> Vec<Value> {
    match switch.values {
        Positions::Flag(_) => vec![true.into(), false.into()],
        Positions::OneOf(words, _) => words.iter().map(|word| (*word).into()).collect(),
        Positions::Number(_) => Vec::new(),
    }
}

fn hash(email: &str) -> String {
    // Worked out with `printf %s .. | md5sum`.
    let known = [("ada@example.com", "3e3417d7ef77d5932a6734b916515ed5"), ("bob@example.com", "4b9bb80620f03eb3719e0a061c14283d")];
    known.iter().find(|(known, _)| *known == email).unwrap().1.to_owned()
}

fn address(email: &str) -> Address {
    Address::new(email)
}

fn entry(email: &str, fields: &[(&str, &str)], tags: &[(&str, bool)]) -> Entry {
    Entry {
        address: address(email),
        fields: Values(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()),
        tags: tags.iter().map(|(name, wanted)| ((*name).to_owned(), *wanted)).collect(),
    }
}

fn everybody(offset: usize) -> Roll {
    Roll { since: None, archived: false, offset }
}

fn names(members: &[Member]) -> Vec<&str> {
    members.iter().map(|member| member.address.as_str()).collect()
}

const LOWERED: [&str; 4] = ["unsubscribed", "cleaned", "transactional", "pending"];

#[tokio::test]
async fn new_addresses_are_subscribed_and_known_ones_stay_as_they_are() -> anyhow::Result<()> {
    for (at, account) in Account::at(&["member_exists_title", "api_unsubscribe", "tags_in_body_fire", "welcome_on_api"]).await? {
        for (number, status) in LOWERED.iter().enumerate() {
            account
                .seed(&json!([{"email_address": format!("old{number}@example.com"), "status": status, "merge_fields": {"FNAME": "Old"}}]));
        }
        let mut entries: Vec<Entry> = (0..4).map(|number| entry(&format!("OLD{number}@example.com"), &[("FNAME", "New")], &[])).collect();
        entries.push(entry("ada@example.com", &[("FNAME", "Ada"), ("LNAME", "")], &[("Wix", true), ("Gone", false)]));
        entries.push(entry("ADA@example.com", &[("FNAME", "Another")], &[]));
        let outcomes = account.client.add(&entries).await?;
        let exists = Err(ErrorKind::Exists(None));
        assert_eq!(outcomes, [exists.clone(), exists.clone(), exists.clone(), exists, Ok(()), Ok(())], "{at}");
        for (number, status) in LOWERED.iter().enumerate() {
            let member = account.stored(&format!("old{number}@example.com")).unwrap();
            assert_eq!((member["status"].as_str(), member["merge_fields"]["FNAME"].as_str()), (Some(*status), Some("Old")), "{at}");
        }
        let ada = account.stored("ada@example.com").unwrap();
        assert_eq!((&ada["status"], &ada["merge_fields"]["FNAME"]), (&json!("subscribed"), &json!("Ada")), "{at}");
        assert_eq!(account.client.member(&address("Ada@Example.com")).await?.unwrap().tags, BTreeSet::from(["Wix".to_owned()]), "{at}");
    }
    Ok(())
}

#[tokio::test]
async fn where_the_audience_wants_it_new_addresses_are_asked() -> anyhow::Result<()> {
    let account = Account::with(ListOptions { double_optin: true, ..ListOptions::new("list") }).await?;
    assert_eq!(account.client.add(&[entry("ada@example.com", &[], &[])]).await?, [Ok(())]);
    assert_eq!((account.status("ada@example.com").as_deref(), account.mails("confirmation")), (Some("pending"), 1));
    let again = account.client.put(&entry("ada@example.com", &[("FNAME", "Ada")], &[("Wix", true)])).await?.unwrap();
    assert_eq!((again.status, account.mails("confirmation"), account.mails("tag_automation")), (MemberStatus::Pending, 1, 0));
    Ok(())
}

#[tokio::test]
async fn each_row_is_told_what_is_wrong_with_it() -> anyhow::Result<()> {
    for (at, account) in Account::at(&["unknown_merge_field", "forgotten_pending"]).await? {
        let refuses_unknown = at == "unknown_merge_field=\"refused\"";
        account.seed(&json!([{"email_address": "ada@example.com"}]));
        account.forget("ada@example.com").await;
        let outcomes = account
            .client
            .add(&[
                entry("ada@example.com", &[], &[]),
                entry("eve@mail.invalid", &[], &[]),
                entry("nobody", &[], &[]),
                entry("bob@example.com", &[("BIRTHDAY", "1815-12-10")], &[]),
                entry("cid@example.com", &[("SHOE", "42")], &[]),
            ])
            .await?;
        let field = |name: &str| Err(ErrorKind::Invalid(vec![name.into()]));
        let unknown = if refuses_unknown { field("SHOE") } else { Ok(()) };
        let forbidden = || Err(ErrorKind::Forbidden);
        assert_eq!(outcomes, [forbidden(), forbidden(), forbidden(), field("BIRTHDAY"), unknown], "{at}");
        for email in ["ada@example.com", "eve@mail.invalid", "dan@example.com"] {
            assert_eq!(account.client.put(&entry(email, &[], &[])).await?, None, "{at} {email}");
            assert!(account.status(email).is_none_or(|status| status == "forgotten"), "{at} {email}");
        }
        account.seed(&json!([{"email_address": "bob@example.com"}]));
        let put = account.client.put(&entry("bob@example.com", &[("BIRTHDAY", "1815-12-10")], &[])).await;
        assert_eq!(put.unwrap_err().kind, ErrorKind::Invalid(vec!["BIRTHDAY".into()]), "{at}");
    }
    Ok(())
}

#[tokio::test]
async fn a_put_changes_fields_and_tags_and_no_status() -> anyhow::Result<()> {
    for (at, account) in Account::at(&["status_if_new_required", "put_other_address", "put_archived", "touch_without_change"]).await? {
        for status in ["subscribed", "unsubscribed", "cleaned", "transactional", "pending"] {
            let email = format!("{status}@example.com");
            account.seed(
                &json!([{"email_address": email, "status": status, "merge_fields": {"FNAME": "A", "LNAME": "B"}, "tags": ["Old", "Own"]}]),
            );
            let tags = [("Wix", true), ("Old", false), ("Never", false)];
            let member = account.client.put(&entry(&email.to_uppercase(), &[("FNAME", "Ada"), ("LNAME", "")], &tags)).await?.unwrap();
            assert_eq!(member.tags, BTreeSet::from(["Own".to_owned(), "Wix".to_owned()]), "{at}");
            assert_eq!(account.client.member(&address(&email)).await?, Some(member), "{at}");
            let stored = account.stored(&email).unwrap();
            assert_eq!(
                (&stored["status"], &stored["merge_fields"]["FNAME"], &stored["merge_fields"]["LNAME"]),
                (&json!(status), &json!("Ada"), &json!(""))
            );
        }
        assert_eq!((account.mails("confirmation"), account.mails("tag_automation")), (0, 0), "{at}");
    }
    Ok(())
}

#[tokio::test]
async fn whoever_was_taken_off_the_list_stays_off_and_untouched() -> anyhow::Result<()> {
    for (at, account) in Account::at(&["put_archived", "archived_listed", "status_if_new_required"]).await? {
        account
            .seed(&json!([{"email_address": "ada@example.com", "merge_fields": {"FNAME": "Old"}}, {"email_address": "bob@example.com"}]));
        account.archive("ada@example.com").await;
        let before = account.stored("ada@example.com");
        let put = account.client.put(&entry("ada@example.com", &[("FNAME", "Ada")], &[("Wix", true)])).await?.unwrap();
        account.client.opt_out(&address("ada@example.com")).await?;
        assert_eq!((put.status, account.stored("ada@example.com")), (MemberStatus::Archived, before), "{at}");
        let on = account.listed(everybody(0)).await;
        let on: Vec<Member> = on.rows.into_iter().filter(|member| member.status != MemberStatus::Archived).collect();
        assert_eq!(names(&on), ["bob@example.com"], "{at}");
        let off = account.listed(Roll { archived: true, ..everybody(0) }).await;
        assert_eq!((names(&off.rows), off.rows[0].status, off.total), (vec!["ada@example.com"], MemberStatus::Archived, 1), "{at}");
    }
    Ok(())
}

#[tokio::test]
async fn an_opt_out_lowers_and_nothing_else() -> anyhow::Result<()> {
    for (at, account) in Account::at(&["api_unsubscribe"]).await? {
        for (status, expected) in [
            ("subscribed", "unsubscribed"),
            ("pending", "unsubscribed"),
            ("unsubscribed", "unsubscribed"),
            ("cleaned", "cleaned"),
            ("transactional", "transactional"),
        ] {
            let email = format!("{status}@example.com");
            account.seed(&json!([{"email_address": email, "status": status}]));
            account.client.opt_out(&address(&email.to_uppercase())).await?;
            assert_eq!(account.status(&email).as_deref(), Some(expected), "{at}");
        }
        account.client.opt_out(&address("nobody@example.com")).await?;
        assert_eq!(account.stored("nobody@example.com"), None, "{at}");
    }
    Ok(())
}

#[tokio::test]
async fn every_member_is_listed_once_whatever_its_status() -> anyhow::Result<()> {
    for (at, account) in Account::at(&["default_order"]).await? {
        let members: Vec<Value> = (0..1_203)
            .map(|number| {
                let status = ["subscribed", "unsubscribed", "cleaned", "transactional", "pending"][number % 5];
                json!({"email_address": format!("{number:04}@example.com"), "status": status})
            })
            .collect();
        account.seed(&json!(members));
        let (mut seen, mut total) = (Vec::new(), usize::MAX);
        while seen.len() < total {
            let page = account.listed(everybody(seen.len())).await;
            assert!(!page.rows.is_empty(), "{at}");
            // Somebody changes between the pages; nobody loses the place by it.
            account.client.opt_out(&page.rows[0].address).await?;
            total = page.total;
            seen.extend(page.rows);
        }
        let mut seen = names(&seen);
        seen.sort_unstable();
        seen.dedup();
        assert_eq!((seen.len(), total), (1_203, 1_203), "{at}");
    }
    Ok(())
}

#[tokio::test]
async fn who_changed_at_or_after_an_instant_is_listed() -> anyhow::Result<()> {
    for (at, account) in Account::at(&["since_last_changed"]).await? {
        account.seed(&json!([{"email_address": "ada@example.com"}]));
        account.clock.advance(Duration::from_mins(1));
        let since = Timestamp::from_millisecond(account.clock.now_ms())?;
        account.seed(&json!([{"email_address": "bob@example.com"}]));
        account.clock.advance(Duration::from_mins(1));
        account.seed(&json!([{"email_address": "cid@example.com"}]));
        let page = account.listed(Roll { since: Some(since), ..everybody(0) }).await;
        assert_eq!(names(&page.rows), ["bob@example.com", "cid@example.com"], "{at}");
        assert_eq!(page.as_of.as_millisecond(), account.clock.now_ms(), "{at}");
        let page = account.listed(Roll { since: Some(since + Duration::from_millis(700)), ..everybody(0) }).await;
        assert_eq!(names(&page.rows), ["bob@example.com", "cid@example.com"], "{at}");
    }
    Ok(())
}

#[tokio::test]
async fn no_more_than_eight_calls_are_made_at_once() -> anyhow::Result<()> {
    let account = Account::new().await?;
    account.simulator.switch("busy_turns", 200)?;
    let addresses: Vec<Address> = (0..40).map(|number| address(&format!("{number}@example.com"))).collect();
    let reads = join_all(addresses.iter().map(|address| account.client.member(address))).await;
    assert!(reads.into_iter().all(|read| read.unwrap().is_none()));
    let (most, refused) = (account.simulator.most_connections("shop"), account.simulator.core().calls.refused());
    assert!((2..=8).contains(&most) && refused == 0, "{most} at once, {refused} refused");
    Ok(())
}

#[tokio::test]
async fn refusals_without_json_are_understood() -> anyhow::Result<()> {
    for (at, account) in Account::at(&["bare_refusals"]).await? {
        for (status, times, expected) in
            [(429, 1, None), (429, 9, Some("throttled")), (502, 9, Some("unavailable")), (401, 1, Some("access_denied"))]
        {
            account.simulator.core().faults.clear();
            account.clock.advance(Duration::from_mins(1));
            account.simulator.core().faults.add(Fault { times, ..Fault::status(status, "GET /3.0/**") }).unwrap();
            let read = account.client.member(&address("ada@example.com")).await;
            assert_eq!(read.err().map(|error| error.kind.name()), expected, "{at} {status}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_write_whose_reply_is_lost_is_not_sent_again() -> anyhow::Result<()> {
    let account = Account::new().await?;
    account.client.add(&[entry("bob@example.com", &[], &[])]).await?;
    account.simulator.core().faults.add(Fault::once(FaultKind::LoseReply, "POST /3.0/lists/list")).unwrap();
    let added = account.client.add(&[entry("ada@example.com", &[], &[])]).await.unwrap_err();
    assert!(added.kind.is_ambiguous(), "{added}");
    assert_eq!(account.client.add(&[entry("ada@example.com", &[], &[])]).await?, [Err(ErrorKind::Exists(None))]);
    assert_eq!(account.mails("welcome"), 2);
    Ok(())
}

#[tokio::test]
async fn fields_that_take_a_text_are_named() -> anyhow::Result<()> {
    let more: Vec<Value> = (0..20).map(|number| json!({"tag": format!("MORE{number}"), "name": "More", "type": "text"})).collect();
    let account = Account::with(ListOptions { merge_fields: more, ..ListOptions::new("list") }).await?;
    let fields = account.client.fields().await?;
    assert_eq!((fields.len(), &fields[..4]), (24, &["FNAME", "LNAME", "PHONE", "BIRTHDAY"].map(str::to_owned)[..]));
    Ok(())
}
