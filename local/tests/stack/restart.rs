//! A store in a file.

use contact_bridge_local::{
    cloud::dynamo::Storage,
    stack::{Options, Stack, StoreKind},
};
use serde_json::json;

#[tokio::test]
async fn a_store_in_a_file_survives_a_restart() {
    let folder = std::env::temp_dir().join(format!("contact-bridge-{}", uuid::Uuid::new_v4()));
    std::fs::create_dir(&folder).unwrap();
    let start = async || {
        let store = StoreKind::DynamoDb(Storage::File(folder.join("store.db")));
        Stack::start(Options { store, ..Options::default() }).await.unwrap()
    };
    let first = start().await;
    let site = first.add_site("shop", |site| site.default_country = Some("GB".to_owned())).await.unwrap();
    first.client(&site).wix_create(json!({"name": {"first": "Ada"}})).await.unwrap();
    first.settle().await.unwrap();
    let links = first.links(&site.id).await;
    drop(first);
    let second = start().await;
    let again = second.add_site("shop", |_| {}).await.unwrap();
    assert_eq!((&again, links.len()), (&site, 1));
    assert_eq!(second.links(&site.id).await, links);
    let stored = second.app.means.sites.site(&site.id).await.unwrap().unwrap();
    assert_eq!((stored.default_country.as_deref(), stored.version), (Some("GB"), 2));
    drop(second);
    std::fs::remove_dir_all(&folder).unwrap();
}
