//! Contracts of reservations.

use contact_bridge::{
    model::{
        ids::Side,
        link::{Reservation, Slot},
    },
    ports::{ErrorKind, StoreResult},
};
use futures::future::join_all;

use super::{
    bench::{Bench, EXISTS, at, digest, kind, link, noted, one_wins, reservation},
    linking::linked,
};

impl Bench {
    /// Reserves at the start of the test.
    pub(super) async fn reserve(&self, reservation: &Reservation) -> StoreResult<()> {
        self.links.reserve(&self.site, reservation, at(0)).await
    }
}

const WIX: Side = Side::Wix;
const EXTERNAL: Side = Side::External;
const RESERVED: fn() -> Slot = || Slot::Reserved { until: at(60), draft: None };

pub(super) async fn a_reservation_shows(bench: &Bench) -> anyhow::Result<()> {
    bench.reserve(&reservation(WIX, "x", "me", &["ada"])).await?;
    bench.reserve(&reservation(EXTERNAL, "y", "me", &[])).await?;
    assert_eq!(bench.slot(WIX, "x").await?, RESERVED());
    assert_eq!(bench.slot(EXTERNAL, "y").await?, RESERVED());
    assert_eq!(bench.slot(EXTERNAL, "x").await?, Slot::Free);
    Ok(())
}

pub(super) async fn a_reserved_record_is_not_reserved_by_another(bench: &Bench) -> anyhow::Result<()> {
    bench.reserve(&reservation(WIX, "x", "me", &[])).await?;
    assert_eq!(kind(bench.reserve(&reservation(WIX, "x", "another", &[])).await), EXISTS);
    bench.reserve(&reservation(EXTERNAL, "x", "another", &[])).await?;
    Ok(())
}

pub(super) async fn a_linked_record_is_not_reserved(bench: &Bench) -> anyhow::Result<()> {
    bench.link(&link("w1", "e1")).await?;
    for (side, id) in [(WIX, "w1"), (EXTERNAL, "e1")] {
        assert_eq!(kind(bench.reserve(&reservation(side, id, "me", &[])).await), EXISTS);
        assert_eq!(bench.slot(side, id).await?, linked(&link("w1", "e1")));
    }
    Ok(())
}

pub(super) async fn a_reserved_key_is_not_reserved_by_another(bench: &Bench) -> anyhow::Result<()> {
    bench.reserve(&reservation(WIX, "x", "me", &["ada", "+43"])).await?;
    assert_eq!(kind(bench.reserve(&reservation(EXTERNAL, "y", "another", &["eve", "ada"])).await), EXISTS);
    bench.reserve(&reservation(EXTERNAL, "y", "another", &["eve"])).await?;
    Ok(())
}

pub(super) async fn a_refused_reservation_leaves_nothing_behind(bench: &Bench) -> anyhow::Result<()> {
    bench.reserve(&reservation(WIX, "x", "me", &["ada"])).await?;
    assert_eq!(kind(bench.reserve(&reservation(EXTERNAL, "y", "another", &["eve", "ada"])).await), EXISTS);
    assert_eq!(bench.slot(EXTERNAL, "y").await?, Slot::Free);
    bench.reserve(&reservation(EXTERNAL, "z", "third", &["eve"])).await?;
    Ok(())
}

pub(super) async fn an_expired_reservation_is_taken_over(bench: &Bench) -> anyhow::Result<()> {
    bench.reserve(&reservation(WIX, "x", "me", &["ada"])).await?;
    let late = Reservation { until: at(120), ..reservation(WIX, "x", "another", &["ada"]) };
    assert_eq!(kind(bench.links.reserve(&bench.site, &late, at(59)).await), EXISTS);
    bench.links.reserve(&bench.site, &late, at(60)).await?;
    assert_eq!(bench.slot(WIX, "x").await?, Slot::Reserved { until: at(120), draft: None });
    Ok(())
}

pub(super) async fn the_holder_reserves_again(bench: &Bench) -> anyhow::Result<()> {
    bench.reserve(&reservation(WIX, "x", "me", &["ada", "ada"])).await?;
    let longer = Reservation { until: at(90), ..reservation(WIX, "x", "me", &["ada", "eve"]) };
    bench.reserve(&longer).await?;
    assert_eq!(bench.slot(WIX, "x").await?, Slot::Reserved { until: at(90), draft: None });
    Ok(())
}

