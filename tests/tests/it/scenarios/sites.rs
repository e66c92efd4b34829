//! Of group 9: sites are isolated.

use std::time::Duration;

use contact_bridge_local::vendors::kit::Fault;
use serde_json::json;

use super::{
    lab::{Lab, Writes, one},
    people::{ada, person},
    switches::{Vendor, at_every_switch},
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
