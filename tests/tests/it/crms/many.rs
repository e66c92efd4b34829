//! Many contacts at a time.

use std::{collections::BTreeSet, time::Duration};

use contact_bridge::{
    model::{contact::MatchKey, ids::RecordId, listing::Listed},
    ports::{Draft, ErrorKind, Whose},
};
use contact_bridge_local::vendors::kit::Fault;

use super::bench::{Bench, kind};

type Verdict = anyhow::Result<()>;

/// More than a page of either CRM.
const CROWD: usize = 510;

async fn make(bench: &Bench, count: usize) -> anyhow::Result<Vec<RecordId>> {
    let mut ids = Vec::new();
    for number in 0..count {
        ids.push(bench.make(&bench.person(number)).await?.id);
    }
    Ok(ids)
}

pub async fn a_snapshot_shows_everybody_once(bench: &Bench) -> Verdict {
    bench.seed(CROWD);
    let made = make(bench, 2).await?;
    bench.crm.contacts.delete(&made[1]).await?;
    let (mut ids, mut after, mut pages) = (Vec::new(), None, 0);
    loop {
        let slice = bench.crm.snapshot.snapshot(after.as_deref()).await?;
        for row in slice.rows {
            let Listed::Contact(contact) = row else { panic!("every row can be read") };
            ids.push(contact.id);
        }
        pages += 1;
        after = slice.next;
        if after.is_none() {
            break;
        }
    }
    assert!(pages > 1 && ids.contains(&made[0]) && !ids.contains(&made[1]));
    assert_eq!((ids.len(), ids.iter().collect::<BTreeSet<_>>().len()), (CROWD + 1, CROWD + 1));
    Ok(())
}

pub async fn reading_many_leaves_out_who_is_gone(bench: &Bench) -> Verdict {
    let mut ids = make(bench, 4).await?;
    bench.crm.contacts.delete(&ids[2]).await?;
    ids.push("999999999".into());
    let read: BTreeSet<RecordId> = bench.crm.reads.read_many(&ids).await?.into_iter().map(|contact| contact.id).collect();
    assert_eq!(read, BTreeSet::from([ids[0].clone(), ids[1].clone(), ids[3].clone()]));
    assert!(bench.crm.reads.read_many(&[]).await?.is_empty());
    Ok(())
}

pub async fn an_upload_accounts_for_every_row(bench: &Bench) -> Verdict {
    let drafts: Vec<Draft> = (0..7).map(|number| if number == 3 { bench.refused(number) } else { bench.person(number) }).collect();
    assert!(drafts.len() <= bench.crm.upload.most_rows());
    let rows = bench.crm.upload.upload(&drafts).await?;
    let accounted: BTreeSet<&RecordId> = rows.iter().map(|(id, _)| id).collect();
    assert_eq!((rows.len(), accounted), (7, drafts.iter().map(|draft| &draft.counterpart).collect()));
    for (id, outcome) in rows {
        match outcome {
            Ok(contact) => assert_eq!(contact.counterpart, Some(id)),
            Err(error) => assert!(id == "w-3".into() && matches!(error.kind, ErrorKind::Invalid(_)), "{id}: {error}"),
        }
    }
    assert_eq!(bench.count(), 6);
    Ok(())
}

pub async fn an_upload_that_nobody_may_make_is_refused_as_a_whole(bench: &Bench) -> Verdict {
    bench.fault(Fault { times: 99, ..Fault::status(401, "* /**") });
    let drafts = [bench.person(1), bench.person(2)];
    assert_eq!(kind(bench.crm.upload.upload(&drafts).await), ErrorKind::AccessDenied);
    assert_eq!(bench.count(), 0);
    Ok(())
}

pub async fn an_upload_that_meets_a_limit_says_how_far_it_came(bench: &Bench) -> Verdict {
    let drafts: Vec<Draft> = (0..5).map(|number| bench.person(number)).collect();
    bench.fault(Fault { times: 99, after: 2, ..Fault::status(429, "POST /**") });
    let landed = match bench.crm.upload.upload(&drafts).await {
        Ok(rows) => {
            let landed = rows.iter().filter(|(_, outcome)| outcome.is_ok()).count();
            let others = rows.iter().filter_map(|(_, outcome)| outcome.as_ref().err());
            assert!(others.into_iter().all(|error| matches!(error.kind, ErrorKind::Throttled(_))));
            assert_eq!(rows.len(), 5);
            landed
        }
        Err(error) => panic!("some rows landed before the limit: {error}"),
    };
    assert_eq!(landed, bench.count());
    bench.clear_faults();
    bench.stack.clock().advance(Duration::from_hours(25));
    Ok(())
}

pub async fn a_draft_sent_twice_makes_one_where_the_crm_sees_to_it(bench: &Bench) -> Verdict {
    let drafts = [bench.person(1), bench.person(2)];
    bench.crm.upload.upload(&drafts).await?;
    if bench.crm.upload.makes_once() {
        bench.crm.upload.upload(&drafts).await?;
        assert_eq!(bench.count(), 2);
    } else {
        // Whoever sends a draft again looks first, and finds whom it made.
        let ids: Vec<RecordId> = drafts.iter().map(|draft| draft.counterpart.clone()).collect();
        assert_eq!(bench.crm.upload.named(&ids).await?, ids);
    }
    Ok(())
}

pub async fn many_are_found_by_their_keys(bench: &Bench) -> Verdict {
    bench.seed(30);
    make(bench, 25).await?;
    for count in [3, 25] {
        let keys: Vec<MatchKey> =
            (0..count + 5).map(|number| MatchKey::Email(format!("Person{}@example.com", number + 25 - count))).collect();
        let found = bench.crm.upload.find_many(&keys).await?;
        assert_eq!(found.len(), count);
        for (key, contacts) in &found {
            let MatchKey::Email(email) = key else { panic!("only addresses were asked for") };
            let own: Vec<String> = contacts.iter().map(|contact| super::bench::text(contact, bench.names.email).to_owned()).collect();
            assert_eq!(own, [email.to_lowercase()]);
        }
    }
    Ok(())
}

pub async fn those_that_name_a_contact_are_counted_and_told(bench: &Bench) -> Verdict {
    bench.seed(12);
    assert_eq!((bench.crm.upload.count(Whose::Named).await?, bench.crm.upload.count(Whose::Strangers).await?), (0, 12));
    make(bench, 3).await?;
    assert_eq!((bench.crm.upload.count(Whose::Named).await?, bench.crm.upload.count(Whose::Strangers).await?), (3, 12));
    for most in [4, 40] {
        let asked: Vec<RecordId> = (0..most).map(|number| RecordId::new(format!("w-{number}"))).collect();
        let named: BTreeSet<RecordId> = bench.crm.upload.named(&asked).await?.into_iter().collect();
        assert_eq!(named, asked.into_iter().take(3).collect());
    }
    Ok(())
}
