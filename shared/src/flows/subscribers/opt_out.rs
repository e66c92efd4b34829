//! An opt-out on one side is an opt-out on the other.

use super::{Subscribers, again, at_wix};
use crate::{
    flows::run::Step,
    model::{subscriber::Address, subscription::Subscription},
    ports::{ErrorKind, StoreError},
    sync::subscribers::{Carry, carried, carry, is_out},
};

/// How an address stands after its opt-outs were seen to.
pub(super) struct Standing {
    /// What Wix knows of it.
    pub(super) wix: Subscription,
    /// What was done.
    pub(super) carried: Carry,
}

impl Subscribers {
    /// Reads an address on both sides as it is now, and carries an opt-out over that one side does not know of.
    pub(super) async fn reconcile(&self, address: &Address) -> Step<Standing> {
        again(|| self.reconcile_once(address)).await
    }

    async fn reconcile_once(&self, address: &Address) -> Step<Standing> {
        let one = std::slice::from_ref(address);
        let known = self.remembered(one).await?.pop().unwrap_or_default();
        let mut wix = self.consents.subscriptions(one).await.map_err(at_wix)?.pop().unwrap_or_default();
        let member = self.service.member(address).await?.map(|member| member.status);
        if member.is_none() && is_out(&wix) && self.is_being_added(&known) {
            // It may get onto the list any moment: then the service is to be told, so nothing is noted as told. The next pass looks again.
            return Ok(Standing { wix, carried: Carry::Nothing });
        }
        let carry = carry(&wix, member, &known);
        match carry {
            Carry::ToService => self.service.opt_out(address).await?,
            Carry::ToWix(lowered) => match self.consents.lower(address, &wix, lowered).await {
                Ok(after) => wix = after,
                // Wix does not take the address for one: nobody is mailed there.
                Err(StoreError { kind: ErrorKind::Invalid(_) | ErrorKind::Forbidden, .. }) => {}
                Err(error) => return Err(at_wix(error)),
            },
            Carry::Known | Carry::Nothing => {}
        }
        let after = carried(carry, &wix, member, &known, self.now());
        self.remember(address, &known, after).await?;
        Ok(Standing { wix, carried: carry })
    }
}
