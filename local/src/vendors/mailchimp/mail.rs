//! What Mailchimp would have mailed to people.

use serde_json::{Value, json};

use super::{member::Member, member::iso, status::Status, world::Desk};

/// Why somebody is mailed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The question whether the address is to be subscribed.
    Confirmation,
    /// The welcome to new subscribers.
    Welcome,
    /// What an automation sends when a tag is added.
    TagAutomation,
    /// A campaign.
    Campaign,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Confirmation => "confirmation",
            Self::Welcome => "welcome",
            Self::TagAutomation => "tag_automation",
            Self::Campaign => "campaign",
        }
    }
}

/// One mail.
#[derive(Clone)]
pub(super) struct Mail {
    pub list: String,
    email: String,
    kind: Kind,
    /// Who brought it about: `api`, `admin` or `user`.
    source: &'static str,
    at_ms: i64,
}

impl Mail {
    pub fn to_json(&self) -> Value {
        json!({
            "list": self.list, "email": self.email, "kind": self.kind.name(), "source": self.source, "at": iso(self.at_ms), "at_ms": self.at_ms,
        })
    }
}

impl Desk<'_> {
    pub fn mail(&mut self, email: &str, kind: Kind) {
        if self.silent {
            return;
        }
        let (list, source) = (self.list.id.clone(), self.actor.source());
        self.mails.push(Mail { list, email: email.to_owned(), kind, source, at_ms: self.now_ms });
    }

    /// Mails what a change of status brings about.
    pub fn mail_after(&mut self, before: Option<&Member>, after: &Member) {
        if before.is_some_and(|before| before.status == after.status) {
            return;
        }
        let by_person = self.actor == super::status::Actor::Contact;
        let welcome = self.list.options.has_welcome && (by_person || self.world.core.switches.flag("welcome_on_api"));
        match after.status {
            Status::Pending => self.mail(&after.email, Kind::Confirmation),
            Status::Subscribed if welcome => self.mail(&after.email, Kind::Welcome),
            Status::Subscribed | Status::Unsubscribed | Status::Cleaned | Status::Transactional | Status::Archived => {}
        }
    }
}
