//! Sorting, paging and what a page looks like.

use std::cmp::Ordering;

use serde_json::{Map, Value, json};

use super::{
    entry::Entry,
    filter::{Dialect, Field, Filter},
    refusal::{Refusal, integer, object},
};

/// What a list or query call asks for.
pub(super) struct Listing {
    pub filter: Filter,
    sort: Option<(Field, bool)>,
    pub limit: usize,
    pub offset: usize,
}

/// How many entries a page holds.
#[derive(Clone, Copy)]
pub(super) struct PageSize {
    pub default: i64,
    pub most: i64,
}

/// A page and its metadata.
pub(super) struct Page<E> {
    pub entries: Vec<E>,
    pub metadata: Value,
}

impl Listing {
    /// Reads `filter`, `sort` and `paging`; without sort, `default_sort` ascending.
    ///
    /// # Errors
    /// 400 with the code of what is not supported.
    pub fn read(of: &Map<String, Value>, dialect: &Dialect<'_>, size: PageSize, default_sort: &str) -> Result<Self, Refusal> {
        let empty = Map::new();
        let paging = object(of, "paging")?.unwrap_or(&empty);
        let limit = integer(paging, "limit")?.unwrap_or(size.default);
        let offset = integer(paging, "offset")?.unwrap_or_default();
        let illegal = || Refusal::coded(400, "ILLEGAL_LIMIT", &format!("limit must be 1 to {}.", size.most));
        if !(1..=size.most).contains(&limit) {
            return Err(illegal());
        }
        Ok(Self {
            filter: dialect.filter(of.get("filter"))?,
            sort: Self::sort(of.get("sort"), dialect, default_sort)?,
            limit: usize::try_from(limit).map_err(|_| illegal())?,
            offset: usize::try_from(offset).map_err(|_| illegal())?,
        })
    }

    /// Query sends a list with at most one entry, List a single object.
    fn sort(sent: Option<&Value>, dialect: &Dialect<'_>, default: &str) -> Result<Option<(Field, bool)>, Refusal> {
        let refuse = |text: &str| Refusal::field("query.sort", "MAX_SIZE", text, &json!({"threshold": 1}));
        let entry = match sent {
            None | Some(Value::Null) => None,
            Some(Value::Array(list)) if list.len() > 1 => return Err(refuse("has size above 1")),
            Some(Value::Array(list)) => list.first(),
            Some(object @ Value::Object(_)) => Some(object),
            Some(_) => return Err(Refusal::bare(400, "Expected an object")),
        };
        let Some(entry) = entry else {
            return Ok((dialect.field)(default).map(|field| (field, false)));
        };
        let name = entry.get("fieldName").and_then(Value::as_str).unwrap_or(default);
        let descending = match entry.get("order").and_then(Value::as_str) {
            None | Some("ASC") => false,
            Some("DESC") => true,
            Some(_) => {
                return Err(Refusal::field("query.sort.order", "ENUM", "must be ASC or DESC", &json!({})));
            }
        };
        Ok(Some((dialect.sort_field(name)?, descending)))
    }

    /// Lists no more than `most` on a page; 0 for as many as asked for.
    pub fn capped(mut self, most: i64) -> Self {
        if let Some(most) = usize::try_from(most).ok().filter(|most| *most > 0) {
            self.limit = self.limit.min(most);
        }
        self
    }

    /// The page of `entries` asked for; `rank` orders those that sort alike, from their position in `entries`.
    pub fn page<E: Entry>(&self, entries: Vec<E>, omit_total: bool, rank: impl Fn(usize) -> u64) -> Page<E> {
        let passing = entries.into_iter().filter(|entry| self.filter.passes(entry)).enumerate();
        let mut found: Vec<(u64, E)> = passing.map(|(position, entry)| (rank(position), entry)).collect();
        let (total, end) = (found.len(), self.offset.saturating_add(self.limit));
        // Only what the page needs is put in order.
        if end < total {
            found.select_nth_unstable_by(end, |a, b| self.order(a, b));
            found.truncate(end);
        }
        if self.offset < found.len() {
            found.select_nth_unstable_by(self.offset, |a, b| self.order(a, b));
        }
        let mut entries: Vec<(u64, E)> = found.into_iter().skip(self.offset).collect();
        entries.sort_unstable_by(|a, b| self.order(a, b));
        let entries: Vec<E> = entries.into_iter().map(|(_, entry)| entry).collect();
        let metadata = if omit_total {
            json!({"count": entries.len(), "offset": self.offset, "tooManyToCount": true})
        } else {
            json!({"count": entries.len(), "offset": self.offset, "total": total, "tooManyToCount": false})
        };
        Page { entries, metadata }
    }

    fn order<E: Entry>(&self, (rank_a, a): &(u64, E), (rank_b, b): &(u64, E)) -> Ordering {
        let by_field = self.sort.as_ref().map_or(Ordering::Equal, |(field, descending)| {
            let order = field.order(a, b);
            if *descending { order.reverse() } else { order }
        });
        by_field.then(rank_a.cmp(rank_b))
    }
}

/// Entries that sort alike stay in the order they had.
pub(super) fn in_order(position: usize) -> u64 {
    position as u64
}
