//! Bad input beyond the door: settings, vendors' answers, messages in the queue. What the door refuses is tested with `webhook-intake`.

use contact_bridge::model::{
    ids::RowId,
    site::{CrmAccess, Direction, MappingRow, OnEmpty, Site, Transform, WixAccess},
};
use contact_bridge_local::{
    cloud::queue::Draft,
    vendors::kit::{Fault, FaultKind},
};
use serde_json::{Value, json};

use super::{
    crash::Watched,
    lab::{Lab, at_call, one},
    people::{ada, person},
    switches::{Position, Vendor, at, at_switches},
};

fn row(id: &str, wix: &str, external: &str, transform: Transform) -> MappingRow {
    MappingRow {
        id: RowId::from(id),
        wix: wix.into(),
        external: external.into(),
        direction: Direction::Both,
        transform,
        on_empty: OnEmpty::Clear,
        system_of_record: None,
    }
}

fn table(pairs: &[(&str, &str)]) -> Transform {
    Transform::Options { table: pairs.iter().map(|(wix, crm)| ((*wix).to_owned(), (*crm).to_owned())).collect() }
}

/// Saves settings with these rows and returns why they are not saved.
async fn refused(lab: &Lab, change: impl FnOnce(&mut Site)) -> String {
    let before = lab.settings().await;
    let mut site = before.clone();
    change(&mut site);
    let refusal = lab.stack.save_site(site).await.err().map(|error| error.to_string());
    assert_eq!(lab.settings().await, before);
    refusal.expect("the settings are refused")
}

#[tokio::test]
async fn a_mapping_that_breaks_a_rule_is_refused_with_field_rule_and_value() {
    let lab = Lab::start(&Position::defaults()).await;
    for (rows, said) in [
        (vec![row("a", "name.first", "favourite_colour", Transform::None)], ["favourite_colour", "must exist", "`a`"]),
        (vec![row("a", "name.third", "firstname", Transform::None)], ["name.third", "must exist", "Wix"]),
        (vec![row("a", "name.first", "createdate", Transform::None)], ["createdate", "read-only", "would never arrive"]),
        (vec![row("a", "emails", "company", Transform::None)], ["emails", "separator", "@"]),
        (
            vec![row("a", "birthdate", "company", Transform::Date { pattern: Some("MM/YYYY".to_owned()) })],
            ["company", "MM/YYYY", "2024-02-29"],
        ),
        (vec![row("a", "locale", "hs_language", table(&[("de", "de"), ("de-AT", "de")]))], ["locale", "must not lose values", "de-AT"]),
        (vec![row("a", "locale", "hs_language", table(&[("tlh", "klingon")]))], ["hs_language", "options that exist", "klingon"]),
        (vec![row("a", "locale", "hs_language", table(&[]))], ["locale", "must have entries", "no counterpart"]),
        (vec![row("a", "company", "hs_language", Transform::None)], ["company", "must be possible", "hs_language"]),
        (vec![row("a", "labels", "wix_labels", Transform::Join { separator: "-".to_owned() })], ["labels", "separator", "`-`"]),
        (
            vec![row("a", "company", "company", Transform::None), row("a", "jobTitle", "jobtitle", Transform::None)],
            ["`a`", "different ids", "jobTitle"],
        ),
        (
            vec![row("a", "company", "company", Transform::None), row("b", "jobTitle", "company", Transform::None)],
            ["company", "one source", "overwrite"],
        ),
        (vec![row("a", "company", "company", Transform::Constant { value: "x".to_owned() })], ["company", "to the CRM only", "`x`"]),
    ] {
        let text = refused(&lab, |site| site.mapping = rows).await;
        assert!(said.iter().all(|part| text.contains(part)), "{said:?} in {text}");
    }
}

#[tokio::test]
async fn settings_that_break_a_rule_are_refused_with_field_and_rule() {
    let lab = Lab::start(&Position::defaults()).await;
    let secret = lab.settings().await.crm;
    for (change, said) in [
        (json!({"rails": {"percent_per_hour": 101}}), ["rails.percent_per_hour", "percentage"]),
        (json!({"default_country": "Narnia"}), ["Narnia", "ISO 3166-1"]),
        (json!({"version": 7}), ["", "stale"]),
    ] {
        let text = refused(&lab, |site| *site = changed(site, &change)).await;
        assert!(said.iter().all(|part| text.contains(part)), "{said:?} in {text}");
    }
    let text = refused(&lab, |site| site.crm = CrmAccess::Hubspot { secret: " ".to_owned() }).await;
    assert!(text.contains("secret"), "{text}");
    let text = refused(&lab, |site| site.wix = WixAccess::ApiKey { secret: "wix".to_owned(), site_id: String::new() }).await;
    assert!(text.contains("wix"), "{text}");
    assert_eq!(lab.settings().await.crm, secret);
}

