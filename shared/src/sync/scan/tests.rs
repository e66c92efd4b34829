//! Scans over a listing whose contacts come and go between the pages.

use super::*;

/// What happens to the listing before a page is read.
enum Act {
    Create(&'static str, i64),
    Delete(&'static str),
}

use Act::{Create, Delete};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + second).unwrap()
}

fn row(id: &str, second: i64) -> Listed {
    Listed::Unreadable { id: Some(id.into()), created_at: Some(at(second)) }
}

/// A listing that sorts by creation, then by id.
#[derive(Clone)]
struct Side {
    contacts: BTreeSet<(i64, String)>,
    tells_total: bool,
    /// The most rows it lists, whatever it is asked for.
    cut: Option<usize>,
    /// Whether contacts of one instant come in another order each time.
    shuffles: bool,
    calls: std::cell::Cell<u64>,
}

impl Side {
    fn of(groups: &[(&str, i64)]) -> Self {
        let contacts = groups.iter().flat_map(|(ids, second)| ids.split(' ').map(|id| (*second, id.to_owned()))).collect();
        Self { contacts, tells_total: true, cut: None, shuffles: false, calls: std::cell::Cell::new(0) }
    }

    fn act(&mut self, act: &Act) {
        match act {
            Create(id, second) => drop(self.contacts.insert((*second, (*id).to_owned()))),
            Delete(id) => self.contacts.retain(|(_, known)| known != id),
        }
    }

    fn list(&self, ask: &Ask) -> (Vec<Listed>, Option<u64>) {
        let wanted = |second: i64| match ask.created {
            Created::Any => true,
            Created::From(stamp) => at(second) >= stamp,
            Created::After(stamp) => at(second) > stamp,
            Created::At(stamp) => at(second) == stamp,
        };
        let mut found: Vec<_> = self.contacts.iter().filter(|(second, _)| wanted(*second)).collect();
        self.calls.set(self.calls.get() + 1);
        if self.shuffles {
            let salt = self.calls.get().wrapping_mul(0x9e37_79b9_7f4a_7c15);
            found.sort_by_key(|(second, id)| (*second, hash(&RecordId::new(format!("{salt}{id}")))));
        }
        let limit = self.cut.unwrap_or(ask.limit).min(ask.limit);
        let rows = found.iter().skip(ask.offset).take(limit).map(|(second, id)| row(id, *second)).collect();
        (rows, self.tells_total.then_some(found.len() as u64))
    }
}

/// Scans with pages of `limit`; before page n, `acts[n]` happen. The ids in the order in which they were fresh, the pages, and the end.
fn scan(side: &mut Side, limit: usize, acts: &[&[Act]]) -> (Vec<String>, usize, Result<(), CutShort>) {
    let (mut cursor, mut seen, mut pages) = (Cursor::Start, Vec::new(), 0);
    loop {
        acts.get(pages).into_iter().copied().flatten().for_each(|act| side.act(act));
        let (rows, total) = side.list(&cursor.ask(&Scan::default(), limit));
        pages += 1;
        assert!(pages < 200, "the scan does not end");
        let turn = match cursor.turn(Read { rows: &rows, limit, total }) {
            Ok(turn) => turn,
            Err(cut) => return (seen, pages, Err(cut)),
        };
        seen.extend(turn.fresh.iter().map(|position| rows[*position].id().unwrap().to_string()));
        assert!(!turn.again, "so few are remembered");
        match turn.next {
            Some(next) => cursor = next,
            None => return (seen, pages, Ok(())),
        }
    }
}

#[test]
fn every_contact_is_seen_once_however_the_pages_fall() {
    for (groups, limit, pages) in [
        (&[][..], 3, 1),
        (&[("a", 1)], 3, 1),
        (&[("a", 1), ("b", 2), ("c", 3)], 3, 1),
        (&[("a", 1), ("b", 2), ("c", 3), ("d", 4)], 3, 2),
        (&[("a", 1), ("b", 2), ("c", 3), ("d", 4), ("e", 5)], 3, 2),
        (&[("a", 1), ("b", 2), ("c", 3), ("d", 4), ("e", 5), ("f", 6)], 3, 3),
        // A group across a border.
        (&[("a", 1), ("b c d", 2), ("e", 3)], 3, 4),
        (&[("a", 1), ("b c", 2), ("d", 3)], 3, 2),
        // A group that fills pages.
        (&[("a b c", 1), ("d", 2)], 3, 3),
        (&[("a b c d e f g", 1), ("h", 2)], 3, 5),
        (&[("a", 1), ("b c d e f g h", 2), ("i", 3)], 3, 6),
    ] {
        for tells_total in [true, false] {
            let mut side = Side { tells_total, ..Side::of(groups) };
            let wanted: Vec<_> = side.contacts.iter().map(|(_, id)| id.clone()).collect();
            let (seen, read, end) = scan(&mut side, limit, &[]);
            assert_eq!((seen, end), (wanted.clone(), Ok(())), "{groups:?}");
            assert!(!tells_total || read == pages, "{groups:?}: {read} pages");
            // In whatever order those of one instant come. Without a total, nobody knows how many are missing.
            let (mut seen, _, end) = scan(&mut Side { shuffles: true, ..side }, limit, &[]);
            seen.sort();
            assert!(!tells_total || (&seen, end) == (&wanted, Ok(())), "{groups:?} shuffled: {seen:?}");
        }
    }
}

