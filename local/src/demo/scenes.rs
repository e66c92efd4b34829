//! What people do, and what is to come of it.

use std::time::Duration;

use contact_bridge::model::ids::Side;
use serde_json::{Value, json};

use super::{messages, stage::Stage};
use crate::vendors::kit::{Fault, FaultKind};

/// How `HubSpot` counts updates of one contact.
const HUBSPOT_UPDATE: &str = "PATCH /crm/objects/2026-09/contacts/{id}";

/// How Wix counts new contacts.
const WIX_CREATE: &str = "POST /contacts/v4/contacts";

pub(super) type Played = anyhow::Result<()>;

/// Plays everything.
pub(super) async fn all(stage: &mut Stage<'_>) -> Played {
    edit_in_wix(stage).await?;
    edit_in_hubspot(stage).await?;
    different_fields_at_once(stage).await?;
    conflict(stage).await?;
    labels(stage).await?;
    new_email(stage).await?;
    merge_in_wix(stage).await?;
    merge_in_hubspot(stage).await?;
    delete(stage).await?;
    erasure(stage).await?;
    duplicate_delivery(stage).await?;
    lost_reply(stage).await?;
    throttled(stage).await?;
    out_of_order(stage).await?;
    form_of_a_new_person(stage).await?;
    form_of_a_known_person(stage).await?;
    form_sent_twice(stage).await?;
    messages::sms(stage).await?;
    messages::booking(stage).await
}

async fn edit_in_wix(stage: &mut Stage<'_>) -> Played {
    let who = stage.next()?;
    stage.people.wix_update(&who.wix, json!({"jobTitle": "Head of Baking"})).await?;
    stage.settle().await?;
    let arrived = stage.hubspot(&who, "jobtitle").await? == "Head of Baking";
    let did = format!("{}: new job title in Wix", who.name);
    stage.equal(&did, "wrote it to HubSpot; its own echo ended there", &who, arrived).await
}

async fn edit_in_hubspot(stage: &mut Stage<'_>) -> Played {
    let who = stage.next()?;
    stage.people.hub_update(&who.hubspot, json!({"company": "Lighthouse Press"})).await?;
    stage.settle().await?;
    let arrived = stage.wix(&who, "/info/company").await? == "Lighthouse Press";
    let did = format!("{}: new company in HubSpot", who.name);
    stage.equal(&did, "wrote it to Wix; its own echo ended there", &who, arrived).await
}

async fn different_fields_at_once(stage: &mut Stage<'_>) -> Played {
    let who = stage.next()?;
    stage.people.wix_update(&who.wix, json!({"company": "Tidepool Records"})).await?;
    stage.people.hub_update(&who.hubspot, json!({"jobtitle": "Producer"})).await?;
    stage.settle().await?;
    let arrived = stage.hubspot(&who, "company").await? == "Tidepool Records" && stage.wix(&who, "/info/jobTitle").await? == "Producer";
    let did = format!("{}: company in Wix, job title in HubSpot, at the same time", who.name);
    stage.equal(&did, "merged field by field: both edits stay", &who, arrived).await
}

async fn conflict(stage: &mut Stage<'_>) -> Played {
    let who = stage.next()?;
    stage.people.hub_update(&who.hubspot, json!({"jobtitle": "Pilot"})).await?;
    stage.people.wix_update(&who.wix, json!({"jobTitle": "Navigator"})).await?;
    stage.settle().await?;
    let won = stage.hubspot(&who, "jobtitle").await? == "Navigator";
    let did = format!("{}: two different job titles at the same time", who.name);
    stage.equal(&did, "a conflict: the system of record, Wix, wins", &who, won).await
}

async fn labels(stage: &mut Stage<'_>) -> Played {
    let who = stage.next()?;
    let key = stage.people.wix_label(&who.wix, "VIP").await?;
    stage.people.wix_label(&who.wix, "Newsletter").await?;
    stage.settle().await?;
    let labels = stage.hubspot(&who, "wix_labels").await?;
    let did = format!("{}: labelled VIP and Newsletter in Wix", who.name);
    stage.equal(&did, "wrote both labels into HubSpot's wix_labels", &who, labels.contains(&key)).await?;
    stage.people.hub_update(&who.hubspot, json!({"wix_labels": key})).await?;
    stage.settle().await?;
    let left = stage.hubspot(&who, "wix_labels").await? == key;
    let did = format!("{}: one label taken away in HubSpot", who.name);
    stage.equal(&did, "took that label off in Wix, left the other", &who, left).await
}

