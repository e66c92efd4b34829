//! Contacts made up as they are asked for: ten filled fields each, one created every second.

use jiff::Timestamp;

/// When the benchmark begins: 2026-09-01, 08:00 UTC.
pub(super) const NOW_MS: i64 = 1_788_249_600_000;
/// The last contact was created this long before.
const SINCE_MS: i64 = 3_600_000;
const APART_MS: i64 = 1_000;

/// The contacts of a site.
#[derive(Clone, Copy)]
pub(super) struct People {
    pub count: u64,
}

impl People {
    fn first_ms(self) -> i64 {
        NOW_MS - SINCE_MS - i64::try_from(self.count).unwrap_or_default() * APART_MS
    }

    /// The number of the first one created then or later.
    pub fn from(self, at: Timestamp) -> u64 {
        let behind = at.as_millisecond() - self.first_ms();
        u64::try_from((behind + APART_MS - 1).div_euclid(APART_MS)).unwrap_or_default().min(self.count)
    }

    /// The contact, as Wix shows it.
    pub fn wix(self, number: u64) -> String {
        let ms = self.first_ms() + i64::try_from(number).unwrap_or_default() * APART_MS;
        let created = Timestamp::from_millisecond(ms).unwrap_or_default();
        let (id, phone) = (id(number), 2_125_000_000 + number);
        format!(
            r#"{{"id":"{id}","revision":1,"source":{{"sourceType":"IMPORT"}},"createdDate":"{created:.3}","updatedDate":"{created:.3}","lastActivity":{{"activityDate":"{created:.3}","activityType":"CONTACT_CREATED"}},"primaryInfo":{{"email":"person-{number}@example.com","phone":"+1{phone}"}},"info":{{"name":{{"first":"Person","last":"Number {number}"}},"emails":{{"items":[{{"id":"{id}","tag":"MAIN","email":"person-{number}@example.com","primary":true}}]}},"phones":{{"items":[{{"id":"{id}","tag":"MAIN","countryCode":"US","phone":"{phone}","e164Phone":"+1{phone}","primary":true}}]}},"addresses":{{"items":[{{"id":"{id}","tag":"HOME","address":{{"addressLine":"{number} Main Street","city":"Springfield","postalCode":"12345","country":"US"}}}}]}},"company":"Works {number}","jobTitle":"Programmer","extendedFields":{{"items":{{}}}}}}}}"#
        )
    }
}

fn id(number: u64) -> String {
    format!("{number:08x}-0000-4000-8000-{number:012x}")
}

/// The number of a contact with this id.
pub(super) fn number(of: &str) -> Option<u64> {
    let number = u64::from_str_radix(of.get(..8)?, 16).ok()?;
    (id(number) == of).then_some(number)
}
