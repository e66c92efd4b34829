//! What Wix's documents leave open.

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

/// What a change on the side does to a contact.
const TOUCH: &[&str] = &["quiet", "bump", "bump_and_event"];

/// Every switch of the simulator.
pub const SWITCHES: &[Switch] = &[
    // Writing contacts.
    word("patch_extended_fields", &["merge", "replace"], "merge", "update: keys of extendedFields.items not sent are kept or erased"),
    word(
        "patch_clearing",
        &["empty_string", "null", "both", "none"],
        "empty_string",
        "update: what clears a property; the other is ignored",
    ),
    word("patch_name", &["replace", "merge"], "replace", "update: info.name replaces the name or changes the parts sent"),
    word(
        "noop_patch",
        &["bump_and_event", "bump", "nothing"],
        "bump_and_event",
        "update or label without any change: new revision and event, only the revision, or neither",
    ),
    flag("item_ids_kept", false, "update: list items sent with their id keep it"),
    flag("phone_reformatting", false, "phones come back in national format when their country is known"),
    word("duplicate_check", &["any", "primary"], "any", "which of the e-mails given are looked for on other contacts"),
    word(
        "duplicate_check_on_update",
        &["sent", "added"],
        "sent",
        "update: e-mails sent are checked, or only those the contact did not have",
    ),
    word(
        "unknown_extended_field",
        &["reject", "ignore"],
        "reject",
        "an unknown key in extendedFields: 400 INVALID_EXTENDED_FIELD_VALUE, or dropped",
    ),
    word("read_only_extended_field", &["ignore", "reject"], "ignore", "a read-only key in extendedFields: dropped, or 400"),
    word("unknown_label", &["400", "404", "ignore"], "400", "an unknown label key: the refusal's status, or dropped"),
    word("source_type", &["THIRD_PARTY", "WIX_APP"], "THIRD_PARTY", "source.sourceType of contacts the app creates"),
    flag("email_format", true, "e-mails must look like one; off = only the length is checked"),
    word("delete_unknown", &["404", "200"], "404", "delete of an id that does not exist"),
    word(
        "merge_stale_revision",
        &["428", "409"],
        "428",
        "merge with an old target revision: 428 FAILED_PRECONDITION or 409 CONTACT_ALREADY_CHANGED",
    ),
    flag("merge_fills_extended_fields", true, "merge: extended fields the target lacks come from the sources"),
    flag("unlabel_body", false, "DELETE labels accepts labelKeys in a JSON body"),
    // Reading contacts.
    number("visibility_lag_ms", 0, "how long after a write query and list see it"),
    flag("people_lag", false, "what people write lags as well; off = only what apps write"),
    number("page_cap", 0, "most contacts on a page, whatever is asked for; 0 = as many as asked for"),
    number("clock_ahead_ms", 0, "how far Wix's clock is ahead of everybody else's"),
    number("clock_behind_ms", 0, "how far Wix's clock is behind everybody else's"),
    word("unwrapped_query", &["ignored", "honoured"], "ignored", "filter, sort and paging beside `query` instead of inside"),
    flag("filter_logic", false, "$and, $or and $not in filters"),
    flag("exists_false", true, "$exists: false in filters; off = 400 UNSUPPORTED_FILTER_VALUE"),
    flag("starts_with_ignores_case", false, "$startsWith on other fields than e-mails compares without case"),
    number("in_limit", 100, "most values of $in; 0 = any number"),
    word("ties", &["by_id", "shuffled"], "by_id", "contacts that sort alike: in one order always, or in another one with each call"),
    flag("total_omitted", false, "pagingMetadata carries tooManyToCount instead of total"),
    // Labels and extended fields.
    flag("key_tail", false, "new extended fields get a key with a random tail"),
    word("find_by_name", &["exact", "ignore_case"], "exact", "how find-or-create compares display names"),
    flag("definition_delete_touches_contacts", false, "deleting a label or field raises contact_updated for contacts that had it"),
    number("extended_fields_quota", 100, "most custom fields per site; 429 FIELDS_QUOTA_EXCEEDED above"),
    number("labels_quota", 1000, "most user labels per site; 428 LABELS_QUOTA_REACHED above"),
    // Inbox.
    word(
        "inbox_unknown_contact",
        &["404", "400", "create"],
        "404",
        "get or create a conversation for an unknown contact: the refusal's status, or the conversation is created anyway",
    ),
    word(
        "inbox_member_by_contact",
        &["resolves", "refused"],
        "resolves",
        "whether the contact id of a member leads to the member's conversation",
    ),
    flag("member_info", false, "a contact that is read shows `memberInfo` with the member's id, which is documented as internal"),
    word(
        "unknown_conversation",
        &["404", "403"],
        "404",
        "a message to an unknown conversation: 404 CONVERSATION_NOT_FOUND or 403 IDENTITY_DOES_NOT_MATCH",
    ),
    word(
        "merged_conversation",
        &["answers", "404"],
        "answers",
        "the id of a conversation that was merged into another: leads there, or 404",
    ),
    word(
        "merged_contacts_conversation",
        &["new", "kept"],
        "new",
        "when contacts merge, the target's conversation is replaced by a new one too, or kept",
    ),
    word(
        "missing_visibility",
        &["400", "BUSINESS", "BUSINESS_AND_PARTICIPANT"],
        "400",
        "a message without visibility: refused, or the default",
    ),
    word(
        "missing_direction",
        &["400", "PARTICIPANT_TO_BUSINESS", "BUSINESS_TO_PARTICIPANT"],
        "400",
        "a message without direction: refused, or the default",
    ),
    word("top_level_direction", &["ignored", "honoured"], "ignored", "direction beside `message` instead of inside"),
    word("send_as_mismatch", &["accepted", "403"], "accepted", "sendAs PARTICIPANT with direction BUSINESS_TO_PARTICIPANT"),
    word("invalid_media_url_status", &["400", "403", "404", "428"], "400", "the status of INVALID_MEDIA_URL"),
    word("message_text_unit", &["characters", "utf16"], "characters", "how the length of a message's texts is counted"),
    flag("message_backdating", false, "createdDate of a message counts if it is sent"),
    number("inbox_lag_ms", 0, "how long after it was sent a message is listed"),
    word("no_inbox_on_list", &["404", "401"], "404", "list messages without Inbox: 404 INBOX_INSTANCE_NOT_FOUND or 401 NO_INBOX_INSTANCE"),
    word(
        "inbox_event_names",
        &["underscore", "hyphen"],
        "underscore",
        "message_message_sent_to_business or message_message-sent-to-business",
    ),
    word("inbox_touches_contact", TOUCH, "quiet", "a message changes lastActivity; whether with a new revision and contact_updated"),
    // Email subscriptions.
    word(
        "subscription_mirror",
        TOUCH,
        "bump_and_event",
        "contacts show a changed subscription; whether with a new revision and contact_updated",
    ),
    word(
        "mirrored_email",
        &["primary", "effective"],
        "primary",
        "which address emailSubscriptions.subscriptionStatus of a contact is about",
    ),
    word(
        "subscription_case",
        &["as_sent", "lower"],
        "as_sent",
        "the address of a subscription is shown as it was first sent, or in lower case",
    ),
    word("subscription_upsert", &["merge", "replace"], "merge", "upsert: a status that was not sent is kept, or becomes NOT_SET"),
    word(
        "resubscribe_by_app",
        &["allowed", "ignored", "refused"],
        "allowed",
        "an app makes UNSUBSCRIBED SUBSCRIBED: done, silently not done, or 428 FAILED_PRECONDITION",
    ),
    flag("pending_mail", true, "PENDING sends the addressee a confirmation mail"),
    flag("noop_subscription_event", true, "an upsert without any change raises EmailSubscriptionChanged too"),
    word(
        "subscription_keys",
        &["typed", "samples"],
        "typed",
        "answers as typed (subscriptions; results) or as the samples print them (email_subscriptions; subscriptions without rows)",
    ),
    word("unfiltered_subscriptions", &["all", "400"], "all", "query without a filter at the top level: everything, or 400"),
    word(
        "unknown_subscription",
        &["omitted", "not_set"],
        "omitted",
        "query of a contact's address that was never set: nothing, or NOT_SET",
    ),
    word("bulk_invalid_row", &["row", "request"], "row", "an invalid row fails alone, or fails the whole bulk upsert"),
    // Calling.
    word("bearer_prefix", &["accepted", "refused"], "accepted", "`Authorization: Bearer <token>` beside the raw token"),
    word("removed_instance_status", &["401", "403"], "401", "calls with the token of a removed instance"),
    word("token_info_types", &["strings", "json"], "strings", "token-info: active, exp and iat as strings or as boolean and numbers"),
    number("rate_limit_per_minute", 200, "calls per minute and instance; 0 = no limit"),
    word("throttle_status", &["429", "403"], "429", "throttled calls: 429, or 403 with empty message and details as once seen"),
    flag("retry_after", false, "throttled calls carry Retry-After: 60"),
    // Webhooks.
    word(
        "entity_form",
        &["object", "string"],
        "object",
        "entity, currentEntity and body as objects, or entityAsJson, currentEntityAsJson and bodyAsJson as strings",
    ),
    word("merged_slug", &["merged", "merge"], "merged", "the slug of the merge event"),
    word("merge_event_order", &["merged_first", "merged_last"], "merged_first", "whether merged comes before or after updated and deleted"),
    flag("iss_aud", false, "the JWT carries iss and aud"),
    flag("identity_for_app_writes", true, "events caused by an app say so in identity"),
    flag("account_info", false, "events carry accountInfo"),
    flag("modified_fields", false, "updated events carry modifiedFields (path to old value)"),
    flag("deleted_entity", false, "deleted events carry the contact"),
    flag("event_sequence", true, "events carry entityEventSequence"),
    flag("retry_resigns", false, "a retry has a new iat and exp; off = the same bytes again"),
    word("event_name", &["hyphen", "underscore"], "hyphen", "extended-field_created or extended_field_created"),
    word("bulk_events", &["per_contact", "none"], "per_contact", "whether bulk jobs raise contact events"),
    number("token_lifetime_s", 3_600_000, "exp - iat of the JWT in seconds"),
    number("webhook_timeout_ms", 1250, "how long a receiver may take (real time)"),
    number("webhook_delay_ms", 0, "how long after the change a webhook is first sent"),
];
