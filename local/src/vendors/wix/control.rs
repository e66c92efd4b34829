//! Control calls only Wix has.

use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    routing::{get, post},
};
use serde_json::{Value, json};

use super::{
    auth::person,
    contact::Flags,
    definitions::{Definitions, Kind},
    directory::Directory,
    inbox::{self, Inbox},
    mails,
    refusal::Refusal,
    state::{Site, World},
    subscriptions::{self, Subscriptions},
};
use crate::vendors::kit::{ControlError, Lagged, object_of, parse_object, text_of};

/// One line per call.
pub(super) const CALLS: &[(&str, &str)] = &[
    ("GET /_control/keys", "app id, kid and public key PEM of webhooks, sites"),
    ("POST /_control/keys/rotate", "a new webhook key pair"),
    ("GET|PUT /_control/webhooks", "{\"urls\": [..]} where events are posted"),
    ("POST /_control/flags", "{\"site\"?, \"contact\", \"member\"?, \"billing\"?, \"owner\"?}: what forbids deleting"),
    ("POST /_control/anonymize", "{\"site\"?, \"contact\"}: erase for a privacy request"),
    ("POST /_control/install", "{\"site\"?, \"origin_instance\"?}: the app is installed; raises AppInstalled"),
    ("POST /_control/remove", "{\"site\"?}: the app is removed; raises AppRemoved, its tokens fail"),
];

type Reply = Result<Json<Value>, ControlError>;

pub(super) fn routes(world: World) -> Router {
    Router::new()
        .route("/_control/keys", get(keys))
        .route("/_control/keys/rotate", post(rotate))
        .route("/_control/webhooks", get(webhooks).put(put_webhooks))
        .route("/_control/flags", post(flags))
        .route("/_control/anonymize", post(anonymize))
        .route("/_control/install", post(install))
        .route("/_control/remove", post(remove))
        .merge(inbox::control_routes())
        .merge(subscriptions::control_routes())
        .merge(mails::control_routes())
        .with_state(world)
}

async fn keys(State(world): State<World>) -> Json<Value> {
    let sites: Vec<Value> = world.with(|state| {
        let shown = |site: &Site| json!({"site_id": site.id, "instance_id": site.instance_id, "installed": site.installed});
        state.sites.values().map(shown).collect()
    });
    Json(json!({
        "app_id": world.app.id, "kid": world.keys.kid(), "public_key_pem": world.keys.public_pem(), "sites": sites,
    }))
}

async fn rotate(State(world): State<World>) -> Reply {
    world.keys.rotate(&world.ids).map_err(|error| ControlError(error.to_string()))?;
    Ok(keys(State(world)).await)
}

async fn webhooks(State(world): State<World>) -> Json<Value> {
    Json(json!({"urls": world.with(|state| state.webhook_urls.clone())}))
}

async fn put_webhooks(State(world): State<World>, body: Bytes) -> Reply {
    let request = parse_object(&body)?;
    let urls = request.get("urls").cloned().and_then(|urls| serde_json::from_value(urls).ok());
    let urls: Vec<String> = urls.ok_or("urls: must be a list of texts")?;
    world.with(|state| state.webhook_urls = urls);
    Ok(webhooks(State(world)).await)
}

async fn flags(State(world): State<World>, body: Bytes) -> Reply {
    let request = Value::Object(parse_object(&body)?);
    let flag = |name: &str| match request.get(name) {
        None => Ok(None),
        Some(value) => value.as_bool().map(Some).ok_or_else(|| ControlError(format!("{name}: must be true or false"))),
    };
    let (member, billing, owner) = (flag("member")?, flag("billing")?, flag("owner")?);
    world.set_flags(site(&request), text_of(&request, "contact")?, |flags| Flags {
        member: member.unwrap_or(flags.member),
        billing: billing.unwrap_or(flags.billing),
        owner: owner.unwrap_or(flags.owner),
    })?;
    Ok(Json(json!({})))
}

async fn anonymize(State(world): State<World>, body: Bytes) -> Reply {
    let request = Value::Object(parse_object(&body)?);
    world.anonymize(site(&request), text_of(&request, "contact")?)?;
    Ok(Json(json!({})))
}

async fn install(State(world): State<World>, body: Bytes) -> Reply {
    let request = Value::Object(parse_object(&body)?);
    world.install(site(&request), request.get("origin_instance").and_then(Value::as_str))?;
    Ok(Json(json!({})))
}

async fn remove(State(world): State<World>, body: Bytes) -> Reply {
    world.remove(site(&Value::Object(parse_object(&body)?)))?;
    Ok(Json(json!({})))
}

fn site(request: &Value) -> Option<&str> {
    request.get("site").and_then(Value::as_str)
}

fn no_site(_: Refusal) -> ControlError {
    "site: no such site".into()
}

fn no_contact(_: Refusal) -> ControlError {
    "contact: no such contact".into()
}

/// What a refusal says, for a control call that cannot be done.
pub(super) fn told(refusal: Refusal) -> ControlError {
    ControlError(refusal.into_message())
}

