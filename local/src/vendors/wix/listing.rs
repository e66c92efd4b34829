//! Sorting, paging and what a page looks like.

use serde_json::{Map, Value, json};

use super::{
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
pub(super) struct Page {
    pub entries: Vec<Value>,
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

    /// The page of `entries` asked for.
    pub fn page(&self, entries: Vec<Value>, omit_total: bool) -> Page {
        let mut found: Vec<Value> = entries.into_iter().filter(|entry| self.filter.passes(entry)).collect();
        if let Some((field, descending)) = &self.sort {
            found.sort_by(|a, b| {
                let order = field.order(a, b);
                if *descending { order.reverse() } else { order }
            });
        }
        let total = found.len();
        let entries: Vec<Value> = found.into_iter().skip(self.offset).take(self.limit).collect();
        let metadata = if omit_total {
            json!({"count": entries.len(), "offset": self.offset, "tooManyToCount": true})
        } else {
            json!({"count": entries.len(), "offset": self.offset, "total": total, "tooManyToCount": false})
        };
        Page { entries, metadata }
    }
}
