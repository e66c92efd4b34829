//! Contracts of links, many at a time.

use contact_bridge::{
    model::{
        ids::{RecordId, Side},
        link::{Cause, Notes, Parked, ParkedReason, Reservation, Slot, Tombstone},
        run::FailedRow,
    },
    ports::{ErrorKind, Known, Made},
};
use futures::future::join_all;

use super::{
    bench::{Bench, STALE, at, digest, kind, link, record, reservation},
    linking::linked,
};

const WIX: Side = Side::Wix;

impl Bench {
    async fn known(&self, side: Side, ids: &[&str]) -> anyhow::Result<Vec<Known>> {
        let ids: Vec<RecordId> = ids.iter().map(|id| record(id)).collect();
        Ok(self.batches.look_up_many(&self.site, side, &ids).await?)
    }

    async fn slots(&self, side: Side, ids: &[&str]) -> anyhow::Result<Vec<Slot>> {
        Ok(self.known(side, ids).await?.into_iter().map(|known| known.slot).collect())
    }

    async fn reserve_many(&self, reservations: &[Reservation]) -> anyhow::Result<Vec<bool>> {
        Ok(self.batches.reserve_many(&self.site, reservations, at(0)).await?)
    }

    async fn link_many(&self, links: &[Made]) -> anyhow::Result<Vec<bool>> {
        Ok(self.batches.link_many(&self.site, links, at(0)).await?)
    }
}

fn numbered(count: usize, owner: &str) -> Vec<Reservation> {
    (0..count).map(|number| reservation(WIX, &format!("w{number}"), owner, &[&format!("k{number}")])).collect()
}

fn made(reservations: &[Reservation]) -> Vec<Made> {
    let made = |reservation: &Reservation| Made {
        link: link(reservation.id.as_str(), &format!("e-{}", reservation.id)),
        notes: Notes::new(),
        reservation: reservation.clone(),
    };
    reservations.iter().map(made).collect()
}

fn tombstone() -> Tombstone {
    Tombstone { at: at(0), cause: Cause::Deleted, counterpart: None }
}

pub(super) async fn what_is_known_of_many_is_what_is_known_of_each(bench: &Bench) -> anyhow::Result<()> {
    bench.link(&link("w1", "e1")).await?;
    bench.reserve(&reservation(WIX, "r", "me", &[])).await?;
    bench.links.entomb(&bench.site, WIX, &record("gone"), &tombstone()).await?;
    bench.links.entomb(&bench.site, Side::External, &record("gone"), &tombstone()).await?;
    let ids = ["free", "w1", "r", "gone", "w1"];
    let known = bench.slots(WIX, &ids).await?;
    for (id, known) in ids.iter().zip(known) {
        assert_eq!(known, bench.slot(WIX, id).await?, "{id}");
    }
    assert_eq!(
        bench.slots(Side::External, &["e1", "free", "gone"]).await?,
        [linked(&link("w1", "e1")), Slot::Free, Slot::Gone(tombstone())]
    );
    assert_eq!(bench.slots(WIX, &[]).await?, []);
    Ok(())
}

pub(super) async fn notes_show_beside_what_is_not_linked(bench: &Bench) -> anyhow::Result<()> {
    bench.link(&link("w1", "e1")).await?;
    let parked = |id: &str| Parked {
        side: WIX,
        id: record(id),
        reason: ParkedReason::Refused,
        rows: Vec::new(),
        because_of: Vec::new(),
        since: at(1),
    };
    let failed = |id: &str| FailedRow { id: record(id), reason: "garbled".to_owned(), attempts: 2, since: at(1), again_at: at(9) };
    bench.links.park(&bench.site, &parked("free")).await?;
    bench.runs.fail(&bench.site, &["w1", "free"].map(failed)).await?;
    let free = Known { slot: Slot::Free, parked: Some(parked("free")), failed: Some(failed("free")) };
    let of_link = Known { slot: linked(&link("w1", "e1")), parked: None, failed: None };
    assert_eq!(bench.known(WIX, &["free", "w1"]).await?, [free, of_link]);
    let other_side = Known { slot: Slot::Free, parked: None, failed: None };
    assert_eq!(bench.known(Side::External, &["free"]).await?, [other_side]);
    Ok(())
}

pub(super) async fn more_than_a_call_takes_are_reserved_linked_and_found(bench: &Bench) -> anyhow::Result<()> {
    let reservations = numbered(230, "me");
    assert_eq!(bench.reserve_many(&reservations).await?, vec![true; 230]);
    assert_eq!(bench.link_many(&made(&reservations)).await?, vec![true; 230]);
    let ids: Vec<String> = reservations.iter().map(|own| own.id.to_string()).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let linked = bench.slots(WIX, &ids).await?.into_iter().filter(|slot| matches!(slot, Slot::Linked(_))).count();
    let externals: Vec<String> = ids.iter().map(|id| format!("e-{id}")).collect();
    let externals: Vec<&str> = externals.iter().map(String::as_str).collect();
    let pointed = bench.slots(Side::External, &externals).await?.into_iter().filter(|slot| matches!(slot, Slot::Linked(_))).count();
    assert_eq!((linked, pointed), (230, 230));
    Ok(())
}