impl World {
    pub(super) fn set_flags(&self, site: Option<&str>, contact: &str, change: impl Fn(Flags) -> Flags) -> Result<(), ControlError> {
        let asked = person(self, site).map_err(no_site)?;
        self.at(&asked, |desk| {
            let before = desk.contact(contact)?;
            let mut after = before.clone();
            after.flags = change(before.flags);
            let is_member = after.flags.member;
            desk.commit(&before, after);
            desk.set_member(contact, is_member);
            Ok(())
        })
        .map_err(no_contact)
    }

    pub(super) fn anonymize(&self, site: Option<&str>, contact: &str) -> Result<(), ControlError> {
        let asked = person(self, site).map_err(no_site)?;
        self.at(&asked, |desk| desk.anonymize(contact)).map_err(no_contact)
    }

    /// `AppInstalled`, <https://dev.wix.com/docs/rest/app-management/app-instance/app-instance-installed>.
    pub(super) fn install(&self, site: Option<&str>, origin_instance: Option<&str>) -> Result<(), ControlError> {
        let inner = match origin_instance {
            Some(origin) => json!({"appId": self.app.id, "originInstanceId": origin}),
            None => json!({"appId": self.app.id}),
        };
        self.set_installed(site, true, "AppInstalled", &inner)
    }

    pub(super) fn remove(&self, site: Option<&str>) -> Result<(), ControlError> {
        self.set_installed(site, false, "AppRemoved", &json!({"appId": self.app.id}))
    }

    fn set_installed(&self, site: Option<&str>, installed: bool, event: &str, inner: &Value) -> Result<(), ControlError> {
        let asked = person(self, site).map_err(no_site)?;
        let done = self.at(&asked, |desk| {
            desk.site.installed = installed;
            desk.send(event, &inner.to_string(), false);
            Ok(())
        });
        done.map_err(no_site)
    }

    pub(super) fn add_site(&self, site_id: &str, instance_id: &str) {
        let now_ms = self.core.clock.now_ms();
        let site = Site {
            id: site_id.to_owned(),
            instance_id: instance_id.to_owned(),
            owner_id: self.ids.guid(),
            installed: true,
            labels: Definitions::system(Kind::Label, now_ms),
            fields: Definitions::system(Kind::Field, now_ms),
            ..Site::default()
        };
        self.with(|state| {
            state.order.push(instance_id.to_owned());
            state.sites.insert(instance_id.to_owned(), site);
        });
    }

    /// Creates contacts as a person would; definitions they name must exist.
    pub(super) fn seed_contacts(&self, site: Option<&str>, infos: &[Value]) -> Result<Vec<String>, ControlError> {
        let asked = person(self, site).map_err(no_site)?;
        let mut ids = Vec::new();
        for (index, info) in infos.iter().enumerate() {
            let request = json!({"info": info, "allowDuplicates": true});
            let request = request.as_object().cloned().unwrap_or_default();
            let created = self.at(&asked, |desk| desk.create(&request));
            ids.push(created.map_err(|refusal| ControlError(format!("contacts[{index}]: {}", refusal.message())))?.id);
        }
        Ok(ids)
    }

    pub(super) fn seed_request(&self, request: &Value) -> Result<Value, ControlError> {
        let infos = request.get("contacts").and_then(Value::as_array).ok_or("contacts: must be a list")?;
        Ok(json!({"ids": self.seed_contacts(site(request), infos)?}))
    }

    pub(super) fn add_site_request(&self, request: &Value) -> Result<Value, ControlError> {
        object_of(&json!({"body": request}), "body")?;
        let given = |field: &str| match request.get(field) {
            None => Ok(self.ids.guid()),
            Some(value) => value.as_str().map(str::to_owned).ok_or_else(|| ControlError(format!("{field}: must be a text"))),
        };
        let (site_id, instance_id) = (given("site_id")?, given("instance_id")?);
        if self.with(|state| state.site_named(&instance_id).or(state.site_named(&site_id)).is_some()) {
            return Err("instance_id or site_id: already exists".into());
        }
        self.add_site(&site_id, &instance_id);
        Ok(json!({"site_id": site_id, "instance_id": instance_id}))
    }

    /// All contacts, deleted ones with `deleted` and merged ones with `mergedInto`.
    pub(super) fn all_contacts(&self, site: Option<&str>) -> Result<Value, ControlError> {
        let shown =
            self.of_sites(site, |site| site.contacts.values().map(Lagged::current).map(|contact| contact.for_control(site)).collect())?;
        Ok(json!({"contacts": shown}))
    }

    /// Empties every site.
    pub(super) fn forget(&self) {
        let now_ms = self.core.clock.now_ms();
        self.with(|state| {
            state.tokens.clear();
            for site in state.sites.values_mut() {
                site.installed = true;
                site.contacts.clear();
                site.directory = Directory::default();
                site.inbox = Inbox::default();
                site.subscriptions = Subscriptions::default();
                site.mails.clear();
                site.sequences.clear();
                site.jobs.clear();
                site.labels = Definitions::system(Kind::Label, now_ms);
                site.fields = Definitions::system(Kind::Field, now_ms);
            }
        });
    }
}
