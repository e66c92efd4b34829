//! Watermarks after every kind of pass.

use super::*;

const OVERLAP: Duration = Duration::from_mins(5);

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + second).unwrap()
}

fn settings(include: Include) -> Settings {
    Settings { include, overlap: OVERLAP }
}

fn page(latest: Option<i64>, as_of: i64, more: bool) -> Done {
    let next = more.then(|| Cursor::Past(at(0)));
    Done { next, latest: latest.map(at), as_of: at(as_of), handed: Vec::new(), tally: Tally { pages: 1, ..Tally::default() } }
}

/// Runs a pass over these pages.
fn pass(checkpoint: &mut Checkpoint, include: Include, pages: &[Done]) {
    checkpoint.begin(at(0));
    for done in pages {
        assert!(checkpoint.pass.is_some(), "the pass ended early");
        checkpoint.enter(done.clone(), settings(include), at(0));
    }
}

#[test]
fn a_pass_that_takes_long_does_not_pass_over_what_showed_late() {
    let mut checkpoint = Checkpoint::default();
    pass(&mut checkpoint, Include::Created, &[page(Some(1_000), 1_100, true), page(Some(9_000), 9_100, false)]);
    assert_eq!(checkpoint.created, Some(at(800)), "not later than its first page was listed");
}

#[test]
fn the_watermark_is_what_was_handed_over_less_the_overlap() {
    let mut checkpoint = Checkpoint::default();
    pass(&mut checkpoint, Include::Created, &[page(Some(1_000), 5_000, true)]);
    assert_eq!(checkpoint.created, Some(at(700)), "it moves with each page");
    pass(&mut checkpoint, Include::Created, &[page(Some(2_000), 5_001, false)]);
    assert_eq!((checkpoint.created, checkpoint.pass.is_none()), (Some(at(1_700)), true));
    // Nothing new: it stays, however late it is.
    pass(&mut checkpoint, Include::Created, &[page(None, 90_000, false)]);
    assert_eq!(checkpoint.created, Some(at(1_700)));
    // The same rows once more: it does not go back.
    pass(&mut checkpoint, Include::Created, &[page(Some(1_900), 90_000, false)]);
    assert_eq!(checkpoint.created, Some(at(1_700)));
}

#[test]
fn a_watermark_is_rounded_down() {
    let stamp: Timestamp = "2026-03-01T10:00:00.999Z".parse().unwrap();
    assert_eq!(less(stamp, OVERLAP), "2026-03-01T09:55:00Z".parse().unwrap());
    assert_eq!(less(Timestamp::MIN, OVERLAP), Timestamp::MIN);
}

#[test]
fn an_empty_first_load_stays_a_first_load() {
    let mut checkpoint = Checkpoint::default();
    pass(&mut checkpoint, Include::CreatedAndUpdated, &[page(None, 5_000, false)]);
    assert_eq!((checkpoint.created, checkpoint.updated), (None, None));
    checkpoint.begin(at(1));
    assert!(checkpoint.pass.unwrap().first);
}

#[test]
fn what_changed_during_the_first_load_comes_with_the_next_pass() {
    for include in [Include::Created, Include::CreatedAndUpdated] {
        let mut checkpoint = Checkpoint::default();
        pass(&mut checkpoint, include, &[page(Some(1_000), 5_000, true), page(Some(2_000), 9_000, false)]);
        assert_eq!((checkpoint.created, checkpoint.updated), (Some(at(1_700)), Some(at(4_700))));
    }
}

#[test]
fn changes_are_looked_at_behind_what_was_created() {
    let mut checkpoint = Checkpoint { created: Some(at(1_000)), updated: Some(at(1_000)), ..Checkpoint::default() };
    pass(&mut checkpoint, Include::CreatedAndUpdated, &[page(Some(3_000), 4_000, false)]);
    let running = checkpoint.pass.clone().unwrap();
    assert_eq!((running.leg, running.scan), (Leg::Updated, Scan { created_since: None, updated_since: Some(at(1_000)) }));
    // Its pages come in the order of creation: no page says how far it is.
    pass(&mut checkpoint, Include::CreatedAndUpdated, &[page(Some(9_000), 8_000, true)]);
    assert_eq!(checkpoint.updated, Some(at(1_000)));
    // A change stamped behind the first page of the leg may have hidden another one.
    pass(&mut checkpoint, Include::CreatedAndUpdated, &[page(Some(8_500), 9_500, false)]);
    assert_eq!((checkpoint.updated, checkpoint.created), (Some(at(7_700)), Some(at(2_700))));
    // Nothing changed.
    pass(&mut checkpoint, Include::CreatedAndUpdated, &[page(None, 99_000, false), page(None, 99_000, false)]);
    assert_eq!((checkpoint.updated, checkpoint.pass), (Some(at(7_700)), None));
}

#[test]
fn a_site_that_never_looked_at_changes_looks_at_all_of_them() {
    let mut checkpoint = Checkpoint { created: Some(at(1_000)), ..Checkpoint::default() };
    pass(&mut checkpoint, Include::CreatedAndUpdated, &[page(None, 4_000, false)]);
    assert_eq!(checkpoint.pass.unwrap().scan, Scan::default());
}

#[test]
fn the_ids_of_what_was_made_are_shown_in_wix_afterwards() {
    let mut checkpoint = Checkpoint::default();
    pass(&mut checkpoint, Include::Created, &[page(Some(1_000), 5_000, false)]);
    assert_eq!(checkpoint.mirror.take().map(|mirror| mirror.scan), Some(Scan::default()));
    pass(&mut checkpoint, Include::Created, &[page(Some(1_500), 5_000, false)]);
    assert_eq!(checkpoint.mirror, None, "nothing was made");
    let mut made = page(Some(2_000), 6_000, false);
    made.tally.created = 1;
    pass(&mut checkpoint, Include::Created, &[made]);
    assert_eq!(checkpoint.mirror.map(|mirror| mirror.scan.created_since), Some(Some(at(1_200))));
}

#[test]
fn an_account_adds_up() {
    let mut tally = Tally { read: 7, created: 1, unchanged: 1, handed_over: 1, buried: 1, waiting: 1, parked: 1, failed: 1, pages: 1 };
    assert_eq!(tally.accounted(), tally.read);
    tally.add(&tally.clone());
    assert_eq!((tally.accounted(), tally.read, tally.pages), (14, 14, 2));
}
