//! What rows do to values.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::model::site::Transform;

fn row(wix: &str, transform: Transform) -> Row {
    let row = MappingRow {
        id: "r".into(),
        wix: wix.into(),
        external: "property".into(),
        direction: Direction::Both,
        transform,
        on_empty: OnEmpty::Clear,
        system_of_record: None,
    };
    Mapping::new(&[row], Some("US")).rows().first().unwrap().clone()
}

fn text(text: &str) -> Option<Value> {
    Value::text(text)
}

fn list(items: &[&str]) -> Option<Value> {
    Value::list(items.iter().map(|item| (*item).to_owned()))
}

fn fields(name: &str, value: Option<Value>) -> Fields {
    value.map(|value| (Field::from(name), value)).into_iter().collect()
}

fn join() -> Transform {
    Transform::Join { separator: "; ".to_owned() }
}

fn options() -> Transform {
    let table = [("gold", "VIP"), ("silver", "gold"), ("none", "-")].map(|(wix, crm)| (wix.to_owned(), crm.to_owned()));
    Transform::Options { table: BTreeMap::from(table) }
}

fn date(pattern: &str) -> Transform {
    Transform::Date { pattern: Some(pattern.to_owned()) }
}

#[test]
fn texts_convert_by_their_transform() {
    use Side::{External, Wix};
    for (wix, transform, to, from, expected) in [
        ("name.first", Transform::None, External, " Ada ", Ok(" Ada ")),
        ("name.first", Transform::Trim, External, " Ada ", Ok("Ada")),
        ("name.first", Transform::Trim, External, "  ", Ok("")),
        ("name.first", Transform::Upper, External, "straße", Ok("STRASSE")),
        ("name.first", Transform::Lower, Wix, "ADA", Ok("ada")),
        ("phone", Transform::Phone, External, "(212) 736-5000", Ok("+12127365000")),
        ("phone", Transform::Phone, Wix, "+43 1 58858", Ok("+43158858")),
        ("phone", Transform::Phone, Wix, "ask for Ada", Ok("ask for Ada")),
        ("phone", Transform::Phone, Wix, "646-555-013", Ok("646-555-013")),
        ("phone", Transform::Phone, Wix, "(212) 736-5000 ext. 4", Ok("(212) 736-5000 ext. 4")),
        ("birthdate", date("DD/MM/YYYY"), External, "2024-02-29", Ok("29/02/2024")),
        ("birthdate", date("DD/MM/YYYY"), Wix, "29/02/2024", Ok("2024-02-29")),
        ("birthdate", date("DD/MM/YYYY"), Wix, "2/29/2024", Err(Unconvertible)),
        ("birthdate", Transform::Date { pattern: None }, Wix, "1709164800000", Ok("2024-02-29")),
        ("address.country", Transform::Country, External, "DE", Ok("Germany")),
        ("address.country", Transform::Country, Wix, "united states", Ok("US")),
        ("address.country", Transform::Country, Wix, "Atlantis", Err(Unconvertible)),
        ("custom.tier", options(), External, "gold", Ok("VIP")),
        ("custom.tier", options(), External, "bronze", Err(Unconvertible)),
        ("custom.tier", options(), Wix, "gold", Ok("silver")),
    ] {
        let converted = row(wix, transform.clone()).convert(to, text(from).as_ref());
        assert!(converted == expected.map(text), "{transform:?} {from}");
    }
}

#[test]
fn nothing_stays_nothing() {
    for transform in [Transform::None, Transform::Phone, date("DD/MM/YYYY"), options(), join()] {
        for side in Side::BOTH {
            assert_eq!(row("custom.x", transform.clone()).convert(side, None), Ok(None));
        }
    }
}

#[test]
fn what_the_far_side_evens_out_is_the_same() {
    let us = "+1 (212) 736-5000";
    for (wix, transform, a, b, same) in [
        ("email", Transform::None, " Ada+Shop@Example.com", "ada+shop@example.com", true),
        ("email", Transform::None, "ada+shop@example.com", "ada@example.com", false),
        ("email", Transform::Upper, "ada@example.com", "ADA@EXAMPLE.COM", true),
        ("phone.mobile", Transform::None, us, "2127365000", true),
        ("phone", Transform::Phone, us, "212 736 5001", false),
        ("phone", Transform::Phone, "ask for Ada", "ask for Grace", false),
        ("name.first", Transform::None, "Ada", "ada", false),
        ("name.first", Transform::None, "Ada", "Ada ", false),
        ("name.first", Transform::Lower, "Ada", "ADA", true),
        ("name.first", Transform::Trim, "Ada", " Ada ", true),
        ("address.country", Transform::Country, "United States", "USA", true),
        ("custom.tier", options(), "VIP", "vip", true),
        ("custom.tier", options(), "gold", "silver", false),
    ] {
        let row = row(wix, transform);
        assert_eq!(row.same(Side::External, text(a).as_ref(), text(b).as_ref()), same, "{a} {b}");
    }
}

