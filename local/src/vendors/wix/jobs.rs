//! Bulk jobs, done at once but reported as jobs,
//! <https://dev.wix.com/docs/rest/crm/members-contacts/contacts/bulk-job/get-bulk-job>.

use axum::{
    Json,
    body::Bytes,
    extract::{Path, State},
};
use serde_json::{Map, Value, json};

use super::{
    auth::Asked,
    contact::Contact,
    contacts::{Reply, is_found},
    entry::Row,
    info::text,
    refusal::{Refusal, body_object, object, texts},
    state::{Desk, World},
};
use crate::vendors::kit::rfc3339;

pub(super) async fn delete(State(world): State<World>, asked: Asked, body: Bytes) -> Reply {
    let request = body_object(&body)?;
    world.at(&asked, |desk| desk.job("DELETE", &request, |desk, contact| desk.delete(&contact.id)))
}

pub(super) async fn update(State(world): State<World>, asked: Asked, body: Bytes) -> Reply {
    let request = body_object(&body)?;
    let info = object(&request, "info")?.cloned().unwrap_or_default();
    world.at(&asked, |desk| {
        desk.job("UPDATE", &request, |desk, contact| {
            let one = json!({"revision": contact.revision, "info": info});
            desk.update(&contact.id, one.as_object().unwrap_or(&Map::new())).map(|_| ())
        })
    })
}

pub(super) async fn labels(State(world): State<World>, asked: Asked, body: Bytes) -> Reply {
    let request = body_object(&body)?;
    let (add, remove) = (texts(&request, "labelKeysToAdd")?, texts(&request, "labelKeysToRemove")?);
    world.at(&asked, |desk| {
        desk.job("ADD_REMOVE_LABELS", &request, |desk, contact| desk.relabel(&contact.id, add.clone(), remove.clone()).map(|_| ()))
    })
}

pub(super) async fn show(State(world): State<World>, asked: Asked, Path(id): Path<String>) -> Reply {
    world.at(&asked, |desk| {
        let job = desk.site.jobs.get(&id).ok_or_else(|| Refusal::bare(404, "Job was not found"))?;
        Ok(Json(json!({"job": job})))
    })
}

pub(super) async fn list(State(world): State<World>, asked: Asked) -> Reply {
    world.at(&asked, |desk| Ok(Json(json!({"jobs": desk.site.jobs.values().collect::<Vec<_>>()}))))
}

impl Desk<'_> {
    /// Does `act` on every contact searches see that passes the filter and search, which sit at the top level here.
    fn job(&mut self, kind: &str, request: &Map<String, Value>, mut act: impl FnMut(&mut Self, &Contact) -> Result<(), Refusal>) -> Reply {
        let search = text(request, "search", "search", 100)?;
        if search.is_none() && request.get("filter").is_none_or(Value::is_null) {
            return Err(Refusal::coded(400, "NEITHER_FILTER_NOR_SEARCH", "A filter or a search is required."));
        }
        let only = Map::from_iter([("filter".to_owned(), request.get("filter").cloned().unwrap_or_default())]);
        let filter = self.listing(&only)?.filter;
        let chosen = self.visible().filter(|contact| {
            let row = Row::of(contact);
            filter.passes(&row) && is_found(&row, search.as_deref())
        });
        let chosen: Vec<Contact> = chosen.filter_map(|seen| self.contact(&seen.id).ok()).collect();
        self.silent = self.world.is("bulk_events", "none");
        let failures: Vec<String> = chosen.iter().filter_map(|contact| act(self, contact).err()).map(|refusal| refusal.code()).collect();
        self.silent = false;
        Ok(Json(json!({"jobId": self.record(kind, chosen.len(), &failures)})))
    }

    fn record(&mut self, kind: &str, total: usize, failures: &[String]) -> String {
        let id = self.world.ids.guid();
        let now = rfc3339(self.now_ms);
        let job = json!({
            "id": id, "type": kind, "status": "COMPLETED", "startedDate": now, "finishedDate": now,
            "totalItems": total, "successTotal": total - failures.len(), "failedTotal": failures.len(), "errors": failures,
        });
        self.site.jobs.insert(id.clone(), job);
        id
    }
}
