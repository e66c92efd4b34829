//! What people who are not the app do, and what they would notice, for tests in the same process.

use anyhow::anyhow;
use serde_json::Value;

use super::{Simulator, inbox::ParticipantId, plain};

impl Simulator {
    /// All conversations of a site or of all sites, with their messages (oldest first) and the ids they had before.
    ///
    /// # Errors
    /// When the site is unknown.
    pub fn conversations(&self, site: Option<&str>) -> anyhow::Result<Vec<Value>> {
        self.world.all_conversations(site).map_err(plain)
    }

    /// A participant writes in the chat of the site; the conversation's id, the participant and the message.
    ///
    /// # Errors
    /// When site or participant is unknown or the site has no Inbox.
    pub fn write_as(&self, site: Option<&str>, who: &ParticipantId, text: &str) -> anyhow::Result<Value> {
        self.world.write_as(site, who, text, "BUSINESS_AND_PARTICIPANT").map_err(plain)
    }

    /// A visitor turns out to be a contact; their conversations become one.
    ///
    /// # Errors
    /// When site or contact is unknown.
    pub fn identify(&self, site: Option<&str>, visitor: &str, contact: &str) -> anyhow::Result<()> {
        self.world.identify(site, visitor, contact).map_err(plain)
    }

    /// Says whether a site has an Inbox.
    ///
    /// # Errors
    /// When the site is unknown.
    pub fn set_inbox(&self, site: Option<&str>, installed: bool) -> anyhow::Result<()> {
        self.world.set_inbox(site, installed).map_err(plain)
    }

    /// What is known of each address of a site or of all sites.
    ///
    /// # Errors
    /// When the site is unknown.
    pub fn subscriptions(&self, site: Option<&str>) -> anyhow::Result<Vec<Value>> {
        self.world.all_subscriptions(site).map_err(plain)
    }

    /// The addressee changes the subscription, for example with a form of the site.
    ///
    /// # Errors
    /// When site or status is unknown or the address is none.
    pub fn set_subscription(&self, site: Option<&str>, email: &str, status: &str) -> anyhow::Result<Value> {
        let status = super::subscriptions::known_status(status).ok_or_else(|| anyhow!("status: is not a known value"))?;
        self.world.set_subscription(site, email, Some(status), None).map_err(plain)
    }

    /// The addressee of a confirmation mail confirms.
    ///
    /// # Errors
    /// When the address waits for no confirmation.
    pub fn confirm_subscription(&self, site: Option<&str>, email: &str) -> anyhow::Result<Value> {
        self.world.confirm(site, email).map_err(plain)
    }

    /// The addressee follows an unsubscribe link.
    ///
    /// # Errors
    /// When the link was never given out.
    pub fn click_unsubscribe(&self, link: &str) -> anyhow::Result<()> {
        self.world.click(link).map_err(plain)
    }

    /// The mails Wix would have sent to people.
    ///
    /// # Errors
    /// When the site is unknown.
    pub fn mails(&self, site: Option<&str>) -> anyhow::Result<Vec<Value>> {
        self.world.all_mails(site).map_err(plain)
    }
}
