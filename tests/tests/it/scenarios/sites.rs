//! Of group 9: sites are isolated; and what becomes of a site as a whole.

use std::time::Duration;

use contact_bridge::model::{
    event::{Event, EventKind},
    ids::{RecordId, Side},
    link::{Cause, Slot},
    site::{CrmAccess, Site, Status},
};
use contact_bridge_local::vendors::kit::{Fault, plain_http};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    lab::{Lab, Writes, one},
    people::{ada, person},
    switches::{Position, Vendor, at, at_every_switch},
};

/// How long, in virtual time, until an edit of Wix is in HubSpot.
async fn latency(lab: &Lab, wix: &str, hub: &str, company: &str) -> i64 {
    let start = lab.stack.clock().now_ms();
    lab.wix_edit(wix, one("company", company)).await;
    while lab.hub(hub).get("company") != company {
        lab.stack.clock().advance(Duration::from_secs(1));
        lab.settle_within(0).await;
        assert!(lab.stack.clock().now_ms() - start < 3_600_000, "an hour");
    }
    lab.stack.clock().now_ms() - start
}

#[tokio::test]
async fn q15_a_fault_of_one_site_leaves_the_other_as_it_is() {
    at_every_switch(async |sick| {
        let well = sick.other_site().await;
        let (wix, hub) = well.pair().await;
        let (patient, _) = sick.pair().await;
        let alone = latency(&well, &wix, &hub, "Alone").await;
        // A worker that waits for the sick site's vendor moves the one clock there is, by less than the whole minute between its tries.
        for (status, most) in [(401, alone), (503, alone + 60_000)] {
            let company = format!("Beside {status}");
            for (vendor, site) in [(Vendor::Wix, sick.site.id.to_string()), (Vendor::Hub, sick.site.portal.to_string())] {
                sick.fault(vendor, Fault { times: 60, site: Some(site), ..Fault::status(status, "* /c*/**") });
            }
            sick.wix_create(person(usize::from(status))).await;
            sick.wix_edit(&patient, one("company", &company)).await;
            let beside = latency(&well, &wix, &hub, &company).await;
            assert!(beside <= most, "{beside} ms instead of {alone}");
            sick.clear_faults();
        }
        assert_eq!(well.writes(), Writes { wix: 0, hub: 3 });
        sick.settle().await;
        well.assert_in_step();
        sick.assert_in_step();
    })
    .await;
}

#[tokio::test]
async fn q15_the_same_ids_and_people_on_two_sites_stay_apart() {
    at_every_switch(async |lab| {
        let other = lab.other_site().await;
        let (wix, hub) = lab.pair().await;
        let (_, twin) = other.pair_of(ada()).await;
        lab.wix_edit(&wix, json!({"company": "Mills", "email": "ada@mills.example"})).await;
        lab.hub_edit(&hub, one("city", "York")).await;
        lab.settle().await;
        assert_eq!((other.hub(&twin).get("company"), other.hub(&twin).get("city")), ("Works", ""));
        lab.wix_anonymize(&wix);
        lab.settle().await;
        assert_eq!((lab.hub_ids().len(), other.hub_ids().len(), other.wix_ids().len()), (0, 1, 1));
        other.assert_in_step();
    })
    .await;
}

fn at_both_stores() -> [Position; 2] {
    [Position::defaults(), Position::dynamodb()]
}

#[tokio::test]
async fn a_paused_site_loses_nothing() {
    at(&at_both_stores(), async |lab| {
        let (wix, hub) = lab.pair().await;
        lab.adjust(|site| site.paused = true).await;
        lab.wix_edit(&wix, one("company", "Mills")).await;
        lab.hub_edit(&hub, one("city", "York")).await;
        lab.wix_create(person(1)).await;
        lab.settle_within(2 * 86_400).await;
        assert_eq!((lab.writes(), lab.hub_ids().len()), (Writes { wix: 0, hub: 0 }, 1));
        lab.adjust(|site| site.paused = false).await;
        lab.settle().await;
        assert_eq!((lab.hub(&hub).get("company"), lab.stack.dead_letters().len()), ("Mills", 0));
        lab.assert_in_step();
    })
    .await;
}

#[tokio::test]
async fn what_was_dropped_while_the_app_was_away_is_found_when_it_comes_back() {
    at(&at_both_stores(), async |lab| {
        let (wix, hub) = lab.pair().await;
        lab.adjust(|site| (site.export.enabled, site.export.audit_hours) = (true, 0)).await;
        lab.live(30).await;
        lab.stack.wix.remove(Some(lab.site.id.as_str())).unwrap();
        lab.settle().await;
        // By now every worker knows that the app is away, and drops what it hears.
        lab.stack.clock().advance(Duration::from_mins(1));
        lab.wix_edit(&wix, one("company", "Mills")).await;
        lab.hub_edit(&hub, one("city", "York")).await;
        lab.settle().await;
        assert_eq!(lab.hub(&hub).get("company"), "Works");
        lab.stack.wix.install(Some(lab.site.id.as_str())).unwrap();
        lab.live(10).await;
        assert_eq!(lab.hub(&hub).get("company"), "Mills");
        lab.assert_in_step();
    })
    .await;
}

