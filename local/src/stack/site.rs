//! Sites of a stack: a Wix site, a portal, a secret and settings.

use contact_bridge::{
    flows::setup::{self, SettingsError},
    model::{
        ids::{Side, SiteId},
        site::{CrmAccess, Direction, OnDelete, OnMerge, Site},
    },
    ports::{ErrorKind, StoreError},
};

use super::Stack;
use crate::vendors::{hubspot::PortalOptions, mailchimp::AccountOptions, pipedrive::CompanyOptions, wix::SiteIds};

/// A site of a stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteHandle {
    /// The site's id: the id of the app's instance on the Wix site.
    pub id: SiteId,
    /// The `HubSpot` portal.
    pub portal: u64,
    /// The Wix site.
    pub wix_site_id: String,
    /// The id of the audience of its Mailchimp account; the account's name is the site's id, its key `key-<site's id>-us6`.
    pub audience: String,
    /// The id of its Pipedrive company; the company's name is the site's id, its token `token-<site's id>`.
    pub company: u64,
}

impl SiteHandle {
    /// The ids of the site of this name, always the same ones; settings may need them before the site is there.
    #[must_use]
    pub fn named(name: &str) -> Self {
        let (instance, site) = (hash(name, 1), hash(name, 2));
        Self {
            id: SiteId::new(guid(instance, hash(name, 3))),
            portal: 1_000_000 + instance % 8_999_999,
            wix_site_id: guid(site, hash(name, 4)),
            audience: format!("{:010x}", hash(name, 5) >> 24),
            company: 1_000_000 + hash(name, 6) % 8_999_999,
        }
    }

    /// The settings of a site whose CRM is Pipedrive.
    #[must_use]
    pub fn in_pipedrive(&self) -> CrmAccess {
        CrmAccess::Pipedrive { company: "simulated".to_owned(), secret: format!("pipedrive/{}", self.id) }
    }

    pub(super) fn token(&self, crm: &CrmAccess) -> String {
        match crm {
            CrmAccess::Hubspot { .. } => format!("pat-{}", self.portal),
            CrmAccess::Pipedrive { .. } => format!("token-{}", self.id),
        }
    }
}

/// FNV-1a.
fn hash(name: &str, salt: u8) -> u64 {
    let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    [salt].into_iter().chain(name.bytes()).fold(0xcbf2_9ce4_8422_2325, mix)
}

fn guid(high: u64, low: u64) -> String {
    let (high, low) = (high >> 16, low >> 16);
    format!("{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}", high >> 16, high & 0xffff, low & 0xfff, (low >> 12) & 0xfff, low)
}

impl Stack {
    /// Adds a site, or brings back the one of this name that the store knows: the Wix site and the portal with their webhooks led to
    /// the gateway, the mailing service if it has one, the secrets, and settings saved like an owner saves them. Wix is the system of record, deletes and merges are
    /// propagated, unless `adjust` says otherwise.
    ///
    /// # Errors
    /// When the site exists in this stack, or its settings are refused.
    pub async fn add_site(&self, name: &str, adjust: impl FnOnce(&mut Site)) -> anyhow::Result<SiteHandle> {
        self.add(name, Some(format!("{}/webhooks/hubspot", self.door.gateway.url())), adjust).await
    }

    /// Adds a site that the store does not know yet, under this name and a number, with a portal that sends no webhooks: what people do there
    /// is nobody's business.
    ///
    /// # Errors
    /// As [`Self::add_site`].
    pub async fn add_new_site(&self, name: &str) -> anyhow::Result<SiteHandle> {
        let known = self.app.means.sites.sites().await?;
        let is_free = |name: &String| known.iter().all(|site| site.site != SiteHandle::named(name).id);
        let name = (1..=known.len() + 1).map(|number| format!("{name}-{number}")).find(is_free).unwrap_or_default();
        self.add(&name, None, |site| site.default_country = Some("GB".to_owned())).await
    }

    async fn add(&self, name: &str, webhooks: Option<String>, adjust: impl FnOnce(&mut Site)) -> anyhow::Result<SiteHandle> {
        let handle = SiteHandle::named(name);
        anyhow::ensure!(!self.handles().contains_key(&handle.id), "name: the site {name} exists");
        let mut site = match self.app.means.sites.site(&handle.id).await? {
            Some(known) => known,
            None => fresh(&handle),
        };
        adjust(&mut site);
        self.connect_vendors(&handle, &site, webhooks)?;
        self.handles().insert(handle.id.clone(), handle.clone());
        self.save_site(site).await?;
        Ok(handle)
    }

    fn connect_vendors(&self, handle: &SiteHandle, site: &Site, webhooks: Option<String>) -> anyhow::Result<()> {
        let properties = setup::rows(site).into_iter().filter(|row| row.direction != Direction::ToCrm);
        let properties = properties.map(|row| row.external.as_str().to_owned());
        let portal = PortalOptions {
            site: Some(handle.id.to_string()),
            webhook_url: webhooks.map(|url| format!("{url}/{}", handle.id)),
            subscribed_properties: Some(properties.collect()),
            ..PortalOptions::new(handle.portal, &format!("pat-{}", handle.portal))
        };
        self.hubspot.add_portal(portal).map_err(|refusal| anyhow::anyhow!(refusal.0))?;
        self.mailchimp.add_account(&AccountOptions::new(handle.id.as_str(), &handle.audience))?;
        self.pipedrive.add_company(&CompanyOptions::new(handle.id.as_str(), handle.company))?;
        self.wix.add_site(&SiteIds { site_id: handle.wix_site_id.clone(), instance_id: handle.id.to_string() });
        self.vault.put(site.crm.secret(), handle.token(&site.crm));
        Ok(())
    }

    /// Makes the site's secret unreadable, or puts it back.
    pub fn lose_secret(&self, handle: &SiteHandle, lost: bool) {
        let crm = setup::defaults(&handle.id).crm;
        self.vault.put(crm.secret(), if lost { "{\"refresh_token\":".to_owned() } else { handle.token(&crm) });
    }

    /// Saves settings like an owner does: checked against what both sides have. Where they have a mailing service for the first time, its key
    /// is among the secrets then, and its webhooks lead to the gateway.
    ///
    /// # Errors
    /// Names the field and the rule.
    pub async fn save_site(&self, site: Site) -> Result<Site, SettingsError> {
        self.connect_company(&site).await.map_err(|error| StoreError::new(ErrorKind::Unavailable, error.to_string()))?;
        self.connect_mailing(&site).await.map_err(|error| StoreError::new(ErrorKind::Unavailable, error.to_string()))?;
        let saved = self.app.save(site).await?;
        for employee in self.workers() {
            employee.app.forget(&saved.site);
            employee.relays.forget(&saved.site);
        }
        self.forms.forget(&saved.site);
        Ok(saved)
    }

    /// The sites added, in the order of their ids.
    #[must_use]
    pub fn sites(&self) -> Vec<SiteHandle> {
        self.handles().values().cloned().collect()
    }
}

fn fresh(handle: &SiteHandle) -> Site {
    Site { system_of_record: Some(Side::Wix), on_delete: OnDelete::Propagate, on_merge: OnMerge::Propagate, ..setup::defaults(&handle.id) }
}
