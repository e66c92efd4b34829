//! Mailchimp's JSON, read leniently: unknown members are ignored, `null` is absent.

use serde::{Deserialize, Deserializer};

use crate::model::subscriber::{Address, Member, MemberStatus};

/// A member as calls return it.
#[derive(Deserialize)]
pub(super) struct Shown {
    email_address: Address,
    status: String,
    #[serde(default, deserialize_with = "or_default")]
    tags: Vec<Tag>,
}

#[derive(Deserialize)]
struct Tag {
    name: String,
}

impl From<Shown> for Member {
    fn from(shown: Shown) -> Self {
        Self { address: shown.email_address, status: status(&shown.status), tags: shown.tags.into_iter().map(|tag| tag.name).collect() }
    }
}

/// `transactional`, and what may come yet, gets no campaigns.
fn status(name: &str) -> MemberStatus {
    match name {
        "subscribed" => MemberStatus::Subscribed,
        "pending" => MemberStatus::Pending,
        "unsubscribed" => MemberStatus::Unsubscribed,
        "cleaned" => MemberStatus::Bounced,
        "archived" => MemberStatus::Archived,
        _ => MemberStatus::Other,
    }
}

/// A page of members.
#[derive(Deserialize)]
pub(super) struct Page {
    pub members: Vec<Shown>,
    pub total_items: usize,
}

/// A page of the audience's fields.
#[derive(Deserialize)]
pub(super) struct Fields {
    pub merge_fields: Vec<MergeField>,
    pub total_items: usize,
}

/// A field of the audience.
#[derive(Deserialize)]
pub(super) struct MergeField {
    pub tag: String,
    #[serde(default, rename = "type", deserialize_with = "or_default")]
    pub kind: String,
}

/// The audience, as far as it matters here.
#[derive(Deserialize)]
pub(super) struct Audience {
    pub double_optin: bool,
}

/// The answer to many members at once: each is in one of the lists.
#[derive(Deserialize)]
pub(super) struct Added {
    #[serde(default, deserialize_with = "or_default")]
    pub new_members: Vec<Named>,
    #[serde(default, deserialize_with = "or_default")]
    pub updated_members: Vec<Named>,
    #[serde(default, deserialize_with = "or_default")]
    pub errors: Vec<RowError>,
}

/// Whose row it is.
#[derive(Deserialize)]
pub(super) struct Named {
    pub email_address: Address,
}

/// A row that was not taken.
#[derive(Deserialize)]
pub(super) struct RowError {
    pub email_address: Address,
    #[serde(default, deserialize_with = "or_default")]
    pub error: String,
    #[serde(default, deserialize_with = "or_default")]
    pub error_code: String,
    #[serde(default, deserialize_with = "or_default")]
    pub field: String,
}

/// Reads `null` as the default.
pub(super) fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(from: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}
