//! Replies that are lost, refusals, and credentials that change.

use std::time::Duration;

use contact_bridge::{model::contact::Found, ports::ErrorKind};
use contact_bridge_local::vendors::kit::{Fault, FaultKind};

use super::bench::{Bench, kind, patch};

type Verdict = anyhow::Result<()>;

/// Longer than the retries of a call that are made at once.
const TIMES: u32 = 4;

pub async fn a_create_whose_reply_was_lost_is_found(bench: &Bench) -> Verdict {
    bench.lag(60_000);
    for (number, fault) in [FaultKind::LoseReply, FaultKind::Cut].into_iter().enumerate() {
        let draft = bench.person(number);
        bench.fault(Fault::any(fault));
        assert!(kind(bench.make(&draft).await).is_ambiguous());
        bench.clear_faults();
        bench.stack.clock().advance(Duration::from_secs(2));
        let found = bench.crm.contacts.find_counterpart(&draft.counterpart).await?.expect("the half-made record is found");
        assert_eq!((found.counterpart.as_ref(), bench.count()), (Some(&draft.counterpart), number + 1));
        for (field, value) in &draft.fields {
            assert_eq!(found.get(field), Some(value));
        }
        bench.stack.clock().advance(Duration::from_hours(3));
        assert!(bench.crm.contacts.find_counterpart(&draft.counterpart).await?.is_some(), "however long ago it was");
    }
    Ok(())
}

pub async fn a_create_that_was_refused_left_nothing(bench: &Bench) -> Verdict {
    assert!(matches!(kind(bench.make(&bench.refused(1)).await), ErrorKind::Invalid(fields) if fields.len() == 1));
    bench.fault(Fault { times: TIMES, ..Fault::status(429, "* /**") });
    assert!(matches!(kind(bench.make(&bench.person(1)).await), ErrorKind::Throttled(_)));
    bench.clear_faults();
    bench.stack.clock().advance(Duration::from_hours(25));
    assert_eq!(bench.count(), 0);
    assert!(bench.crm.contacts.find_counterpart(&"w-1".into()).await?.is_none());
    bench.make(&bench.person(1)).await?;
    Ok(())
}

pub async fn a_merge_whose_reply_was_lost_may_be_repeated(bench: &Bench) -> Verdict {
    let (winner, loser) = (bench.make(&bench.person(1)).await?, bench.make(&bench.person(2)).await?);
    bench.fault(Fault::any(FaultKind::LoseReply));
    assert!(kind(bench.crm.contacts.merge(&winner, &loser.id).await).is_ambiguous());
    bench.clear_faults();
    let merged = bench.crm.contacts.merge(&winner, &loser.id).await?;
    assert!(matches!(bench.crm.contacts.get(&merged.id).await?, Found::Present(_)));
    assert_eq!(bench.count(), 1);
    Ok(())
}

pub async fn a_delete_whose_reply_was_lost_may_be_repeated(bench: &Bench) -> Verdict {
    let made = bench.make(&bench.person(1)).await?;
    bench.fault(Fault::any(FaultKind::LoseReply));
    assert!(kind(bench.crm.contacts.delete(&made.id).await).is_ambiguous());
    bench.clear_faults();
    bench.crm.contacts.delete(&made.id).await?;
    assert_eq!(bench.count(), 0);
    Ok(())
}

pub async fn refusals_have_their_kinds(bench: &Bench) -> Verdict {
    let made = bench.make(&bench.person(1)).await?;
    let change = patch(&[(bench.names.last, Some("Stone"))]);
    for (status, is_meant) in [
        (401, (|kind| kind == ErrorKind::AccessDenied) as fn(ErrorKind) -> bool),
        (403, |kind| kind == ErrorKind::AccessDenied),
        (404, |kind| kind == ErrorKind::NotFound),
        (429, |kind| matches!(kind, ErrorKind::Throttled(_))),
        (500, |kind| kind == ErrorKind::Unavailable),
        (503, |kind| kind == ErrorKind::Unavailable),
    ] {
        bench.fault(Fault { times: TIMES, ..Fault::status(status, "* /**") });
        let told = kind(bench.crm.contacts.update(&made, &change).await);
        assert!(is_meant(told.clone()), "{status}: {told:?}");
        bench.clear_faults();
        bench.stack.clock().advance(Duration::from_hours(25));
    }
    bench.fault(Fault { times: TIMES, ..Fault::any(FaultKind::NotJson) });
    assert!(kind(bench.crm.contacts.update(&made, &change).await).is_ambiguous());
    bench.clear_faults();
    bench.crm.contacts.delete(&made.id).await?;
    assert_eq!(kind(bench.crm.contacts.update(&made, &change).await), ErrorKind::NotFound);
    Ok(())
}

pub async fn a_replaced_secret_is_taken_up(bench: &Bench) -> Verdict {
    bench.make(&bench.person(1)).await?;
    let connected = bench.connect_with_old_secret().await?;
    connected.contacts.create(&bench.person(2)).await?;
    assert_eq!(bench.count(), 2);
    Ok(())
}
