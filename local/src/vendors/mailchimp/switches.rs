//! What Mailchimp's documents leave open.

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
    // Consent.
    word(
        "api_unsubscribe",
        &["reversible", "final"],
        "reversible",
        "A member that the API or the owner unsubscribed or cleaned: can be subscribed again by API, or is in compliance state too.",
    ),
    word(
        "compliance_pending",
        &["accepted", "refused"],
        "accepted",
        "`pending` for a member in compliance state: asks the person again, or 400.",
    ),
    flag("pending_again_mails", true, "Whether `pending` sent for a member that is pending mails the confirmation once more."),
    flag("welcome_on_api", true, "Whether members subscribed by API or owner are mailed the audience's welcome, not only those of forms."),
    flag("tags_in_body_fire", true, "Whether tags in the body of a create or a batch fire automations, as tags set without is_syncing do."),
    word("put_archived", &["stays", "as_new"], "stays", "PUT with status_if_new alone for an archived member: stays archived, or is new."),
    word("forgotten_pending", &["refused", "accepted"], "refused", "`pending` for a permanently deleted address: 400, or asks the person."),
    flag("complaint_is_unsubscribe", true, "A spam complaint: unsubscribe with reason abuse; off = cleaned with reason abuse."),
    // Writing members.
    flag("status_if_new_required", false, "PUT: status_if_new is required also for members that exist."),
    word(
        "put_other_address",
        &["renames", "ignored", "refused"],
        "renames",
        "PUT at the hash of a member with another email_address: changes the address, leaves it, or 400.",
    ),
    word("member_exists_title", &["Member Exists", "Invalid Resource"], "Member Exists", "Title of the 400 for an address that is there."),
    word("unknown_merge_field", &["ignored", "refused"], "ignored", "A merge field that the audience does not have: dropped, or 400."),
    word("archive_again", &["404", "204", "405"], "404", "DELETE of a member that is archived already."),
    flag("touch_without_change", false, "Whether a write of equal values moves last_changed."),
    number("merge_fields_most", 80, "Most merge fields of an audience; 400 above."),
    // Reading.
    number("visibility_lag_ms", 0, "List calls see a write only so long after it; reads by hash are current."),
    word(
        "since_last_changed",
        &["after", "from"],
        "after",
        "since_last_changed and before_last_changed: without or with members of just that second.",
    ),
    word("default_order", &["created", "last_changed"], "created", "Order of list-members without sort_field."),
    flag("archived_listed", false, "list-members without status: whether archived members are among them."),
    // Calling.
    number("simultaneous_connections", 10, "Calls of an account at work at once; more answer 429. 0 = no limit."),
    number("busy_turns", 0, "How many turns of the scheduler a call keeps its connection, so that calls made together meet."),
    flag("bare_refusals", false, "429 and 403 come as an HTML page without JSON, as at high volume."),
    // Webhooks.
    word("webhook_probe", &["get", "none"], "get", "Whether a webhook's URL is asked with GET and must answer 200 before it is taken."),
    word(
        "webhook_signing",
        &["always", "on_request", "never"],
        "always",
        "Which new webhooks are signed: all, those created with signing_enabled, or none as before 2026.",
    ),
    word("fired_at_zone", &["utc", "account"], "utc", "Zone of fired_at, which does not name it."),
    word(
        "archive_fires",
        &["unsubscribe", "nothing"],
        "unsubscribe",
        "Archiving or deleting a subscribed member: unsubscribe with action delete, or no event.",
    ),
    flag("profile_with_subscribe", false, "Whether a change of status to subscribed that also changes merge fields fires profile too."),
    word("upemail_order", &["profile_first", "upemail_first"], "profile_first", "Order of the two events of a changed address."),
    number("webhook_timeout_ms", 10_000, "How long a receiver may take (real time)."),
    number("webhook_delay_ms", 0, "How long after the change a webhook is first sent."),
];
