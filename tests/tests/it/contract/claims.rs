//! Contracts of claims on messages, and of the lines messages wait in.

use contact_bridge::ports::{Claim, ErrorKind, MOST_AHEAD, Place, Ticket};
use futures::future::join_all;

use super::bench::{Bench, STALE, at, digest, kind, one_wins, record};

fn claim(owner: &str, until: i64) -> Claim {
    Claim { owner: Some(owner.to_owned()), until: at(until), since: at(1), left: Vec::new() }
}

fn done(until: i64) -> Claim {
    Claim { owner: None, ..claim("", until) }
}

async fn swap(bench: &Bench, known: Option<&Claim>, new: Option<&Claim>) -> Option<ErrorKind> {
    kind(bench.claims.swap_claim(&bench.site, &digest("m"), known, new).await)
}

async fn stored(bench: &Bench) -> anyhow::Result<Option<Claim>> {
    Ok(bench.claims.claim(&bench.site, &digest("m")).await?)
}

pub(super) async fn a_claim_reads_back_as_it_was_stored(bench: &Bench) -> anyhow::Result<()> {
    assert_eq!(stored(bench).await?, None);
    let whole = Claim { left: vec![record("w1"), record("w2")], ..claim("a", 60) };
    assert_eq!(swap(bench, None, Some(&whole)).await, None);
    assert_eq!(stored(bench).await?, Some(whole.clone()));
    assert_eq!(bench.claims.claim(&bench.site, &digest("other")).await?, None);
    assert_eq!(swap(bench, Some(&whole), Some(&done(60))).await, None);
    assert_eq!(stored(bench).await?, Some(done(60)));
    Ok(())
}

pub(super) async fn a_claim_that_is_there_is_not_taken_as_if_it_were_not(bench: &Bench) -> anyhow::Result<()> {
    swap(bench, None, Some(&claim("a", 60))).await;
    assert_eq!(swap(bench, None, Some(&claim("b", 60))).await, STALE);
    assert_eq!(stored(bench).await?, Some(claim("a", 60)));
    Ok(())
}

pub(super) async fn a_claim_is_replaced_by_whoever_knows_it(bench: &Bench) -> anyhow::Result<()> {
    swap(bench, None, Some(&claim("a", 60))).await;
    for known in [claim("b", 60), claim("a", 61), done(60)] {
        assert_eq!(swap(bench, Some(&known), Some(&claim("c", 90))).await, STALE, "{known:?}");
    }
    assert_eq!(swap(bench, Some(&claim("a", 60)), Some(&claim("c", 90))).await, None);
    assert_eq!(stored(bench).await?, Some(claim("c", 90)));
    Ok(())
}

pub(super) async fn a_claim_is_given_back_by_whoever_knows_it(bench: &Bench) -> anyhow::Result<()> {
    swap(bench, None, Some(&claim("a", 60))).await;
    assert_eq!(swap(bench, Some(&claim("b", 60)), None).await, STALE);
    assert_eq!(swap(bench, Some(&claim("a", 60)), None).await, None);
    assert_eq!(stored(bench).await?, None);
    assert_eq!(swap(bench, None, Some(&claim("b", 60))).await, None);
    Ok(())
}

pub(super) async fn what_is_done_with_is_never_replaced(bench: &Bench) -> anyhow::Result<()> {
    swap(bench, None, Some(&claim("a", 60))).await;
    swap(bench, Some(&claim("a", 60)), Some(&done(60))).await;
    for known in [None, Some(&claim("a", 60)), Some(&claim("", 60)), Some(&done(60))] {
        assert_eq!(swap(bench, known, Some(&claim("b", 90))).await, STALE, "{known:?}");
        assert_eq!(swap(bench, known, None).await, STALE, "{known:?}");
    }
    assert_eq!(stored(bench).await?, Some(done(60)));
    Ok(())
}

pub(super) async fn a_swap_that_was_carried_out_may_be_repeated(bench: &Bench) -> anyhow::Result<()> {
    for (known, new) in [(None, Some(claim("a", 60))), (Some(claim("a", 60)), Some(claim("b", 90))), (Some(claim("b", 90)), None)] {
        for _ in 0..2 {
            assert_eq!(swap(bench, known.as_ref(), new.as_ref()).await, None);
            assert_eq!(stored(bench).await?, new);
        }
    }
    Ok(())
}

pub(super) async fn of_two_who_take_a_claim_one_wins(bench: &Bench) -> anyhow::Result<()> {
    let known = claim("a", 60);
    swap(bench, None, Some(&known)).await;
    let (first, second) = (claim("b", 90), claim("c", 91));
    let message = digest("m");
    let takers = [&first, &second].map(|new| bench.claims.swap_claim(&bench.site, &message, Some(&known), Some(new)));
    one_wins(join_all(takers).await, &ErrorKind::Stale);
    Ok(())
}

fn ticket(message: &str, written: i64, since: i64) -> Ticket {
    Ticket { place: Place { at: at(written), order: 0, part: 0, message: digest(message) }, since: at(since) }
}

/// Lines up, and returns those ahead, whenever they lined up.
async fn line_up(bench: &Bench, line: &str, ticket: &Ticket) -> anyhow::Result<Vec<Ticket>> {
    Ok(bench.claims.line_up(&bench.site, &digest(line), ticket, at(-1)).await?)
}

