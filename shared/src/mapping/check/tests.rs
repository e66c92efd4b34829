//! One test per rule: the message names the field, the rule and a value that breaks.

use super::*;
use crate::{
    mapping::{default_hubspot, wix_fields},
    model::site::OnEmpty,
};

fn specs(fields: &[(&str, Kind, bool)]) -> Vec<FieldSpec> {
    fields.iter().map(|(name, kind, writable)| FieldSpec { field: (*name).into(), kind: kind.clone(), writable: *writable }).collect()
}

fn choice(options: &[&str]) -> Kind {
    Kind::Choice(options.iter().map(|option| (*option).to_owned()).collect())
}

fn choices(options: &[&str]) -> Kind {
    Kind::Choices(options.iter().map(|option| (*option).to_owned()).collect())
}

fn wix() -> Vec<FieldSpec> {
    let mut fields = wix_fields();
    fields.extend(specs(&[
        ("custom.note", Kind::Text, true),
        ("custom.points", Kind::Number, true),
        ("custom.tier", choice(&["gold", "silver"]), true),
        ("custom.visits", Kind::Number, false),
    ]));
    fields
}

fn crm() -> Vec<FieldSpec> {
    specs(&[
        ("text", Kind::Text, true),
        ("other", Kind::Text, true),
        ("email", Kind::Email, true),
        ("emails", Kind::List(Box::new(Kind::Email)), true),
        ("phone", Kind::Phone, true),
        ("day", Kind::Date, true),
        ("number", Kind::Number, true),
        ("tier", choice(&["gold", "silver"]), true),
        ("rank", choice(&["VIP", "plain"]), true),
        ("tags", choices(&["vip", "new"]), true),
        ("created", Kind::Text, false),
    ])
}

fn row(id: &str, wix: &str, external: &str, transform: Transform) -> MappingRow {
    MappingRow {
        id: id.into(),
        wix: wix.into(),
        external: external.into(),
        direction: Direction::Both,
        transform,
        on_empty: OnEmpty::Clear,
        system_of_record: None,
    }
}

fn one_way(direction: Direction, row: MappingRow) -> MappingRow {
    MappingRow { direction, ..row }
}

fn messages(rows: &[MappingRow]) -> Vec<String> {
    let (wix, crm) = (wix(), crm());
    check(rows, Pair { wix: &wix, external: &crm }, Some("US")).iter().map(ToString::to_string).collect()
}

#[track_caller]
fn assert_message(rows: &[MappingRow], parts: &[&str]) {
    let messages = messages(rows);
    assert_eq!(messages.len(), 1, "{messages:#?}");
    for part in parts {
        assert!(messages.iter().all(|message| message.contains(part)), "{part}: {messages:#?}");
    }
}

#[track_caller]
fn assert_good(rows: &[MappingRow]) {
    assert_eq!(messages(rows), Vec::<String>::new());
}

fn table(entries: &[(&str, &str)]) -> Transform {
    Transform::Options { table: entries.iter().map(|(wix, crm)| ((*wix).to_owned(), (*crm).to_owned())).collect() }
}

fn date(pattern: &str) -> Transform {
    Transform::Date { pattern: Some(pattern.to_owned()) }
}

fn join(separator: &str) -> Transform {
    Transform::Join { separator: separator.to_owned() }
}

fn constant(value: &str) -> Transform {
    Transform::Constant { value: value.to_owned() }
}

#[test]
fn the_default_mapping_passes() {
    let rows = default_hubspot();
    let (text, emails) = (Kind::Text, Kind::List(Box::new(Kind::Email)));
    let languages = rows.iter().find_map(|row| if let Transform::Options { table } = &row.transform { Some(table) } else { None });
    let languages = Kind::Choice(languages.unwrap().values().cloned().collect());
    let kind = |name: &str| match name {
        "email" => Kind::Email,
        "hs_additional_emails" => emails.clone(),
        "phone" | "mobilephone" => Kind::Phone,
        "hs_language" => languages.clone(),
        _ => text.clone(),
    };
    let spec = |row: &MappingRow| FieldSpec { field: row.external.clone(), kind: kind(row.external.as_str()), writable: true };
    let external: Vec<_> = rows.iter().map(spec).collect();
    assert_eq!(check(&rows, Pair { wix: &wix_fields(), external: &external }, Some("AT")), []);
    assert!(rows.iter().all(|row| row.id.as_str().len() <= 4));
}

#[test]
fn rows_have_different_ids() {
    let rows = [row("a", "company", "text", Transform::None), row("a", "jobTitle", "other", Transform::None)];
    assert_message(&rows, &["`a`", "company", "jobTitle", "different ids"]);
}