async fn new_email(stage: &mut Stage<'_>) -> Played {
    let who = stage.next()?;
    let address = "moved.house@example.net";
    stage.people.hub_update(&who.hubspot, json!({"email": address})).await?;
    stage.settle().await?;
    let arrived = stage.wix(&who, "/primaryInfo/email").await? == address;
    let did = format!("{}: new e-mail address in HubSpot", who.name);
    stage.equal(&did, "followed the link, not the address: Wix has the new one, nobody was made anew", &who, arrived).await
}

async fn merge_in_wix(stage: &mut Stage<'_>) -> Played {
    let (mut winner, loser) = (stage.next()?, stage.next()?);
    stage.people.wix_merge(&winner.wix, &[&loser.wix]).await?;
    stage.settle().await?;
    let link = stage.link(Side::Wix, &winner.wix).await;
    let gone = stage.people.hub_get(&loser.hubspot).await?.is_none() && stage.link(Side::Wix, &loser.wix).await.is_none();
    winner.hubspot = link.as_ref().map(|link| link.id(Side::External).to_string()).unwrap_or_default();
    let did = format!("{} merged into {} in Wix", loser.name, winner.name);
    stage.equal(&did, "merged the two HubSpot contacts as well; one link is left", &winner, gone && link.is_some()).await
}

async fn merge_in_hubspot(stage: &mut Stage<'_>) -> Played {
    let (mut winner, loser) = (stage.next()?, stage.next()?);
    let id = stage.people.hub_merge(&winner.hubspot, &loser.hubspot).await?;
    stage.settle().await?;
    let link = stage.link(Side::External, &id).await;
    winner.hubspot = id;
    winner.wix = link.as_ref().map(|link| link.id(Side::Wix).to_string()).unwrap_or_default();
    let did = format!("{} merged into {} in HubSpot, under a new id", loser.name, winner.name);
    let bridge = "merged the two Wix contacts as well; the link points to the new id";
    stage.equal(&did, bridge, &winner, link.is_some()).await
}

async fn delete(stage: &mut Stage<'_>) -> Played {
    let who = stage.next()?;
    stage.people.hub_delete(&who.hubspot).await?;
    stage.settle().await?;
    let gone = stage.people.wix_get(&who.wix).await?.is_none() && stage.link(Side::Wix, &who.wix).await.is_none();
    let did = format!("{}: deleted in HubSpot", who.name);
    stage.tell(&did, "deleted in Wix; a tombstone keeps late events from reviving it", "gone on both", gone);
    Ok(())
}

async fn erasure(stage: &mut Stage<'_>) -> Played {
    let who = stage.next()?;
    stage.stack.wix.anonymize(Some(stage.people.site().id.as_str()), &who.wix)?;
    stage.settle().await?;
    let all = stage.stack.hubspot.contacts(Some(stage.people.site().id.as_str())).map_err(|refusal| anyhow::anyhow!(refusal.0))?;
    let erased = all.get("contacts").and_then(Value::as_array).is_some_and(|contacts| {
        let is_erased = |contact: &Value| contact.get("id") == Some(&json!(who.hubspot)) && contact.get("state") == Some(&json!("erased"));
        contacts.iter().any(is_erased)
    });
    let did = format!("{}: privacy request in Wix", who.name);
    stage.tell(&did, "erased for good in HubSpot; only a keyed tombstone is left", "gone on both", erased);
    Ok(())
}

async fn duplicate_delivery(stage: &mut Stage<'_>) -> Played {
    let who = stage.next()?;
    let before = stage.hubspot_calls(HUBSPOT_UPDATE);
    stage.stack.wix.fault(Fault { n: Some(3), ..Fault::any(FaultKind::WebhookRepeat) })?;
    stage.people.wix_update(&who.wix, json!({"jobTitle": "Beekeeper"})).await?;
    stage.settle().await?;
    let once = stage.hubspot_calls(HUBSPOT_UPDATE) - before == 1;
    let did = format!("{}: new job title; Wix sends the webhook four times", who.name);
    stage.equal(&did, "one write; the copies found nothing to do", &who, once).await
}

