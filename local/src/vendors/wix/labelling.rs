//! Putting labels on contacts and taking them off,
//! <https://dev.wix.com/docs/rest/crm/members-contacts/contacts/contacts/contact-v4/label-contact>.

use axum::{
    Json,
    body::Bytes,
    extract::{Path, State},
};
use serde_json::{Map, Value, json};

use super::{
    auth::Asked,
    contact::Contact,
    contacts::Reply,
    params::Params,
    refusal::{Refusal, body_object, texts},
    state::{Desk, World},
};

/// Most keys of one call.
const MOST_KEYS: usize = 100;

pub(super) async fn label(State(world): State<World>, asked: Asked, Path(id): Path<String>, body: Bytes) -> Reply {
    let keys = label_keys(&body_object(&body)?)?;
    world.at(&asked, |desk| Ok(Json(json!({"contact": desk.relabel(&id, keys, Vec::new())?.to_json()}))))
}

pub(super) async fn unlabel(
    State(world): State<World>,
    asked: Asked,
    Path(id): Path<String>,
    Params(mut params): Params,
    body: Bytes,
) -> Reply {
    if world.flag("unlabel_body") && !body.is_empty() {
        params.extend(body_object(&body)?);
    }
    let keys = label_keys(&params)?;
    world.at(&asked, |desk| Ok(Json(json!({"contact": desk.relabel(&id, Vec::new(), keys)?.to_json()}))))
}

fn label_keys(of: &Map<String, Value>) -> Result<Vec<String>, Refusal> {
    let keys = texts(of, "labelKeys")?;
    if keys.is_empty() || keys.len() > MOST_KEYS {
        return Err(Refusal::field("labelKeys", "SIZE", "must hold 1 to 100 keys", &json!({})));
    }
    Ok(keys)
}

impl Desk<'_> {
    /// Adds and removes labels; unknown ones are refused.
    pub fn relabel(&mut self, id: &str, add: Vec<String>, remove: Vec<String>) -> Result<Contact, Refusal> {
        let before = self.contact(id)?;
        let add = self.rules().known_labels(add)?;
        let remove = self.rules().known_labels(remove)?;
        let mut keys: Vec<Value> = super::items::of(&before.info, "labelKeys").to_vec();
        keys.retain(|key| !remove.iter().any(|gone| key == gone));
        for key in add {
            if !keys.iter().any(|known| *known == key) {
                keys.push(key.into());
            }
        }
        let mut after = before.clone();
        after.info.insert("labelKeys".to_owned(), json!({"items": keys}));
        Ok(self.commit(&before, after))
    }
}