pub(super) async fn more_keys_than_a_transaction_takes_are_reserved(bench: &Bench) -> anyhow::Result<()> {
    let keys: Vec<_> = (0..150).map(|number| digest(&number.to_string())).collect();
    bench.reserve(&Reservation { keys: keys.clone(), ..reservation(WIX, "x", "me", &[]) }).await?;
    let another = Reservation { keys, ..reservation(EXTERNAL, "y", "another", &[]) };
    assert_eq!(kind(bench.reserve(&another).await), EXISTS);
    Ok(())
}

pub(super) async fn of_two_reservations_of_one_record_one_wins(bench: &Bench) -> anyhow::Result<()> {
    let rivals = [reservation(WIX, "x", "me", &[]), reservation(WIX, "x", "another", &["ada"]), reservation(WIX, "x", "third", &[])];
    one_wins(join_all(rivals.iter().map(|rival| bench.reserve(rival))).await, &ErrorKind::Exists(None));
    Ok(())
}

pub(super) async fn of_two_reservations_of_one_person_one_wins(bench: &Bench) -> anyhow::Result<()> {
    let rivals = [reservation(WIX, "x", "me", &["ada"]), reservation(EXTERNAL, "y", "another", &["ada"])];
    one_wins(join_all(rivals.iter().map(|rival| bench.reserve(rival))).await, &ErrorKind::Exists(None));
    Ok(())
}

pub(super) async fn a_released_record_is_free_with_its_keys(bench: &Bench) -> anyhow::Result<()> {
    let own = reservation(WIX, "x", "me", &["ada"]);
    bench.reserve(&own).await?;
    bench.links.release(&bench.site, &own).await?;
    assert_eq!(bench.slot(WIX, "x").await?, Slot::Free);
    bench.reserve(&reservation(EXTERNAL, "y", "another", &["ada"])).await?;
    Ok(())
}

pub(super) async fn a_release_keeps_the_keys_it_does_not_name(bench: &Bench) -> anyhow::Result<()> {
    bench.reserve(&reservation(WIX, "x", "me", &["ada"])).await?;
    bench.links.release(&bench.site, &reservation(WIX, "x", "me", &[])).await?;
    assert_eq!(bench.slot(WIX, "x").await?, Slot::Free);
    assert_eq!(kind(bench.reserve(&reservation(EXTERNAL, "y", "another", &["ada"])).await), EXISTS);
    Ok(())
}

pub(super) async fn what_is_anothers_by_now_is_not_released(bench: &Bench) -> anyhow::Result<()> {
    bench.reserve(&reservation(WIX, "x", "another", &["ada"])).await?;
    bench.link(&link("w1", "e1")).await?;
    bench.links.release(&bench.site, &reservation(WIX, "x", "me", &["ada", "eve"])).await?;
    bench.links.release(&bench.site, &reservation(WIX, "w1", "me", &[])).await?;
    assert_eq!(bench.slot(WIX, "x").await?, RESERVED());
    assert_eq!(bench.slot(WIX, "w1").await?, linked(&link("w1", "e1")));
    assert_eq!(kind(bench.reserve(&reservation(EXTERNAL, "y", "third", &["ada"])).await), EXISTS);
    Ok(())
}

pub(super) async fn linking_ends_the_reservation_and_keeps_its_keys(bench: &Bench) -> anyhow::Result<()> {
    let own = reservation(WIX, "w1", "me", &["ada"]);
    bench.reserve(&own).await?;
    let link = link("w1", "e1");
    bench.links.link(&bench.site, noted(&link), Some(&own), at(1)).await?;
    assert_eq!(bench.slot(WIX, "w1").await?, linked(&link));
    assert_eq!(kind(bench.reserve(&reservation(EXTERNAL, "y", "another", &["ada"])).await), EXISTS);
    bench.links.release(&bench.site, &own).await?;
    assert_eq!(bench.slot(WIX, "w1").await?, linked(&link));
    Ok(())
}