async fn lost_reply(stage: &mut Stage<'_>) -> Played {
    stage.stack.wix.fault(Fault::once(FaultKind::LoseReply, "POST /contacts/v4/contacts"))?;
    let properties = json!({"firstname": "Olga", "lastname": "Petrova", "email": "olga.petrova@example.org"});
    let hubspot = stage.people.hub_create(properties).await?;
    stage.settle().await?;
    let all = stage.stack.wix.contacts(Some(stage.people.site().id.as_str()))?;
    let twins = all.iter().filter(|contact| contact.pointer("/primaryInfo/email") == Some(&json!("olga.petrova@example.org"))).count();
    let link = stage.link(Side::External, &hubspot).await;
    let wix = link.map(|link| link.id(Side::Wix).to_string()).unwrap_or_default();
    let who = super::stage::Pair { name: "Olga Petrova".to_owned(), wix, hubspot };
    let did = "Olga Petrova: new in HubSpot; Wix creates her, but the reply is lost";
    stage.equal(did, "found the half-made contact by its mark and linked it: no twin", &who, twins == 1).await
}

async fn throttled(stage: &mut Stage<'_>) -> Played {
    let who = stage.next()?;
    let fault = Fault { retry_after: Some("30".to_owned()), ..Fault::status(429, "PATCH /crm/objects/*/contacts/*") };
    stage.stack.hubspot.faults().add(fault).map_err(|text| anyhow::anyhow!(text))?;
    let before = stage.stack.clock().now_ms();
    stage.people.wix_update(&who.wix, json!({"jobTitle": "Lamplighter"})).await?;
    stage.settle().await?;
    let waited = Duration::from_millis((stage.stack.clock().now_ms() - before).unsigned_abs());
    let did = format!("{}: new job title; HubSpot answers 429, Retry-After 30 s", who.name);
    stage.equal(&did, "left HubSpot alone for 30 s, then wrote once", &who, waited >= Duration::from_secs(30)).await
}

async fn out_of_order(stage: &mut Stage<'_>) -> Played {
    let who = stage.next()?;
    stage.stack.wix.fault(Fault { seed: Some(3), ..Fault::any(FaultKind::WebhookReorder) })?;
    for title in ["Apprentice", "Journeyman", "Master"] {
        stage.people.wix_update(&who.wix, json!({"jobTitle": title})).await?;
    }
    stage.settle().await?;
    let latest = stage.hubspot(&who, "jobtitle").await? == "Master";
    let did = format!("{}: promoted three times; the webhooks come in any order", who.name);
    stage.equal(&did, "read the contact itself: the latest title wins, not the last webhook", &who, latest).await
}

async fn form_of_a_new_person(stage: &mut Stage<'_>) -> Played {
    let answer = stage.post(&json!({"email": "mary.shelley@example.org", "first_name": "Mary", "last_name": "Shelley"})).await?;
    stage.settle().await?;
    let who = stage.posted("Mary Shelley", &answer).await;
    let did = "Mary Shelley: fills in a form on another site";
    stage.equal(did, "created her in Wix while she waited; the sync carried her to HubSpot", &who, answer.action == "created").await
}

async fn form_of_a_known_person(stage: &mut Stage<'_>) -> Played {
    let who = stage.next()?;
    let email = stage.wix(&who, "/primaryInfo/email").await?;
    let answer = stage.post(&json!({"email": email, "company": "Somewhere Else", "born": "30.08.1797"})).await?;
    stage.settle().await?;
    let filled = answer.rejected.first().is_some_and(|rejected| rejected.field == "company");
    let added = stage.wix(&who, "/info/birthdate").await? == "1797-08-30";
    let did = format!("{}: fills it in with a birthday and another company", who.name);
    stage.equal(&did, "filled the birthday; the company stays and is reported as rejected", &who, filled && added).await
}

async fn form_sent_twice(stage: &mut Stage<'_>) -> Played {
    let before = stage.wix_calls(WIX_CREATE);
    let fields = json!({"email": "jules.verne@example.org", "first_name": "Jules", "last_name": "Verne"});
    let (one, other) = futures::future::join(stage.post(&fields), stage.post(&fields)).await;
    stage.settle().await?;
    let (one, other) = (one?, other?);
    let who = stage.posted("Jules Verne", if one.contact.is_empty() { &other } else { &one }).await;
    let once = one.submission == other.submission && stage.wix_calls(WIX_CREATE) - before == 1;
    stage.equal("Jules Verne: clicks twice, the form comes twice at once", "made one contact of the two", &who, once).await
}
