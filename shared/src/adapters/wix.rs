//! Wix contacts, over the REST API v4 (<https://dev.wix.com/docs/api-reference/crm/members-contacts/contacts/introduction>).
//!
//! What the vendor's documentation leaves open is met in a way that is right for every reading: lists and extended fields are sent
//! whole, names with both parts, and whether clearing worked is looked up in the reply.

mod auth;
mod call;
mod change;
mod contact;
mod contacts;
mod inbox;
mod listing;
mod lists;
mod place;
mod refusal;
#[cfg(test)]
pub(crate) mod samples;
mod schema;
mod store;
mod subscriptions;

use std::{
    collections::BTreeSet,
    num::NonZeroU32,
    sync::{Arc, PoisonError},
    time::Duration,
};

use reqwest::Url;
use tokio::sync::Mutex;

pub use self::{
    auth::Credentials,
    change::{Change, Clearing, Rules, from_patch},
    contact::{to_contact, whole_contact},
    contacts::{Page, Query},
    refusal::HABITS,
    schema::{DataType, ExtendedField, Label},
};
use crate::{
    adapters::http::{Http, Rate},
    model::field::Field,
    ports::{Clock, Secrets},
};

/// The public address of the API.
pub const BASE: &str = "https://www.wixapis.com";

/// A pace within the 200 requests a minute that are allowed per installation of an app
/// (<https://dev.wix.com/docs/rest/articles/getting-started/rate-limits>). Each process keeps it; where several together draw a 429, the
/// site's cool-down holds all of them back.
pub const RATE: Rate = Rate {
    requests: NonZeroU32::new(180).expect("it is not zero"),
    per: Duration::from_mins(1),
    burst: NonZeroU32::new(20).expect("it is not zero"),
    longest_wait: Duration::from_secs(5),
};

/// The pace of exports, evenly spread: forms and messages of the site, which know of no run, need the rest.
pub const BULK_RATE: Rate = Rate {
    requests: NonZeroU32::new(180).expect("it is not zero"),
    per: Duration::from_mins(1),
    burst: NonZeroU32::MIN,
    longest_wait: Duration::from_mins(1),
};

/// Which site, and how to reach it.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The address of the API: [`BASE`], or a simulator's.
    pub base: Url,
    /// What lets us in.
    pub credentials: Credentials,
    /// The key of the extended field that holds the counterpart's id, as [`crate::ports::ContactStore::set_up`] returned it.
    pub mirror_field: Option<String>,
    /// The country (ISO 3166-1 alpha-2) of phone numbers without prefix.
    pub default_country: Option<String>,
}

/// The contacts of one site.
pub struct Client {
    settings: Settings,
    clock: Arc<dyn Clock>,
    http: Http,
    auth: auth::Auth,
    numbers: Mutex<Option<schema::Numbers>>,
    clearing: std::sync::Mutex<Clearing>,
}

impl Client {
    /// Makes a client; nothing is sent yet. `http` must have [`HABITS`].
    #[must_use]
    pub fn new(settings: Settings, clock: Arc<dyn Clock>, http: Http) -> Self {
        let auth = auth::Auth::new(settings.credentials.clone());
        Self { settings, clock, http, auth, numbers: Mutex::new(None), clearing: std::sync::Mutex::new(Clearing::FIRST) }
    }

    /// Looks a refused API key up again: a person may have replaced it.
    #[must_use]
    pub fn renewing_from(mut self, secrets: Arc<dyn Secrets>) -> Self {
        self.auth = self.auth.renewing_from(secrets);
        self
    }

    fn mirror(&self) -> Option<&str> {
        self.settings.mirror_field.as_deref()
    }

    /// Returns the form of emptiness that worked the last time.
    fn clearing(&self) -> Clearing {
        *self.clearing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remember_clearing(&self, form: Clearing, cleared: &BTreeSet<Field>) {
        let mut clearing = self.clearing.lock().unwrap_or_else(PoisonError::into_inner);
        *clearing = clearing.after(form, cleared);
    }
}

#[cfg(test)]
mod tests;
