//! Group 2: loops and echoes.

use contact_bridge::model::link::ParkedReason;
use serde_json::{Value, json};

use super::{
    lab::{Lab, Writes, one},
    switches::{Position, Vendor, at, on_every_crm, on_every_crm_that_finds},
};

#[tokio::test]
async fn l01_one_edit_makes_one_write() {
    on_every_crm(async |lab| {
        let (wix, hub) = lab.pair().await;
        lab.wix_edit(&wix, one("company", "Mills")).await;
        lab.settle().await;
        assert_eq!(lab.writes(), Writes { wix: 0, hub: 1 });
        lab.hub_edit(&hub, one("jobtitle", "Engineer")).await;
        lab.settle().await;
        assert_eq!(lab.writes(), Writes { wix: 1, hub: 1 });
        assert_eq!((lab.hub(&hub).get("company"), lab.wix(&wix).get("jobtitle")), ("Mills", "Engineer"));
        lab.assert_in_step();
    })
    .await;
}

#[tokio::test]
async fn l02_values_that_the_far_side_normalises_do_not_bounce() {
    on_every_crm(normalised).await;
    let hub = ["lower_case_email", "trim_strings", "reformat_phone", "change_name_case"].map(|name| (Vendor::Hub, name, json!(true)));
    let all: Vec<_> = hub.into_iter().chain([(Vendor::Wix, "phone_reformatting", json!(true))]).collect();
    at(&[Position::of(&all)], normalised).await;
}

async fn normalised(lab: Lab) {
    let (wix, hub) = lab.pair().await;
    lab.wix_edit(&wix, json!({"firstname": "grace ", "email": "Grace@Example.COM", "phone": "(646) 555-0199"})).await;
    lab.settle().await;
    assert_eq!(lab.writes(), Writes { wix: 0, hub: 1 });
    lab.hub_edit(&hub, json!({"firstname": "mary ann", "email": "Mary@Example.ORG", "phone": "646 555 0133"})).await;
    lab.settle().await;
    assert_eq!(lab.writes(), Writes { wix: 1, hub: 1 });
    lab.assert_in_step();
}

#[tokio::test]
async fn l03_a_third_integration_between_the_sides_starts_no_loop() {
    on_every_crm(async |lab| {
        let (wix, hub) = lab.pair().await;
        for (round, company) in ["Mills", "Looms", "Spindles"].into_iter().enumerate() {
            lab.wix_edit(&wix, one("company", company)).await;
            if round == 1 {
                copy(&lab, &wix, &hub).await;
            }
            lab.settle().await;
            for _ in 0..2 {
                copy(&lab, &wix, &hub).await;
                lab.settle().await;
            }
        }
        assert_eq!(lab.writes(), Writes { wix: 0, hub: 2 });
        lab.assert_in_step();
    })
    .await;
}

/// What the third integration does: Wix's values to HubSpot, then HubSpot's to Wix.
async fn copy(lab: &Lab, wix: &str, hub: &str) {
    const COPIED: [&str; 3] = ["firstname", "company", "email"];
    let pick = |seen: &super::people::Seen| -> Value {
        COPIED.iter().map(|name| ((*name).to_owned(), seen.get(name).into())).collect::<serde_json::Map<_, _>>().into()
    };
    lab.hub_edit(hub, pick(&lab.wix(wix))).await;
    lab.wix_edit(wix, pick(&lab.hub(hub))).await;
}

#[tokio::test]
async fn l05_a_late_echo_does_not_bring_a_deleted_contact_back() {
    on_every_crm(async |lab| {
        let (wix, hub) = lab.pair().await;
        lab.delay_webhooks(Vendor::Hub, &[7_200]);
        lab.delay_webhooks(Vendor::Wix, &[0, 3_600]);
        lab.wix_edit(&wix, one("company", "Mills")).await;
        lab.wix_edit(&wix, one("company", "Looms")).await;
        lab.settle_within(600).await;
        lab.wix_delete(&wix).await;
        lab.settle_within(600).await;
        assert!(lab.hub_ids().is_empty());
        lab.settle().await;
        assert!(lab.wix_ids().is_empty() && lab.hub_ids().is_empty(), "{hub} is gone");
        assert_eq!(lab.writes(), Writes { wix: 0, hub: 2 });
    })
    .await;
}

#[tokio::test]
async fn l07_two_contacts_with_one_email_do_not_swap_values() {
    on_every_crm_that_finds(async |lab| {
        let (ada, hub) = lab.pair().await;
        let bob = lab.wix_create(json!({"firstname": "Bob", "email": "ada@example.com"})).await;
        lab.settle().await;
        assert_eq!((lab.reasons().await, lab.hub_ids()), (vec![ParkedReason::MatchIsLinked], vec![hub.clone()]));
        lab.forget_calls();
        lab.wix_edit(&bob, one("company", "Looms")).await;
        lab.wix_edit(&ada, one("company", "Mills")).await;
        lab.hub_edit(&hub, one("jobtitle", "Engineer")).await;
        lab.settle().await;
        assert_eq!(lab.writes(), Writes { wix: 1, hub: 1 });
        assert_eq!((lab.hub(&hub).get("firstname"), lab.hub(&hub).get("company")), ("Ada", "Mills"));
        assert_eq!((lab.wix(&bob).get("company"), lab.wix(&bob).get("jobtitle")), ("Looms", ""));
    })
    .await;
}
