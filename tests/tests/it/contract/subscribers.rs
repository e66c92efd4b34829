//! What is remembered of e-mail addresses.

use contact_bridge::{
    model::{
        ids::{RecordId, SiteId},
        subscriber::{KeptBack, Remembered},
    },
    ports::ErrorKind,
};

use super::bench::{Bench, at, digest, kind};

fn known(version: u64) -> Remembered {
    Remembered {
        version,
        adding: Some(at(3)),
        contact: Some(RecordId::from("w1")),
        sent: Some(digest("sent")),
        sent_at: Some(at(5)),
        consent_at: Some(at(4)),
        out_in_wix: Some(at(6)),
        out_in_service: Some(at(7)),
        bounced_in_service: Some(at(8)),
        kept_back: Some(KeptBack::Invalid(digest("refused"))),
    }
}

pub(super) async fn what_is_remembered_reads_back_in_the_order_asked(bench: &Bench) -> anyhow::Result<()> {
    bench.log.remember(&bench.site, &digest("a"), &known(1)).await?;
    let asked = [digest("b"), digest("a"), digest("b")];
    let read = bench.log.remembered(&bench.site, &asked).await?;
    assert_eq!(read, [Remembered::default(), known(1), Remembered::default()]);
    Ok(())
}

pub(super) async fn what_somebody_else_wrote_meanwhile_is_not_overwritten(bench: &Bench) -> anyhow::Result<()> {
    let address = digest("a");
    bench.log.remember(&bench.site, &address, &known(1)).await?;
    for version in [1, 3] {
        assert_eq!(kind(bench.log.remember(&bench.site, &address, &known(version)).await), Some(ErrorKind::Stale));
    }
    bench.log.remember(&bench.site, &address, &Remembered { version: 2, ..Remembered::default() }).await?;
    assert_eq!(bench.log.remembered(&bench.site, &[address]).await?, [Remembered { version: 2, ..Remembered::default() }]);
    Ok(())
}

pub(super) async fn addresses_of_other_sites_are_not_seen(bench: &Bench) -> anyhow::Result<()> {
    bench.log.remember(&SiteId::from("another"), &digest("a"), &known(1)).await?;
    assert_eq!(bench.log.remembered(&bench.site, &[digest("a")]).await?, [Remembered::default()]);
    Ok(())
}

pub(super) async fn hundreds_are_read_at_once(bench: &Bench) -> anyhow::Result<()> {
    let addresses: Vec<_> = (0..250).map(|number| digest(&number.to_string())).collect();
    for address in addresses.iter().step_by(2) {
        bench.log.remember(&bench.site, address, &known(1)).await?;
    }
    let read = bench.log.remembered(&bench.site, &addresses).await?;
    let expected: Vec<_> = (0..250).map(|number| if number % 2 == 0 { known(1) } else { Remembered::default() }).collect();
    assert_eq!(read, expected);
    Ok(())
}
