//! The stores under test, and the data they are tested with.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use aws_sdk_dynamodb::{
    Client, Config,
    config::{BehaviorVersion, Credentials, Region},
};
use contact_bridge::{
    adapters::{
        dynamodb::{self, Capacity},
        memory,
    },
    model::{
        field::Value,
        fingerprint::{Digest, Key, Print},
        ids::{Pair, RecordId, Revision, RowId, Side, SiteId},
        link::{Hold, Intent, IntentRow, Link, Notes, Overwrote, Reservation, RowState},
        site::Site,
    },
    ports::{
        ClaimStore, Clock, ErrorKind, LinkBatches, LinkStore, Noted, RunStore, SiteStore, StoreResult, SubmissionStore, SubscriberLog,
    },
};
use contact_bridge_local::{
    cloud::dynamo::{Dynamo, Storage},
    vendors::kit,
};
use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::json;

const TABLE: &str = "contact-bridge";

/// A store and the site it is tested with.
#[derive(Clone)]
pub(super) struct Bench {
    pub(super) links: Arc<dyn LinkStore>,
    pub(super) batches: Arc<dyn LinkBatches>,
    pub(super) runs: Arc<dyn RunStore>,
    pub(super) sites: Arc<dyn SiteStore>,
    pub(super) submissions: Arc<dyn SubmissionStore>,
    pub(super) claims: Arc<dyn ClaimStore>,
    pub(super) log: Arc<dyn SubscriberLog>,
    pub(super) site: SiteId,
}

fn bench<S: LinkStore + LinkBatches + RunStore + SiteStore + SubmissionStore + ClaimStore + SubscriberLog + 'static>(store: S) -> Bench {
    let store = Arc::new(store);
    Bench {
        links: store.clone(),
        batches: store.clone(),
        runs: store.clone(),
        sites: store.clone(),
        submissions: store.clone(),
        claims: store.clone(),
        log: store,
        site: SiteId::from("2712ae1d-3f64-46d7-9f8a-3c0b6f3f5f1e"),
    }
}

/// Makes an empty store in memory.
pub(super) fn in_memory() -> Bench {
    bench(memory::Store::new())
}

/// An embedded DynamoDB with an empty table.
pub(super) struct Table {
    pub(super) client: Client,
    pub(super) capacity: Arc<Capacity>,
    dynamo: Dynamo,
}

impl Table {
    pub(super) async fn start() -> anyhow::Result<Self> {
        let dynamo = Dynamo::start(&Storage::Memory, &kit::Clock::manual(0)).await?;
        dynamo.create_table(TABLE)?;
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static("us-east-1"))
            .credentials_provider(Credentials::new("id", "secret", None, None, "test"))
            .endpoint_url(dynamo.endpoint());
        Ok(Self { client: Client::from_conf(config.build()), capacity: Arc::default(), dynamo })
    }

    pub(super) fn bench(&self) -> Bench {
        let secret = SecretString::from("deployment");
        bench(dynamodb::Store::new(self.client.clone(), TABLE, secret, Arc::new(Still)).counting(self.capacity.clone()))
    }

    /// Returns every item of the table.
    pub(super) fn items(&self) -> anyhow::Result<Vec<serde_json::Value>> {
        Ok(self.dynamo.items(TABLE)?)
    }

    pub(super) const fn name() -> &'static str {
        TABLE
    }
}

/// A clock that nobody waits on.
struct Still;

#[async_trait]
impl Clock for Still {
    fn now(&self) -> Timestamp {
        at(0)
    }

    async fn sleep(&self, _duration: Duration) {}
}

/// Returns an instant so many seconds into the test.
pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + seconds).expect("tests last seconds")
}

pub(super) fn record(id: &str) -> RecordId {
    RecordId::from(id)
}

fn key(site: &str) -> Key {
    Key::derive(b"deployment", &SiteId::from(site))
}

/// Returns the digest of a match key.
pub(super) fn digest(text: &str) -> Digest {
    key("site").digest("match:email", text)
}

