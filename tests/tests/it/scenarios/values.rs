//! Neighbours of groups 2 and 9: what values go through.

use contact_bridge::model::{ids::Side, link::ParkedReason};
use serde_json::{Value, json};

use super::{
    lab::{Writes, one},
    switches::{at_every_switch, on_every_crm},
};

/// Names as people have them.
const NAMES: [&str; 12] = [
    "Zoë",
    "Zoe\u{308}",
    "O'Brien-Łukasz",
    "李小龍",
    "محمد",
    "\u{202e}עברית\u{202c}",
    "नीरजा",
    "👩\u{200d}👩\u{200d}👧 Family",
    "ﬁnch",
    "İpek",
    "<b>Ada</b> & \"Co\"; {x}",
    "a\u{200b}b",
];

#[tokio::test]
async fn q07_names_of_every_script_go_there_and_back_unchanged() {
    on_every_crm(async |lab| {
        let (wix, hub) = lab.pair().await;
        for name in NAMES {
            lab.wix_edit(&wix, one("lastname", name)).await;
            lab.settle().await;
            assert_eq!(lab.hub(&hub).get("lastname"), name);
            lab.hub_edit(&hub, one("company", name)).await;
            lab.settle().await;
            assert_eq!((lab.wix(&wix).get("lastname"), lab.wix(&wix).get("company")), (name, name));
        }
        let all = u64::try_from(NAMES.len()).unwrap();
        assert_eq!((lab.writes(), lab.parked().await.len()), (Writes { wix: all, hub: all }, 0));
    })
    .await;
}

#[tokio::test]
async fn q11_a_value_that_is_too_long_for_the_other_side_is_left_out_alone() {
    at_every_switch(async |lab| {
        let (wix, hub) = lab.pair().await;
        lab.hub_edit(&hub, json!({"company": "ü".repeat(1_001), "jobtitle": "Engineer"})).await;
        lab.settle().await;
        assert_eq!((lab.wix(&wix).get("company"), lab.wix(&wix).get("jobtitle")), ("Works", "Engineer"));
        assert_eq!((lab.reasons().await, lab.hub(&hub).get("company").chars().count()), (vec![ParkedReason::FieldSkipped], 1_001));
        lab.hub_edit(&hub, one("company", &"ü".repeat(1_000))).await;
        lab.settle().await;
        assert_eq!((lab.wix(&wix).get("company").chars().count(), lab.parked().await.len()), (1_000, 0));
        lab.assert_in_step();
    })
    .await;
}

#[tokio::test]
async fn q09_days_that_are_no_days_are_left_out_and_those_that_are_arrive() {
    at_every_switch(async |lab| {
        let (wix, hub) = lab.pair().await;
        for (typed, arrives) in [("2000-02-29", true), ("1900-02-29", false), ("0000-00-00", false), ("soon", false), ("1987-12-31", true)]
        {
            let before = lab.wix(&wix).get("date_of_birth").to_owned();
            lab.hub_edit(&hub, json!({"date_of_birth": typed, "company": typed})).await;
            lab.settle().await;
            let expected = if arrives { typed } else { &before };
            assert_eq!((lab.wix(&wix).get("date_of_birth"), lab.wix(&wix).get("company")), (expected, typed));
            assert_eq!((lab.parked().await.is_empty(), lab.hub(&hub).get("date_of_birth")), (arrives, typed));
        }
    })
    .await;
}

/// Somebody who has something of everything that Wix lets be emptied in every position of `patch_clearing`: the birthdate is not.
fn full() -> Value {
    json!({
        "firstname": "Ada", "lastname": "Stone", "email": "ada@example.com", "hs_additional_emails": "a@example.com;b@example.com",
        "phone": "+16465550132", "mobilephone": "+16465550133", "company": "Works", "jobtitle": "Engineer", "city": "York",
    })
}

/// The same, but for a name, emptied.
fn bare() -> Value {
    let full = full();
    let emptied = full.as_object().unwrap().iter().map(|(name, value)| {
        let kept = name == "firstname" || name == "lastname";
        (name.clone(), if kept { value.clone() } else { "".into() })
    });
    Value::Object(emptied.collect())
}

#[tokio::test]
async fn l02_what_is_emptied_on_one_side_is_emptied_on_the_other_and_stays_so() {
    on_every_crm(async |lab| {
        let none_clears = lab.stack.wix.core().switches.is("patch_clearing", "none");
        let (wix, hub) = lab.pair_of(full()).await;
        lab.assert_in_step();
        if !none_clears {
            lab.wix_edit(&wix, bare()).await;
            lab.settle().await;
            assert_eq!((lab.hub(&hub).get("email"), lab.hub(&hub).get("city"), lab.hub(&hub).get("mobilephone")), ("", "", ""));
            assert_eq!(lab.writes(), Writes { wix: 0, hub: 1 });
            lab.assert_in_step();
            lab.wix_edit(&wix, full()).await;
            lab.settle().await;
            lab.assert_in_step();
        }
        lab.hub_edit(&hub, bare()).await;
        lab.settle().await;
        let left = ["email", "hs_additional_emails", "phone", "mobilephone"].map(|field| lab.wix(&wix).get(field).to_owned());
        assert_eq!(left.concat(), "");
        let settled = lab.writes();
        lab.hub_edit(&hub, one("firstname", "Grace")).await;
        lab.settle().await;
        assert_eq!((lab.writes(), lab.wix(&wix).get("firstname")), (Writes { wix: settled.wix + 1, ..settled }, "Grace"));
        if none_clears {
            assert_eq!(lab.reasons().await, [ParkedReason::FieldSkipped]);
        } else {
            lab.assert_in_step();
        }
    })
    .await;
}

#[tokio::test]
async fn l02_emptying_the_first_number_leaves_the_other_one() {
    on_every_crm(async |lab| {
        let person = json!({"firstname": "Grace", "email": "grace@example.com", "phone": "+16465550111", "mobilephone": "+16465550112"});
        let (wix, hub) = lab.pair_of(person).await;
        lab.hub_edit(&hub, one("phone", "")).await;
        lab.settle().await;
        lab.hub_edit(&hub, one("city", "York")).await;
        lab.resync(Side::Wix, &wix).await;
        lab.settle().await;
        assert_eq!((lab.hub(&hub).get("mobilephone"), lab.wix(&wix).get("city")), ("+16465550112", "York"));
        let seen = lab.wix(&wix);
        assert!([seen.get("phone"), seen.get("mobilephone")].contains(&"+16465550112"), "Wix has it as well");
    })
    .await;
}
