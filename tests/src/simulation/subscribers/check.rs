//! The judgement of each address at rest, by one who sees everything.

use contact_bridge::model::{subscriber::MemberStatus, subscription::SubscriptionStatus};

use super::world::{ADDRESSES, Wishes, World};

/// Judges all addresses.
pub fn at_rest(world: &mut World) {
    for number in 0..ADDRESSES {
        let wishes = world.wishes.get(&number).copied().unwrap_or_default();
        for told in
            [stays_out(world, number, wishes), stays_in(world, number, wishes), is_sent(world, number, wishes)].into_iter().flatten()
        {
            world.violation(format!(
                "{told}: p{number} is {:?} in Wix, {:?} on the list; {wishes:?}",
                world.consent(number),
                on_list(world, number)
            ));
        }
    }
}

fn on_list(world: &World, number: usize) -> Option<MemberStatus> {
    world.member(number).map(|member| member.status)
}

/// Whoever opted out last gets mails of neither side.
fn stays_out(world: &World, number: usize, wishes: Wishes) -> Option<&'static str> {
    let is_out = wishes.out > wishes.in_wix && wishes.out > wishes.in_service && !wishes.is_hidden;
    let gets_mails = on_list(world, number) == Some(MemberStatus::Subscribed) || world.consent(number) == SubscriptionStatus::Subscribed;
    (is_out && gets_mails).then_some("I10, an opt-out is not carried over")
}

/// Whoever opted in again in Wix after an opt-out of the list was carried over, stays in there.
fn stays_in(world: &World, number: usize, wishes: Wishes) -> Option<&'static str> {
    let is_in = wishes.noted > world.lost_at && wishes.in_wix > wishes.noted && wishes.in_wix > wishes.out;
    let is_out = world.consent(number) == SubscriptionStatus::Unsubscribed;
    (is_in && is_out).then_some("I10, who came back is taken off again")
}

/// Whoever is subscribed in Wix, and never opted out or was taken off the list, is on it.
fn is_sent(world: &World, number: usize, wishes: Wishes) -> Option<&'static str> {
    let is_there = world.present().iter().any(|(_, contact)| contact.address == number);
    let is_in = world.consent(number) == SubscriptionStatus::Subscribed && wishes.out == 0 && !wishes.was_archived;
    let gets_mails = on_list(world, number) == Some(MemberStatus::Subscribed);
    (is_there && is_in && !gets_mails).then_some("I11, a subscriber is not sent")
}
