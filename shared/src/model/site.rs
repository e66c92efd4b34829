//! A site's settings, as the owner saves them.

mod export;
pub mod form;
pub mod inbox;
pub mod subscribers;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::export::{Export, Include};
use super::{
    field::Field,
    ids::{RowId, Side, SiteId},
};

/// Everything the bridge knows of a site that is not about one contact. Holds references to secrets, never a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Site {
    /// The site, the Wix `instanceId`.
    pub site: SiteId,
    /// Counts saves; a save is conditional on it.
    #[serde(default)]
    pub version: u64,
    /// Where the app's installation stands.
    #[serde(default)]
    pub status: Status,
    /// When the app was last installed or removed, as Wix tells; kept by the bridge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_at: Option<Timestamp>,
    /// Whether the owner has paused the site.
    #[serde(default)]
    pub paused: bool,
    /// Who wins a conflict; nothing is synchronised until the owner has chosen.
    #[serde(default)]
    pub system_of_record: Option<Side>,
    /// What happens to a field that changed differently on both sides.
    #[serde(default)]
    pub on_conflict: OnConflict,
    /// What happens to the counterpart of a deleted record.
    #[serde(default)]
    pub on_delete: OnDelete,
    /// What happens to the counterparts of merged records.
    #[serde(default)]
    pub on_merge: OnMerge,
    /// How many deletes may be propagated.
    #[serde(default)]
    pub rails: Rails,
    /// The scheduled export, and how often the sides are compared.
    #[serde(default)]
    pub export: Export,
    /// The country (ISO 3166-1 alpha-2) of phone numbers without a prefix.
    #[serde(default)]
    pub default_country: Option<String>,
    /// How to reach Wix.
    #[serde(default)]
    pub wix: WixAccess,
    /// Which CRM, and how to reach it.
    pub crm: CrmAccess,
    /// The mapping; empty means the CRM's default one.
    #[serde(default)]
    pub mapping: Vec<MappingRow>,
    /// How often rows lost their fields under the same id; kept by the bridge. See [`Site::row_keys`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub generations: BTreeMap<RowId, u32>,
    /// The key of the Wix extended field that mirrors the external id, as Wix returned it.
    #[serde(default)]
    pub mirror_field: Option<String>,
    /// The forms whose submissions become contacts.
    #[serde(default, skip_serializing_if = "form::Forms::is_empty")]
    pub forms: form::Forms,
    /// Where messages and activities come from.
    #[serde(default, skip_serializing_if = "inbox::Inbox::is_empty")]
    pub inbox: inbox::Inbox,
    /// The e-mail subscribers, if they go to a mailing service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscribers: Option<subscribers::Subscribers>,
}

impl Site {
    /// Stands in a row's key between its id and its generation, so it may stand in no id.
    pub const GENERATION: char = '~';

    /// Gives rows the keys under which links know them: a row whose fields were replaced is another row, and what both sides last agreed on in
    /// its old fields says nothing of the new ones.
    #[must_use]
    pub fn row_keys(&self, mut rows: Vec<MappingRow>) -> Vec<MappingRow> {
        for row in &mut rows {
            if let Some(generation) = self.generations.get(&row.id) {
                row.id = RowId::new(format!("{}{}{generation}", row.id, Self::GENERATION));
            }
        }
        rows
    }

    /// Counts the rows of `before` that are no longer there, or join other fields now.
    pub fn retire_rows(&mut self, before: &[MappingRow], now: &[MappingRow]) {
        let stays = |old: &MappingRow| now.iter().any(|row| row.id == old.id && row.wix == old.wix && row.external == old.external);
        for old in before.iter().filter(|old| !stays(old)) {
            *self.generations.entry(old.id.clone()).or_default() += 1;
        }
    }
}

/// Where the app's installation stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Installed.
    #[default]
    Installed,
    /// Removed; nothing is synchronised, and the data is purged after `purge_at`.
    Removed {
        /// When what is stored about the site may be purged.
        purge_at: Timestamp,
    },
}

/// What happens to a field that changed differently on both sides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnConflict {
    /// The field's system of record wins.
    #[default]
    SystemOfRecord,
    /// The field is parked, both values stay until a person decides.
    Park,
}

/// What happens to the counterpart of a deleted record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnDelete {
    /// It stays, and the link ends.
    #[default]
    Unlink,
    /// It is deleted as well.
    Propagate,
}

/// What happens to the counterparts of merged records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnMerge {
    /// The older link goes to the winner; the other counterpart stays, unlinked and reported.
    #[default]
    Unlink,
    /// The counterparts are merged as well.
    Propagate,
}

/// How many deletes may be propagated within an hour before the rest waits for approval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rails {
    /// At most so many.
    pub deletes_per_hour: u32,
    /// At most this share of the site's links, in percent, though never fewer than [`Rails::FLOOR`].
    pub percent_per_hour: u32,
}

impl Rails {
    /// The percentage never holds back fewer deletes than this, or a small site could delete nothing.
    pub const FLOOR: u32 = 5;
}

impl Default for Rails {
    fn default() -> Self {
        Self { deletes_per_hour: 50, percent_per_hour: 10 }
    }
}

