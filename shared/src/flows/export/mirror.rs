//! The CRM's ids, shown in Wix. Nothing depends on them, and each costs a read and a write at the tightest of all limits, so they are filled in
//! when nothing else is to be done.

use jiff::Timestamp;
use tracing::warn;

use super::{
    super::run::{Allowance, Runner, Step, Stop},
    Export,
    failed::is_of_all,
};
use crate::{
    model::{
        contact::{Contact, Found},
        ids::{RecordId, Side},
        link::{Link, Slot},
        listing::Listed,
    },
    ports::{ErrorKind, StoreError},
    sync::{
        export::{Checkpoint, Mirror},
        scan::{Cursor, Read},
    },
};

/// So many contacts are looked at between two checkpoints.
const ROWS: usize = 50;

impl Export {
    /// Fills the field of contacts that are linked and show no id yet, until all do, the next pass begins, or time is over.
    pub(super) async fn fill_mirror(&self, runner: &mut Runner<'_>, checkpoint: &mut Checkpoint, until: Timestamp) -> Step<()> {
        while let Some(mirror) = checkpoint.mirror.take() {
            if self.now() >= until {
                checkpoint.mirror = Some(mirror);
                return Ok(());
            }
            let allowance = runner.allowance();
            let filled = if allowance.has_time_for_a_page() { self.fill_page(&mirror, &allowance).await } else { Err(Stop::Time) };
            checkpoint.mirror = match filled {
                Ok(next) => next,
                Err(stop) => {
                    checkpoint.mirror = Some(mirror);
                    return Err(stop);
                }
            };
            runner.keep(checkpoint).await?;
        }
        Ok(())
    }

    /// Fills the field of a page's contacts; returns where to go on, nothing at the end.
    async fn fill_page(&self, mirror: &Mirror, allowance: &Allowance) -> Step<Option<Mirror>> {
        if mirror.cursor != Cursor::Start {
            allowance.ensure_room().await?;
        }
        let page = self.listing.page(&mirror.cursor.ask(&mirror.scan, ROWS)).await.map_err(|error| Stop::at(Side::Wix, error))?;
        let turn = mirror.cursor.turn(Read { rows: &page.rows, limit: page.limit, total: page.total })?;
        let open: Vec<RecordId> = page.rows.iter().filter_map(without_id).map(|contact| contact.id.clone()).collect();
        let known = self.batches.look_up_many(&self.contacts.site.site, Side::Wix, &open).await?;
        let mut filled = mirror.filled;
        for known in known {
            let Slot::Linked(link) = known.slot else { continue };
            allowance.ensure_room().await?;
            match self.show(&link).await {
                Ok(shown) => filled += u64::from(shown),
                Err(error) if is_of_all(&error) || error.kind.is_ambiguous() => return Err(Stop::at(Side::Wix, error)),
                Err(error) => {
                    warn!(site = %self.contacts.site.site, error = %error, "Could not show the CRM's id in Wix.");
                    if let ErrorKind::Invalid(_) = error.kind {
                        // The owner took the field away; the links do not need it.
                        return Ok(None);
                    }
                }
            }
        }
        Ok(turn.next.map(|cursor| Mirror { cursor, filled, ..mirror.clone() }))
    }

    /// Shows the id on one contact, read afresh for its revision; one that is there stays.
    async fn show(&self, link: &Link) -> Result<bool, StoreError> {
        let wix = &self.contacts.stores.wix;
        let Found::Present(contact) = wix.get(link.id(Side::Wix)).await? else { return Ok(false) };
        if contact.counterpart.is_some() {
            return Ok(false);
        }
        wix.set_counterpart(&contact, link.id(Side::External)).await.map(|_| true)
    }
}

fn without_id(row: &Listed) -> Option<&Contact> {
    match row {
        Listed::Contact(contact) if contact.counterpart.is_none() => Some(contact),
        Listed::Contact(_) | Listed::Unreadable { .. } => None,
    }
}
