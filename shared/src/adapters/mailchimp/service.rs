//! The audience as a mailing list.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;
use reqwest::Method;
use serde_json::{Value as Json, json};

use super::{
    client::{Call, Client, understood},
    error::row_refusal,
    members::{key, merge_fields},
    wire::{Added, Fields, Page},
};
use crate::{
    model::subscriber::{Address, Entry, Member, MemberStatus},
    ports::{ErrorKind, MailingService, Members, Roll, StoreResult},
};

/// The most entries of a page.
/// <https://mailchimp.com/developer/marketing/docs/methods-parameters/#pagination>
const MOST_LISTED: usize = 1_000;
/// The most members of one call.
/// <https://mailchimp.com/developer/marketing/api/lists/batch-subscribe-or-unsubscribe/>
const MOST_ADDED: usize = 500;
/// A field of this type takes an object of parts, and never a text.
const ADDRESS: &str = "address";

/// What became of an entry, by the key of its address.
type Outcomes = BTreeMap<String, Result<(), ErrorKind>>;

#[async_trait]
impl MailingService for Client {
    /// Returns the tags of merge fields that take a text.
    async fn fields(&self) -> StoreResult<Vec<String>> {
        let (mut names, mut seen) = (Vec::new(), 0);
        loop {
            let fields = "merge_fields.tag,merge_fields.type,total_items".to_owned();
            let query = vec![("count", MOST_LISTED.to_string()), ("offset", seen.to_string()), ("fields", fields)];
            let page: Fields = self.call(&Call::get("mailchimp list merge fields", "/merge-fields", query)).await?;
            seen += page.merge_fields.len();
            let is_last = page.merge_fields.is_empty() || seen >= page.total_items;
            names.extend(page.merge_fields.into_iter().filter(|field| field.kind != ADDRESS).map(|field| field.tag));
            if is_last {
                return Ok(names);
            }
        }
    }

    /// Where Mailchimp lists archived members among the others, they come as what they are: left out, the next offset would be wrong.
    async fn members(&self, roll: &Roll) -> StoreResult<Members> {
        let call = Call::get("mailchimp list members", "/members", asked(roll));
        let asked_at = self.clock.now();
        let reply = self.send(&call).await?;
        let page: Page = understood(&reply, &call)?;
        Ok(Members {
            rows: page.members.into_iter().map(Member::from).collect(),
            total: page.total_items,
            as_of: reply.date().map_or(asked_at, |answered| answered - self.clock.now().duration_since(asked_at)),
        })
    }

    async fn member(&self, address: &Address) -> StoreResult<Option<Member>> {
        self.read(address).await
    }

    fn most_added(&self) -> usize {
        MOST_ADDED
    }

    /// An archived address would be put back: none may be among them. Of entries with one address the first counts, for all of them. Tags that
    /// come with a new member may start automations.
    async fn add(&self, entries: &[Entry]) -> StoreResult<Vec<Result<(), ErrorKind>>> {
        let mut firsts = BTreeMap::new();
        for entry in entries {
            firsts.entry(key(&entry.address)).or_insert(entry);
        }
        if firsts.is_empty() {
            return Ok(Vec::new());
        }
        let status = self.new_status().await?;
        let members: Vec<Json> = firsts.values().map(|entry| row(entry, status)).collect();
        let call = Call::write("mailchimp add members", Method::POST, "", json!({"members": members, "update_existing": false}));
        let outcomes = outcomes(self.bulk_call(&call).await?);
        Ok(entries.iter().map(|entry| outcomes.get(&key(&entry.address)).cloned().unwrap_or(Err(ErrorKind::Garbled))).collect())
    }

    /// An archived member is returned as it is, and left alone: what a PUT makes of one is not documented.
    async fn put(&self, entry: &Entry) -> StoreResult<Option<Member>> {
        let member = match self.read(&entry.address).await? {
            None => return Ok(None),
            Some(member) if member.status == MemberStatus::Archived => return Ok(Some(member)),
            Some(member) => self.change(entry, member).await?,
        };
        if member.status == MemberStatus::Archived { Ok(Some(member)) } else { self.tag(entry, member).await.map(Some) }
    }

    async fn opt_out(&self, address: &Address) -> StoreResult<()> {
        self.lower(address).await
    }
}

/// Asks for a page. Sorted by when they signed up, nobody changes place when something of them changes.
fn asked(roll: &Roll) -> Vec<(&'static str, String)> {
    let fields = "members.email_address,members.status,members.tags,total_items";
    let mut query = vec![
        ("count", MOST_LISTED.to_string()),
        ("offset", roll.offset.to_string()),
        ("sort_field", "timestamp_signup".to_owned()),
        ("sort_dir", "ASC".to_owned()),
        ("fields", fields.to_owned()),
    ];
    query.extend(roll.archived.then(|| ("status", "archived".to_owned())));
    query.extend(roll.since.map(|since| ("since_last_changed", since_text(since))));
    query
}

/// Whether members of just this second are among them is not documented, so it is one earlier.
fn since_text(since: Timestamp) -> String {
    let second = Timestamp::from_second((since.as_second() - 1).max(0)).unwrap_or_default();
    second.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string()
}

fn row(entry: &Entry, status: &str) -> Json {
    let tags: Vec<&String> = entry.tags.iter().filter_map(|(name, wanted)| wanted.then_some(name)).collect();
    json!({"email_address": entry.address.as_str().trim(), "status": status, "merge_fields": merge_fields(entry), "tags": tags})
}

fn outcomes(added: Added) -> Outcomes {
    let taken = added.new_members.into_iter().chain(added.updated_members).map(|named| (key(&named.email_address), Ok(())));
    let refused = added.errors.iter().map(|row| (key(&row.email_address), Err(row_refusal(row))));
    refused.chain(taken).collect()
}
