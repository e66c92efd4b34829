//! Sites: the app installed, settings saved, the app removed.

use std::{collections::BTreeMap, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use thiserror::Error;
use tracing::{info, warn};

use super::{
    form::{self, FormError},
    run,
};
use crate::{
    mapping::{self, MappingError},
    model::{
        field::FieldSpec,
        ids::{Pair, SiteId},
        run::RunKind,
        site::{
            CrmAccess, Export, MappingRow, OnConflict, OnDelete, OnMerge, Rails, Site, Status, WixAccess,
            form::Forms,
            inbox::{self, Inbox, SourceError},
            subscribers::Subscribers,
        },
    },
    ports::{Clock, ContactStore, LinkStore, RunStore, SiteStore, StoreError, StoreResult},
};

/// How long what is stored about a site is kept after the app was removed, for owners who come back.
const GRACE: SignedDuration = SignedDuration::from_hours(30 * 24);
/// By when every worker knows that the app is back, and drops nothing any more: longer than what a worker has read of a site holds.
const UNTIL_KNOWN: SignedDuration = SignedDuration::from_secs(15);

/// Why settings are not saved.
#[derive(Debug, Error)]
pub enum SettingsError {
    /// The mapping breaks rules; all of them are named.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Mapping(Vec<MappingError>),
    /// Forms break rules; all of them are named.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Forms(Vec<FormError>),
    /// A field other than the mapping breaks a rule.
    #[error("{field}: {rule}")]
    Field {
        /// The field.
        field: &'static str,
        /// The rule.
        rule: &'static str,
    },
    /// The subscribers' fields break a rule.
    #[error("subscribers.fields.{name}: {rule}")]
    Subscribers {
        /// The mailing service's name of the field.
        name: String,
        /// The rule.
        rule: &'static str,
    },
    /// A source of messages breaks a rule.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A side, or the store, did not answer as needed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The services that settings may name.
pub struct Services {
    /// Those that host forms.
    pub forms: Vec<&'static str>,
    /// Those that send messages and activities.
    pub messages: Vec<&'static str>,
    /// The names of the mailing list's fields, where the site has a mailing list.
    pub list_fields: Vec<String>,
}

/// Returns the settings of a site that was just installed: safe ones, with which nothing is synchronised until the owner chose a
/// system of record.
#[must_use]
pub fn defaults(site: &SiteId) -> Site {
    Site {
        site: site.clone(),
        version: 0,
        status: Status::Installed,
        status_at: None,
        paused: false,
        system_of_record: None,
        on_conflict: OnConflict::default(),
        on_delete: OnDelete::default(),
        on_merge: OnMerge::default(),
        rails: Rails::default(),
        export: Export::default(),
        default_country: None,
        wix: WixAccess::App,
        crm: CrmAccess::Hubspot { secret: format!("hubspot/{site}") },
        mapping: Vec::new(),
        generations: BTreeMap::new(),
        mirror_field: None,
        forms: Forms::new(),
        inbox: Inbox::new(),
        subscribers: None,
    }
}

/// Returns the rows a site is synchronised by: its own, or the CRM's default ones.
#[must_use]
pub fn rows(site: &Site) -> Vec<MappingRow> {
    match &site.crm {
        _ if !site.mapping.is_empty() => site.mapping.clone(),
        crm => mapping::default_of(crm),
    }
}

/// The app was installed, `at` an instant that Wix tells: the site exists from now on; one that comes back keeps its settings.
///
/// What happened meanwhile was not heard of, or dropped, so both sides of one that comes back are to be compared.
pub async fn installed(registry: Registry<'_>, site: &SiteId, at: Timestamp) -> StoreResult<()> {
    let settings = registry.sites.site(site).await?.unwrap_or_else(|| defaults(site));
    if settings.status != Status::Installed {
        // Before the status is stored: a delivery that ends in between comes again, and one that is known by then asks for nothing.
        registry.runs.ask(site, RunKind::Audit, registry.clock.now() + UNTIL_KNOWN).await?;
    }
    if set_status(registry.sites, settings, Status::Installed, at).await? {
        info!(site = %site, "The app was installed.");
    }
    Ok(())
}

/// The app was removed, `at` an instant that Wix tells: everything stops at once; what is stored is purged after a grace period from `now`.
pub async fn removed(sites: &dyn SiteStore, site: &SiteId, at: Timestamp, now: Timestamp) -> StoreResult<()> {
    let Some(settings) = sites.site(site).await? else { return Ok(()) };
    if settings.status == Status::Installed && set_status(sites, settings, Status::Removed { purge_at: now + GRACE }, at).await? {
        info!(site = %site, "The app was removed.");
    }
    Ok(())
}

/// Enters what became of the app's installation, unless something later is known: deliveries repeat and come late, and whoever removed the app
/// and installed it again must not be stopped by the older of the two.
async fn set_status(sites: &dyn SiteStore, mut settings: Site, status: Status, at: Timestamp) -> StoreResult<bool> {
    let is_known = settings.version > 0 && settings.status == status && settings.status_at == Some(at);
    if is_known || settings.status_at.is_some_and(|known| known > at) {
        return Ok(false);
    }
    settings.status = status;
    settings.status_at = Some(at);
    settings.version += 1;
    sites.save_site(&settings).await?;
    Ok(true)
}

/// Purges what is stored about sites whose app was removed and whose grace period is over, and returns how many. Called now and then, by the timer.
///
/// A purge that fails is left to the next call and holds no other site up.
pub async fn purge_removed(sites: &dyn SiteStore, now: Timestamp) -> StoreResult<usize> {
    let mut purged = 0;
    for listed in sites.sites().await?.iter().filter(|site| is_over(site, now)) {
        match purge(sites, &listed.site, now).await {
            Ok(true) => purged += 1,
            Ok(false) => {}
            Err(error) => warn!(site = %listed.site, error = %error, "Could not purge a site."),
        }
    }
    Ok(purged)
}

/// The list may be a moment old, and the owner back by now.
async fn purge(sites: &dyn SiteStore, site: &SiteId, now: Timestamp) -> StoreResult<bool> {
    if !sites.site(site).await?.is_some_and(|site| is_over(&site, now)) {
        return Ok(false);
    }
    sites.purge(site).await?;
    info!(site = %site, "Purged a site.");
    Ok(true)
}

/// Tells whether a removed site's grace period is over.
fn is_over(site: &Site, now: Timestamp) -> bool {
    matches!(site.status, Status::Removed { purge_at } if purge_at <= now)
}

/// Where settings are saved, and what follows from them.
#[derive(Clone, Copy)]
pub struct Registry<'a> {
    /// The sites.
    pub sites: &'a dyn SiteStore,
    /// Their scheduled runs.
    pub runs: &'a dyn RunStore,
    /// What is known of their contacts.
    pub links: &'a dyn LinkStore,
    /// The clock.
    pub clock: &'a dyn Clock,
}

/// Saves a site's settings after checking them against what both sides have, makes what the bridge needs there, and has the timer look at
/// the scheduled runs.
///
/// `wanted.version` must be that of the settings the owner saw.
pub async fn save(
    registry: Registry<'_>,
    stores: &Pair<Arc<dyn ContactStore>>,
    mut wanted: Site,
    services: &Services,
) -> Result<Site, SettingsError> {
    let sites = registry.sites;
    check_fields(&wanted)?;
    inbox::check(&wanted.inbox, &services.messages)?;
    let stored = sites.site(&wanted.site).await?;
    ensure_same_account(registry, &wanted, stored.as_ref()).await?;
    keep_what_is_ours(&mut wanted, stored);
    wanted.mirror_field = Some(stores.wix.set_up().await?);
    stores.external.set_up().await?;
    let schemas = Pair { wix: stores.wix.schema().await?, external: stores.external.schema().await? };
    let schemas = Pair { wix: schemas.wix.as_slice(), external: schemas.external.as_slice() };
    let errors = mapping::check(&rows(&wanted), schemas, wanted.default_country.as_deref());
    if !errors.is_empty() {
        return Err(SettingsError::Mapping(errors));
    }
    let errors = form::check(&wanted.forms, &services.forms, schemas.wix);
    if !errors.is_empty() {
        return Err(SettingsError::Forms(errors));
    }
    check_subscribers(&wanted, &services.list_fields, schemas.wix)?;
    wanted.version += 1;
    sites.save_site(&wanted).await?;
    run::schedule(registry.runs, &wanted, registry.clock.now()).await?;
    info!(site = %wanted.site, version = wanted.version, "Saved settings.");
    Ok(wanted)
}

/// The ids that the bridge keeps say nothing in another account: there they are nobody's, or strangers'.
async fn ensure_same_account(registry: Registry<'_>, wanted: &Site, stored: Option<&Site>) -> Result<(), SettingsError> {
    let Some(field) = stored.and_then(|stored| wanted.crm.moved_from(&stored.crm)) else { return Ok(()) };
    if registry.links.knows_account(&wanted.site, registry.clock.now()).await? {
        return Err(SettingsError::Field {
            field,
            rule: "must stay as it is while contacts are linked, or known to have been, by ids of this account",
        });
    }
    Ok(())
}

/// Takes over what the bridge keeps in the settings, whatever came back from whoever edits them.
fn keep_what_is_ours(wanted: &mut Site, stored: Option<Site>) {
    let Some(stored) = stored else { return };
    wanted.status_at = stored.status_at;
    wanted.generations.clone_from(&stored.generations);
    // Without a system of record nothing was synchronised, so there is nothing that rows were agreed on in.
    if stored.system_of_record.is_some() {
        let now = rows(wanted);
        wanted.retire_rows(&rows(&stored), &now);
    }
}

/// Checks the fields of subscribers against what both sides have.
fn check_subscribers(site: &Site, list: &[String], wix: &[FieldSpec]) -> Result<(), SettingsError> {
    for (name, field) in site.subscribers.iter().flat_map(|subscribers| &subscribers.fields) {
        let refuse = |rule| Err(SettingsError::Subscribers { name: name.clone(), rule });
        if !list.contains(name) {
            return refuse("must be a field of the list that takes a text");
        }
        if wix.iter().all(|spec| spec.field != *field) {
            return refuse("must be filled with a field of Wix");
        }
    }
    Ok(())
}

fn check_fields(site: &Site) -> Result<(), SettingsError> {
    let refuse = |field, rule| Err(SettingsError::Field { field, rule });
    if site.site.as_str().is_empty() {
        return refuse("site", "must be the Wix instance id");
    }
    if site.mapping.iter().any(|row| row.id.as_str().contains(Site::GENERATION)) {
        return refuse("mapping.id", "must not contain ~");
    }
    if site.rails.percent_per_hour > 100 {
        return refuse("rails.percent_per_hour", "must be a percentage, 0 to 100");
    }
    if let Err((field, rule)) = site.export.check() {
        return refuse(field, rule);
    }
    if let Some(Err((field, rule))) = site.subscribers.as_ref().map(Subscribers::check) {
        return refuse(field, rule);
    }
    if let Err((field, rule)) = site.crm.check() {
        return refuse(field, rule);
    }
    match &site.wix {
        WixAccess::ApiKey { secret, .. } if secret.trim().is_empty() => refuse("wix.secret", "must name the secret that holds the key"),
        WixAccess::ApiKey { site_id, .. } if site_id.trim().is_empty() => refuse("wix.site_id", "must be the Wix site id"),
        WixAccess::ApiKey { .. } | WixAccess::App => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(site: &Site) -> Vec<String> {
        site.row_keys(rows(site)).into_iter().map(|row| row.id.to_string()).collect()
    }

    #[test]
    fn a_row_that_joins_other_fields_is_known_by_another_key() {
        let row =
            |id: &str, external: &str| MappingRow { id: id.into(), external: external.into(), ..mapping::default_hubspot().remove(0) };
        let site = |rows: &[(&str, &str)]| Site {
            mapping: rows.iter().map(|(id, external)| row(id, external)).collect(),
            system_of_record: Some(crate::model::ids::Side::Wix),
            ..defaults(&"s".into())
        };
        let mut stored = site(&[("a", "p"), ("b", "q")]);
        for (rows, expected) in [
            (vec![("a", "p"), ("b", "q")], vec!["a", "b"]),
            (vec![("a", "p2"), ("b", "q")], vec!["a~1", "b"]),
            (vec![("b", "q")], vec!["b"]),
            (vec![("b", "q"), ("a", "p2")], vec!["b", "a~2"]),
            (vec![("a", "p2"), ("b", "p")], vec!["a~2", "b~1"]),
        ] {
            let mut wanted = site(&rows);
            keep_what_is_ours(&mut wanted, Some(stored));
            assert_eq!(keys(&wanted), expected);
            stored = wanted;
        }
        let mut first = site(&[("company", "p")]);
        keep_what_is_ours(&mut first, Some(defaults(&"s".into())));
        assert_eq!(keys(&first), ["company"], "nothing was synchronised before");
    }
}
