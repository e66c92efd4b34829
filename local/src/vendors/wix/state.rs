//! What the simulated Wix remembers.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use serde_json::Value;

use super::{
    auth::Asked,
    contact::Contact,
    definitions::Definitions,
    directory::Directory,
    filter::Sought,
    inbox::Inbox,
    keys::Keys,
    mails::Mail,
    refusal::Refusal,
    subscriptions::{Mirror, Subscriptions},
};
use crate::vendors::kit::{ControlError, Core, Ids, Lagged};

/// Everything the handlers share.
#[derive(Clone)]
pub struct World {
    pub(super) core: Core,
    pub(super) ids: Ids,
    pub(super) keys: Keys,
    pub(super) app: Arc<App>,
    pub(super) state: Arc<Mutex<State>>,
}

/// The app the calls come from.
#[derive(Clone)]
pub(super) struct App {
    pub id: String,
    pub secret: String,
    pub api_keys: Vec<String>,
}

#[derive(Default)]
pub(super) struct State {
    /// By instance id.
    pub sites: BTreeMap<String, Site>,
    /// The order sites were added in.
    pub order: Vec<String>,
    /// By access token.
    pub tokens: HashMap<String, Token>,
    pub webhook_urls: Vec<String>,
}

#[derive(Clone)]
pub(super) struct Token {
    pub instance_id: String,
    pub issued_ms: i64,
    pub expires_ms: i64,
}

#[derive(Default)]
pub(super) struct Site {
    pub id: String,
    pub instance_id: String,
    pub owner_id: String,
    pub installed: bool,
    pub contacts: BTreeMap<String, Lagged<Contact>>,
    pub directory: Directory,
    /// From then on searches see every write there was.
    pub settled_ms: i64,
    pub labels: Definitions,
    pub fields: Definitions,
    /// Last `entityEventSequence` per entity.
    pub sequences: HashMap<String, u64>,
    pub jobs: BTreeMap<String, Value>,
    pub inbox: Inbox,
    pub subscriptions: Subscriptions,
    /// What people would have found in their mailboxes.
    pub mails: Vec<Mail>,
}

impl State {
    /// The site with this site id or instance id.
    pub fn site_named(&self, name: &str) -> Option<&Site> {
        self.sites.get(name).or_else(|| self.sites.values().find(|site| site.id == name))
    }

    /// The site named, or all.
    fn sites_named(&self, name: Option<&str>) -> Result<Vec<&Site>, ControlError> {
        Ok(match name {
            Some(name) => vec![self.site_named(name).ok_or("site: no such site")?],
            None => self.sites.values().collect(),
        })
    }

    /// The instance id of the site named, or of the first site.
    pub fn instance_of(&self, name: Option<&str>) -> Option<String> {
        match name {
            Some(name) => self.site_named(name).map(|site| site.instance_id.clone()),
            None => self.order.first().cloned(),
        }
    }
}

impl World {
    pub(super) fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Runs `act` on the site the call is about.
    pub(super) fn at<T>(&self, asked: &Asked, act: impl FnOnce(&mut Desk<'_>) -> Result<T, Refusal>) -> Result<T, Refusal> {
        self.with(|state| {
            let urls = state.webhook_urls.clone();
            let site = state.sites.get_mut(&asked.instance_id).ok_or_else(|| Refusal::bare(401, "Unauthorized"))?;
            act(&mut Desk { world: self, asked, site, urls, now_ms: self.now_ms(), silent: false })
        })
    }

    /// Wix's clock, which need not be ours.
    pub(super) fn now_ms(&self) -> i64 {
        let shift = |name| self.core.switches.number(name);
        self.core.clock.now_ms() + shift("clock_ahead_ms") - shift("clock_behind_ms")
    }

    /// What `show` makes of the site named, or of all sites.
    pub(super) fn of_sites(&self, name: Option<&str>, show: impl Fn(&Site) -> Vec<Value>) -> Result<Vec<Value>, ControlError> {
        self.with(|state| Ok(state.sites_named(name)?.into_iter().flat_map(show).collect()))
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        self.core.switches.flag(name)
    }

    pub(super) fn is(&self, name: &str, word: &str) -> bool {
        self.core.switches.is(name, word)
    }
}

/// One call at work on its site.
pub(super) struct Desk<'a> {
    pub world: &'a World,
    pub asked: &'a Asked,
    pub site: &'a mut Site,
    pub urls: Vec<String>,
    pub now_ms: i64,
    /// Raise no events.
    pub silent: bool,
}

impl Desk<'_> {
    /// A contact that exists.
    ///
    /// # Errors
    /// 404 `CONTACT_NOT_FOUND`, also for merged sources.
    pub fn contact(&self, id: &str) -> Result<Contact, Refusal> {
        let found = self.site.contacts.get(id).map(Lagged::current).filter(|contact| contact.is_live());
        found.cloned().ok_or_else(Refusal::no_contact)
    }

    /// Stores a contact with what it shows of its subscriptions; searches see it after the lag, people's
    /// writes at once unless these lag as well.
    pub fn store(&mut self, mut contact: Contact) -> Contact {
        contact.mirror = Mirror::of(&contact, self.site, self.world.is("mirrored_email", "effective"));
        let at_once = self.asked.is_person() && !self.world.flag("people_lag");
        let lag = if at_once { 0 } else { self.world.core.switches.number("visibility_lag_ms") };
        let visible_ms = self.now_ms + lag;
        self.site.settled_ms = self.site.settled_ms.max(visible_ms);
        let known = self.site.contacts.get_mut(&contact.id);
        self.site.directory.replace(known.as_deref().map(Lagged::current), &contact);
        match known {
            Some(known) => known.write(contact.clone(), self.now_ms, visible_ms),
            None => {
                self.site.contacts.insert(contact.id.clone(), Lagged::new(contact.clone(), visible_ms));
            }
        }
        contact
    }

    /// Stores a contact that changed on the side; the switch says whether that makes a new revision and an event.
    pub fn touch(&mut self, switch: &str, before: &Contact, mut after: Contact) {
        let how = self.world.core.switches.word(switch);
        if how != "quiet" {
            after.revision += 1;
            after.updated_ms = self.now_ms;
        }
        let after = self.store(after);
        if how == "bump_and_event" {
            self.raise_updated(&after, before);
        }
    }

    /// The existing contacts that have this e-mail.
    pub fn with_email(&self, email: &str) -> Vec<Contact> {
        self.site.directory.with_email(&email.to_lowercase()).filter_map(|id| self.contact(id).ok()).collect()
    }

    /// The contacts that have one of these values, in the order of [`Self::visible`].
    pub fn known(&self, sought: &Sought) -> impl Iterator<Item = &Contact> {
        let ids = self.site.directory.with_any(sought);
        ids.into_iter().filter_map(|id| self.site.contacts.get(id)).map(Lagged::current).filter(|contact| contact.is_live())
    }

    /// All contacts that exist.
    pub fn live(&self) -> impl Iterator<Item = &Contact> {
        self.site.contacts.values().map(Lagged::current).filter(|contact| contact.is_live())
    }

    /// All contacts searches see now.
    pub fn visible(&self) -> impl Iterator<Item = &Contact> {
        self.site.contacts.values().filter_map(|c| c.seen(self.now_ms)).filter(|contact| contact.is_live())
    }
}
