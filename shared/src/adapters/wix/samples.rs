//! Contacts in the form Wix sends them, for tests.

use serde_json::{Value, json};

/// A contact with a bit of everything; the names are invented.
pub(crate) fn ada() -> Value {
    json!({
        "id": "2712ae1d-3f64-46c2-ac3a-94a6c2e29847",
        "revision": 3,
        "source": {"sourceType": "THIRD_PARTY", "appId": "df7c18eb-009b-4868-9891-15e19dddbe67"},
        "createdDate": "2026-02-01T09:15:22.431Z",
        "updatedDate": "2026-02-03T11:02:07.118Z",
        "lastActivity": {"activityDate": "2026-02-01T09:15:22.430Z", "activityType": "CONTACT_CREATED"},
        "primaryInfo": {"email": "ada.stone@example.com", "phone": "646-555-0132"},
        "info": {
            "name": {"first": "Ada", "last": "Stone"},
            "emails": {"items": [
                {"id": "e-1", "tag": "MAIN", "email": "ada.stone@example.com", "primary": true},
                {"id": "e-2", "tag": "WORK", "email": "ada@stone-works.example", "primary": false}]},
            "phones": {"items": [
                {"id": "p-1", "tag": "MOBILE", "countryCode": "US", "phone": "646-555-0132", "e164Phone": "+16465550132",
                 "formattedPhone": "+1 646-555-0132", "primary": true}]},
            "addresses": {"items": [
                {"id": "a-1", "tag": "BILLING", "address": {"addressLine": "3 Park Ave", "city": "New York", "subdivision": "US-NY",
                 "country": "US", "postalCode": "10016", "formattedAddress": "3 Park Ave\nNew York, New York 10016\nUnited States"}}]},
            "company": "Stone Works", "jobTitle": "Owner", "birthdate": "1988-04-25", "locale": "en-us",
            "labelKeys": {"items": ["contacts.customers", "custom.vip"]},
            "extendedFields": {"items": {
                "contacts.displayByFirstName": "Ada Stone", "invoices.vatId": "", "emailSubscriptions.subscriptionStatus": "NOT_SET",
                "custom.externalcrmid": "crm-000417", "custom.shoe-size": 38.5}},
            "picture": {"image": {"id": "3ab21d_8f2e~mv2.png", "height": 200, "width": 200}}
        }
    })
}