#[test]
fn fields_exist() {
    assert_message(&[row("a", "nickname", "text", Transform::None)], &["`a`", "Wix", "`nickname`"]);
    assert_message(&[row("a", "company", "nickname", Transform::None)], &["`a`", "the CRM", "`nickname`"]);
}

#[test]
fn read_only_fields_are_not_written() {
    assert_message(&[row("a", "company", "created", Transform::None)], &["`created`", "read-only", "`Ada Lovelace`"]);
    assert_message(&[row("a", "custom.visits", "number", Transform::None)], &["`custom.visits`", "read-only", "`12.5`"]);
    assert_good(&[one_way(Direction::ToWix, row("a", "company", "created", Transform::None))]);
}

#[test]
fn a_field_has_one_source() {
    let text = |id, wix| one_way(Direction::ToCrm, row(id, wix, "text", Transform::None));
    assert_message(&[text("a", "company"), text("b", "jobTitle")], &["`a` and `b`", "`text`", "one source", "`Ada Lovelace`"]);
    let company = |id, external| one_way(Direction::ToWix, row(id, "company", external, Transform::None));
    assert_message(&[company("a", "text"), company("b", "other")], &["`a` and `b`", "`company`", "Wix"]);
    assert_good(&[company("a", "text"), one_way(Direction::ToCrm, row("b", "company", "other", Transform::None))]);
}

#[test]
fn a_list_and_what_is_picked_from_it_have_one_source() {
    let phones = row("a", "phones", "text", join("; "));
    assert_message(&[phones.clone(), row("b", "phone.mobile", "phone", Transform::Phone)], &["`phone.mobile`", "one source", "736-5000"]);
    assert_good(&[one_way(Direction::ToCrm, phones), row("b", "phone.mobile", "phone", Transform::Phone)]);
}

#[test]
fn kinds_convert() {
    for (wix, crm, transform, value) in [
        ("company", "day", Transform::None, "Ada Lovelace"),
        ("company", "number", Transform::Trim, "Ada Lovelace"),
        ("birthdate", "number", Transform::Date { pattern: None }, "2024-02-29"),
        ("email", "phone", Transform::None, "ada@example.com"),
        ("company", "tier", Transform::None, "Ada Lovelace"),
        ("custom.tier", "rank", Transform::None, "gold"),
        ("custom.tier", "tier", Transform::Upper, "gold"),
        ("custom.points", "day", Transform::Date { pattern: None }, "12.5"),
        ("address.country", "tier", Transform::Country, "AF"),
    ] {
        let row = one_way(Direction::ToCrm, row("a", wix, crm, transform));
        assert_message(&[row], &[&format!("`{wix}`"), &format!("`{crm}`"), "every kind of value", &format!("`{value}`")]);
    }
}

#[test]
fn kinds_that_convert_pass() {
    for (wix, crm, transform) in [
        ("company", "text", Transform::None),
        ("company", "email", Transform::Lower),
        ("birthdate", "day", Transform::None),
        ("birthdate", "day", Transform::Date { pattern: None }),
        ("birthdate", "text", date("DD/MM/YYYY")),
        ("custom.note", "day", Transform::Date { pattern: None }),
        ("custom.points", "number", Transform::None),
        ("custom.tier", "tier", Transform::None),
        ("custom.tier", "rank", table(&[("gold", "VIP"), ("silver", "plain")])),
        ("address.country", "text", Transform::Country),
        ("emails", "emails", Transform::Trim),
        ("phones", "text", join(";")),
        ("phone", "text", Transform::Phone),
    ] {
        assert_good(&[row("a", wix, crm, transform)]);
    }
}

#[test]
fn one_direction_can_convert_where_the_other_does_not() {
    assert_good(&[one_way(Direction::ToCrm, row("a", "birthdate", "text", Transform::None))]);
    assert_message(&[row("a", "birthdate", "text", Transform::None)], &["`text`", "`birthdate`", "`Ada Lovelace`"]);
}

#[test]
fn a_list_needs_a_separator() {
    let parts = ["`emails`", "`text`", "separator", "`ada@example.com, ada@example.org`"];
    assert_message(&[row("a", "emails", "text", Transform::None)], &parts);
    assert_message(&[row("a", "company", "tags", Transform::None)], &["`tags`", "`company`", "`vip, new`"]);
}

#[test]
fn joining_takes_a_list_and_a_text() {
    assert_message(&[row("a", "company", "text", join(";"))], &["`company`", "joining", "`Ada Lovelace`"]);
    assert_message(&[row("a", "emails", "number", join(";"))], &["`number`", "joining", "`12.5`"]);
}

