//! What the table must not hold.

use base64::{Engine, prelude::BASE64_STANDARD};
use contact_bridge::model::{
    ids::Side,
    link::{Cause, Parked, ParkedReason},
};

use super::bench::{Table, at, full_link, link, noted, record, reservation, site};
use super::submissions;

const CANARIES: [(&str, &str); 4] =
    [("first-name", "Canaria"), ("email", "canary@example.com"), ("phone", "+34928000000"), ("street", "Calle Canario 7")];

/// Returns all texts and bytes of an item's JSON, the bytes decoded.
fn texts(item: &serde_json::Value) -> String {
    match item {
        serde_json::Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| match (name.as_str(), value.as_str()) {
                ("B", Some(bytes)) => {
                    String::from_utf8_lossy(&BASE64_STANDARD.decode(bytes).expect("the engine writes base64")).into_owned()
                }
                _ => format!("{name} {}\n", texts(value)),
            })
            .collect(),
        other => other.to_string(),
    }
}

#[tokio::test]
async fn no_value_of_a_contact_is_stored() -> anyhow::Result<()> {
    let table = Table::start().await?;
    let bench = table.bench();
    bench.sites.save_site(&site(&bench.site)).await?;
    bench.link(&full_link(&CANARIES)).await?;
    bench.reserve(&reservation(Side::Wix, "w2", "me", &CANARIES.map(|(_, value)| value))).await?;
    let rows = CANARIES.iter().map(|(row, _)| (*row).into()).collect();
    bench
        .links
        .park(
            &bench.site,
            &Parked { side: Side::Wix, id: record("w3"), reason: ParkedReason::Conflict, rows, because_of: Vec::new(), since: at(0) },
        )
        .await?;
    submissions::with_everything(&bench, &CANARIES.map(|(_, value)| value)).await?;
    let stored: String = table.items()?.iter().map(texts).collect();
    assert!(stored.contains("consent#") && stored.contains("posts#") && stored.contains("made#"), "the dump shows forms");
    assert!(stored.contains("first-name") && stored.contains("link#w1"), "the dump shows what is stored");
    for (_, value) in CANARIES {
        assert!(!stored.to_lowercase().contains(&value.to_lowercase()), "{value}");
    }
    Ok(())
}

#[tokio::test]
async fn nothing_names_an_erased_person() -> anyhow::Result<()> {
    let table = Table::start().await?;
    let bench = table.bench();
    bench.link(&link("wix-canary", "ext-canary")).await?;
    bench.links.bury(&bench.site, noted(&link("wix-canary", "ext-canary")), at(0), Cause::Erased).await?;
    let stored: String = table.items()?.iter().map(texts).collect();
    assert!(stored.contains("erased") && !stored.contains("canary"), "{stored}");
    Ok(())
}
