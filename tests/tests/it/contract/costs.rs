//! What the table costs, and how it deals with items that are not as they should be.

use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};
use contact_bridge::{
    adapters::dynamodb::Units,
    model::{
        ids::{RecordId, Revision, Side},
        link::{Cause, Link, Slot},
    },
    ports::{ErrorKind, MOST_AHEAD, Place, Ticket},
};

use super::bench::{Bench, Table, at, digest, full_link, kind, link, noted, site};

/// A link of the default mapping between records with ids of usual length, being written.
fn usual_link() -> Link {
    let rows = ["first-name", "last-name", "email", "phone", "company", "job-title", "birthdate", "street", "city", "region", "country"];
    let mut link = full_link(&rows.map(|row| (row, "a value")));
    link.anchors.external.base = link.anchors.wix.base.clone();
    link.anchors.external.overwrote.iter_mut().for_each(|overwrote| overwrote.rows.retain(|id, _| id.as_str() == "email"));
    link.intent.iter_mut().for_each(|intent| intent.rows.retain(|id, _| id.as_str() == "email"));
    link.anchors.wix.id = RecordId::from("4c1b0a52-8c7a-4a3b-9d54-0b6f6f0f7e11");
    link.anchors.external.id = RecordId::from("123456789012");
    link.anchors.wix.revision = Some(Revision::from("118"));
    link
}

async fn spent(table: &Table, work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<Units> {
    let before = table.capacity.units();
    work.await?;
    let after = table.capacity.units();
    Ok(Units { read: after.read - before.read, write: after.write - before.write })
}

async fn update(bench: &Bench, side: Side, link: &mut Link) -> anyhow::Result<()> {
    bench.links.look_up(&bench.site, side, &link.id(side).clone()).await?;
    for _ in 0..2 {
        link.version += 1;
        bench.save(link).await?;
    }
    Ok(())
}

#[tokio::test]
async fn an_update_takes_two_write_units() -> anyhow::Result<()> {
    let table = Table::start().await?;
    let bench = table.bench();
    let mut link = usual_link();
    bench.link(&link).await?;
    assert_eq!(spent(&table, update(&bench, Side::Wix, &mut link)).await?, Units { read: 0.5, write: 2.0 });
    assert_eq!(spent(&table, update(&bench, Side::External, &mut link)).await?, Units { read: 0.5, write: 2.0 });
    let started = table.bench();
    assert_eq!(spent(&table, update(&started, Side::External, &mut link)).await?, Units { read: 1.0, write: 2.0 });
    assert_eq!(spent(&table, update(&started, Side::External, &mut link)).await?, Units { read: 0.5, write: 2.0 });
    Ok(())
}

#[tokio::test]
async fn a_look_at_a_site_takes_half_a_read_unit() -> anyhow::Result<()> {
    let table = Table::start().await?;
    let bench = table.bench();
    bench.sites.save_site(&site(&bench.site)).await?;
    for side in Side::BOTH {
        bench.links.cool_down(&bench.site, side, at(60)).await?;
    }
    let look = async {
        let standing = bench.sites.standing(&bench.site, at(0)).await?;
        assert_eq!(standing.and_then(|standing| standing.cooling_down), Some(at(60)));
        Ok(())
    };
    assert_eq!(spent(&table, look).await?, Units { read: 0.5, write: 0.0 });
    Ok(())
}

/// An item holds at most 400 KB: a line is not one of them, and this one would take a hundred units for a write if it were.
#[tokio::test]
async fn a_line_of_any_length_costs_a_small_write_and_a_look_at_those_right_ahead() -> anyhow::Result<()> {
    let table = Table::start().await?;
    let bench = table.bench();
    let ticket = |nth: i64| Ticket { place: Place { at: at(nth), order: 0, part: 0, message: digest(&nth.to_string()) }, since: at(nth) };
    let line_up = async |nth| bench.claims.line_up(&bench.site, &digest("ada"), &ticket(nth), at(-1)).await;
    let line_up_behind = async |nth, expected| {
        assert_eq!(line_up(nth).await?.len(), expected);
        Ok(())
    };
    assert_eq!(spent(&table, line_up_behind(999, 0)).await?, Units { read: 1.0, write: 1.0 });
    // Whoever comes before all others has nobody to look at.
    for nth in (0..999).rev() {
        line_up(nth).await?;
    }
    let longest = spent(&table, line_up_behind(1_000, MOST_AHEAD)).await?;
    assert!(longest.write <= 1.0 && longest.read <= 8.0, "{longest:?}");
    Ok(())
}

/// One process has met a pointer that another process then moves.
#[tokio::test]
async fn a_pointer_that_moved_is_followed() -> anyhow::Result<()> {
    let table = Table::start().await?;
    let (bench, other) = (table.bench(), table.bench());
    let old = link("w1", "e1");
    bench.link(&old).await?;
    assert!(matches!(bench.slot(Side::External, "e1").await?, Slot::Linked(_)));
    let mut moved = link("w2", "e1");
    moved.version = old.version + 1;
    other.links.repoint(&other.site, &old, noted(&moved), at(0)).await?;
    assert!(matches!(bench.slot(Side::External, "e1").await?, Slot::Linked(link) if *link == moved));
    other.links.bury(&other.site, noted(&moved), at(0), Cause::Deleted).await?;
    assert!(matches!(bench.slot(Side::External, "e1").await?, Slot::Gone(_)));
    other.link(&link("w2", "e2")).await?;
    assert!(matches!(bench.slot(Side::External, "e1").await?, Slot::Gone(_)));
    Ok(())
}

#[tokio::test]
async fn a_pointer_without_its_link_is_an_error_and_not_a_free_record() -> anyhow::Result<()> {
    let table = Table::start().await?;
    let bench = table.bench();
    bench.link(&link("w1", "e1")).await?;
    let key = [("PK", format!("site#{}", bench.site)), ("SK", "link#w1".to_owned())];
    let key = key.map(|(name, text)| (name.to_owned(), AttributeValue::S(text))).into();
    table.client.delete_item().table_name(Table::name()).set_key(Some(key)).send().await?;
    assert_eq!(kind(bench.slot(Side::External, "e1").await), Some(ErrorKind::Corrupt));
    Ok(())
}

#[tokio::test]
async fn a_link_that_cannot_be_read_is_an_error() -> anyhow::Result<()> {
    let table = Table::start().await?;
    let bench = table.bench();
    let item = [("PK", format!("site#{}", bench.site)), ("SK", "link#w1".to_owned()), ("ext", "e1".to_owned())];
    let put = table.client.put_item().table_name(Table::name()).item("version", AttributeValue::N("1".to_owned()));
    let put = item.into_iter().fold(put, |put, (name, text)| put.item(name, AttributeValue::S(text)));
    put.item("body", AttributeValue::B(Blob::new([9, 9, 9]))).send().await?;
    assert_eq!(kind(bench.slot(Side::Wix, "w1").await), Some(ErrorKind::Corrupt));
    Ok(())
}
