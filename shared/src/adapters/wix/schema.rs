//! The site's labels and extended fields
//! (<https://dev.wix.com/docs/api-reference/crm/members-contacts/contacts/labels/introduction>,
//! <https://dev.wix.com/docs/api-reference/crm/members-contacts/contacts/extended-fields/introduction>).

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use super::{
    Client,
    call::Call,
    place::{ADDRESS_TAGS, PARTS, PHONE_TAGS, is_writable},
};
use crate::{
    model::field::{Field, FieldSpec, Kind},
    ports::{ErrorKind, StoreError, StoreResult},
};

/// What the mirror field is called when it is made.
const MIRROR_NAME: &str = "externalCrmId";

/// Labels on a page of the listing, and fields; the most a site can have is 2,000 and 100 of its own.
const PAGE: usize = 100;

/// More pages than these are not read.
const MOST_PAGES: usize = 50;

/// How long the types of the fields are remembered.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(1);

/// What an extended field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum DataType {
    /// Text.
    #[serde(rename = "TEXT")]
    Text,
    /// A number.
    #[serde(rename = "NUMBER")]
    Number,
    /// A calendar date.
    #[serde(rename = "DATE")]
    Date,
    /// A web address.
    #[serde(rename = "URL")]
    Url,
    /// What we do not know.
    #[serde(other)]
    Other,
}

impl DataType {
    fn kind(self) -> Kind {
        match self {
            Self::Text | Self::Other => Kind::Text,
            Self::Number => Kind::Number,
            Self::Date => Kind::Date,
            Self::Url => Kind::Url,
        }
    }
}

impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text | Self::Other => "TEXT",
            Self::Number => "NUMBER",
            Self::Date => "DATE",
            Self::Url => "URL",
        })
    }
}

/// An extended field of the site.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExtendedField {
    /// Its key with the namespace; it never changes, and cannot be told from the name.
    pub key: String,
    /// What the owner calls it.
    #[serde(default)]
    pub display_name: String,
    /// What it holds.
    pub data_type: DataType,
}

/// A label of the site.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Label {
    /// Its key with the namespace.
    pub key: String,
    /// What the owner calls it.
    #[serde(default)]
    pub display_name: String,
}

#[derive(Deserialize)]
struct FieldReply {
    field: ExtendedField,
}

#[derive(Deserialize)]
struct FieldsReply {
    #[serde(default)]
    fields: Vec<ExtendedField>,
}

#[derive(Deserialize)]
struct LabelReply {
    label: Label,
}

#[derive(Deserialize)]
struct LabelsReply {
    #[serde(default)]
    labels: Vec<Label>,
}

/// The keys of the extended fields that hold numbers, as they were at this time.
pub(super) struct Numbers {
    pub(super) keys: BTreeSet<String>,
    read_at: Timestamp,
}

impl Client {
    /// Finds the extended field of this name, or makes it. A found one keeps its type, whatever is asked for.
    pub async fn find_or_create_field(&self, name: &str, data_type: DataType) -> StoreResult<ExtendedField> {
        let call = Call::write("wix find or create field", Method::POST, self.url(&["contacts", "v4", "extended-fields"]));
        let body = json!({"displayName": name, "dataType": data_type.to_string()});
        Ok(self.call::<FieldReply>(&call.body(body)).await?.field)
    }

    /// Returns the site's extended fields, Wix's own included.
    pub async fn extended_fields(&self) -> StoreResult<Vec<ExtendedField>> {
        let mut all = BTreeMap::new();
        for page in 0..MOST_PAGES {
            let reply: FieldsReply = self.call(&self.listing("extended-fields", page)).await?;
            let last = reply.fields.len() < PAGE;
            all.extend(reply.fields.into_iter().map(|field| (field.key.clone(), field)));
            if last {
                break;
            }
        }
        Ok(all.into_values().collect())
    }