#[test]
fn contacts_deleted_behind_the_scan_hide_nobody() {
    let mut side = Side::of(&[("a", 1), ("b", 2), ("c", 3), ("d", 4), ("e", 5), ("f", 6)]);
    let (seen, ..) = scan(&mut side, 3, &[&[], &[Delete("a"), Delete("b"), Delete("c")]]);
    assert_eq!(seen, ["a", "b", "c", "d", "e", "f"]);
}

#[test]
fn contacts_created_meanwhile_are_seen() {
    let mut side = Side::of(&[("a", 1), ("b", 2), ("c", 3)]);
    let (seen, ..) = scan(&mut side, 2, &[&[], &[Create("d", 4)], &[Create("e", 4), Create("f", 9)]]);
    assert_eq!(seen, ["a", "b", "c", "d", "e", "f"]);
}

#[test]
fn a_group_that_moves_is_swept_again() {
    for tells_total in [true, false] {
        let mut side = Side { tells_total, ..Side::of(&[("a b c d e f g h", 1), ("i", 2)]) };
        // After the second page of the sweep, what it has read is deleted: the third page begins two contacts too late.
        let (seen, _, end) = scan(&mut side, 3, &[&[], &[], &[], &[Delete("a"), Delete("b")]]);
        let seen: BTreeSet<_> = seen.iter().map(String::as_str).collect();
        assert_eq!((seen, end), (BTreeSet::from(["a", "b", "c", "d", "e", "f", "g", "h", "i"]), Ok(())));
    }
}

#[test]
fn sweeps_end_although_something_is_deleted_in_each() {
    let names: Vec<String> = (0..60).map(|number| format!("{number:02}")).collect();
    let names: &'static str = Box::leak(names.join(" ").into_boxed_str());
    let acts: Vec<Vec<Act>> = names.split(' ').take(40).map(|id| vec![Delete(id)]).collect();
    let acts: Vec<&[Act]> = acts.iter().map(Vec::as_slice).collect();
    let (_, pages, end) = scan(&mut Side::of(&[(names, 1)]), 10, &acts);
    assert_eq!(end, Ok(()));
    assert!(pages < 100, "{pages}");
}

#[test]
fn a_listing_that_is_cut_short_is_not_at_its_end() {
    let side = Side::of(&[("a", 1), ("b", 2), ("c", 3), ("d", 4), ("e", 5)]);
    // Fewer rows than asked for, but some new ones each time: the scan goes on behind them.
    let (seen, pages, end) = scan(&mut Side { cut: Some(2), ..side.clone() }, 4, &[]);
    assert_eq!((seen.len(), pages, end), (5, 4, Ok(())));
    let (seen, _, end) = scan(&mut Side { cut: Some(2), ..Side::of(&[("a", 1), ("b c d e f", 2), ("g", 3)]) }, 4, &[]);
    assert_eq!((seen.len(), end), (7, Ok(())), "in a group as well");
    // None at all, although there are some.
    assert_eq!(scan(&mut Side { cut: Some(0), ..side }, 4, &[]).2, Err(CutShort));
    assert_eq!(scan(&mut Side { cut: Some(0), ..Side::of(&[("a b c d e f", 1)]) }, 4, &[]).2, Err(CutShort));
}

#[test]
fn a_listing_that_is_cut_short_and_tells_no_total_hides_nobody() {
    for groups in [
        &[("a b c d e", 1), ("f", 2)][..],
        &[("a", 1), ("b c d e f", 2), ("g", 3)],
        &[("a b c", 1)],
        &[("a b", 1), ("c d e f", 2), ("g h i", 3), ("j", 4)],
    ] {
        let whole = Side::of(groups);
        let wanted: Vec<_> = whole.contacts.iter().map(|(_, id)| id.clone()).collect();
        for cut in 1..5 {
            let (seen, _, end) = scan(&mut Side { cut: Some(cut), tells_total: false, ..whole.clone() }, 9, &[]);
            assert_eq!((seen, end), (wanted.clone(), Ok(())), "{groups:?} {cut} at a time");
        }
    }
}

#[test]
fn a_page_of_one_instant_behind_its_own_border_goes_on() {
    let mut side = Side::of(&[("a", 1), ("b c d", 2), ("e", 3)]);
    let (seen, ..) = scan(&mut side, 2, &[]);
    assert_eq!(seen, ["a", "b", "c", "d", "e"]);
}

#[test]
fn a_scan_begins_where_it_is_told_to() {
    let scan = Scan { created_since: Some(at(3)), updated_since: Some(at(5)) };
    assert_eq!(Cursor::Start.ask(&scan, 10), Ask { updated_since: Some(at(5)), created: Created::From(at(3)), offset: 0, limit: 10 });
    assert_eq!(Cursor::Past(at(9)).ask(&scan, 10).created, Created::After(at(9)));
}
