//! Settings that are wrong, and sites that change under a run.

use std::time::Duration;

use contact_bridge::model::{
    field::Field,
    ids::{RowId, Side},
    run::{Reason, RunKind},
    site::{Direction, MappingRow, OnEmpty, Transform},
};
use contact_bridge_local::cloud::queue::Draft;
use reqwest::Method;
use serde_json::json;

use super::super::{
    crash::Watched,
    lab::Lab,
    people::person,
    switches::{Position, Vendor, at, at_switches},
};

const A_SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn an_interval_out_of_range_is_refused_with_field_and_rule() {
    let lab = Lab::start(&Position::defaults()).await;
    let stored = lab.settings().await;
    for (field, value, rule) in [
        ("interval_minutes", 4, "5 minutes to 30 days"),
        ("interval_minutes", 43_201, "5 minutes to 30 days"),
        ("overlap_minutes", 0, "a minute to a day"),
        ("busy_share", 101, "a percentage"),
        ("audit_hours", 8_761, "up to a year"),
    ] {
        let mut settings = serde_json::to_value(&stored).unwrap();
        settings["export"][field] = json!(value);
        let refusal = lab.stack.save_site(serde_json::from_value(settings).unwrap()).await.unwrap_err().to_string();
        assert!(refusal.contains(&format!("export.{field}")) && refusal.contains(rule), "{refusal}");
        assert_eq!(lab.settings().await, stored);
    }
    let mut unknown = serde_json::to_value(&stored).unwrap();
    unknown["export"]["interval"] = json!(5);
    assert!(serde_json::from_value::<contact_bridge::model::site::Site>(unknown).unwrap_err().to_string().contains("interval"));
}

/// A run that is watched on its way to HubSpot; while its first batch is on the way, this happens.
async fn while_uploading<F: Future<Output = ()> + Send + 'static>(lab: &Lab, act: impl Fn() -> F + Send + 'static) {
    lab.stack.wix.switch("page_cap", 4).unwrap();
    let watched = Watched::towards(Vendor::Hub, lab).await;
    watched.before("POST *upsert", 1, act);
    let deadline = lab.stack.app.means.clock.now() + Duration::from_mins(14);
    watched.exporter(lab).run(&lab.site.id, RunKind::Export, deadline).await.unwrap();
    assert!(watched.is_over());
}

#[tokio::test]
async fn a_site_removed_in_mid_run_stops_and_goes_on_when_it_is_back() {
    at(&[Position::defaults(), Position::dynamodb()], async |lab| {
        lab.export(|_| {}).await;
        let ids = lab.seed_people(0, 24, A_SECOND);
        let removed = lab.clone();
        while_uploading(&lab, move || {
            let lab = removed.clone();
            async move {
                lab.stack.wix.remove(Some(lab.site.id.as_str())).unwrap();
                lab.settle_within(30).await;
            }
        })
        .await;
        lab.live(10).await;
        let then = lab.exported().len();
        assert!(then < ids.len(), "{then}");
        lab.live(120).await;
        assert_eq!(lab.exported().len(), then, "nothing is done for a site that is gone");
        lab.stack.wix.install(Some(lab.site.id.as_str())).unwrap();
        lab.live(120).await;
        lab.assert_exported(&ids);
    })
    .await;
}

#[tokio::test]
async fn a_token_revoked_in_mid_run_is_told_and_the_run_goes_on_with_another() {
    at_switches(&["batch_failures"], async |lab| {
        lab.export(|_| {}).await;
        let ids = lab.seed_people(0, 24, A_SECOND);
        let revoked = lab.clone();
        while_uploading(&lab, move || {
            let lab = revoked.clone();
            async move { lab.stack.hubspot.revoke(lab.site.portal) }
        })
        .await;
        let trouble = lab.run_of_export().await.progress.trouble.expect("it is told");
        assert_eq!((trouble.reason, trouble.side), (Reason::AccessDenied, Some(Side::External)));
        lab.live(60).await;
        assert!(lab.exported().len() < ids.len());
        lab.stack.hubspot.reinstall(lab.site.portal);
        lab.live(60).await;
        lab.assert_exported(&ids);
        assert_eq!(lab.run_of_export().await.progress.trouble, None);
    })
    .await;
}

#[tokio::test]
async fn a_property_deleted_in_mid_run_is_named_and_nothing_is_left_out() {
    at_switches(&["batch_failures", "problems_listed"], async |lab| {
        let (people, property) = (lab.stack.client(&lab.site), "/crm/properties/2026-09/contacts");
        let definition =
            json!({"name": "vat_id", "label": "VAT", "type": "string", "fieldType": "text", "groupName": "contactinformation"});
        people.hub(Method::POST, property, Some(definition.clone())).await.unwrap();
        lab.adjust(|site| {
            site.mapping = contact_bridge::mapping::default_hubspot();
            site.mapping.retain(|row| row.wix.as_str() != "company");
            site.mapping.push(MappingRow {
                id: RowId::from("vat"),
                wix: Field::from("company"),
                external: Field::from("vat_id"),
                direction: Direction::ToCrm,
                transform: Transform::None,
                on_empty: OnEmpty::Clear,
                system_of_record: None,
            });
        })
        .await;
        lab.export(|_| {}).await;
        let with_company = |number| {
            let mut person = person(number);
            person["company"] = json!(format!("Works {number}"));
            person
        };
        let ids = lab.seed(&(0..24).map(with_company).collect::<Vec<_>>(), A_SECOND);
        let deleted = people.clone();
        while_uploading(&lab, move || {
            let people = deleted.clone();
            async move {
                people.hub(Method::DELETE, &format!("{property}/vat_id"), None).await.unwrap();
            }
        })
        .await;
        let trouble = lab.run_of_export().await.progress.trouble.expect("it is told");
        assert_eq!((trouble.reason, trouble.fields), (Reason::MissingFields, vec![Field::from("vat_id")]));
        assert_eq!(lab.parked().await, []);
        people.hub(Method::POST, property, Some(definition)).await.unwrap();
        lab.live(60).await;
        lab.assert_exported(&ids);
        for (number, id) in ids.iter().enumerate() {
            assert_eq!(lab.hub(&lab.in_hub(id).unwrap()).get("vat_id"), format!("Works {number}"));
        }
    })
    .await;
}

#[tokio::test]
async fn a_secret_that_is_gone_is_told() {
    at_switches(&[], async |lab| {
        lab.export(|_| {}).await;
        let ids = lab.seed_people(0, 3, A_SECOND);
        lab.stack.lose_secret(&lab.site, true);
        lab.live(3).await;
        let trouble = lab.run_of_export().await.progress.trouble.expect("it is told");
        assert_eq!(trouble.reason, Reason::NoCredentials);
        lab.stack.lose_secret(&lab.site, false);
        lab.live(60).await;
        lab.assert_exported(&ids);
    })
    .await;
}

#[tokio::test]
async fn a_request_that_cannot_be_read_is_a_dead_letter() {
    let lab = Lab::start(&Position::defaults()).await;
    for body in ["", "nonsense", r#"{"detail": {"site": "x", "side": "wix", "kind": "requested", "run": "marathon"}}"#] {
        if !body.is_empty() {
            lab.stack.export_queue().send(Draft::new(body.to_owned())).unwrap();
        }
    }
    lab.settle().await;
    assert_eq!(lab.stack.dead_letters().len(), 2);
}