    /// Finds the label of this name, or makes it.
    pub async fn find_or_create_label(&self, name: &str) -> StoreResult<Label> {
        let call = Call::write("wix find or create label", Method::POST, self.url(&["contacts", "v4", "labels"]));
        Ok(self.call::<LabelReply>(&call.body(json!({"displayName": name}))).await?.label)
    }

    /// Returns the site's labels.
    pub async fn labels(&self) -> StoreResult<Vec<Label>> {
        let mut all = BTreeMap::new();
        for page in 0..MOST_PAGES {
            let reply: LabelsReply = self.call(&self.listing("labels", page)).await?;
            let last = reply.labels.len() < PAGE;
            all.extend(reply.labels.into_iter().map(|label| (label.key.clone(), label)));
            if last {
                break;
            }
        }
        Ok(all.into_values().collect())
    }

    fn listing(&self, what: &str, page: usize) -> Call {
        let mut url = self.url(&["contacts", "v4", what]);
        url.query_pairs_mut().append_pair("paging.limit", &PAGE.to_string()).append_pair("paging.offset", &(page * PAGE).to_string());
        Call::read(format!("wix list {what}"), Method::GET, url)
    }

    /// Returns the keys of the fields that hold numbers, from memory if it is fresh.
    pub(super) async fn number_fields(&self) -> StoreResult<BTreeSet<String>> {
        let mut numbers = self.numbers.lock().await;
        let now = self.clock.now();
        if let Some(known) = numbers.as_ref().filter(|known| now.duration_since(known.read_at) < REMEMBERED) {
            return Ok(known.keys.clone());
        }
        let fields = self.extended_fields().await?;
        let keys: BTreeSet<_> = fields.into_iter().filter(|field| field.data_type == DataType::Number).map(|field| field.key).collect();
        *numbers = Some(Numbers { keys: keys.clone(), read_at: now });
        Ok(keys)
    }

    /// Returns what the bridge can read and write of a contact.
    pub(super) async fn specs(&self) -> StoreResult<Vec<FieldSpec>> {
        let labels = self.labels().await?.into_iter().map(|label| label.key).collect();
        let mut specs = standard_fields();
        specs.push(spec("labels", Kind::Choices(labels)));
        for field in self.extended_fields().await? {
            let writable = is_writable(&field.key) && self.mirror() != Some(field.key.as_str());
            specs.push(FieldSpec { field: Field::new(field.key), kind: field.data_type.kind(), writable });
        }
        Ok(specs)
    }

    /// Finds or makes the field that mirrors the counterpart's id, and returns its key.
    pub(super) async fn mirror_key(&self) -> StoreResult<String> {
        let field = self.find_or_create_field(MIRROR_NAME, DataType::Text).await?;
        if field.data_type != DataType::Text {
            let kind = ErrorKind::Invalid(vec![Field::new(field.key)]);
            return Err(StoreError::new(kind, format!("wix set up: the field {MIRROR_NAME} exists and does not hold text")));
        }
        Ok(field.key)
    }
}

fn spec(name: impl Into<String>, kind: Kind) -> FieldSpec {
    FieldSpec { field: Field::new(name), kind, writable: true }
}

/// Returns the fields that every contact has.
fn standard_fields() -> Vec<FieldSpec> {
    let mut specs: Vec<_> = ["name.first", "name.last", "company", "jobTitle", "locale"].map(|name| spec(name, Kind::Text)).into();
    specs.push(spec("birthdate", Kind::Date));
    specs.push(spec("email", Kind::Email));
    specs.push(spec("emails", Kind::List(Box::new(Kind::Email))));
    specs.push(spec("phone", Kind::Phone));
    specs.push(spec("phones", Kind::List(Box::new(Kind::Phone))));
    specs.extend(PHONE_TAGS.map(|(tag, _)| spec(format!("phone.{tag}"), Kind::Phone)));
    specs.extend(PARTS.map(|(part, _)| spec(format!("address.{part}"), Kind::Text)));
    specs.extend(ADDRESS_TAGS.iter().flat_map(|(tag, _)| PARTS.map(|(part, _)| spec(format!("address.{tag}.{part}"), Kind::Text))));
    specs
}
