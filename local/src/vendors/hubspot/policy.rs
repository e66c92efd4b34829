//! What HubSpot's documents leave open, as switches, and their present positions.

use crate::vendors::kit::{Switch, Switches, Values};

const fn flag(name: &'static str, on: bool, doc: &'static str) -> Switch {
    Switch { name, doc, values: Values::Flag(on) }
}

const fn word(name: &'static str, words: &'static [&'static str], default: &'static str, doc: &'static str) -> Switch {
    Switch { name, doc, values: Values::OneOf(words, default) }
}

const fn number(name: &'static str, default: i64, doc: &'static str) -> Switch {
    Switch { name, doc, values: Values::Number(default) }
}

/// All switches of this simulator.
pub(super) const SWITCHES: &[Switch] = &[
    number("visibility_lag_ms", 0, "List and search see a write only so long after it; reads by id are current."),
    number("rate_per_ten_seconds", 100, "Calls per 10 s and portal, searches apart; 0 = no limit."),
    number("searches_per_second", 5, "Searches per second and portal; 0 = no limit."),
    word(
        "rate_window",
        &["rolling", "fixed"],
        "rolling",
        "The seconds of both limits: always the last ones, or one window after the other.",
    ),
    number("rate_window_offset_ms", 0, "Fixed windows begin so long after the clock's full ones."),
    number("calls_per_day", 250_000, "Calls per day and portal, searches included, until midnight of the account; 0 = no limit."),
    flag("retry_after_on_429", false, "Whether a 429 carries Retry-After."),
    flag("lower_case_email", true, "Whether e-mails are stored in lower case."),
    flag("trim_strings", false, "Whether text values are trimmed."),
    flag("reformat_phone", false, "Whether phones lose everything but digits and a leading plus."),
    flag("change_name_case", false, "Whether first names are stored capitalised."),
    flag("create_needs_name", true, "Whether a create needs one of email, firstname and lastname."),
    word("lifecycle_backward", &["ignored", "refused"], "ignored", "What becomes of an earlier stage sent by an app."),
    flag("touch_without_change", false, "Whether a write of equal values moves lastmodifieddate."),
    word("cleared_in_reply", &["empty", "null", "absent"], "empty", "How a write's reply shows a value it cleared."),
    flag("conflict_names_id", true, "Whether the 409 text ends with the existing contact's id."),
    flag("problems_listed", true, "Whether a validation error has the errors list, or only the text."),
    word(
        "upsert_conflict",
        &["row", "batch"],
        "row",
        "Upsert of an e-mail that another contact has: row 409 in a 207, or 400 for the whole batch.",
    ),
    word("upsert_by_email", &["keeps", "clears"], "keeps", "What an upsert by e-mail does to properties it does not send."),
    word(
        "batch_failures",
        &["rows", "traced"],
        "rows",
        "Failing rows of batch update and upsert: told in a 207 always, or only when all rows carry objectWriteTraceId.",
    ),
    flag("batch_results_reversed", false, "Whether batch results come in reverse order; no order is promised."),
    word("archived_get", &["not_found", "returned"], "not_found", "What a plain GET of an archived contact answers."),
    flag("history_available", true, "Whether propertiesWithHistory is answered."),
    word("merge_id", &["new", "primary"], "new", "Id of the record after a merge: a third one, or the primary's."),
    word("merge_object_id", &["kept", "primary"], "kept", "Which id a merge event has as objectId."),
    flag("merge_fires_deletion", false, "Whether a merge also sends deletions of the ids that went."),
    flag("merge_fires_creation", false, "Whether a merge to a new id also sends its creation."),
    flag("blocked_email_refused", true, "Whether a create with an e-mail block-listed by a privacy deletion is refused."),
    word("privacy_order", &["deletion_first", "privacy_first"], "deletion_first", "Order of the two events of a privacy deletion."),
    word("event_names", &["contact", "object"], "contact", "Events as contact.*, or as object.* with objectTypeId."),
    word("event_type_field", &["subscriptionType", "eventType"], "subscriptionType", "Name of the field with the event's name."),
    flag("event_dates_in_ms", false, "Whether propertyValue of a date property is in milliseconds."),
    flag("own_app_marked", true, "Whether the app's own property changes and deletions carry INTEGRATION and the app id."),
    number("webhook_batch", 99, "Most events in one webhook request; 1 = no batches."),
    number("webhook_window_ms", 100, "How long events are gathered before they are sent."),
    word("webhook_signatures", &["v3_and_v1", "v1"], "v3_and_v1", "Signatures a webhook carries."),
    flag("rotate_refresh_token", false, "Whether a refresh gives a new refresh token and ends the old one."),
];

/// The positions of the switches that writes and renderings look at.
#[expect(clippy::struct_excessive_bools, reason = "each is one independent switch")]
pub(super) struct Policy {
    pub lower_case_email: bool,
    pub trim_strings: bool,
    pub reformat_phone: bool,
    pub change_name_case: bool,
    pub create_needs_name: bool,
    pub lifecycle_back_refused: bool,
    pub touch_without_change: bool,
    pub cleared: Cleared,
    pub conflict_names_id: bool,
    pub problems_listed: bool,
    pub upsert_conflict_refuses_batch: bool,
    pub upsert_by_email_clears: bool,
    pub rows_need_trace: bool,
    pub results_reversed: bool,
    pub archived_returned: bool,
    pub history_available: bool,
    pub merge_makes_new_id: bool,
    pub merge_event_names_kept: bool,
    pub merge_fires_deletion: bool,
    pub merge_fires_creation: bool,
    pub blocked_email_refused: bool,
    pub privacy_event_first: bool,
    pub generic_event_names: bool,
    pub event_type_name: bool,
    pub event_dates_in_ms: bool,
    pub own_app_marked: bool,
}

/// How a reply shows a value the write cleared.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Cleared {
    Empty,
    Null,
    Absent,
}

