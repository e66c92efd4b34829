//! What is known of each address and how it changes.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::{auth::Identity, refusal::Refusal, state::Desk};
use crate::vendors::kit::rfc3339;

pub(super) const STATUSES: &[&str] = &[NOT_SET, "PENDING", SUBSCRIBED, UNSUBSCRIBED];
pub(super) const DELIVERABILITIES: &[&str] = &[NOT_SET, "VALID", "BOUNCED", "SPAM_COMPLAINT", "INACTIVE"];
pub(super) const NOT_SET: &str = "NOT_SET";
pub(super) const SUBSCRIBED: &str = "SUBSCRIBED";
pub(super) const UNSUBSCRIBED: &str = "UNSUBSCRIBED";

/// The subscriptions of a site by lower-cased address, and the unsubscribe links given out.
#[derive(Default)]
pub(in super::super) struct Subscriptions {
    by_email: BTreeMap<String, Subscription>,
    /// Addresses by the token of their link.
    pub(super) links: BTreeMap<String, String>,
}

/// What is known of an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Subscription {
    pub id: String,
    pub email: String,
    pub standing: Standing,
    pub created_ms: i64,
    pub updated_ms: i64,
}

/// Consent and deliverability.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Standing {
    pub status: &'static str,
    pub deliverability: &'static str,
}

/// What somebody wants an address to be; `None` = not said.
pub(super) struct Wish {
    pub email: String,
    pub status: Option<&'static str>,
    pub deliverability: Option<&'static str>,
}

impl Default for Standing {
    fn default() -> Self {
        Self { status: NOT_SET, deliverability: NOT_SET }
    }
}

impl Subscription {
    pub fn to_json(&self) -> Value {
        json!({
            "id": self.id, "email": self.email,
            "subscriptionStatus": self.standing.status, "deliverabilityStatus": self.standing.deliverability,
            "createdDate": rfc3339(self.created_ms), "updatedDate": rfc3339(self.updated_ms),
        })
    }
}

impl Subscriptions {
    pub(super) fn all(&self) -> impl Iterator<Item = &Subscription> {
        self.by_email.values()
    }

    pub(super) fn get(&self, email: &str) -> Option<&Subscription> {
        self.by_email.get(&email.to_lowercase())
    }

    pub(super) fn standing(&self, email: &str) -> Standing {
        self.get(email).map(|known| known.standing).unwrap_or_default()
    }
}

impl Desk<'_> {
    /// Creates or changes the subscription of an address; contacts that have it show it.
    ///
    /// # Errors
    /// 428 when an app may not undo an opt-out.
    pub(super) fn upsert(&mut self, wish: &Wish) -> Result<Subscription, Refusal> {
        let before = self.site.subscriptions.get(&wish.email).cloned();
        let standing = self.next_standing(before.as_ref().map(|known| known.standing), wish)?;
        let changed = before.as_ref().is_none_or(|known| known.standing != standing);
        let email = if self.world.is("subscription_case", "lower") { wish.email.to_lowercase() } else { wish.email.clone() };
        let kept = before.unwrap_or_else(|| Subscription {
            id: self.world.ids.guid(),
            email,
            standing,
            created_ms: self.now_ms,
            updated_ms: self.now_ms,
        });
        let after = Subscription { standing, updated_ms: if changed { self.now_ms } else { kept.updated_ms }, ..kept };
        self.site.subscriptions.by_email.insert(wish.email.to_lowercase(), after.clone());
        if standing.status == "PENDING" && wish.status.is_some() && self.world.flag("pending_mail") {
            self.mail("subscription_confirmation", &after.email, &json!({"subscription": after.id}));
        }
        if changed {
            self.mirror(&after.email, standing.status);
        }
        if changed || self.world.flag("noop_subscription_event") {
            let inner = json!({"subscription": after.to_json()}).to_string();
            self.send("com.wixpress.emailsubscriptions.v1.EmailSubscriptionChanged", &inner, true);
        }
        Ok(after)
    }

    fn next_standing(&self, before: Option<Standing>, wish: &Wish) -> Result<Standing, Refusal> {
        let replaces = self.world.is("subscription_upsert", "replace");
        let base = before.filter(|_| !replaces).unwrap_or_default();
        let wanted =
            Standing { status: wish.status.unwrap_or(base.status), deliverability: wish.deliverability.unwrap_or(base.deliverability) };
        let opted_out = before.is_some_and(|known| known.status == UNSUBSCRIBED);
        let by_program = matches!(self.asked.identity, Identity::App(_) | Identity::Key(_));
        if !(opted_out && by_program && wanted.status == SUBSCRIBED) {
            return Ok(wanted);
        }
        match self.world.core.switches.word("resubscribe_by_app").as_str() {
            "refused" => Err(Refusal::coded(428, "FAILED_PRECONDITION", "The recipient has unsubscribed.")),
            "ignored" => Ok(Standing { status: UNSUBSCRIBED, ..wanted }),
            _ => Ok(wanted),
        }
    }
}