pub(super) async fn each_reservation_stands_alone(bench: &Bench) -> anyhow::Result<()> {
    bench.link(&link("linked", "e1")).await?;
    bench.reserve(&reservation(WIX, "held", "another", &[])).await?;
    bench.reserve(&reservation(Side::External, "y", "another", &["ada"])).await?;
    bench.links.entomb(&bench.site, WIX, &record("gone"), &tombstone()).await?;
    let wanted = [
        reservation(WIX, "a", "me", &["eve"]),
        reservation(WIX, "linked", "me", &[]),
        reservation(WIX, "held", "me", &[]),
        reservation(WIX, "b", "me", &["ada"]),
        reservation(WIX, "gone", "me", &["ida"]),
        reservation(WIX, "c", "me", &[]),
    ];
    assert_eq!(bench.reserve_many(&wanted).await?, [true, false, false, false, false, true]);
    assert_eq!(bench.slot(WIX, "b").await?, Slot::Free, "a refused one leaves nothing behind");
    bench.reserve(&reservation(Side::External, "z", "third", &["ida"])).await?;
    assert!(bench.reserve_many(&[]).await?.is_empty());
    Ok(())
}

pub(super) async fn each_link_stands_alone(bench: &Bench) -> anyhow::Result<()> {
    bench.link(&link("w9", "e-w1")).await?;
    let reservations = numbered(4, "me");
    bench.reserve_many(&reservations).await?;
    bench.links.release(&bench.site, &reservations[2]).await?;
    bench.reserve(&reservation(WIX, "w2", "another", &[])).await?;
    assert_eq!(bench.link_many(&made(&reservations)).await?, [true, false, false, true]);
    assert_eq!(bench.slot(WIX, "w0").await?, linked(&link("w0", "e-w0")));
    assert!(matches!(bench.slot(WIX, "w1").await?, Slot::Reserved { .. }), "the external record is another's");
    // Its keys stay until they expire.
    assert_eq!(kind(bench.reserve(&reservation(Side::External, "y", "another", &["k0"])).await), super::bench::EXISTS);
    Ok(())
}

pub(super) async fn reservations_are_given_back_each_on_its_own(bench: &Bench) -> anyhow::Result<()> {
    let own = numbered(3, "me");
    bench.reserve_many(&own).await?;
    bench.links.release(&bench.site, &own[1]).await?;
    bench.reserve(&reservation(WIX, "w1", "another", &[])).await?;
    bench.batches.release_many(&bench.site, &own).await?;
    assert_eq!(bench.slot(WIX, "w0").await?, Slot::Free);
    assert!(matches!(bench.slot(WIX, "w1").await?, Slot::Reserved { .. }));
    bench.reserve(&reservation(Side::External, "y", "another", &["k0", "k1", "k2"])).await?;
    Ok(())
}

pub(super) async fn of_two_batches_of_reservations_each_record_goes_to_one(bench: &Bench) -> anyhow::Result<()> {
    let rivals = ["me", "another"].map(|owner| numbered(60, owner));
    let taken = join_all(rivals.iter().map(|rival| bench.reserve_many(rival))).await;
    let [one, other] = taken.try_into().expect("two were asked");
    for (number, (one, other)) in one?.into_iter().zip(other?).enumerate() {
        assert!(one != other, "w{number}: {one} {other}");
    }
    Ok(())
}

pub(super) async fn a_reserved_record_is_not_entombed(bench: &Bench) -> anyhow::Result<()> {
    bench.reserve(&reservation(WIX, "x", "me", &[])).await?;
    let late = Tombstone { at: at(60), ..tombstone() };
    assert_eq!(kind(bench.links.entomb(&bench.site, WIX, &record("x"), &tombstone()).await), STALE);
    bench.links.entomb(&bench.site, WIX, &record("x"), &late).await?;
    assert_eq!(bench.slot(WIX, "x").await?, Slot::Gone(late));
    Ok(())
}

pub(super) async fn a_draft_shows_among_many(bench: &Bench) -> anyhow::Result<()> {
    let draft = super::bench::full_link(&[("email", "ada@example.com")]).intent.map(Box::new);
    let own = Reservation { draft: draft.clone(), keys: vec![digest("ada")], ..reservation(WIX, "x", "me", &[]) };
    assert_eq!(bench.reserve_many(&[own]).await?, [true]);
    assert_eq!(bench.slots(WIX, &["x"]).await?, [Slot::Reserved { until: at(60), draft }]);
    let again = bench.links.reserve(&bench.site, &reservation(WIX, "x", "another", &[]), at(0)).await;
    assert_eq!(kind(again), Some(ErrorKind::Exists(None)));
    Ok(())
}