#[test]
fn keys_compare_across_sides() {
    for (wix, transform, on_wix, in_crm) in [
        ("birthdate", date("DD/MM/YYYY"), "2024-02-29", "29/02/2024"),
        ("address.country", Transform::Country, "us", "United States of America"),
        ("custom.tier", options(), "silver", "gold"),
        ("labels", join(), "custom.vip", " custom.vip "),
        ("phones", Transform::None, "(212) 736-5000", "+12127365000"),
    ] {
        let row = row(wix, transform);
        assert_eq!(row.element_key(Side::Wix, on_wix), row.element_key(Side::External, in_crm));
    }
}

#[test]
fn a_joined_text_is_read_and_written_as_a_list() {
    let row = row("labels", join());
    let read = row.read(Side::External, &fields("property", text("vip;  new ;; vip")));
    assert!(read == list(&["vip", "new", "vip"]));
    assert!(row.convert(Side::Wix, read.as_ref()) == Ok(list(&["vip", "new"])));
    assert!(row.write(Side::External, list(&["vip", "new"])) == text("vip; new"));
    assert!(row.write(Side::Wix, list(&["vip", "new"])) == list(&["vip", "new"]));
    assert!(row.same(Side::External, list(&["vip", "new"]).as_ref(), text("new;vip").as_ref()));
}

#[test]
fn an_element_with_the_separator_is_left_alone() {
    assert_eq!(row("labels", join()).convert(Side::External, list(&["a", "b;c"]).as_ref()), Err(Unconvertible));
}

#[test]
fn a_list_of_which_one_element_has_no_counterpart_is_left_alone() {
    let row = row("labels", options());
    assert_eq!(row.convert(Side::External, list(&["gold", "bronze"]).as_ref()), Err(Unconvertible));
    assert!(row.convert(Side::External, list(&["gold", "Gold", "none"]).as_ref()) == Ok(list(&["VIP", "-"])));
}

#[test]
fn a_list_row_reads_one_text_as_a_list_of_one() {
    let read = row("emails", Transform::Trim).read(Side::External, &fields("property", text("ada@example.com")));
    assert!(read == list(&["ada@example.com"]));
}

#[test]
fn a_list_does_not_become_one_text() {
    assert_eq!(row("company", Transform::None).convert(Side::Wix, list(&["a", "b"]).as_ref()), Err(Unconvertible));
}

#[test]
fn blanks_that_a_row_does_not_care_for_read_as_nothing() {
    for (wix, transform, expected) in [
        ("email", Transform::None, None),
        ("phone", Transform::Phone, None),
        ("birthdate", date("DD/MM/YYYY"), None),
        ("custom.tier", options(), None),
        ("company", Transform::Trim, None),
        ("company", Transform::None, text("  ")),
    ] {
        for side in Side::BOTH {
            let row = row(wix, transform.clone());
            assert!(row.read(side, &fields(row.field(side).as_str(), text("  "))) == expected, "{wix}");
        }
    }
}

#[test]
fn a_constant_is_always_there_for_the_crm() {
    let row = row("name.first", Transform::Constant { value: "Wix".to_owned() });
    assert!(row.read(Side::Wix, &Fields::new()) == text("Wix"));
    assert!(row.convert(Side::External, None) == Ok(text("Wix")));
    assert_eq!(row.convert(Side::Wix, text("Wix").as_ref()), Err(Unconvertible));
}

#[test]
fn rows_say_which_way_they_flow() {
    for (direction, wix, external) in [(Direction::Both, true, true), (Direction::ToCrm, false, true), (Direction::ToWix, true, false)] {
        assert_eq!((flows_to(direction, Side::Wix), flows_to(direction, Side::External)), (wix, external));
    }
}

