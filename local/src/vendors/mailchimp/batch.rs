//! Many members in one call (<https://mailchimp.com/developer/marketing/api/lists/batch-subscribe-or-unsubscribe/>).

use std::collections::BTreeSet;

use axum::{
    extract::{Path, Query, State},
    http::HeaderMap,
    response::Response,
};
use serde_json::{Map, Value, json};

use super::{
    consent::Written,
    member::hash_of,
    problem::Problem,
    projection::{Params, object},
    status::Status,
    wish::Wish,
    world::{Answer, Desk, World},
};

const MOST: usize = 500;

/// How rows are to be taken.
#[derive(Clone, Copy)]
struct Terms {
    update_existing: bool,
    /// The tags sent are all the tags a member has.
    sync_tags: bool,
    skip_required: bool,
}

/// A row that was not taken.
struct Refused {
    code: &'static str,
    problem: Problem,
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self { code: "ERROR_GENERIC", problem }
    }
}

pub(super) async fn write(
    State(world): State<World>,
    Path(list): Path<String>,
    Query(params): Query<Params>,
    headers: HeaderMap,
    body: String,
) -> Response {
    world.call(&headers, &list, |desk| {
        let body = object(&body)?;
        let flag = |name: &str| body.get(name).and_then(Value::as_bool).unwrap_or_default();
        let asked = |name: &str| params.get(name).is_some_and(|value| value == "true");
        let terms =
            Terms { update_existing: flag("update_existing"), sync_tags: flag("sync_tags"), skip_required: asked("skip_merge_validation") };
        Ok(Answer::ok(rows(desk, members(&body)?, terms, asked("skip_duplicate_check"))))
    })
}

fn members(body: &Map<String, Value>) -> Result<&Vec<Value>, Problem> {
    let list = body.get("members").and_then(Value::as_array);
    let list = list.ok_or_else(|| Problem::field("members", "This value should not be blank."))?;
    if list.len() > MOST {
        return Err(Problem::field("members", format!("This collection should contain {MOST} elements or less.")));
    }
    Ok(list)
}

/// Takes the rows in turn, each for itself.
fn rows(desk: &mut Desk<'_>, members: &[Value], terms: Terms, skip_duplicates: bool) -> Value {
    let (mut new, mut updated, mut errors) = (Vec::new(), Vec::new(), Vec::new());
    let mut seen = BTreeSet::new();
    for entry in members {
        let email = entry.get("email_address").and_then(Value::as_str).unwrap_or_default();
        let first = seen.insert(hash_of(email));
        let written = match (first, skip_duplicates) {
            (false, true) => continue,
            (false, false) => Err(Problem::invalid(format!("{email} is in this request more than once.")).into()),
            (true, _) => row(desk, entry, terms),
        };
        match written {
            Ok(Written { member, new: true }) => new.push(member.to_json(desk.list)),
            Ok(Written { member, new: false }) => updated.push(member.to_json(desk.list)),
            Err(refused) => errors.push(refused.to_json(email)),
        }
    }
    json!({
        "total_created": new.len(), "total_updated": updated.len(), "error_count": errors.len(),
        "new_members": new, "updated_members": updated, "errors": errors,
    })
}

/// An existing member's status is overwritten.
fn row(desk: &mut Desk<'_>, entry: &Value, terms: Terms) -> Result<Written, Refused> {
    let none = Map::new();
    let wish = Wish::read(entry.as_object().unwrap_or(&none), terms.skip_required)?;
    let email = wish.address()?.to_owned();
    if wish.status.is_none() {
        return Err(Problem::field("status", "This value should not be blank.").into());
    }
    let known = desk.find(&hash_of(&email)).ok();
    let Some(before) = known else {
        return Ok(desk.add(&wish, wish.status)?);
    };
    if !terms.update_existing && before.status != Status::Archived {
        let detail =
            format!("{email} is already a list member, do you want to update? please provide update_existing:true in the request body");
        return Err(Refused { code: "ERROR_CONTACT_EXISTS", problem: Problem::invalid(detail) });
    }
    let written = desk.change(&before, &wish, wish.status)?;
    Ok(Written { member: tagged(desk, written.member, &wish, terms), new: false })
}

fn tagged(desk: &mut Desk<'_>, before: super::member::Member, wish: &Wish, terms: Terms) -> super::member::Member {
    let Some(names) = &wish.tags else {
        return before;
    };
    let mut after = before.clone();
    if terms.sync_tags {
        after.tags.retain(|name, _| names.contains(name));
    }
    let fires = desk.world.core.switches.flag("tags_in_body_fire");
    desk.add_tags(&mut after, names, fires);
    desk.settle(Some(&before), after)
}

impl Refused {
    fn to_json(&self, email: &str) -> Value {
        let (field, message) = self.problem.errors.first().cloned().unwrap_or_default();
        json!({
            "email_address": email, "error": self.problem.detail, "error_code": self.code, "field": field, "field_message": message,
        })
    }
}
