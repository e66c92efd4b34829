//! A member's status and who changes it.

/// Where a member stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Subscribed,
    Unsubscribed,
    Cleaned,
    Pending,
    Transactional,
    /// Cannot be written; a DELETE archives.
    Archived,
}

const ALL: [Status; 6] =
    [Status::Subscribed, Status::Unsubscribed, Status::Cleaned, Status::Pending, Status::Transactional, Status::Archived];

impl Status {
    pub fn name(self) -> &'static str {
        match self {
            Self::Subscribed => "subscribed",
            Self::Unsubscribed => "unsubscribed",
            Self::Cleaned => "cleaned",
            Self::Pending => "pending",
            Self::Transactional => "transactional",
            Self::Archived => "archived",
        }
    }

    /// The status of this name.
    pub fn named(name: &str) -> Option<Self> {
        ALL.into_iter().find(|status| status.name() == name)
    }
}

/// Who acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Actor {
    /// A program, by API.
    Api,
    /// The owner of the account, in Mailchimp's pages.
    Admin,
    /// The member itself.
    Contact,
}

impl Actor {
    /// The name in a webhook's `sources`.
    pub fn source(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Admin => "admin",
            Self::Contact => "user",
        }
    }

    /// The person of an `x-actor` header.
    pub fn person(name: &str) -> Option<Self> {
        match name {
            "user" => Some(Self::Contact),
            "admin" => Some(Self::Admin),
            _ => None,
        }
    }
}
