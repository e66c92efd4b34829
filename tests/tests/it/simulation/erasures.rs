//! Erasures that could not be carried out, or met another link.

use contact_bridge::model::{
    event::EventKind,
    ids::{RecordId, Side},
    link::{Cause, ParkedReason, Slot},
    site::{OnDelete, OnMerge},
};
use contact_bridge_tests::simulation::world::{World, lock};

use super::Stage;

#[test]
fn an_erasure_finds_the_former_counterpart_whose_new_one_is_gone() {
    let mut stage = Stage::set();
    stage.running.contacts.site.on_delete = OnDelete::Unlink;
    let (wix, external) = (stage.id(Side::Wix).clone(), stage.id(Side::External).clone());
    let (another, event) = stage.adds(Side::Wix, "bo@example.net");
    stage.running.deal_with(event);
    stage.running.come_to_rest();
    let its_own = lock(&stage.running.world).witness.counterpart(Side::Wix, &another).unwrap().clone();
    let deleted = |id: &RecordId| {
        let id = id.clone();
        move |world: &mut World| world.remove(Side::External, &id, EventKind::Deleted { by_merge: false })
    };
    let [second, first] = [&its_own, &external].map(|id| stage.unheard(deleted(id)));
    let merged = stage.unheard(|world| world.unite(Side::Wix, &wix, &another));
    let erased = stage.unheard(|world| world.raise(Side::External, &external, EventKind::Erased));
    for event in [first, second, erased, merged].concat() {
        stage.running.deal_with(event);
    }
    stage.running.come_to_rest();
    assert_eq!((stage.present(Side::Wix).contains(&wix), stage.notes()), (false, vec![]));
}

/// A record that Wix does not let be deleted is linked; in the CRM it is erased, of which the bridge has heard.
fn erased_in_vain(on_delete: OnDelete) -> (Stage, [RecordId; 2]) {
    let mut stage = Stage::set();
    stage.running.contacts.site.on_delete = on_delete;
    stage.running.contacts.site.on_merge = OnMerge::Unlink;
    lock(&stage.running.world).refusals.members = true;
    let mut number = 0;
    let member = loop {
        let (id, event) = stage.adds(Side::Wix, &format!("member{number}@example.net"));
        stage.running.deal_with(event);
        stage.running.come_to_rest();
        if id.as_str().ends_with(['2', '7']) {
            break id;
        }
        number += 1;
    };
    let counterpart = lock(&stage.running.world).witness.counterpart(Side::Wix, &member).unwrap().clone();
    let ended = [EventKind::Deleted { by_merge: false }, EventKind::Erased];
    stage.hears(|world| ended.into_iter().for_each(|kind| world.remove(Side::External, &counterpart, kind)));
    assert_eq!(stage.told(), [(member.clone(), ParkedReason::CannotDelete)]);
    (stage, [member, counterpart])
}

#[test]
fn an_erasure_that_could_not_be_carried_out_is_not_forgotten_by_a_merge() {
    let (mut stage, [member, _]) = erased_in_vain(OnDelete::Propagate);
    let [wix, external] = stage.ids.clone();
    stage.hears(|world| world.unite(Side::Wix, &member, &wix));
    let in_vain = (member.clone(), ParkedReason::CannotDelete);
    assert_eq!(stage.told(), [in_vain, (external.clone(), ParkedReason::ErasureUnclear)]);
    // It stays so where the other goes as well.
    stage.hears(|world| world.remove(Side::External, &external, EventKind::Deleted { by_merge: false }));
    assert_eq!(stage.told(), [(member, ParkedReason::CannotDelete)]);
}

#[test]
fn an_erasure_that_could_not_be_carried_out_goes_over_to_the_winner_of_a_merge() {
    for is_linked in [true, false] {
        let (mut stage, [member, _]) = erased_in_vain(OnDelete::Unlink);
        let [wix, external] = stage.ids.clone();
        if !is_linked {
            stage.hears(|world| world.remove(Side::External, &external, EventKind::Deleted { by_merge: false }));
        }
        let mut events = stage.unheard(|world| world.unite(Side::Wix, &wix, &member));
        // The end of the member is told before the merge.
        events.reverse();
        for event in [events.clone(), events].concat() {
            stage.running.deal_with(event);
        }
        stage.running.come_to_rest();
        let told_of = if is_linked { external } else { wix };
        assert_eq!(stage.told(), [(told_of, ParkedReason::ErasureUnclear)]);
    }
}