#[tokio::test]
async fn nothing_is_synchronised_before_a_system_of_record_is_chosen() {
    at(&at_both_stores(), async |lab| {
        lab.adjust(|site| site.system_of_record = None).await;
        let wix = lab.wix_create(ada()).await;
        lab.settle().await;
        assert!(lab.hub_ids().is_empty() && lab.links().await.is_empty());
        lab.adjust(|site| site.system_of_record = Some(Side::External)).await;
        lab.wix_edit(&wix, one("company", "Mills")).await;
        lab.settle().await;
        lab.assert_in_step();
    })
    .await;
}

#[tokio::test]
async fn a_removed_site_is_purged_when_its_grace_period_is_over_and_not_before() {
    at(&at_both_stores(), async |lab| {
        let (wix, _) = lab.pair().await;
        let (_, erased) = lab.pair_of(person(1)).await;
        lab.hub_gdpr_delete(&erased).await;
        lab.settle().await;
        let (sites, other) = (lab.stack.app.means.sites.clone(), lab.other_site().await);
        let pass = async |days: u64| {
            lab.stack.clock().advance(Duration::from_hours(24 * days));
            lab.settle().await;
        };
        let remove = async || {
            lab.stack.wix.remove(Some(lab.site.id.as_str())).unwrap();
            lab.settle().await;
        };
        remove().await;
        pass(29).await;
        assert_eq!(lab.links().await.len(), 1);
        lab.stack.wix.install(Some(lab.site.id.as_str())).unwrap();
        lab.settle().await;
        pass(2).await;
        lab.wix_edit(&wix, one("company", "Mills")).await;
        lab.settle().await;
        lab.assert_in_step();
        remove().await;
        pass(31).await;
        assert!(lab.stack.dead_letters().is_empty());
        assert!(sites.site(&lab.site.id).await.unwrap().is_none() && lab.links().await.is_empty());
        assert!(sites.site(&other.site.id).await.unwrap().is_some());
        let slot = lab.stack.app.means.links.look_up(&lab.site.id, Side::External, &RecordId::new(&*erased)).await.unwrap();
        assert!(matches!(slot, Slot::Gone(tombstone) if tombstone.cause == Cause::Erased));
    })
    .await;
}

#[tokio::test]
async fn an_old_removal_that_comes_late_stops_nobody_who_is_back() {
    at_every_switch(async |lab| {
        let (wix, _) = lab.pair().await;
        let at = |seconds: i64| lab.stack.app.means.clock.now() + jiff::SignedDuration::from_secs(seconds);
        let event =
            |kind, at| Event { site: lab.site.id.clone(), side: Side::Wix, record: None, kind, at, id: None, entity: None, attempts: 0 };
        let (removal, back) = (event(EventKind::Removed, at(60)), event(EventKind::Installed, at(120)));
        for late in [&back, &removal, &back, &removal] {
            lab.publish(late).await;
            lab.settle().await;
        }
        lab.wix_edit(&wix, one("company", "Mills")).await;
        lab.settle().await;
        lab.assert_in_step();
        lab.publish(&event(EventKind::Removed, at(180))).await;
        lab.settle().await;
        lab.publish(&back).await;
        lab.settle().await;
        assert!(matches!(lab.settings().await.status, Status::Removed { .. }), "an old installation revives nothing either");
    })
    .await;
}

/// A person connects the portal again: new credentials, which take the place of the old ones.
async fn reconnect(lab: &Lab, secret: &str) {
    let site = lab.site.portal.to_string();
    let code = lab.hub_call(Method::POST, "/_control/oauth/codes", Some(json!({"site": site}))).await;
    let app = [("client_id", "hubspot-client-id"), ("client_secret", "hubspot-client-secret")];
    let form =
        [("grant_type", "authorization_code"), ("redirect_uri", "https://bridge.example/done"), ("code", code["code"].as_str().unwrap())];
    let call = plain_http().unwrap().post(format!("{}/oauth/2026-03/token", lab.stack.hubspot.base_url()));
    let tokens: Value = call.form(&[&app[..], &form[..]].concat()).send().await.unwrap().json().await.unwrap();
    let mut stored = json!({"refresh_token": tokens["refresh_token"]});
    stored.as_object_mut().unwrap().extend(app.map(|(name, value)| (name.to_owned(), value.into())));
    lab.stack.vault().put(secret, stored.to_string());
}