pub(super) async fn whoever_lines_up_sees_those_ahead(bench: &Bench) -> anyhow::Result<()> {
    let place = ticket("a", 2, 10).place;
    let turns = [(1, 9, 9), (2, 0, 0), (2, 0, 2), (2, 3, 0), (2, 12, 0), (12, 0, 0)];
    let tickets = turns.map(|(written, order, part)| Ticket { place: Place { at: at(written), order, part, ..place }, since: at(10) });
    for ticket in tickets.iter().rev() {
        assert_eq!(line_up(bench, "ada", ticket).await?, []);
    }
    for (nth, ticket) in tickets.iter().enumerate() {
        let ahead: Vec<_> = tickets[..nth].iter().rev().copied().collect();
        assert_eq!(line_up(bench, "ada", ticket).await?, ahead);
    }
    assert_eq!(line_up(bench, "grace", &tickets[5]).await?, []);
    Ok(())
}

pub(super) async fn a_ticket_replaces_that_of_the_same_place(bench: &Bench) -> anyhow::Result<()> {
    let last = ticket("b", 2, 30);
    line_up(bench, "ada", &ticket("a", 1, 10)).await?;
    line_up(bench, "ada", &ticket("a", 1, 20)).await?;
    assert_eq!(line_up(bench, "ada", &last).await?, [ticket("a", 1, 20)]);
    Ok(())
}

pub(super) async fn who_did_not_line_up_again_is_not_told(bench: &Bench) -> anyhow::Result<()> {
    for (message, written, since) in [("a", 1, 10), ("b", 2, 5), ("c", 3, 11), ("d", 4, 4)] {
        line_up(bench, "ada", &ticket(message, written, since)).await?;
    }
    let ahead = bench.claims.line_up(&bench.site, &digest("ada"), &ticket("e", 5, 20), at(5)).await?;
    assert_eq!(ahead, [ticket("c", 3, 11), ticket("a", 1, 10)]);
    Ok(())
}

pub(super) async fn whoever_steps_out_is_gone(bench: &Bench) -> anyhow::Result<()> {
    let (first, second) = (ticket("a", 1, 10), ticket("b", 2, 11));
    line_up(bench, "ada", &first).await?;
    assert_eq!(line_up(bench, "ada", &second).await?, [first]);
    for _ in 0..2 {
        bench.claims.step_out(&bench.site, &digest("ada"), &first.place).await?;
        assert_eq!(line_up(bench, "ada", &second).await?, []);
    }
    bench.claims.step_out(&bench.site, &digest("nobody"), &first.place).await?;
    Ok(())
}

pub(super) async fn of_those_ahead_the_nearest_hundred_are_told(bench: &Bench) -> anyhow::Result<()> {
    // All but one of those right ahead are lost.
    for nth in 0..240 {
        line_up(bench, "ada", &ticket(&nth.to_string(), nth, if (110..239).contains(&nth) { -5 } else { 1 })).await?;
    }
    let ahead = line_up(bench, "ada", &ticket("last", 240, 1)).await?;
    let written: Vec<_> = ahead.iter().map(|ticket| ticket.place.at).collect();
    let expected: Vec<_> = [239].into_iter().chain((11..110).rev()).map(at).collect();
    assert_eq!((written.len(), written), (MOST_AHEAD, expected));
    Ok(())
}

pub(super) async fn a_post_is_of_the_message_that_came_first(bench: &Bench) -> anyhow::Result<()> {
    let place = 1_795_176_000_000_001;
    let own = async |place, message| bench.claims.own_post(&bench.site, &[place], &digest(message), at(1)).await;
    for _ in 0..2 {
        assert!(own(place, "a").await?);
        assert!(!own(place, "b").await?);
    }
    assert!(own(place + 1, "b").await?);
    let both = join_all(["c", "d"].map(|message| own(place + 2, message))).await.into_iter().collect::<Result<Vec<_>, _>>()?;
    assert_eq!(both.iter().filter(|own| **own).count(), 1);
    Ok(())
}

pub(super) async fn of_several_posts_the_known_one_comes_first(bench: &Bench) -> anyhow::Result<()> {
    let own = async |places: &[u64], message| bench.claims.own_post(&bench.site, places, &digest(message), at(1)).await;
    assert!(own(&[2], "a").await?);
    assert!(own(&[1, 2], "a").await?);
    assert!(own(&[2, 1, 3], "b").await?, "the first that is no other's");
    assert!(!own(&[1], "c").await? && own(&[3], "c").await?);
    assert!(!own(&[1, 2, 3], "d").await? && !own(&[], "d").await?);
    Ok(())
}

pub(super) async fn all_who_line_up_at_once_are_there(bench: &Bench) -> anyhow::Result<()> {
    let mut tickets: Vec<_> = (0..8).map(|nth| ticket(&nth.to_string(), nth, nth)).collect();
    join_all(tickets.iter().map(|ticket| line_up(bench, "ada", ticket))).await.into_iter().collect::<Result<Vec<_>, _>>()?;
    tickets.reverse();
    assert_eq!(line_up(bench, "ada", &ticket("last", 8, 8)).await?, tickets);
    Ok(())
}