#[test]
fn what_a_row_returns_does_not_show_in_logs() {
    let row = row("name.first", Transform::None);
    let shown = format!("{:?} {:?}", row.read(Side::Wix, &fields("name.first", text("Ada"))), row.convert(Side::Wix, None));
    assert!(!shown.contains("Ada"));
}

fn a_row() -> impl Strategy<Value = Row> {
    let transforms = prop_oneof![
        Just(Transform::None),
        Just(Transform::Trim),
        Just(Transform::Lower),
        Just(Transform::Upper),
        Just(Transform::Phone),
        Just(Transform::Date { pattern: None }),
        Just(date("DD/MM/YYYY")),
        Just(date("YYYYMMDD")),
        Just(date("MM. DD. YYYY")),
        Just(Transform::Country),
        Just(options()),
        Just(join()),
        Just(Transform::Join { separator: " ".to_owned() }),
        Just(Transform::Constant { value: "Wix".to_owned() }),
    ];
    let fields = prop::sample::select(vec!["email", "emails", "phone", "phones", "phone.work", "labels", "birthdate", "custom.x"]);
    (fields, transforms).prop_map(|(wix, transform)| row(wix, transform))
}

fn a_text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[ A-Za-zßİΣς;,.]{0,12}",
        "[+]?[0-9 ()-]{3,16}",
        "[+](1|39|43|44|49|52|54|55|7)[0-9]{6,11}",
        (0i16..=9999, 1i8..=12, 1i8..=28).prop_map(|(year, month, day)| format!("{year:04}-{month:02}-{day:02}")),
        (0i16..=9999, 1i8..=12, 1i8..=28).prop_map(|(year, month, day)| format!("{day:02}/{month:02}/{year:04}")),
        (-40_000i64..40_000).prop_map(|day| (day * 86_400_000).to_string()),
        prop::sample::select(rust_iso3166::ALL_NAME.to_vec()).prop_map(str::to_owned),
        prop::sample::select(rust_iso3166::ALL_ALPHA2.to_vec()).prop_map(str::to_owned),
        prop::sample::select(vec!["gold", "Gold", "VIP", "vip", "silver", "none", "-", "bronze"]).prop_map(str::to_owned),
        "[A-Za-z+.]{1,8}@[A-Za-z]{1,8}[.]example",
    ]
}

fn a_value() -> impl Strategy<Value = Option<Value>> {
    prop_oneof![
        3 => a_text().prop_map(Value::text),
        1 => prop::collection::vec(a_text(), 0..4).prop_map(Value::list),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_hundred_round_trips_change_nothing_after_the_first(row in a_row(), value in a_value(), external in any::<bool>()) {
        let from = if external { Side::External } else { Side::Wix };
        let to = from.opposite();
        let start = row.read(from, &fields(row.field(from).as_str(), value));
        let Ok(there) = row.convert(to, start.as_ref()) else { return Ok(()) };
        let Ok(first) = row.convert(from, there.as_ref()) else {
            prop_assert!(row.codec.constant().is_some(), "a converted value converts back");
            return Ok(());
        };
        prop_assert!(row.same(from, start.as_ref(), first.as_ref()), "{:?} {:?}", row.saved.transform, row.saved.wix);
        let mut here = first.clone();
        for _ in 0..100 {
            let written = row.write(to, row.convert(to, here.as_ref()).unwrap());
            let read = row.read(to, &fields(row.field(to).as_str(), written));
            prop_assert!(read == there);
            let written = row.write(from, row.convert(from, read.as_ref()).unwrap());
            here = row.read(from, &fields(row.field(from).as_str(), written));
            prop_assert!(here == first);
        }
    }

    #[test]
    fn what_was_converted_is_the_same_on_both_sides(row in a_row(), text in a_text(), external in any::<bool>()) {
        let from = if external { Side::External } else { Side::Wix };
        if row.codec.constant().is_none() && let Ok(Some(there)) = row.convert_text(from.opposite(), &text) {
            prop_assert_eq!(row.element_key(from, &text), row.element_key(from.opposite(), &there));
        }
    }

    #[test]
    fn a_value_is_the_same_as_itself_and_keys_do_not_drift(row in a_row(), value in a_value(), text in a_text()) {
        for side in Side::BOTH {
            prop_assert!(row.same(side, value.as_ref(), value.as_ref()));
            let key = row.element_key(Side::Wix, &text);
            prop_assert_eq!(row.element_key(Side::Wix, &key), key);
        }
    }
}
