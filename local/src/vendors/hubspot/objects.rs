//! Single contacts: list, get, create, update, archive, restore, merge, privacy deletion, search
//! (<https://developers.hubspot.com/docs/api-reference/crm-contacts-v3/guide>).

use axum::{
    Router,
    extract::{Path, RawQuery, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use super::{
    batch,
    contact::{Contact, Gone},
    errors::ApiError,
    hub::{Answer, Hub, Session, human},
    limits::HEADERS,
    render::{self, Wanted},
    search::Search,
};

pub(super) const READ: &str = "crm.objects.contacts.read";
pub(super) const WRITE: &str = "crm.objects.contacts.write";

/// Where the objects API is served.
const PREFIXES: &[&str] = &["/crm/objects/2026-03/contacts", "/crm/objects/2026-09/contacts", "/crm/v3/objects/contacts"];
const MAX_LIST: usize = 100;
const MAX_LIST_WITH_HISTORY: usize = 50;

/// The routes of contacts.
pub(super) fn router() -> Router<Hub> {
    PREFIXES.iter().fold(Router::new(), |router, prefix| {
        router
            .route(prefix, get(list).post(create))
            .route(&format!("{prefix}/search"), post(search))
            .route(&format!("{prefix}/merge"), post(merge))
            .route(&format!("{prefix}/gdpr-delete"), post(gdpr_delete))
            .route(&format!("{prefix}/batch/read"), post(batch::read))
            .route(&format!("{prefix}/batch/create"), post(batch::create))
            .route(&format!("{prefix}/batch/update"), post(batch::update))
            .route(&format!("{prefix}/batch/upsert"), post(batch::upsert))
            .route(&format!("{prefix}/batch/archive"), post(batch::archive))
            .route(&format!("{prefix}/{{id}}"), get(one).patch(update).delete(archive))
            .route(&format!("{prefix}/{{id}}/restore"), post(restore))
    })
}

/// The query of a read.
#[derive(Default)]
struct Query {
    wanted: Wanted,
    limit: Option<String>,
    after: Option<String>,
    archived: bool,
    id_property: Option<String>,
}

impl Query {
    /// Lists come repeated, separated by commas, or both.
    fn parse(raw: Option<&str>) -> Self {
        let mut query = Self::default();
        for (name, value) in form_urlencoded::parse(raw.unwrap_or_default().as_bytes()) {
            let list = || value.split(',').map(str::trim).filter(|each| !each.is_empty()).map(str::to_owned);
            match name.as_ref() {
                "properties" => query.wanted.properties.extend(list()),
                "propertiesWithHistory" => query.wanted.history.extend(list()),
                "limit" => query.limit = Some(value.into_owned()),
                "after" => query.after = Some(value.into_owned()),
                "archived" => query.archived = value == "true",
                "idProperty" => query.id_property = Some(value.into_owned()),
                _ => {}
            }
        }
        query
    }

    fn page(&self) -> Result<(usize, u64), ApiError> {
        let most = if self.wanted.history.is_empty() { MAX_LIST } else { MAX_LIST_WITH_HISTORY };
        let limit = self.limit.as_deref().map_or(Ok(10), str::parse).ok();
        let limit = limit
            .filter(|limit| (1..=most).contains(limit))
            .ok_or_else(|| ApiError::invalid(format!("limit must be between 1 and {most}")))?;
        let after = self.after.as_deref().map_or(Ok(0), str::parse);
        Ok((limit, after.map_err(|_| ApiError::invalid("after is not a paging cursor"))?))
    }
}

/// The body of a call as a JSON object.
pub(super) fn parse(body: &str) -> Result<Value, ApiError> {
    serde_json::from_str(body)
        .ok()
        .filter(Value::is_object)
        .ok_or_else(|| ApiError::invalid("Invalid input JSON on line 1, column 1: cannot be read"))
}

/// The `properties` of a write.
pub(super) fn properties(input: &Value) -> Result<&Map<String, Value>, ApiError> {
    input
        .get("properties")
        .and_then(Value::as_object)
        .ok_or_else(|| ApiError::invalid("Invalid input JSON: some required fields were not set: [properties]"))
}

/// A text or whole number of a body.
pub(super) fn id_text(input: &Value, name: &str) -> Result<String, ApiError> {
    match input.get(name) {
        Some(Value::String(text)) if !text.is_empty() => Ok(text.clone()),
        Some(Value::Number(number)) => Ok(number.to_string()),
        _ => Err(ApiError::invalid(format!("Invalid input JSON: some required fields were not set: [{name}]"))),
    }
}

impl Session<'_> {
    /// The record a path names, archived ones included; ids of merged records lead to the winner.
    fn find(&self, id: &str, id_property: Option<&str>) -> Result<&Contact, ApiError> {
        let found = match id_property {
            Some(name) if !self.portal.schema.is_key(name) => {
                return Err(ApiError::invalid(format!("Property '{name}' is not a unique identifier")));
            }
            Some(name) => self.portal.by_key(name, id),
            None => id.parse().ok().and_then(|id| self.portal.resolve(id)),
        };
        found.filter(|contact| contact.gone.is_none()).ok_or_else(ApiError::not_found)
    }

    pub fn shown(&self, contact: &Contact, wanted: &Wanted) -> Value {
        render::read(self.portal, contact, wanted, self.change.now_ms, self.change.policy)
    }

    /// The reply to a write of one contact.
    fn written(&self, id: u64, input: &Map<String, Value>) -> Result<Value, ApiError> {
        let contact = self.portal.contacts.get(&id).ok_or_else(ApiError::not_found)?;
        Ok(render::written(self.portal, contact, input, self.change.policy).into())
    }
}

async fn list(State(hub): State<Hub>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    hub.call(&headers, READ, |session| {
        let query = Query::parse(query.as_deref());
        let (limit, after) = query.page()?;
        let at_ms = session.seen_ms;
        let listed = |contact: &&Contact| contact.listed_at(at_ms, query.archived);
        let mut rows = session.portal.contacts.range(after..).map(|(_, contact)| contact).filter(listed);
        let page: Vec<&Contact> = rows.by_ref().take(limit).collect();
        let next = rows.next().map(|contact| contact.id.to_string());
        let shown = |contact: &&Contact| render::read(session.portal, contact, &query.wanted, at_ms, session.change.policy);
        let mut body = json!({"results": page.iter().map(shown).collect::<Vec<Value>>()});
        if let (Some(next), Some(body)) = (next, body.as_object_mut()) {
            let link = format!("{}/crm/objects/2026-09/contacts?limit={limit}&after={next}", session.base_url);
            body.insert("paging".to_owned(), json!({"next": {"after": next, "link": link}}));
        }
        Ok(Answer::ok(body))
    })
}

async fn one(State(hub): State<Hub>, Path(id): Path<String>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    hub.call(&headers, READ, |session| {
        let query = Query::parse(query.as_deref());
        let contact = session.find(&id, query.id_property.as_deref())?;
        let archived = contact.archived_ms.is_some();
        if archived != query.archived && !(archived && session.change.policy.archived_returned) {
            return Err(ApiError::not_found());
        }
        Ok(Answer::ok(session.shown(contact, &query.wanted)))
    })
}

async fn create(State(hub): State<Hub>, headers: HeaderMap, body: String) -> Response {
    hub.call(&headers, WRITE, |session| {
        let body = parse(&body)?;
        let input = properties(&body)?;
        let id = session.portal.create(input, &session.change)?;
        Ok(Answer::with(201, session.written(id, input)?))
    })
}

async fn update(State(hub): State<Hub>, Path(id): Path<String>, RawQuery(query): RawQuery, headers: HeaderMap, body: String) -> Response {
    hub.call(&headers, WRITE, |session| {
        let body = parse(&body)?;
        let input = properties(&body)?;
        let query = Query::parse(query.as_deref());
        let id = session.find(&id, query.id_property.as_deref())?.id;
        session.portal.update(id, input, &session.change)?;
        Ok(Answer::ok(session.written(id, input)?))
    })
}

async fn archive(State(hub): State<Hub>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    hub.call(&headers, WRITE, |session| {
        if let Ok(id) = id.parse() {
            session.portal.archive(id, &session.change);
        }
        Ok(Answer::no_content())
    })
}

/// Not part of HubSpot's API: what a person does in the recycle bin.
async fn restore(State(hub): State<Hub>, Path(id): Path<u64>, headers: HeaderMap) -> Response {
    if human(&headers).is_none() {
        return StatusCode::NOT_FOUND.into_response();
    }
    hub.call(&headers, WRITE, |session| {
        session.portal.restore(id, &session.change)?;
        Ok(Answer::ok(session.written(id, &Map::new())?))
    })
}

async fn merge(State(hub): State<Hub>, headers: HeaderMap, body: String) -> Response {
    hub.call(&headers, WRITE, |session| {
        let body = parse(&body)?;
        let id = |name: &str| id_text(&body, name)?.parse().map_err(|_| ApiError::not_found());
        let kept = session.portal.merge(id("primaryObjectId")?, id("objectIdToMerge")?, &session.change)?;
        let contact = session.portal.live(kept).ok_or_else(ApiError::not_found)?;
        Ok(Answer::ok(session.shown(contact, &Wanted::default())))
    })
}

async fn gdpr_delete(State(hub): State<Hub>, headers: HeaderMap, body: String) -> Response {
    hub.call(&headers, WRITE, |session| {
        let body = parse(&body)?;
        let object = id_text(&body, "objectId")?;
        let by_email = match body.get("idProperty").and_then(Value::as_str) {
            None | Some("hs_object_id") => false,
            Some("email") => true,
            Some(other) => {
                return Err(ApiError::invalid(format!("idProperty '{other}' is not supported")));
            }
        };
        let found = session.find(&object, by_email.then_some("email")).map(|contact| contact.id);
        match found {
            Ok(id) => session.portal.erase(id, &session.change),
            Err(_) if by_email => {
                session.portal.blocked.insert(object.to_lowercase());
            }
            Err(error) => return Err(error),
        }
        Ok(Answer::no_content())
    })
}

async fn search(State(hub): State<Hub>, headers: HeaderMap, body: String) -> Response {
    let mut response = hub.call(&headers, READ, |session| {
        let search = Search::parse(&body, &session.portal.schema)?;
        let hits = search.run(session.portal, session.seen_ms);
        let wanted = Wanted { properties: search.properties, history: Vec::new() };
        let at_ms = session.seen_ms;
        let contacts = hits.ids.iter().filter_map(|id| session.portal.contacts.get(id));
        let results: Vec<Value> =
            contacts.map(|contact| render::read(session.portal, contact, &wanted, at_ms, session.change.policy)).collect();
        let mut body = json!({"total": hits.total, "results": results});
        if let (Some(next), Some(body)) = (hits.next, body.as_object_mut()) {
            body.insert("paging".to_owned(), json!({"next": {"after": next.to_string()}}));
        }
        Ok(Answer::ok(body))
    });
    // Searches have a limit of their own and tell nothing of the account's.
    for name in HEADERS {
        response.headers_mut().remove(name);
    }
    response
}

/// Whether a record was merged away, for the control view.
pub(super) fn state_of(contact: &Contact) -> &'static str {
    match (contact.gone, contact.archived_ms) {
        (Some((Gone::Merged(_), _)), _) => "merged",
        (Some((Gone::Erased, _)), _) => "erased",
        (None, Some(_)) => "archived",
        (None, None) => "live",
    }
}
