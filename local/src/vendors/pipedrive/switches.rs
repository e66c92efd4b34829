//! What Pipedrive's documents leave open.

use crate::vendors::kit::{Switch, Values};

const fn flag(name: &'static str, on: bool, doc: &'static str) -> Switch {
    Switch { name, doc, values: Values::Flag(on) }
}

const fn word(name: &'static str, words: &'static [&'static str], default: &'static str, doc: &'static str) -> Switch {
    Switch { name, doc, values: Values::OneOf(words, default) }
}

const fn number(name: &'static str, default: i64, doc: &'static str) -> Switch {
    Switch { name, doc, values: Values::Number(default) }
}

/// Every switch of the simulator.
pub const SWITCHES: &[Switch] = &[
    // Writing persons.
    word("name_split", &["first_word", "last_word"], "first_word", "What of a name is first_name: its first word, or all but its last."),
    word("unknown_key", &["refused", "ignored"], "refused", "A key in a body that persons do not have: 400, or dropped."),
    word("create_status", &["200", "201"], "200", "Status of a create."),
    flag("touch_without_change", false, "Whether a write of equal values moves update_time."),
    flag("noop_fires", false, "Whether a write of equal values raises a change event."),
    // Reading persons.
    word("null_custom_fields", &["null", "absent"], "null", "How custom fields without a value are shown."),
    word(
        "deleted_get",
        &["returned", "not_found"],
        "returned",
        "GET of a deleted person within 30 days: the person with is_deleted, or 404.",
    ),
    word("merged_get", &["deleted", "not_found"], "not_found", "GET of a person merged into another: as a deleted one, or 404."),
    flag("deleted_listed", false, "Whether lists hold deleted persons, with is_deleted."),
    word("phone_match", &["text", "digits"], "text", "How an exact search compares phones: as written, or by their digits."),
    number("visibility_lag_ms", 0, "Lists see a write only so long after it; reads by id are current."),
    number("search_lag_ms", 0, "Searches see a write only so long after it."),
    // Calling.
    number("calls_per_two_seconds", 20, "Calls per 2 s and token, searches apart; 0 = no limit."),
    number("searches_per_two_seconds", 10, "Searches per 2 s and token; 0 = no limit."),
    number("tokens_per_day", 30_000, "Tokens that the calls of a company may cost in a day; 0 = no limit."),
    number("day_begins_at_hour", 0, "The hour, in UTC, at which the server's day begins."),
    flag("budget_headers", true, "Whether answers tell the day's tokens."),
    flag("retry_after", false, "Whether a 429 carries Retry-After."),
    number("abuse_after", 0, "After so many refused calls in a minute the answer is a 403 page without JSON; 0 = never."),
    // Webhooks.
    flag("webhook_name_required", true, "Whether a new webhook needs a name."),
    word("merge_order", &["delete_first", "change_first"], "delete_first", "Order of the two events of a merge."),
    flag("merged_to_id", true, "Whether the delete event of a merge says into whom."),
    word(
        "delete_payload",
        &["previous", "data"],
        "previous",
        "Where a delete event has the person: in previous with data null, or in data.",
    ),
    word("previous_form", &["changed", "full"], "changed", "previous of a change event: what changed, or the whole person."),
    word("webhook_custom_fields", &["typed", "plain"], "typed", "Custom fields in events: objects with type and value, or as in the API."),
    word("meta_ids", &["strings", "numbers"], "strings", "Ids in the meta of events."),
    number("webhook_timeout_ms", 10_000, "How long a receiver may take (real time)."),
    number("webhook_delay_ms", 0, "How long after the change a webhook is first sent."),
];