#[test]
fn of_a_record_that_is_gone_nobody_is_told_that_it_is_to_be_erased() {
    let (mut stage, [member, _]) = erased_in_vain(OnDelete::Propagate);
    let [wix, external] = stage.ids.clone();
    stage.types(Side::Wix, "company", "v4 Bo");
    stage.hears(|world| world.remove(Side::External, &external, EventKind::Deleted { by_merge: false }));
    let in_vain = (member.clone(), ParkedReason::CannotDelete);
    assert_eq!(stage.told(), [(wix.clone(), ParkedReason::DeletedAndChanged), in_vain.clone()]);
    stage.hears(|world| world.unite(Side::Wix, &member, &wix));
    assert_eq!(stage.told(), [in_vain]);
}

#[test]
fn a_record_that_could_not_be_erased_comes_off_the_list_when_a_person_erases_it() {
    for on_delete in [OnDelete::Propagate, OnDelete::Unlink] {
        let (mut stage, [member, _]) = erased_in_vain(on_delete);
        stage.hears(|world| world.remove(Side::Wix, &member, EventKind::Erased));
        assert_eq!(stage.notes(), [], "{on_delete:?}");
    }
}

#[test]
fn a_record_with_an_open_erasure_that_lost_its_link_is_told_of_and_linked_with_nobody() {
    let mut stage = Stage::set();
    stage.running.contacts.site.on_delete = OnDelete::Unlink;
    stage.running.contacts.site.on_merge = OnMerge::Unlink;
    let [wix, external] = stage.ids.clone();
    let (another, event) = stage.adds(Side::Wix, "bo@example.net");
    stage.running.deal_with(event);
    stage.hears(|world| world.remove(Side::External, &external, EventKind::Deleted { by_merge: false }));
    let (newcomer, event) = stage.adds(Side::External, "ann@example.net");
    stage.running.deal_with(event);
    stage.hears(|world| world.raise(Side::External, &external, EventKind::Erased));
    assert_eq!(stage.told(), [(newcomer.clone(), ParkedReason::ErasureUnclear)]);
    let winner = lock(&stage.running.world).witness.counterpart(Side::Wix, &another).unwrap().clone();
    stage.hears(|world| world.unite(Side::External, &winner, &newcomer));
    assert!(stage.told().contains(&(wix.clone(), ParkedReason::ErasureUnclear)));
    let (third, event) = stage.adds(Side::External, "ann@example.net");
    stage.running.deal_with(event);
    stage.running.come_to_rest();
    assert!(stage.told().contains(&(wix, ParkedReason::ErasureUnclear)));
    assert!(stage.told().contains(&(third, ParkedReason::MatchIsLinked)));
}

#[test]
fn whoever_lost_the_link_to_an_erased_record_in_a_merge_is_told_of_and_linked_with_nobody() {
    let mut stage = Stage::set();
    stage.running.contacts.site.on_merge = OnMerge::Unlink;
    let [_, external] = stage.ids.clone();
    let (another, event) = stage.adds(Side::Wix, "bo@example.net");
    stage.running.deal_with(event);
    stage.running.come_to_rest();
    let loser = lock(&stage.running.world).witness.counterpart(Side::Wix, &another).unwrap().clone();
    stage.hears(|world| world.unite(Side::External, &external, &loser));
    assert_eq!(stage.told(), [(another.clone(), ParkedReason::UnlinkedByMerge)]);
    stage.hears(|world| world.remove(Side::External, &external, EventKind::Erased));
    assert_eq!(stage.told(), [(another.clone(), ParkedReason::ErasureUnclear)]);
    let (newcomer, event) = stage.adds(Side::External, "bo@example.net");
    stage.running.deal_with(event);
    stage.running.come_to_rest();
    assert!(stage.told().contains(&(newcomer, ParkedReason::MatchIsLinked)));
    assert!(stage.told().contains(&(another, ParkedReason::ErasureUnclear)));
}

