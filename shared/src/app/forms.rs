//! The part of the bridge that takes forms in. It reaches Wix alone: no CRM's credentials are needed here.

mod pace;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use tracing::error;

use super::{STANDING_LIFE, lock, wix::WixApp};
use crate::{
    adapters::{
        http::{self, Http, Limiters},
        wix,
    },
    flows::form::Forms,
    model::{
        fingerprint::Key,
        ids::{FormId, SiteId},
        site::{Site, form::Form},
        submission::Submission,
    },
    ports::{Clock, ErrorKind, LinkStore, Queue, Secrets, SiteStore, StoreError, StoreResult, SubmissionStore},
    webhook::forms::secret_names,
};
use pace::Pace;

/// What the taking in of forms stands on.
#[derive(Clone)]
pub struct FormMeans {
    /// The sites.
    pub sites: Arc<dyn SiteStore>,
    /// What is remembered of submissions.
    pub submissions: Arc<dyn SubmissionStore>,
    /// Where it is noted that Wix asked to be left alone.
    pub links: Arc<dyn LinkStore>,
    /// Where submissions wait.
    pub queue: Arc<dyn Queue<Submission>>,
    /// The sites' secrets.
    pub secrets: Arc<dyn Secrets>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The secret all fingerprint keys are derived from.
    pub fingerprint_secret: SecretString,
    /// The app at Wix.
    pub wix: WixApp,
    /// The longest body that is looked at, in bytes.
    pub max_body_bytes: usize,
}

/// A site ready for work, and when its settings were read.
struct Ready {
    read_at: Timestamp,
    forms: Arc<Forms>,
}

/// The forms of all sites.
pub struct FormApp {
    /// What it stands on.
    pub means: FormMeans,
    pool: reqwest::Client,
    limiters: Limiters,
    pace: Pace,
    ready: Mutex<HashMap<SiteId, Ready>>,
}

impl FormApp {
    /// Puts it together.
    pub fn new(means: FormMeans) -> StoreResult<Self> {
        let pool = http::pool().map_err(|failure| failure.during("make the HTTP client"))?;
        let (limiters, pace) = (Limiters::new(means.clock.clone()), Pace::new(means.clock.clone()));
        Ok(Self { means, pool, limiters, pace, ready: Mutex::new(HashMap::new()) })
    }

    /// Returns a site's forms; `None` if the site is not known.
    pub async fn site(&self, site: &SiteId) -> StoreResult<Option<Arc<Forms>>> {
        let now = self.means.clock.now();
        if let Some(forms) = self.cached(site, |ready| now < ready.read_at + STANDING_LIFE) {
            return Ok(Some(forms));
        }
        let Some(settings) = self.means.sites.site(site).await? else { return Ok(None) };
        let forms = match self.cached(site, |ready| ready.forms.site == settings) {
            Some(forms) => forms,
            None => Arc::new(self.assemble(settings).await?),
        };
        lock(&self.ready).insert(site.clone(), Ready { read_at: now, forms: forms.clone() });
        Ok(Some(forms))
    }

    /// Forgets what was read of a site, because its settings were just saved.
    pub fn forget(&self, site: &SiteId) {
        lock(&self.ready).remove(site);
    }

    /// Fetches the secrets a form's sender proves itself with. During a rotation one of them may be gone already.
    ///
    /// # Errors
    /// When the store does not answer, or has none of them.
    pub async fn secrets(&self, form: &Form) -> StoreResult<Vec<SecretString>> {
        let names = secret_names(&form.sender);
        let mut secrets = Vec::new();
        for name in names {
            match self.means.secrets.secret(name).await {
                Ok(secret) => secrets.push(secret),
                Err(failure) if failure.kind == ErrorKind::NotFound => error!(secret.name = %name, "A form's secret does not exist."),
                Err(failure) => return Err(failure),
            }
        }
        if secrets.is_empty() && !names.is_empty() {
            return Err(StoreError::new(ErrorKind::NotFound, "secrets of a form"));
        }
        Ok(secrets)
    }

    /// Tells whether a post to a public form from an internet address still has its turn in this process: what spares the table the worst
    /// of a flood.
    pub fn has_turn(&self, site: &SiteId, form: (&FormId, &Form), from: &str) -> bool {
        let (id, form) = form;
        !form.is_public() || self.pace.admits(site, id, form.limits.per_minute, from)
    }

    /// Counts a post to a public form, and tells whether it is within the form's limit. Exact over all workers.
    pub async fn count(&self, forms: &Forms, form: (&FormId, &Form), from: &str) -> StoreResult<bool> {
        let (id, form) = form;
        if !form.is_public() {
            return Ok(true);
        }
        let from = forms.key.digest("posts", from);
        let (site, now) = (&forms.site.site, self.means.clock.now());
        self.means.submissions.count_post(site, id, &from, form.limits.per_minute, now).await
    }

    fn cached(&self, site: &SiteId, usable: impl Fn(&Ready) -> bool) -> Option<Arc<Forms>> {
        lock(&self.ready).get(site).filter(|ready| usable(ready)).map(|ready| ready.forms.clone())
    }

    async fn assemble(&self, site: Site) -> StoreResult<Forms> {
        let (means, clock) = (&self.means, &self.means.clock);
        let limiter = self.limiters.of(&site.site, "wix", wix::RATE);
        let http = Http::new(self.pool.clone(), clock.clone(), limiter, wix::HABITS);
        // A contact that a form makes has no counterpart yet, and its mirror field stays empty.
        let wix = Arc::new(means.wix.client(&site, None, &means.secrets, (http, clock.clone())).await?);
        Ok(Forms {
            key: Key::derive(means.fingerprint_secret.expose_secret().as_bytes(), &site.site),
            contacts: wix.clone(),
            subscriptions: wix,
            submissions: means.submissions.clone(),
            queue: means.queue.clone(),
            links: means.links.clone(),
            clock: clock.clone(),
            owner: Arc::new(|| uuid::Uuid::new_v4().to_string()),
            site,
        })
    }
}
