//! One member of the audience.

use reqwest::Method;
use serde_json::{Map, Value as Json, json};

use super::{
    client::{Call, Client},
    wire::Shown,
};
use crate::{
    model::subscriber::{Address, Entry, Member, MemberStatus},
    ports::{ErrorKind, StoreError, StoreResult},
};

/// What is read of a member.
const SHOWN: &str = "email_address,status,tags";

/// The address as Mailchimp compares it.
pub(super) fn key(address: &Address) -> String {
    address.as_str().trim().to_lowercase()
}

/// The path of a member; an archived one has it as well.
/// <https://mailchimp.com/developer/marketing/docs/methods-parameters/#path-parameters>
fn path(address: &Address) -> String {
    format!("/members/{:x}", md5::compute(key(address)))
}

/// The values as a call takes them.
pub(super) fn merge_fields(entry: &Entry) -> Map<String, Json> {
    entry.fields.0.iter().map(|(name, value)| (name.clone(), Json::from(value.as_str()))).collect()
}

impl Client {
    /// The status of an address that is new to the audience.
    pub(super) async fn new_status(&self) -> StoreResult<&'static str> {
        Ok(if self.double_opt_in().await? { "pending" } else { "subscribed" })
    }

    pub(super) async fn read(&self, address: &Address) -> StoreResult<Option<Member>> {
        let query = vec![("fields", SHOWN.to_owned())];
        match self.call::<Shown>(&Call::get("mailchimp read member", path(address), query)).await {
            Ok(shown) => Ok(Some(shown.into())),
            Err(StoreError { kind: ErrorKind::NotFound, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Changes the fields of a member and nothing else: PATCH neither adds an address, nor brings an archived one back.
    pub(super) async fn change(&self, entry: &Entry, known: Member) -> StoreResult<Member> {
        if entry.fields.0.is_empty() {
            return Ok(known);
        }
        let body = json!({ "merge_fields": merge_fields(entry) });
        let call = Call::write("mailchimp change member", Method::PATCH, path(&entry.address), body);
        match self.call::<Shown>(&call).await {
            Ok(shown) => Ok(shown.into()),
            // It was there a moment ago.
            Err(StoreError { kind: ErrorKind::NotFound, .. }) => Err(StoreError::new(ErrorKind::Stale, "mailchimp change member")),
            Err(error) => Err(error),
        }
    }

    /// Gives a member the tags it lacks and takes those it is not to have, so that no automation starts.
    pub(super) async fn tag(&self, entry: &Entry, mut member: Member) -> StoreResult<Member> {
        let changes: Vec<(&String, bool)> = entry
            .tags
            .iter()
            .map(|(name, wanted)| (name, *wanted))
            .filter(|(name, wanted)| member.tags.contains(*name) != *wanted)
            .collect();
        if changes.is_empty() {
            return Ok(member);
        }
        let status = |wanted: bool| if wanted { "active" } else { "inactive" };
        let tags: Vec<Json> = changes.iter().map(|(name, wanted)| json!({"name": name, "status": status(*wanted)})).collect();
        let body = json!({"tags": tags, "is_syncing": true});
        self.send(&Call::write("mailchimp tag member", Method::POST, path(&entry.address) + "/tags", body)).await?;
        for (name, wanted) in changes {
            if wanted {
                member.tags.insert(name.clone())
            } else {
                member.tags.remove(name)
            };
        }
        Ok(member)
    }

    /// Unsubscribes a member that gets mails, or was asked whether it wants them.
    pub(super) async fn lower(&self, address: &Address) -> StoreResult<()> {
        let gets_mails = |member: &Member| matches!(member.status, MemberStatus::Subscribed | MemberStatus::Pending);
        if !self.read(address).await?.is_some_and(|member| gets_mails(&member)) {
            return Ok(());
        }
        let call = Call::write("mailchimp unsubscribe member", Method::PATCH, path(address), json!({"status": "unsubscribed"}));
        match self.send(&call).await {
            Ok(_) | Err(StoreError { kind: ErrorKind::NotFound, .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
