//! Webhooks of services whose messages and activities go to the Inbox.
//!
//! A service is a file below this module and a line in the list of `services!`; everything else is the same for all of them.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use http::HeaderMap;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use super::{
    Request, SetUpError, Verified, WebhookError,
    keys::{self, Keys},
    mac,
};
use crate::{
    config,
    model::{
        ids::{SiteId, SourceId},
        message::{Author, Content, Message, Person},
        site::inbox::is_source,
    },
    ports::Secrets,
};

/// Declares the services, each a module with a `Service` of that name. `rustfmt` does not follow this, so it is told of the files apart.
macro_rules! services {
    ($($module:ident),+ $(,)?) => {
        $(mod $module;)+
        const SERVICES: &[&dyn Service] = &[$(&$module::Service),+];
    };
}

services! {
    calendly,
    intercom,
    plain,
    twilio,
}

/// What one service's webhooks look like.
trait Service: Sync {
    /// Its name: in the path, in settings, and in the name of the parameter that holds its secrets.
    fn name(&self) -> &'static str;

    /// Checks the signature, and the time where it is signed, in constant time against each of the secrets.
    fn verify(&self, request: &Request<'_>, trust: &Trust<'_>) -> Result<(), WebhookError>;

    /// Reads what was verified; what is no message and no activity yields nothing.
    fn read(&self, delivery: &Delivery<'_>) -> Result<Vec<Draft>, WebhookError>;

    /// What it wants to hear when everything was taken.
    fn answer(&self) -> Answer {
        Answer::EMPTY
    }

    /// How the service signs.
    #[cfg(test)]
    fn signing(&self) -> tests::Signing;
}

/// What a request is checked against.
struct Trust<'a> {
    secrets: &'a [SecretString],
    /// The URL the service was told, as far as `/webhooks`.
    public_url: &'a str,
    now: Timestamp,
}

impl Trust<'_> {
    /// Refuses an instant more than so many seconds from now, in either direction.
    fn check_time(&self, sent: i64, seconds: u64) -> Result<(), WebhookError> {
        mac::check_time(self.now, sent, seconds)
    }
}

/// A message as its service tells it, without where it came in.
struct Draft {
    /// The service's own id, the same whenever it sends this again.
    id: String,
    who: Person,
    author: Author,
    content: Content,
    /// When it was written, where the service says so.
    at: Option<Timestamp>,
    /// Which it is of those that are dated alike, where the service tells.
    order: u64,
}

/// The answer to a webhook that was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The type of the body; `None` for an empty one.
    pub content_type: Option<&'static str>,
    /// The body.
    pub body: &'static str,
}

impl Answer {
    /// Nothing but the status.
    pub const EMPTY: Self = Self { content_type: None, body: "" };
}

/// Where a message comes in: a service, for a source of a site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    service: &'static str,
    site: SiteId,
    source: SourceId,
}

impl Channel {
    /// Returns the channel of `service`; without a name of its own, a source is called like its service. `None` for what is no service or
    /// no name.
    pub(super) fn new(service: &str, site: &str, source: Option<&str>) -> Option<Self> {
        let service = service_of(service)?.name();
        let source = source.unwrap_or(service);
        is_source(source).then(|| Self { service, site: SiteId::new(site), source: SourceId::new(source) })
    }

    /// Returns the name of the service.
    #[must_use]
    pub const fn service(&self) -> &'static str {
        self.service
    }

    /// Returns the site.
    #[must_use]
    pub const fn site(&self) -> &SiteId {
        &self.site
    }

    /// Returns what the service wants to hear when everything was taken.
    #[must_use]
    pub fn answer(&self) -> Answer {
        service_of(self.service).map_or(Answer::EMPTY, Service::answer)
    }
}

fn service_of(name: &str) -> Option<&'static dyn Service> {
    SERVICES.iter().copied().find(|service| service.name() == name)
}

/// Returns the names of all services, as settings and paths name them.
#[must_use]
pub fn services() -> Vec<&'static str> {
    SERVICES.iter().map(|service| service.name()).collect()
}

/// A request whose sender is known, not read yet.
pub struct Delivery<'a> {
    channel: &'a Channel,
    headers: &'a HeaderMap,
    body: &'a [u8],
}

impl Verified<Delivery<'_>> {
    /// Reads the messages, in parts where they are too long for one event.
    ///
    /// # Errors
    /// [`WebhookError::Unreadable`], [`WebhookError::Missing`] or [`WebhookError::Field`], which names what is wrong.
    pub fn messages(self) -> Result<Vec<Message>, WebhookError> {
        let Channel { service, site, source } = self.payload.channel;
        let drafts = service_of(service).map_or(Ok(Vec::new()), |own| own.read(&self.payload))?;
        let whole = |draft: Draft| Message {
            site: site.clone(),
            source: source.clone(),
            service: (*service).to_owned(),
            id: draft.id,
            order: draft.order,
            part: 0,
            who: draft.who,
            author: draft.author,
            content: draft.content,
            at: draft.at.unwrap_or(self.received),
            attempts: 0,
            searches: 0,
        };
        Ok(drafts.into_iter().map(whole).flat_map(Message::parts).collect())
    }
}

/// Vouches for webhooks of all services.
pub struct MessagesVerifier {
    public_url: String,
    keys: BTreeMap<&'static str, Keys>,
}

impl MessagesVerifier {
    /// Makes a verifier for requests sent to `public_url` (scheme, host, base path), with each service's secrets as `Keys::parse` reads
    /// them. A service without secrets is refused.
    #[must_use]
    pub fn new(public_url: &str, secrets: &[(&str, SecretString)]) -> Self {
        let own = |name| secrets.iter().find(|(service, _)| *service == name).map(|(_, text)| text);
        let keys =
            SERVICES.iter().filter_map(|service| Some((service.name(), Keys::parse(service.name(), own(service.name())?.expose_secret()))));
        Self { public_url: public_url.trim_end_matches('/').to_owned(), keys: keys.collect() }
    }

    /// Makes a verifier from settings, fetching each service's secrets once. Without settings, or without secrets, it refuses everything.
    pub async fn from_settings(settings: &config::MessageWebhooks, secrets: &dyn Secrets) -> Result<Self, SetUpError> {
        let mut found = Vec::new();
        for name in services() {
            found.extend(keys::listed(settings.secret_prefix.as_deref(), name, secrets).await?.map(|text| (name, text)));
        }
        Ok(Self::new(&settings.public_url, &found))
    }

    /// Verifies a request; nothing of its body is parsed before its signature holds.
    pub fn verify<'a>(&self, request: &Request<'a>, channel: &'a Channel, now: Timestamp) -> Result<Verified<Delivery<'a>>, WebhookError> {
        let service = service_of(channel.service).ok_or(WebhookError::Signature)?;
        let secrets = self.keys.get(channel.service).map(|keys| keys.of(&channel.site, &channel.source)).unwrap_or_default();
        service.verify(request, &Trust { secrets, public_url: &self.public_url, now })?;
        Ok(Verified { payload: Delivery { channel, headers: request.headers, body: request.body }, received: now })
    }
}