#[test]
fn a_separator_is_no_part_of_an_element() {
    for (wix, separator, value) in [
        ("emails", "@", "`ada@example.com`"),
        ("emails", "", "`ada@example.com`"),
        ("emails", "+", "`ada@example.com+1`"),
        ("labels", "x", "x1`"),
        ("labels", " . ", "`custom.new-customer`"),
        ("phones", " ", "`+1 212-736-5000`"),
    ] {
        assert_message(&[row("a", wix, "text", join(separator))], &[&format!("`{wix}`"), "separator must not", value]);
    }
    assert_good(&[row("a", "labels", "text", join("\n"))]);
}

#[test]
fn an_option_table_loses_nothing() {
    let meet = table(&[("gold", "VIP"), ("silver", "VIP")]);
    assert_message(&[row("a", "custom.tier", "rank", meet)], &["`gold`", "`silver`", "`VIP`", "must not lose"]);
    assert_message(&[row("a", "custom.tier", "rank", table(&[]))], &["`custom.tier`", "entries", "`gold`"]);
}

#[test]
fn an_option_table_names_options_that_exist() {
    let unknown = table(&[("gold", "VIP"), ("bronze", "plain")]);
    assert_message(&[row("a", "custom.tier", "rank", unknown)], &["`custom.tier`", "Wix", "exist", "`bronze`"]);
    let unknown = table(&[("gold", "VIP"), ("silver", "vip")]);
    assert_message(&[row("a", "custom.tier", "rank", unknown)], &["`rank`", "the CRM", "exist", "`vip`"]);
}

#[test]
fn a_date_pattern_tells_a_date() {
    for pattern in ["DD/MM/YY", "MM/YYYY", "day", ""] {
        assert_message(&[row("a", "birthdate", "text", date(pattern))], &["`text`", "date pattern", "`2024-02-29`", pattern]);
    }
}

#[test]
fn a_date_field_takes_iso_only() {
    assert_message(&[row("a", "birthdate", "day", date("DD/MM/YYYY"))], &["`day`", "YYYY-MM-DD only", "`29/02/2024`"]);
    assert_good(&[row("a", "birthdate", "day", date("YYYY-MM-DD"))]);
}

#[test]
fn a_constant_flows_to_the_crm_and_fits() {
    assert_message(&[row("a", "company", "text", constant("Wix"))], &["`text`", "to the CRM only", "`Wix`"]);
    let to_crm = |external, value| one_way(Direction::ToCrm, row("a", "anything", external, constant(value)));
    assert_message(&[to_crm("tier", "bronze")], &["`tier`", "a value its field takes", "`bronze`"]);
    assert_message(&[to_crm("created", "Wix")], &["`created`", "read-only", "`Wix`"]);
    assert_good(&[to_crm("tier", "gold")]);
}

#[test]
fn the_default_country_exists() {
    for (country, good) in [(Some("AT"), true), (Some("at"), true), (None, true), (Some("XX"), false), (Some("Austria"), false)] {
        let errors = check(&[], Pair { wix: &[], external: &[] }, country);
        assert_eq!(errors.is_empty(), good, "{country:?}");
        assert!(errors.iter().all(|error| error.to_string().contains(country.unwrap())));
    }
}

#[test]
fn two_rows_do_not_loop() {
    let there = one_way(Direction::ToCrm, row("a", "company", "text", Transform::Upper));
    let back = one_way(Direction::ToWix, row("b", "company", "text", Transform::Lower));
    assert_message(&[there, back], &["`a`, `b`", "`company`", "feed itself", "`Ada Lovelace`"]);
}

#[test]
fn a_longer_way_round_is_a_loop() {
    let rows = [
        one_way(Direction::ToCrm, row("a", "company", "text", Transform::None)),
        one_way(Direction::ToWix, row("b", "jobTitle", "text", Transform::None)),
        one_way(Direction::ToCrm, row("c", "jobTitle", "other", Transform::None)),
        one_way(Direction::ToWix, row("d", "company", "other", Transform::None)),
    ];
    assert_message(&rows, &["`a`, `b`, `c`, `d`", "`company`"]);
    assert_good(rows.get(..3).unwrap());
}

#[test]
fn a_loop_through_a_list_is_a_loop() {
    let there = one_way(Direction::ToCrm, row("a", "phone.mobile", "text", Transform::None));
    let back = one_way(Direction::ToWix, row("b", "phones", "text", join(";")));
    assert_message(&[there, back], &["`a`, `b`", "`phone.mobile`", "feed itself"]);
}

#[test]
fn all_errors_come_at_once() {
    let rows = [row("a", "nickname", "created", Transform::None), row("a", "company", "day", Transform::None)];
    assert_eq!(messages(&rows).len(), 4);
}