fn changed(site: &Site, change: &Value) -> Site {
    let mut json = serde_json::to_value(site).unwrap();
    json.as_object_mut().unwrap().extend(change.as_object().cloned().unwrap());
    serde_json::from_value(json).unwrap()
}

#[tokio::test]
async fn settings_that_are_no_settings_are_not_read() {
    let lab = Lab::start(&Position::defaults()).await;
    let good = serde_json::to_value(lab.settings().await).unwrap();
    for (change, said) in [
        (json!({"on_delete": "explode"}), "explode"),
        (json!({"surprise": 1}), "surprise"),
        (json!({"rails": {"deletes_per_hour": -1}}), "-1"),
        (json!({"mapping": [{"id": "a", "wix": "company"}]}), "external"),
        (json!({"crm": {"kind": "abacus"}}), "abacus"),
    ] {
        let mut json = good.clone();
        json.as_object_mut().unwrap().extend(change.as_object().cloned().unwrap());
        let error = serde_json::from_value::<Site>(json).unwrap_err().to_string();
        assert!(error.contains(said), "{said} in {error}");
    }
}

#[tokio::test]
async fn answers_that_cannot_be_read_lose_nothing() {
    at_switches(&["archived_get", "noop_patch", "own_app_marked"], async |lab| {
        let (wix, hub) = lab.pair().await;
        for kind in [FaultKind::NotJson, FaultKind::Cut, FaultKind::LoseReply, FaultKind::Timeout] {
            for call in 0..3 {
                for vendor in [Vendor::Wix, Vendor::Hub] {
                    lab.fault(vendor, Fault { times: 2, ..at_call(kind, call) });
                }
                let company = format!("{kind:?} {call}");
                lab.wix_edit(&wix, one("company", &company)).await;
                lab.hub_edit(&hub, one("jobtitle", &company)).await;
                lab.settle().await;
                lab.clear_faults();
                assert_eq!((lab.hub(&hub).get("company"), lab.wix(&wix).get("jobtitle")), (&*company, &*company));
            }
        }
        assert!(lab.stack.dead_letters().is_empty() && lab.parked().await.is_empty());
        lab.assert_in_step();
    })
    .await;
}

#[tokio::test]
async fn answers_with_unknown_members_are_read() {
    for vendor in [Vendor::Wix, Vendor::Hub] {
        let lab = Lab::start(&Position::defaults()).await;
        let worker = Watched::towards(vendor, &lab).await;
        worker.surprise();
        let wix = lab.wix_create(ada()).await;
        lab.hub_create(person(1)).await;
        for round in ["Mills", "Looms"] {
            lab.stack.clock().advance(std::time::Duration::from_mins(1));
            worker.work(&lab).await;
            lab.wix_edit(&wix, one("company", round)).await;
        }
        lab.stack.clock().advance(std::time::Duration::from_mins(1));
        worker.work(&lab).await;
        assert!(lab.stack.dead_letters().is_empty() && lab.parked().await.is_empty());
        lab.assert_in_step();
    }
}

#[tokio::test]
async fn a_poisoned_message_goes_to_the_dead_letters_and_others_flow_on() {
    at(&[Position::defaults(), Position::dynamodb()], async |lab| {
        let (wix, hub) = lab.pair().await;
        let unknown =
            json!({"detail": {"site": lab.site.id, "side": "wix", "record": wix, "kind": "exploded", "at": "2026-03-28T00:00:00Z"}});
        let poison = ["no json".to_owned(), "{}".to_owned(), json!({"detail": {"site": 7}}).to_string(), unknown.to_string()];
        for body in &poison {
            lab.stack.queue().send(Draft::new(body.clone())).unwrap();
            lab.wix_edit(&wix, one("company", &format!("Mills {}", body.len()))).await;
        }
        lab.settle().await;
        assert_eq!(lab.hub(&hub).get("company"), lab.wix(&wix).get("company"));
        let letters = lab.stack.dead_letters();
        let reason = |letter: &Value| letter["messageAttributes"]["reason"]["StringValue"].as_str().unwrap_or_default().to_owned();
        assert!(letters.len() == 4 && letters.iter().all(|letter| reason(letter).starts_with("unreadable")), "{letters:?}");
        assert_eq!(lab.stack.redrive().await, 4);
        lab.settle().await;
        assert_eq!(lab.stack.dead_letters().len(), 4);
    })
    .await;
}