#[tokio::test]
async fn new_credentials_are_taken_up_by_workers_that_run() {
    at_every_switch(async |lab| {
        lab.stack.set_workers(3).unwrap();
        let secret = lab.settings().await.crm.secret().to_owned();
        let (wix, hub) = lab.pair().await;
        for company in ["Mills", "Looms"] {
            lab.hub_call(Method::POST, "/_control/uninstall", Some(json!({"site": lab.site.portal.to_string()}))).await;
            lab.wix_edit(&wix, one("company", company)).await;
            lab.settle_within(3_600).await;
            assert_ne!(lab.hub(&hub).get("company"), company);
            reconnect(&lab, &secret).await;
            lab.settle_within(1_200).await;
            assert_eq!((lab.hub(&hub).get("company"), lab.stack.dead_letters().len()), (company, 0));
        }
        lab.settle().await;
        lab.assert_in_step();
    })
    .await;
}

#[tokio::test]
async fn credentials_that_are_missing_or_unreadable_lose_nothing() {
    at(&at_both_stores(), async |lab| {
        let (wix, hub) = lab.pair().await;
        for (company, wrong) in
            [("Mills", CrmAccess::Hubspot { secret: "nowhere".to_owned() }), ("Looms", CrmAccess::Hubspot { secret: "torn".to_owned() })]
        {
            lab.stack.vault().put("torn", "{\"client_id\":");
            let good = lab.settings().await.crm;
            rewrite(&lab, wrong).await;
            lab.wix_edit(&wix, one("company", company)).await;
            lab.settle_within(7_200).await;
            assert_eq!(lab.stack.dead_letters().len(), 0);
            rewrite(&lab, good).await;
            lab.settle().await;
            assert_eq!(lab.hub(&hub).get("company"), company);
        }
    })
    .await;
}

#[tokio::test]
async fn a_site_with_links_stays_with_its_account() {
    let hubspot = |secret: &str| CrmAccess::Hubspot { secret: secret.to_owned() };
    let pipedrive = |company: &str, secret: &str| CrmAccess::Pipedrive { company: company.to_owned(), secret: secret.to_owned() };
    let positions = [Position::defaults(), Position::dynamodb(), Position::pipedrive()];
    at(&positions, async |lab| {
        let before = lab.settings().await;
        let own = before.crm.secret();
        let (stays, others) = match &before.crm {
            CrmAccess::Hubspot { .. } => {
                lab.stack.vault().put("another", format!("pat-{}", lab.site.portal));
                (hubspot("another"), vec![("crm.kind", pipedrive("simulated", own))])
            }
            CrmAccess::Pipedrive { .. } => {
                lab.stack.vault().put("another", format!("token-{}", lab.site.id));
                (pipedrive("Simulated", "another"), vec![("crm.kind", hubspot(own)), ("crm.company", pipedrive("strangers", own))])
            }
        };
        let save = async |crm: &CrmAccess| lab.stack.save_site(Site { crm: crm.clone(), ..lab.settings().await }).await;
        let ensure_refused = async || {
            for (field, other) in &others {
                let refusal = save(other).await.unwrap_err().to_string();
                assert!(refusal.starts_with(&format!("{field}: must stay as it is")), "{refusal}");
                assert_eq!(lab.stack.app.means.sites.site(&lab.site.id).await.unwrap().map(|site| site.crm), Some(stays.clone()));
            }
        };
        let (wix, _) = lab.pair().await;
        save(&stays).await.unwrap();
        ensure_refused().await;
        lab.wix_edit(&wix, one("company", "Mills")).await;
        lab.settle().await;
        lab.assert_in_step();
        lab.wix_delete(&wix).await;
        lab.settle().await;
        assert!(lab.links().await.is_empty());
        ensure_refused().await;
        // Nothing was ever linked here.
        let fresh = lab.other_site().await;
        let company = Site { crm: pipedrive("strangers", fresh.settings().await.crm.secret()), ..fresh.settings().await };
        fresh.stack.vault().put(company.crm.secret(), format!("token-{}", fresh.site.id));
        fresh.stack.save_site(company).await.unwrap();
    })
    .await;
}

/// Stores settings as they are, unchecked: what they name went away since they were saved.
async fn rewrite(lab: &Lab, crm: CrmAccess) {
    let mut site = lab.settings().await;
    (site.crm, site.version) = (crm, site.version + 1);
    lab.stack.app.means.sites.save_site(&site).await.unwrap();
    lab.stack.app.forget(&lab.site.id);
}
