//! The list of an audience's members (<https://mailchimp.com/developer/marketing/api/list-members/list-members-info/>).

use axum::{
    extract::{Path, Query, State},
    http::HeaderMap,
    response::Response,
};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    member::Member,
    problem::Problem,
    projection::{Params, page, project},
    status::Status,
    world::{Answer, Desk, World},
};

/// What is asked for, beside the page.
struct Question {
    status: Option<Status>,
    email: Option<String>,
    since: Option<i64>,
    before: Option<i64>,
    unsubscribed_since: Option<i64>,
    /// Whether members of just the second asked for are meant too.
    inclusive: bool,
    archived: bool,
    sort: (SortField, bool),
}

/// What the members are sorted by.
#[derive(Clone, Copy)]
enum SortField {
    Created,
    OptedIn,
    LastChanged,
}

impl Question {
    fn read(params: &Params, desk: &Desk<'_>) -> Result<Self, Problem> {
        let switches = &desk.world.core.switches;
        let status =
            params.get("status").map(|name| Status::named(name).ok_or_else(|| Problem::field("status", "This status does not exist.")));
        let status = status.transpose()?;
        let unsubscribed_since = time(params, "unsubscribed_since")?;
        if unsubscribed_since.is_some() && status != Some(Status::Unsubscribed) {
            return Err(Problem::field("unsubscribed_since", "May only be used with the status unsubscribed."));
        }
        Ok(Self {
            status,
            email: params.get("email_address").map(|email| email.to_lowercase()),
            since: time(params, "since_last_changed")?,
            before: time(params, "before_last_changed")?,
            unsubscribed_since,
            inclusive: switches.is("since_last_changed", "from"),
            archived: switches.flag("archived_listed"),
            sort: sort(params, switches.is("default_order", "last_changed"))?,
        })
    }

    fn matches(&self, member: &Member) -> bool {
        let changed = seconds(member.changed_ms);
        let edge = i64::from(!self.inclusive);
        let listed = self.status.map_or(self.archived || member.status != Status::Archived, |status| member.status == status);
        listed
            && self.email.as_ref().is_none_or(|email| member.email.to_lowercase() == *email)
            && self.since.is_none_or(|since| changed >= since + edge)
            && self.before.is_none_or(|before| changed <= before - edge)
            && self.unsubscribed_since.is_none_or(|since| member.unsubscribed_ms.is_some_and(|at| seconds(at) > since))
    }

    fn order(&self, members: &mut [&Member]) {
        let (field, descending) = self.sort;
        members.sort_by_key(|member| {
            let at = match field {
                SortField::Created => member.created_ms,
                SortField::OptedIn => member.opted_in_ms.unwrap_or_default(),
                SortField::LastChanged => seconds(member.changed_ms),
            };
            (at, member.contact_id.clone())
        });
        if descending {
            members.reverse();
        }
    }
}

pub(super) async fn list(
    State(world): State<World>,
    Path(list): Path<String>,
    Query(params): Query<Params>,
    headers: HeaderMap,
) -> Response {
    world.call(&headers, &list, |desk| {
        let question = Question::read(&params, desk)?;
        let visible = desk.list.members.values().filter_map(|member| member.seen(desk.now_ms));
        let mut found: Vec<&Member> = visible.filter(|member| question.matches(member)).collect();
        question.order(&mut found);
        let total = found.len();
        let shown: Vec<Value> = page(found, &params)?.into_iter().map(|member| member.to_json(desk.list)).collect();
        let body = json!({"members": shown, "list_id": desk.list.id, "total_items": total});
        Ok(Answer::ok(project(body, &params)))
    })
}

fn sort(params: &Params, by_change: bool) -> Result<(SortField, bool), Problem> {
    let field = match params.get("sort_field").map(String::as_str) {
        None if by_change => SortField::LastChanged,
        None | Some("timestamp_signup") => SortField::Created,
        Some("timestamp_opt") => SortField::OptedIn,
        Some("last_changed") => SortField::LastChanged,
        Some(_) => return Err(Problem::field("sort_field", "Value must be one of: timestamp_opt, timestamp_signup, last_changed")),
    };
    match params.get("sort_dir").map(String::as_str) {
        None | Some("ASC") => Ok((field, false)),
        Some("DESC") => Ok((field, true)),
        Some(_) => Err(Problem::field("sort_dir", "Value must be one of: ASC, DESC")),
    }
}

/// Unix seconds of a time with a zone.
fn time(params: &Params, name: &str) -> Result<Option<i64>, Problem> {
    let parsed = params.get(name).map(|text| text.parse::<Timestamp>().map(Timestamp::as_second));
    parsed.transpose().map_err(|_| Problem::field(name, "This value is not an ISO 8601 time with a zone."))
}

fn seconds(ms: i64) -> i64 {
    ms.div_euclid(1000)
}