#[test]
fn whoever_was_parted_from_a_pair_is_told_of_its_erasure_although_its_deletion_was_heard_first() {
    for is_deletion_first in [true, false] {
        let mut stage = Stage::set();
        stage.running.contacts.site.on_merge = OnMerge::Unlink;
        stage.running.contacts.site.on_delete = OnDelete::Propagate;
        let [wix, external] = stage.ids.clone();
        let (another, event) = stage.adds(Side::Wix, "bo@example.net");
        stage.running.deal_with(event);
        stage.running.come_to_rest();
        let loser = lock(&stage.running.world).witness.counterpart(Side::Wix, &another).unwrap().clone();
        stage.hears(|world| world.unite(Side::External, &external, &loser));
        assert_eq!(stage.told(), [(another.clone(), ParkedReason::UnlinkedByMerge)]);
        let ended = [EventKind::Deleted { by_merge: false }, EventKind::Erased];
        let mut events = stage.unheard(|world| ended.into_iter().for_each(|kind| world.remove(Side::Wix, &wix, kind)));
        if !is_deletion_first {
            events.reverse();
        }
        for event in events {
            stage.running.deal_with(event);
        }
        stage.running.come_to_rest();
        assert_eq!(stage.told(), [(another, ParkedReason::ErasureUnclear)]);
    }
}

#[test]
fn what_went_into_an_erased_winner_is_erased_although_its_deletion_was_heard_before_the_merge() {
    let mut stage = Stage::set();
    stage.running.contacts.site.on_delete = OnDelete::Unlink;
    let [_, winner] = stage.ids.clone();
    let (another, event) = stage.adds(Side::Wix, "bo@example.net");
    stage.running.deal_with(event);
    stage.running.come_to_rest();
    let loser = lock(&stage.running.world).witness.counterpart(Side::Wix, &another).unwrap().clone();
    let merged = stage.unheard(|world| world.unite(Side::External, &winner, &loser));
    let [deleted, erased] = [EventKind::Deleted { by_merge: false }, EventKind::Erased]
        .map(|kind| stage.unheard(|world| world.remove(Side::External, &winner, kind)));
    for event in [deleted, merged, erased].concat() {
        stage.running.deal_with(event);
    }
    stage.running.come_to_rest();
    let wix = &stage.ids[0];
    assert!(stage.present(Side::Wix).iter().all(|id| ![wix, &another].contains(&id)));
}

#[test]
fn an_erasure_finds_whom_its_counterpart_went_into_although_the_merge_was_not_heard_yet() {
    for (on_merge, is_deletion_heard) in [(OnMerge::Propagate, false), (OnMerge::Unlink, false), (OnMerge::Propagate, true)] {
        let mut stage = Stage::set();
        stage.running.contacts.site.on_delete = OnDelete::Unlink;
        stage.running.contacts.site.on_merge = on_merge;
        let [loser, external] = stage.ids.clone();
        let (winner, event) = stage.adds(Side::Wix, "bo@example.net");
        stage.running.deal_with(event);
        stage.running.come_to_rest();
        let its_own = lock(&stage.running.world).witness.counterpart(Side::Wix, &winner).unwrap().clone();
        let deleted = stage.unheard(|world| world.remove(Side::External, &external, EventKind::Deleted { by_merge: false }));
        if is_deletion_heard {
            stage.running.deal_with(deleted[0].clone());
        }
        let merged = stage.unheard(|world| world.unite(Side::Wix, &winner, &loser));
        let erased = stage.unheard(|world| world.remove(Side::External, &external, EventKind::Erased));
        for event in [erased, deleted, merged].concat() {
            stage.running.deal_with(event);
        }
        stage.running.come_to_rest();
        assert_eq!(stage.told(), [(its_own, ParkedReason::ErasureUnclear)], "{on_merge:?}, the deletion first: {is_deletion_heard}");
    }
}

/// A pair that waits because somebody was deleted in Wix and edited in the CRM, or because of the rails; its record in Wix was linked before with one
/// that is erased now, of which the bridge is told at last.
fn erased_before(is_edited: bool) -> (Stage, RecordId) {
    erased_before_of(Stage::set(), is_edited)
}

fn erased_before_of(mut stage: Stage, is_edited: bool) -> (Stage, RecordId) {
    let [wix, former] = stage.ids.clone();
    stage.running.contacts.site.on_delete = OnDelete::Unlink;
    stage.hears(|world| world.remove(Side::External, &former, EventKind::Deleted { by_merge: false }));
    let (own, event) = stage.adds(Side::External, "ann@example.net");
    stage.running.deal_with(event);
    stage.running.come_to_rest();
    stage.ids[1] = own.clone();
    stage.running.contacts.site.on_delete = OnDelete::Propagate;
    stage.running.contacts.site.rails.deletes_per_hour = 0;
    if is_edited {
        stage.types(Side::External, "company", "v4 Bo");
    }
    stage.hears(|world| world.remove(Side::Wix, &wix, EventKind::Deleted { by_merge: false }));
    assert_eq!(stage.notes().len(), 1);
    stage.hears(|world| world.raise(Side::External, &former, EventKind::Erased));
    (stage, own)
}

