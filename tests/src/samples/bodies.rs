//! What Wix and HubSpot write into their webhooks.
//!
//! <https://dev.wix.com/docs/rest/crm/members-contacts/contacts/contacts/contact-v4/contact-created>,
//! <https://developers.hubspot.com/docs/apps/developer-platform/add-features/configure-webhooks>

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{APP, SITE};

/// The Wix contact of the samples.
pub(super) const WIX_CONTACT: &str = "4b0133d5-7903-4411-bcc0-1817d1394028";
/// A Wix contact that is merged into it.
const WIX_DUPLICATE: &str = "9e5f1c70-2a3b-4d8c-8f60-71b2c9d0e4a5";
/// The HubSpot contact of the samples.
const HUBSPOT_CONTACT: u64 = 106_500_991_877;
/// A HubSpot contact that is merged into it.
const HUBSPOT_DUPLICATE: u64 = 106_500_991_878;
/// How far apart the two instants of a genuine token are, in seconds.
const TOKEN_LIFE: i64 = 3_600_000;

/// Returns the claims of each webhook of Wix.
pub(super) fn wix(now: Timestamp) -> Vec<(&'static str, Value)> {
    let contact = |slug: &str, extra: Value| domain_event("contact", slug, WIX_CONTACT, extra, now);
    let updated = wix_contact(2, "Lovelace");
    let merged = json!({
        "targetContactId": WIX_CONTACT,
        "sourceContactIds": [WIX_DUPLICATE],
        "targetContact": wix_contact(3, "Lovelace"),
    });
    let envelopes = [
        ("wix-contact-created", contact("created", json!({"createdEvent": {"entity": wix_contact(1, "Byron")}}))),
        ("wix-contact-updated", contact("updated", json!({"updatedEvent": {"currentEntity": updated}}))),
        (
            "wix-contact-updated-as-json",
            contact("updated", json!({"updatedEvent": {"currentEntityAsJson": wix_contact(2, "Lovelace").to_string()}})),
        ),
        ("wix-contact-deleted", contact("deleted", json!({"deletedEvent": {}}))),
        (
            "wix-contact-deleted-by-merge",
            domain_event("contact", "deleted", WIX_DUPLICATE, json!({"deletedEvent": {}, "originatedFrom": "merge"}), now),
        ),
        ("wix-contact-merged", contact("merged", json!({"actionEvent": {"body": merged}}))),
        ("wix-contact-anonymized", contact("deleted", json!({"deletedEvent": {}, "triggeredByAnonymizeRequest": true}))),
        (
            "wix-label-created",
            domain_event(
                "label",
                "created",
                "custom.vip",
                json!({"createdEvent": {"entity": {"key": "custom.vip", "displayName": "VIP"}}}),
                now,
            ),
        ),
        ("wix-message-sent-to-business", inbox_event("message", "message_sent_to_business", &wix_message("PARTICIPANT_TO_BUSINESS"), now)),
        (
            "wix-message-sent-to-participant",
            inbox_event("message", "message_sent_to_participant", &wix_message("BUSINESS_TO_PARTICIPANT"), now),
        ),
        ("wix-conversations-merged", inbox_event("conversation", "conversations_merged", &wix_merge(), now)),
        ("wix-app-installed", envelope("AppInstalled", &json!({"appId": APP}))),
        ("wix-app-removed", envelope("AppRemoved", &json!({"appId": APP}))),
        ("wix-unknown-event", envelope("PaidPlanPurchased", &json!({"vendorProductId": "plan-1", "cycle": "MONTHLY"}))),
        (
            "wix-subscription-changed",
            envelope(
                "com.wixpress.emailsubscriptions.v1.EmailSubscriptionChanged",
                &json!({"subscription": {
                    "id": "5a0c3f0e-9d1b-4f0b-8c1e-2f6f0a7d9b31", "email": "ada@example.com", "subscriptionStatus": "UNSUBSCRIBED",
                    "deliverabilityStatus": "VALID",
                }}),
            ),
        ),
    ];
    let (iat, exp) = (now.as_second(), now.as_second() + TOKEN_LIFE);
    envelopes.into_iter().map(|(name, envelope)| (name, json!({"data": envelope.to_string(), "iat": iat, "exp": exp}))).collect()
}

/// Wraps an event's data, as a string, the way every level is wrapped.
fn envelope(event_type: &str, data: &Value) -> Value {
    let identity = json!({"identityType": "WIX_USER", "wixUserId": "72751428-2743-4bda-acf5-4218a4279cd3"});
    json!({"eventType": event_type, "instanceId": SITE, "data": data.to_string(), "identity": identity.to_string()})
}

fn domain_event(entity: &str, slug: &str, id: &str, extra: Value, now: Timestamp) -> Value {
    let mut event = json!({
        "id": "52269077-05f2-4b59-ba4f-36ef8c4c1e11",
        "entityFqdn": format!("wix.contacts.v4.{entity}"),
        "slug": slug,
        "entityId": id,
        "eventTime": now.strftime("%Y-%m-%dT%H:%M:%S.304800Z").to_string(),
        "entityEventSequence": "1",
        "triggeredByAnonymizeRequest": false,
    });
    if let (Value::Object(event), Value::Object(extra)) = (&mut event, extra) {
        event.extend(extra);
    }
    envelope(&format!("wix.contacts.v4.{entity}_{slug}"), &event)
}

