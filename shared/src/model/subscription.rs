//! Whether an e-mail address gets mails, as one side knows it. Consent belongs to the address, not to a contact.

use jiff::Timestamp;

/// What is known of an address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subscription {
    /// What its owner decided.
    pub status: SubscriptionStatus,
    /// Whether its owner complained about a mail.
    pub complained: bool,
    /// Whether mails do not arrive.
    pub bounced: bool,
    /// Whether mails arrive, in the side's own word, for its adapter alone.
    pub deliverability: Option<String>,
    /// When any of this changed last, by the side's clock.
    pub updated_at: Option<Timestamp>,
}

/// What the owner of an address decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SubscriptionStatus {
    /// Nothing.
    #[default]
    NotSet,
    /// Asked to confirm, and did not yet.
    Pending,
    /// To get mails.
    Subscribed,
    /// Not to get mails.
    Unsubscribed,
    /// Something that the bridge does not know: nothing is concluded from it, in neither direction.
    Unclear,
}