/// Makes a reservation that lasts until second 60.
pub(super) fn reservation(side: Side, id: &str, owner: &str, keys: &[&str]) -> Reservation {
    Reservation {
        side,
        id: record(id),
        keys: keys.iter().map(|key| digest(key)).collect(),
        owner: owner.to_owned(),
        until: at(60),
        draft: None,
    }
}

/// Makes a link ready to be stored without any change of notes.
pub(super) fn noted(link: &Link) -> Noted<'_> {
    const NONE: &Notes = &Notes::new();
    Noted { link, notes: NONE }
}

/// Makes a fresh link.
pub(super) fn link(wix: &str, external: &str) -> Link {
    Link::new(record(wix), record(external), at(0))
}

fn print(row: &str, text: &str) -> Print {
    key("site").print(row, Value::text(text).as_ref())
}

/// Makes a link that has everything a link can have, of contacts with these values.
pub(super) fn full_link(values: &[(&str, &str)]) -> Link {
    let base: BTreeMap<_, _> = values.iter().map(|(row, value)| (RowId::from(*row), print(row, value))).collect();
    let row = |row: &RowId, source: &Print| {
        let agreed = Some(Print::List([digest("a"), digest("b")].into()));
        (row.clone(), IntentRow { source: source.clone(), target: print("other", "x"), loose: Print::Empty, agreed })
    };
    let mut link = link("w1", "e1");
    link.version = 41;
    link.intent = Some(Intent { side: Side::External, until: at(30), rows: base.iter().map(|(id, print)| row(id, print)).collect() });
    link.rows =
        [("email", RowState::Conflict), ("vat", RowState::Refused(Side::External))].map(|(row, state)| (RowId::from(row), state)).into();
    link.held = Some(Hold::DeletedAndChanged);
    let overwrote =
        Overwrote { read: Revision::from("2026-08-21T10:11:12Z"), wrote: Revision::from("2026-08-21T10:11:13.120Z"), rows: base.clone() };
    link.anchors.external.overwrote = vec![overwrote];
    link.anchors.external.revision = Some(Revision::from("2026-08-21T10:11:13.120Z"));
    link.anchors.wix.revision = Some(Revision::from("18"));
    link.anchors.wix.base = base;
    link.anchors.external.base.insert(RowId::from("email"), print("email", "formatted otherwise"));
    link
}

/// Makes a site's settings as they are saved first.
pub(super) fn site(id: &SiteId) -> Site {
    let site = json!({
        "site": id, "version": 1, "crm": {"kind": "hubspot", "secret": "/bridge/hubspot"},
        "mapping": [{"id": "email", "wix": "email", "external": "email", "transform": {"kind": "join", "separator": ";"}}],
    });
    serde_json::from_value(site).expect("the settings are whole")
}

/// Returns the kind of a call's error.
pub(super) fn kind<T>(result: StoreResult<T>) -> Option<ErrorKind> {
    result.err().map(|error| error.kind)
}

/// That something is another's already.
pub(super) const EXISTS: Option<ErrorKind> = Some(ErrorKind::Exists(None));
/// That something was changed since it was read.
pub(super) const STALE: Option<ErrorKind> = Some(ErrorKind::Stale);

/// Checks that one of several racing calls won, and that the others were refused. The table may say that the calls met instead.
pub(super) fn one_wins<T>(results: Vec<StoreResult<T>>, refused: &ErrorKind) {
    let kinds: Vec<_> = results.into_iter().map(kind).collect();
    assert_eq!(kinds.iter().filter(|kind| kind.is_none()).count(), 1, "{kinds:?}");
    assert!(kinds.iter().flatten().all(|kind| kind == refused || *kind == ErrorKind::Stale), "{kinds:?}");
}

/// Returns the ids of a link.
pub(super) fn ids(link: &Link) -> Pair<&str> {
    Pair { wix: link.id(Side::Wix).as_str(), external: link.id(Side::External).as_str() }
}