/// Deletes that were propagated lately, by the minute, so that an hour is any sixty minutes and not one of the clock.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Spent(BTreeMap<i64, u32>);

impl Spent {
    /// Counts one more delete at `now`, unless `limit` are counted within the hour before; tells whether it was counted.
    ///
    /// A minute counts until all of it is an hour ago, also one that is yet to come for a worker whose clock is behind.
    pub fn spend(&mut self, now: Timestamp, limit: u32) -> bool {
        let minute = now.as_second().div_euclid(60);
        self.0.retain(|counted, _| *counted >= minute - 60);
        let lately = self.0.values().fold(0, |sum: u32, spent| sum.saturating_add(*spent));
        if lately >= limit {
            return false;
        }
        *self.0.entry(minute).or_default() += 1;
        true
    }
}

/// How to reach Wix for a site.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "snake_case", deny_unknown_fields)]
pub enum WixAccess {
    /// As the app: client credentials of the deployment, for this instance.
    #[default]
    App,
    /// With an API key of the site owner's account.
    ApiKey {
        /// The name of the secret that holds the key.
        secret: String,
        /// The Wix site id, sent as `wix-site-id`.
        site_id: String,
    },
}

/// Which CRM a site uses, and how to reach it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum CrmAccess {
    /// HubSpot.
    Hubspot {
        /// The name of the secret that holds the credentials.
        secret: String,
    },
    /// Pipedrive.
    Pipedrive {
        /// The company's name, as it stands before `.pipedrive.com`.
        company: String,
        /// The name of the secret that holds the API token.
        secret: String,
    },
}

impl CrmAccess {
    /// Returns the name of the secret that holds the credentials.
    #[must_use]
    pub fn secret(&self) -> &str {
        match self {
            Self::Hubspot { secret } | Self::Pipedrive { secret, .. } => secret,
        }
    }

    /// Returns the field that names another account than before, if one does. Of accounts that credentials alone tell apart nothing is known.
    #[must_use]
    pub fn moved_from(&self, before: &Self) -> Option<&'static str> {
        match (self, before) {
            (Self::Hubspot { .. }, Self::Hubspot { .. }) => None,
            (Self::Pipedrive { company, .. }, Self::Pipedrive { company: before, .. }) => {
                (!company.eq_ignore_ascii_case(before)).then_some("crm.company")
            }
            (Self::Hubspot { .. }, Self::Pipedrive { .. }) | (Self::Pipedrive { .. }, Self::Hubspot { .. }) => Some("crm.kind"),
        }
    }

    /// Checks what can be told without asking anybody; the field and the rule it breaks.
    pub fn check(&self) -> Result<(), (&'static str, &'static str)> {
        if self.secret().trim().is_empty() {
            return Err(("crm.secret", "must name the secret that holds the credentials"));
        }
        match self {
            Self::Pipedrive { company, .. } if !is_host_name(company) => {
                Err(("crm.company", "must be what stands before .pipedrive.com: letters, digits and hyphens"))
            }
            Self::Pipedrive { .. } | Self::Hubspot { .. } => Ok(()),
        }
    }
}

/// Tells whether a text is one part of a host's name; anything else would lead the credentials elsewhere.
fn is_host_name(text: &str) -> bool {
    (1..=63).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// One row of a site's mapping: a Wix field and a property of the CRM that hold the same thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MappingRow {
    /// Its id, unique in the mapping and stable while the row is edited.
    pub id: RowId,
    /// The Wix field.
    pub wix: Field,
    /// The CRM's property.
    pub external: Field,
    /// Which way values flow.
    #[serde(default)]
    pub direction: Direction,
    /// How values are converted.
    #[serde(default)]
    pub transform: Transform,
    /// What an empty value does on the other side.
    #[serde(default)]
    pub on_empty: OnEmpty,
    /// Who wins a conflict in this row, if not the site's system of record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system_of_record: Option<Side>,
}

/// Which way values flow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Both ways.
    #[default]
    Both,
    /// From Wix to the CRM.
    ToCrm,
    /// From the CRM to Wix.
    ToWix,
}

/// What an empty value does on the other side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnEmpty {
    /// Clearing a field clears its counterpart.
    #[default]
    Clear,
    /// Clearing a field leaves its counterpart as it is.
    Keep,
}

/// How values are converted on their way.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Transform {
    /// As it is.
    #[default]
    None,
    /// Without blanks at both ends.
    Trim,
    /// In lower case.
    Lower,
    /// In upper case.
    Upper,
    /// E.164 where the number can be parsed with the site's default country, else as it is.
    Phone,
    /// A calendar date: `YYYY-MM-DD` in Wix; in the CRM that, or this pattern of `YYYY`, `MM`, `DD`.
    Date {
        /// The CRM's pattern; absent means `YYYY-MM-DD`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pattern: Option<String>,
    },
    /// The country's ISO 3166-1 alpha-2 code in Wix, its English name in the CRM.
    Country,
    /// A table from Wix options to the CRM's.
    Options {
        /// Wix option to CRM option.
        table: BTreeMap<String, String>,
    },
    /// A list in Wix, one text with this separator in the CRM.
    Join {
        /// The separator.
        separator: String,
    },
    /// Always this text, in the CRM.
    Constant {
        /// The text.
        value: String,
    },
}
