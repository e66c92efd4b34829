//! What contacts show of their addresses' subscriptions,
//! <https://dev.wix.com/docs/rest/crm/members-contacts/contacts/extended-fields/introduction>.

use serde_json::{Map, Value, json};

use super::{
    super::{
        contact::Contact,
        items,
        state::{Desk, Site},
    },
    ledger::{NOT_SET, SUBSCRIBED, Standing, UNSUBSCRIBED},
};

/// The subscriptions a contact shows.
#[derive(Debug, Clone, Default)]
pub(in super::super) struct Mirror {
    /// Of the primary address.
    primary: Standing,
    /// Of the address the extended fields are about.
    shown: Standing,
    /// The first address that may be written to.
    effective: Option<String>,
}

impl Mirror {
    /// What a contact of `site` shows; `by_effective` says which address the extended fields are about.
    pub fn of(contact: &Contact, site: &Site, by_effective: bool) -> Self {
        let ledger = &site.subscriptions;
        let primary = items::primary(&contact.info, "emails").map(|item| ledger.standing(items::part(item, "email")));
        let primary = primary.unwrap_or_default();
        let emails = || items::of(&contact.info, "emails").iter().map(|item| items::part(item, "email"));
        let effective = emails().find(|email| may_be_written_to(ledger.standing(email)));
        let shown = effective.filter(|_| by_effective).map_or(primary, |email| ledger.standing(email));
        Self { primary, shown, effective: effective.map(str::to_owned) }
    }

    /// `primaryEmail` of the contact object.
    pub fn primary_email(&self, email: &str) -> Value {
        let Standing { status, deliverability } = self.primary;
        json!({"email": email, "subscriptionStatus": status, "deliverabilityStatus": deliverability})
    }

    /// Adds the extended fields.
    pub fn add_to(&self, fields: &mut Map<String, Value>) {
        let mut add = |key: &str, value: &str| fields.insert(format!("emailSubscriptions.{key}"), value.into());
        add("subscriptionStatus", self.shown.status);
        add("deliverabilityStatus", self.shown.deliverability);
        if let Some(email) = &self.effective {
            add("effectiveEmail", email);
        }
    }
}

fn may_be_written_to(standing: Standing) -> bool {
    [NOT_SET, "VALID"].contains(&standing.deliverability) && standing.status != UNSUBSCRIBED
}

impl Desk<'_> {
    /// Every contact that has the address shows its new status.
    pub(super) fn mirror(&mut self, email: &str, status: &str) {
        let activity = match status {
            SUBSCRIBED => "NEWSLETTER_SUBSCRIPTION_SUBSCRIBE",
            UNSUBSCRIBED => "NEWSLETTER_SUBSCRIPTION_UNSUBSCRIBE",
            "PENDING" => "NEWSLETTER_SUBSCRIPTION_PENDING",
            _ => "NEWSLETTER_SUBSCRIPTION_NOT_SET",
        };
        for before in self.with_email(email) {
            let mut after = before.clone();
            after.activity = (self.now_ms, activity);
            self.touch("subscription_mirror", &before, after);
        }
    }
}