/// An event of the Inbox: something that was done, with what it was done to.
fn inbox_event(entity: &str, slug: &str, body: &Value, now: Timestamp) -> Value {
    let event = json!({
        "id": "6b0f6a2e-1f6e-4c1b-9d0a-3c1f5f1b7a90",
        "entityFqdn": format!("wix.crm.inbox.v2.{entity}"),
        "slug": slug,
        "entityId": "1795176000000001",
        "actionEvent": {"body": body},
        "eventTime": now.strftime("%Y-%m-%dT%H:%M:%S.272823Z").to_string(),
        "triggeredByAnonymizeRequest": false,
    });
    envelope(&format!("wix.crm.inbox.v2.{entity}_{slug}"), &event)
}

/// A message that the bridge posted.
fn wix_message(direction: &str) -> Value {
    let message = json!({
        "id": "1795176000000001",
        "sequence": "1795176000000001",
        "content": {"basic": {"items": [{"text": "Is the table by the window free?"}]}},
        "sender": {"contactId": WIX_CONTACT},
        "badges": [{"text": "SMS"}],
        "appId": APP,
        "visibility": "BUSINESS",
        "direction": direction,
        "createdDate": "2026-11-20T11:59:58.353Z",
    });
    json!({"conversationId": "0f2c8c1e-5a0e-4b6f-8f3e-2d7b9c4a6e15", "message": message})
}

fn wix_merge() -> Value {
    json!({"oldConversationIds": ["0f2c8c1e-5a0e-4b6f-8f3e-2d7b9c4a6e15"], "targetConversationId": "7c1d2e3f-6b5a-4c3d-9e8f-0a1b2c3d4e5f"})
}

fn wix_contact(revision: u32, last_name: &str) -> Value {
    json!({
        "id": WIX_CONTACT,
        "revision": revision,
        "source": {"sourceType": "WIX_FORMS"},
        "createdDate": "2026-11-20T11:40:57.803Z",
        "updatedDate": "2026-11-20T11:59:57.870Z",
        "lastActivity": {"activityDate": "2026-11-20T11:40:57.803Z", "activityType": "CONTACT_CREATED"},
        "primaryInfo": {"email": "ada@example.com", "phone": "+1 202-555-0143"},
        "info": {
            "name": {"first": "Ada", "last": last_name},
            "emails": {"items": [
                {"id": "95606596-4006-4945-811d-61ba1fca629d", "tag": "MAIN", "email": "ada@example.com", "primary": true},
            ]},
            "phones": {"items": [{
                "id": "1a0ab9ed-dbbc-4d2e-8d0a-5a1f9a1a7c0e",
                "tag": "MOBILE",
                "countryCode": "US",
                "phone": "202-555-0143",
                "e164Phone": "+12025550143",
                "primary": true,
            }]},
            "company": "Analytical Engines",
            "jobTitle": "Programmer",
            "labelKeys": {"items": ["contacts.contacted-me"]},
            "extendedFields": {"items": {
                "contacts.displayByFirstName": format!("Ada {last_name}"),
                "contacts.displayByLastName": format!("{last_name} Ada"),
                "emailSubscriptions.subscriptionStatus": "NOT_SET",
            }},
        },
    })
}

/// Returns the body of each webhook of HubSpot.
pub(super) fn hubspot(now: Timestamp) -> Vec<(&'static str, Value)> {
    let notice = |subscription: &str, extra: Value| notice(subscription, extra, now);
    let property = |name: &str, value: &str| {
        notice("contact.propertyChange", json!({"propertyName": name, "propertyValue": value, "changeSource": "CRM_UI"}))
    };
    let merge = json!({
        "objectId": HUBSPOT_CONTACT,
        "primaryObjectId": HUBSPOT_CONTACT,
        "mergedObjectIds": [HUBSPOT_CONTACT, HUBSPOT_DUPLICATE],
        "newObjectId": HUBSPOT_CONTACT + 2,
        "numberOfPropertiesMoved": 4,
        "changeFlag": "MERGED",
    });
    let generic = json!({"objectTypeId": "0-1", "propertyName": "city", "propertyValue": "London", "isSensitive": false});
    vec![
        ("hubspot-creation", json!([notice("contact.creation", json!({"changeFlag": "CREATED"}))])),
        ("hubspot-property-change", json!([property("lastname", "Lovelace"), property("email", "ada@example.com")])),
        ("hubspot-object-property-change", json!([notice("object.propertyChange", generic)])),
        ("hubspot-deletion", json!([notice("contact.deletion", json!({"changeFlag": "DELETED"}))])),
        ("hubspot-merge", json!([notice("contact.merge", merge)])),
        ("hubspot-restore", json!([notice("contact.restore", json!({"changeFlag": "RESTORED"}))])),
        ("hubspot-privacy-deletion", json!([notice("contact.deletion", json!({})), notice("contact.privacyDeletion", json!({}))])),
        ("hubspot-association-change", json!([notice("contact.associationChange", json!({"associationType": "CONTACT_TO_COMPANY"}))])),
    ]
}

fn notice(subscription: &str, extra: Value, now: Timestamp) -> Value {
    let mut notice = json!({
        "eventId": 3_944_863_254_u64,
        "subscriptionId": 3_327_050,
        "portalId": 49_532_047,
        "appId": 9_318_066,
        "occurredAt": now.as_millisecond() - 1000,
        "subscriptionType": subscription,
        "attemptNumber": 0,
        "objectId": HUBSPOT_CONTACT,
        "changeSource": "CRM_UI",
        "sourceId": "userId:123",
    });
    if let (Value::Object(notice), Value::Object(extra)) = (&mut notice, extra) {
        notice.extend(extra);
    }
    notice
}
