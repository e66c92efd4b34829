//! Batches of contacts, and how their rows fail
//! (<https://developers.hubspot.com/docs/api-reference/error-handling>).

use std::collections::BTreeSet;

use axum::{extract::State, http::HeaderMap, response::Response};
use serde_json::{Map, Value};

use super::{
    contact::Contact,
    errors::ApiError,
    hub::{Answer, Hub, Session},
    objects::{READ, WRITE, id_text, parse, properties},
    render::{self, Wanted},
    search::strings,
};

const MAX_INPUTS: usize = 100;

/// One row of a writing batch.
struct Row {
    /// Id or value of the id property; empty for a create.
    id: String,
    id_property: Option<String>,
    trace: Option<String>,
    properties: Map<String, Value>,
}

/// How a row went through.
struct Done {
    id: u64,
    new: Option<bool>,
}

/// A row's work.
type Work = fn(&mut Session<'_>, &Row) -> Result<Done, ApiError>;

pub(super) async fn read(State(hub): State<Hub>, headers: HeaderMap, body: String) -> Response {
    hub.call(&headers, READ, |session| {
        let body = parse(&body)?;
        let wanted = Wanted { properties: strings(body.get("properties")), history: strings(body.get("propertiesWithHistory")) };
        let id_property = body.get("idProperty").and_then(Value::as_str);
        let ids: Result<BTreeSet<String>, ApiError> = inputs(&body)?.iter().map(|input| id_text(input, "id")).collect();
        let (mut results, mut missing) = (Vec::new(), Vec::new());
        for id in ids? {
            match exact(session, &id, id_property)? {
                Some(contact) => results.push(session.shown(contact, &wanted)),
                None => missing.push(id),
            }
        }
        if session.change.policy.results_reversed {
            results.reverse();
        }
        let errors = not_found_row(missing);
        Ok(answer(session, 200, &results, &errors))
    })
}

pub(super) async fn create(State(hub): State<Hub>, headers: HeaderMap, body: String) -> Response {
    hub.call(&headers, WRITE, |session| {
        let rows = rows(&parse(&body)?, false)?;
        // Without a trace id per row HubSpot could not tell which row failed, so all fail together.
        let traced = all_traced(&rows)?;
        run(session, &rows, 201, traced, |session, row| {
            let id = session.portal.create(&row.properties, &session.change)?;
            Ok(Done { id, new: None })
        })
    })
}

pub(super) async fn update(State(hub): State<Hub>, headers: HeaderMap, body: String) -> Response {
    hub.call(&headers, WRITE, |session| {
        let rows = rows(&parse(&body)?, true)?;
        refuse_duplicates(&rows)?;
        let partial = all_traced(&rows)? || !session.change.policy.rows_need_trace;
        run(session, &rows, 200, partial, |session, row| {
            let found = exact(session, &row.id, row.id_property.as_deref())?;
            let id = found.ok_or_else(ApiError::not_found)?.id;
            session.portal.update(id, &row.properties, &session.change)?;
            Ok(Done { id, new: None })
        })
    })
}

pub(super) async fn upsert(State(hub): State<Hub>, headers: HeaderMap, body: String) -> Response {
    hub.call(&headers, WRITE, |session| {
        let rows = rows(&parse(&body)?, true)?;
        refuse_duplicates(&rows)?;
        if rows.iter().any(|row| row.id_property.is_none()) {
            return Err(ApiError::invalid("Invalid input JSON: some required fields were not set: [idProperty]"));
        }
        let partial = all_traced(&rows)? || !session.change.policy.rows_need_trace;
        run(session, &rows, 200, partial, upsert_row)
    })
}

pub(super) async fn archive(State(hub): State<Hub>, headers: HeaderMap, body: String) -> Response {
    hub.call(&headers, WRITE, |session| {
        for input in inputs(&parse(&body)?)? {
            if let Ok(id) = id_text(input, "id")?.parse() {
                session.portal.archive(id, &session.change);
            }
        }
        Ok(Answer::no_content())
    })
}

fn upsert_row(session: &mut Session<'_>, row: &Row) -> Result<Done, ApiError> {
    let name = row.id_property.as_deref().unwrap_or_default();
    let mut input = row.properties.clone();
    let Some(id) = exact(session, &row.id, Some(name))?.map(|contact| contact.id) else {
        input.entry(name).or_insert_with(|| row.id.clone().into());
        let id = session.portal.create(&input, &session.change)?;
        return Ok(Done { id, new: Some(true) });
    };
    if name == "email" && session.change.policy.upsert_by_email_clears {
        clear_unsent(session, id, &mut input);
    }
    session.portal.update(id, &input, &session.change)?;
    Ok(Done { id, new: Some(false) })
}

/// Makes a write say "empty" for everything it does not mention.
fn clear_unsent(session: &Session<'_>, id: u64, input: &mut Map<String, Value>) {
    let set = session.portal.contacts.get(&id).map(|contact| contact.values.keys()).into_iter().flatten();
    for name in set {
        let writable = session.portal.schema.get(name).is_some_and(|property| !property.read_only);
        if writable && name != "email" {
            input.entry(name.as_str()).or_insert_with(|| "".into());
        }
    }
}

/// The live contact of exactly this id or key: batches do not follow merges.
fn exact<'a>(session: &'a Session<'_>, id: &str, id_property: Option<&str>) -> Result<Option<&'a Contact>, ApiError> {
    match id_property {
        Some("hs_object_id") | None => Ok(id.parse().ok().and_then(|id| session.portal.live(id))),
        Some(name) if session.portal.schema.is_key(name) => Ok(session.portal.by_key(name, id)),
        Some(name) => Err(ApiError::invalid(format!("Property '{name}' is not a unique identifier"))),
    }
}

/// Does the rows in turn; on the first failure of a batch that is not partial, undoes them all.
fn run(session: &mut Session<'_>, rows: &[Row], status: u16, partial: bool, work: Work) -> Result<Answer, ApiError> {
    let mark = session.portal.feed.mark();
    let mut undo = Vec::new();
    let (mut results, mut errors, mut missing) = (Vec::new(), Vec::new(), Vec::new());
    for row in rows {
        let before = exact(session, &row.id, row.id_property.as_deref())?.cloned();
        match work(session, row) {
            Ok(done) => {
                undo.push((done.id, before));
                results.push(done.render(session, row)?);
            }
            Err(error) if error.status == 404 => missing.push(row.id.clone()),
            Err(error) => {
                let whole = error.status == 409 && row.id_property.is_some() && session.change.policy.upsert_conflict_refuses_batch;
                if whole || !partial {
                    for (id, before) in undo.into_iter().rev() {
                        session.portal.undo(id, before);
                    }
                    session.portal.feed.rewind(mark);
                    return Err(if whole { ApiError::invalid(error.message) } else { error });
                }
                errors.push(row.explain(error).row(session.change.policy.problems_listed));
            }
        }
    }
    errors.extend(not_found_row(missing));
    if session.change.policy.results_reversed {
        results.reverse();
    }
    Ok(answer(session, status, &results, &errors))
}

impl Done {
    fn render(&self, session: &Session<'_>, row: &Row) -> Result<Value, ApiError> {
        let contact = session.portal.contacts.get(&self.id).ok_or_else(ApiError::not_found)?;
        let mut object = render::written(session.portal, contact, &row.properties, session.change.policy);
        if let Some(new) = self.new {
            object.insert("new".to_owned(), new.into());
        }
        if let Some(trace) = &row.trace {
            object.insert("objectWriteTraceId".to_owned(), trace.as_str().into());
        }
        Ok(object.into())
    }
}

impl Row {
    /// Says in the error which row it is about.
    fn explain(&self, error: ApiError) -> ApiError {
        let error = match &self.trace {
            Some(trace) => error.with_context("objectWriteTraceId", [trace.clone()]),
            None => error,
        };
        if self.id.is_empty() { error } else { error.with_context("ids", [self.id.clone()]) }
    }
}

fn answer(session: &Session<'_>, status: u16, results: &[Value], errors: &[Value]) -> Answer {
    let status = if errors.is_empty() { status } else { 207 };
    Answer::with(status, render::batch(results, errors, session.change.now_ms))
}

/// One entry for all ids that are not there.
fn not_found_row(ids: Vec<String>) -> Vec<Value> {
    if ids.is_empty() {
        return Vec::new();
    }
    let message = "Could not get some CONTACT objects, they may be deleted or not exist. Check that ids are valid.";
    vec![ApiError::new(404, "OBJECT_NOT_FOUND", message).with_context("ids", ids).row(true)]
}

fn inputs(body: &Value) -> Result<&Vec<Value>, ApiError> {
    let inputs = body
        .get("inputs")
        .and_then(Value::as_array)
        .ok_or_else(|| ApiError::invalid("Invalid input JSON: some required fields were not set: [inputs]"))?;
    if inputs.is_empty() || inputs.len() > MAX_INPUTS {
        return Err(ApiError::invalid(format!("inputs must hold 1 to {MAX_INPUTS} entries")));
    }
    Ok(inputs)
}

fn rows(body: &Value, with_id: bool) -> Result<Vec<Row>, ApiError> {
    let text = |input: &Value, name: &str| input.get(name).and_then(Value::as_str).map(str::to_owned);
    let row = |input: &Value| {
        Ok(Row {
            id: if with_id { id_text(input, "id")? } else { String::new() },
            id_property: text(input, "idProperty"),
            trace: text(input, "objectWriteTraceId"),
            properties: properties(input)?.clone(),
        })
    };
    inputs(body)?.iter().map(row).collect()
}

fn refuse_duplicates(rows: &[Row]) -> Result<(), ApiError> {
    let mut seen = BTreeSet::new();
    let mut twice = rows.iter().filter(|row| !seen.insert(row.id.to_lowercase()));
    match twice.next() {
        Some(row) => Err(ApiError::invalid(format!("Duplicate IDs found in batch input: [{}].", row.id))),
        None => Ok(()),
    }
}

/// Whether every row has a trace id; the ids must differ.
fn all_traced(rows: &[Row]) -> Result<bool, ApiError> {
    let traces: Vec<&String> = rows.iter().filter_map(|row| row.trace.as_ref()).collect();
    let distinct: BTreeSet<&&String> = traces.iter().collect();
    if distinct.len() < traces.len() {
        return Err(ApiError::invalid("objectWriteTraceId must be unique within a batch"));
    }
    Ok(traces.len() == rows.len())
}