impl Policy {
    pub fn read(switches: &Switches) -> Self {
        let cleared = match switches.word("cleared_in_reply").as_str() {
            "null" => Cleared::Null,
            "absent" => Cleared::Absent,
            _ => Cleared::Empty,
        };
        Self {
            lower_case_email: switches.flag("lower_case_email"),
            trim_strings: switches.flag("trim_strings"),
            reformat_phone: switches.flag("reformat_phone"),
            change_name_case: switches.flag("change_name_case"),
            create_needs_name: switches.flag("create_needs_name"),
            lifecycle_back_refused: switches.is("lifecycle_backward", "refused"),
            touch_without_change: switches.flag("touch_without_change"),
            cleared,
            conflict_names_id: switches.flag("conflict_names_id"),
            problems_listed: switches.flag("problems_listed"),
            upsert_conflict_refuses_batch: switches.is("upsert_conflict", "batch"),
            upsert_by_email_clears: switches.is("upsert_by_email", "clears"),
            rows_need_trace: switches.is("batch_failures", "traced"),
            results_reversed: switches.flag("batch_results_reversed"),
            archived_returned: switches.is("archived_get", "returned"),
            history_available: switches.flag("history_available"),
            merge_makes_new_id: switches.is("merge_id", "new"),
            merge_event_names_kept: switches.is("merge_object_id", "kept"),
            merge_fires_deletion: switches.flag("merge_fires_deletion"),
            merge_fires_creation: switches.flag("merge_fires_creation"),
            blocked_email_refused: switches.flag("blocked_email_refused"),
            privacy_event_first: switches.is("privacy_order", "privacy_first"),
            generic_event_names: switches.is("event_names", "object"),
            event_type_name: switches.is("event_type_field", "eventType"),
            event_dates_in_ms: switches.flag("event_dates_in_ms"),
            own_app_marked: switches.flag("own_app_marked"),
        }
    }
}
