use std::time::Duration;

use aws_config::{BehaviorVersion, Region};
use aws_sdk_dynamodb::{
    Client,
    config::Credentials,
    error::ProvideErrorMetadata,
    types::{AttributeValue, Put, TransactWriteItem},
};
use contact_bridge_local::{
    cloud::dynamo::{Dynamo, Storage},
    vendors::kit::Clock,
};

use crate::{START, clock};

const TABLE: &str = "bridge";

async fn metered(clock: &Clock) -> (Dynamo, Client) {
    let dynamo = Dynamo::start_metered(&Storage::Memory, clock).await.unwrap();
    dynamo.create_table(TABLE).unwrap();
    let client = client(&dynamo).await;
    (dynamo, client)
}

async fn client(dynamo: &Dynamo) -> Client {
    let sdk = aws_config::defaults(BehaviorVersion::latest())
        .endpoint_url(dynamo.endpoint())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("local", "local", None, None, "test"))
        .load()
        .await;
    Client::new(&sdk)
}

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

async fn put_new(client: &Client, key: &str, expires_at: i64) -> Result<(), Option<String>> {
    let put = client.put_item().table_name(TABLE).item("PK", text(key)).item("SK", text("link"));
    let put = put.item("expires_at", AttributeValue::N(expires_at.to_string()));
    let put = put.condition_expression("attribute_not_exists(PK)").send().await;
    put.map(drop).map_err(|error| error.code().map(str::to_owned))
}

fn new_item(key: &str) -> TransactWriteItem {
    let put = Put::builder().table_name(TABLE).item("PK", text(key)).item("SK", text("link"));
    let put = put.condition_expression("attribute_not_exists(PK)").build().unwrap();
    TransactWriteItem::builder().put(put).build()
}

async fn transact(client: &Client, keys: [&str; 2]) -> bool {
    let items = keys.map(new_item).to_vec();
    client.transact_write_items().set_transact_items(Some(items)).send().await.is_ok()
}

#[tokio::test]
async fn a_conditional_put_lands_once() {
    let (dynamo, client) = metered(&clock()).await;
    assert_eq!(put_new(&client, "a", 0).await, Ok(()));
    assert_eq!(put_new(&client, "a", 0).await, Err(Some("ConditionalCheckFailedException".to_owned())));
    assert_eq!(dynamo.items(TABLE).unwrap().len(), 1);
    dynamo.create_table(TABLE).unwrap();
}

#[tokio::test]
async fn a_transaction_lands_whole_or_not_at_all() {
    let (dynamo, client) = metered(&clock()).await;
    assert!(transact(&client, ["a", "b"]).await);
    assert!(!transact(&client, ["c", "b"]).await);
    assert_eq!(dynamo.items(TABLE).unwrap().len(), 2);
}

#[tokio::test]
async fn items_expire_by_the_injected_clock() {
    let clock = clock();
    let (dynamo, client) = metered(&clock).await;
    for (key, seconds) in [("short", 60), ("long", 3_600)] {
        put_new(&client, key, START / 1_000 + seconds).await.unwrap();
    }
    assert_eq!(dynamo.sweep_ttl().unwrap(), 0);
    clock.advance(Duration::from_secs(61));
    assert_eq!(dynamo.sweep_ttl().unwrap(), 1);
    assert_eq!(dynamo.items(TABLE).unwrap()[0]["PK"]["S"], "long");
}

#[tokio::test]
async fn the_meter_counts_units() {
    let (dynamo, client) = metered(&clock()).await;
    put_new(&client, "a", 0).await.unwrap();
    put_new(&client, "a", 0).await.unwrap_err();
    transact(&client, ["b", "c"]).await;
    for consistent in [false, true] {
        let get = client.get_item().table_name(TABLE).key("PK", text("a")).key("SK", text("link"));
        let got = get.consistent_read(consistent).send().await.unwrap();
        assert!(got.consumed_capacity().is_none(), "nobody asked");
    }
    let usage = dynamo.usage();
    assert_eq!((usage.read_units, usage.write_units, usage.refused_write_units), (1.5, 5.0, 1.0));
    assert_eq!((usage.calls["PutItem"], usage.calls["GetItem"]), (2, 2));
    dynamo.reset_usage();
    assert!(dynamo.usage().calls.is_empty());
}

#[tokio::test]
async fn a_file_keeps_its_items() {
    let path = std::env::temp_dir().join(format!("{}.sqlite", uuid::Uuid::new_v4()));
    for expected in [Ok(()), Err(Some("ConditionalCheckFailedException".to_owned()))] {
        let dynamo = Dynamo::start(&Storage::File(path.clone()), &Clock::real()).await.unwrap();
        dynamo.create_table(TABLE).unwrap();
        assert_eq!(put_new(&client(&dynamo).await, "a", 0).await, expected);
    }
    std::fs::remove_file(path).unwrap();
}