#[test]
fn an_erasure_leaves_in_place_what_a_person_is_told_of_a_link_that_waits() {
    let (stage, own) = erased_before(false);
    assert_eq!((stage.link().erasure_open, stage.told()), (true, vec![(own, ParkedReason::DeleteAwaitsApproval)]));
}

#[test]
fn an_erasure_ends_a_link_that_waits_because_one_of_its_records_is_gone() {
    let (stage, own) = erased_before(true);
    assert_eq!(stage.told(), [(own.clone(), ParkedReason::ErasureUnclear)]);
    assert!(matches!(stage.slot(Side::External, &own), Slot::Gone(tombstone) if tombstone.cause == Cause::ErasureUnclear));
}

#[test]
fn that_a_record_may_be_of_somebody_who_was_erased_erases_nobody_who_went_into_it() {
    let mut stage = Stage::set();
    let wix = stage.ids[0].clone();
    let (another, event) = stage.adds(Side::Wix, "bo@example.net");
    stage.running.deal_with(event);
    stage.running.come_to_rest();
    let its_own = lock(&stage.running.world).witness.counterpart(Side::Wix, &another).unwrap().clone();
    let merged = stage.unheard(|world| world.unite(Side::Wix, &wix, &another));
    let (mut stage, own) = erased_before_of(stage, true);
    for event in merged {
        stage.running.deal_with(event);
    }
    stage.running.come_to_rest();
    assert!(stage.present(Side::External).contains(&its_own));
    assert_eq!(stage.told(), [(its_own, ParkedReason::DeleteAwaitsApproval), (own, ParkedReason::ErasureUnclear)]);
}

#[test]
fn who_went_into_an_erased_winner_by_way_of_another_is_erased_although_the_winner_was_held_up() {
    let mut stage = Stage::set();
    stage.running.contacts.site.on_delete = OnDelete::Unlink;
    let [first, of_first] = stage.ids.clone();
    let (second, event) = stage.adds(Side::Wix, "bo@example.net");
    stage.running.deal_with(event);
    stage.running.come_to_rest();
    let of_second = lock(&stage.running.world).witness.counterpart(Side::Wix, &second).unwrap().clone();
    let (last, created) = stage.adds(Side::Wix, "cy@example.net");
    stage.running.begin(created);
    while !matches!(stage.slot(Side::Wix, &last), Slot::Reserved { .. }) {
        assert!(stage.running.is_busy(0));
        stage.running.go_on(0);
    }
    stage.running.crash(0);
    let merges = [(&second, &first), (&last, &second)].map(|(winner, loser)| stage.unheard(|world| world.unite(Side::Wix, winner, loser)));
    let erased = stage.unheard(|world| world.remove(Side::Wix, &last, EventKind::Erased));
    for event in merges.into_iter().chain([erased]).flatten() {
        stage.running.deal_with(event);
    }
    stage.running.come_to_rest();
    assert!(stage.present(Side::External).iter().all(|id| ![&of_first, &of_second].contains(&id)));
    assert_eq!(stage.told(), []);
}

#[test]
fn an_erasure_finds_whom_its_counterpart_went_into_while_it_was_carried_out() {
    for steps in 0.. {
        let mut stage = Stage::set();
        let [loser, external] = stage.ids.clone();
        let (winner, _) = stage.adds(Side::Wix, "bo@example.net");
        let erased = stage.unheard(|world| world.remove(Side::External, &external, EventKind::Erased)).remove(0);
        stage.running.begin(erased);
        for _ in 0..steps {
            if stage.running.is_busy(0) {
                stage.running.go_on(0);
            }
        }
        let merged = stage.unheard(|world| world.unite(Side::Wix, &winner, &loser));
        if merged.is_empty() {
            // It was erased already.
            break;
        }
        while stage.running.is_busy(0) {
            stage.running.go_on(0);
        }
        stage.running.come_to_rest();
        for event in merged {
            stage.running.deal_with(event);
        }
        stage.running.come_to_rest();
        assert!(!stage.present(Side::Wix).contains(&winner) || stage.told().iter().any(|(id, _)| *id == winner), "after {steps} steps");
    }
}
