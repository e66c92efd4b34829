//! Lines in the table: a ticket is an item of its own, and lies where its turn is.
//!
//! So a line may be of any length, and whoever lines up writes one small item and reads those right ahead.

use jiff::Timestamp;

use super::{
    EXPIRY, PARTITION_KEY, SORT_KEY, Store,
    item::{Item, build, get_instant, get_text, instant, number, text},
    key::Key,
    write::{Condition, Refusal, Write},
};
use crate::{
    model::{fingerprint::Digest, ids::SiteId},
    ports::{MOST_AHEAD, Place, StoreResult, Ticket},
};

/// How long a ticket is kept, in seconds: much longer than anybody waits for one that was not renewed.
const TICKET_KEPT: i64 = 24 * 3600;
/// What makes instants positive: none is before the year -9999.
const ERA: i128 = 400_000_000_000 * 1_000_000_000;

impl Store {
    pub(super) async fn put_ticket(&self, site: &SiteId, line: &Digest, ticket: &Ticket) -> StoreResult<()> {
        let key = Key::ticket(site, line, &sortable(&ticket.place));
        let item = build(key, [("since", instant(ticket.since)), (EXPIRY, number(ticket.since.as_second() + TICKET_KEPT))]);
        self.commit(&format!("line up {}", ticket.place.message.hex()), vec![Write::put(item, Condition::none(), Refusal::Skip)]).await
    }

    pub(super) async fn take_ticket(&self, site: &SiteId, line: &Digest, place: &Place) -> StoreResult<()> {
        let write = Write::delete(Key::ticket(site, line, &sortable(place)), Condition::none(), Refusal::Skip);
        self.commit(&format!("step out {}", place.message.hex()), vec![write]).await
    }

    /// Reads backwards from a place. What is not understood is nobody who waits: a line that cannot be read must not stand still.
    pub(super) async fn ahead_of(&self, site: &SiteId, line: &Digest, place: &Place, alive: Timestamp) -> StoreResult<Vec<Ticket>> {
        let (first, own) = (Key::ticket(site, line, ""), Key::ticket(site, line, &sortable(place)));
        let call = self.client.query().table_name(&self.table).consistent_read(true).scan_index_forward(false);
        let call = call
            .key_condition_expression(format!("{PARTITION_KEY} = :pk AND {SORT_KEY} BETWEEN :first AND :own"))
            .expression_attribute_values(":pk", text(&own.partition))
            .expression_attribute_values(":first", text(&first.sort))
            .expression_attribute_values(":own", text(&own.sort))
            // Its own ticket is among them.
            .limit(i32::try_from(MOST_AHEAD + 1).unwrap_or(i32::MAX))
            .set_return_consumed_capacity(self.cost());
        let (mut ahead, mut from) = (Vec::new(), None);
        loop {
            let page = self.page(&format!("look along {}", first.sort), call.clone(), from).await?;
            let tickets = page.items.iter().filter_map(|item| read(item, &first.sort));
            ahead.extend(tickets.filter(|ticket| ticket.place < *place && ticket.since > alive));
            from = page.next;
            if from.is_none() || ahead.len() >= MOST_AHEAD {
                ahead.truncate(MOST_AHEAD);
                return Ok(ahead);
            }
        }
    }
}

/// Returns a place as a text that sorts as it does.
fn sortable(place: &Place) -> String {
    format!("{:021}#{:020}#{:010}#{}", place.at.as_nanosecond() + ERA, place.order, place.part, place.message.hex())
}

fn read_place(text: &str) -> Option<Place> {
    let mut parts = text.split('#');
    let at = Timestamp::from_nanosecond(parts.next()?.parse::<i128>().ok()? - ERA).ok()?;
    let (order, part) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    Some(Place { at, order, part, message: Digest::from_bytes(&hex::decode(parts.next()?).ok()?)? })
}

fn read(item: &Item, prefix: &str) -> Option<Ticket> {
    let place = read_place(get_text(item, SORT_KEY)?.strip_prefix(prefix)?)?;
    Some(Ticket { place, since: get_instant(item, "since")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_reads_back_and_its_text_sorts_as_it_does() {
        let message = |byte| Digest::from_bytes(&[byte; Digest::LEN]).unwrap();
        let instants =
            [Timestamp::MIN, Timestamp::UNIX_EPOCH, Timestamp::from_nanosecond(1_790_000_000_000_000_001).unwrap(), Timestamp::MAX];
        let mut places = Vec::new();
        for at in instants {
            for order in [0, 9, 10, u64::MAX] {
                for (part, byte) in [(0, 0), (0, 255), (2, 7), (10, 7), (u32::MAX, 0)] {
                    places.push(Place { at, order, part, message: message(byte) });
                }
            }
        }
        assert!(places.is_sorted() && places.iter().map(sortable).is_sorted());
        assert!(places.iter().all(|place| read_place(&sortable(place)) == Some(*place)));
        for text in ["", "1#2#3", "x#1#1#00", "1#1#1#zz"] {
            assert!(read_place(text).is_none(), "{text}");
        }
    }
}
