//! The bridge against vendors it is pointed at, and settings from the command line.

use std::{net::SocketAddr, path::Path, time::Duration};

use contact_bridge::{
    flows::setup,
    model::ids::{Side, SiteId},
};
use contact_bridge_local::{
    deployment::Deployment,
    owner::Owner,
    vendors::{
        hubspot::{self, PortalOptions},
        wix::{self, SiteIds},
    },
};
use serde_json::json;

const SITE: &str = "ddec7f5e-5c32-4c6f-9c37-6b1a7f2d1b11";

fn any_port() -> SocketAddr {
    ([127, 0, 0, 1], 0).into()
}

/// A port that was free a moment ago: the vendors must know the URL before the bridge starts.
fn free_port() -> SocketAddr {
    std::net::TcpListener::bind(any_port()).unwrap().local_addr().unwrap()
}

async fn vendors(listen: SocketAddr) -> (wix::Simulator, hubspot::Simulator) {
    let site = SiteIds { site_id: "5f3a1c5e-0d5b-4f0c-9a55-0c2f1a7b9e01".to_owned(), instance_id: SITE.to_owned() };
    let options =
        wix::Options { sites: vec![site], webhook_urls: vec![format!("http://{listen}/webhooks/wix")], ..wix::Options::default() };
    let wix = wix::Simulator::start(any_port(), options).await.unwrap();
    wix.switch("webhook_timeout_ms", 60_000).unwrap();
    let portal = PortalOptions { webhook_url: Some(format!("http://{listen}/webhooks/hubspot/{SITE}")), ..PortalOptions::new(7, "pat-7") };
    let options = hubspot::Options { portals: vec![portal], ..hubspot::Options::default() };
    (wix, hubspot::Simulator::start(any_port(), options).await.unwrap())
}

fn environment(wix: &wix::Simulator, hubspot: &hubspot::Simulator, listen: SocketAddr) -> Vec<(String, String)> {
    let options = wix::Options::default();
    [
        ("PUBLIC_URL", format!("http://{listen}")),
        ("WIX_BASE_URL", wix.base_url()),
        ("WIX_APP_ID", options.app_id),
        ("WIX_APP_SECRET", options.app_secret),
        ("WIX_WEBHOOK_PUBLIC_KEYS", wix.public_key_pem()),
        ("HUBSPOT_BASE_URL", hubspot.base_url()),
        ("HUBSPOT_CLIENT_SECRETS", hubspot::Options::default().client_secret),
        ("FINGERPRINT_SECRET", "a secret of this deployment".to_owned()),
        ("CONTACT_BRIDGE_SECRET_HUBSPOT_SHOP", "pat-7".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

/// Saves settings as `site put` does.
async fn put_settings(environment: &[(String, String)], file: &Path) {
    let owner = Owner::open(environment, Some(file.to_owned())).await.unwrap();
    let mut site = setup::defaults(&SiteId::new(SITE));
    site.system_of_record = Some(Side::Wix);
    site.crm = serde_json::from_value(json!({"kind": "hubspot", "secret": "hubspot/shop"})).unwrap();
    assert_eq!(owner.put(site).await.unwrap().version, 1);
    assert_eq!(owner.show(SITE).await.unwrap().version, 1);
    assert!(owner.show("nobody").await.unwrap_err().to_string().contains("nobody"));
}

#[tokio::test]
async fn the_same_functions_serve_the_vendors_of_the_environment() {
    let folder = std::env::temp_dir().join(format!("contact-bridge-{}", uuid::Uuid::new_v4()));
    std::fs::create_dir(&folder).unwrap();
    let (listen, file) = (free_port(), folder.join("store.db"));
    let (wix, hubspot) = vendors(listen).await;
    let environment = environment(&wix, &hubspot, listen);
    put_settings(&environment, &file).await;
    let deployment = Deployment::start(&environment, listen, file).await.unwrap();
    assert_eq!(deployment.url(), format!("http://{listen}"));
    wix.seed(None, &[json!({"name": {"first": "Ada"}, "emails": {"items": [{"email": "ada@example.com"}]}})]).unwrap();
    let linked = async {
        while deployment.app.means.links.count_links(&SiteId::new(SITE), 2).await.unwrap() == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), linked).await.unwrap();
    assert_eq!(hubspot.contacts(None).unwrap()["contacts"][0]["properties"]["firstname"], "Ada");
    drop(deployment);
    std::fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test]
async fn what_the_environment_lacks_is_named() {
    let folder = std::env::temp_dir().join(format!("contact-bridge-{}.db", uuid::Uuid::new_v4()));
    let error = Deployment::start(&[], any_port(), folder).await.err().unwrap();
    assert_eq!(error.to_string(), "WIX_APP_ID is not set");
    let error = Owner::open(&[], None).await.err().unwrap();
    assert!(format!("{error:#}").contains("TABLE_NAME"));
}
