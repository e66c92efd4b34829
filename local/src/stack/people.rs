//! People at work in Wix and in the CRM, over the vendors' own HTTP APIs.

use anyhow::{Context, bail};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use super::SiteHandle;
use crate::vendors::kit::plain_http;

const WIX_CONTACTS: &str = "/contacts/v4/contacts";
const HUB_CONTACTS: &str = "/crm/objects/2026-09/contacts";

/// A person of one site who may do everything on both sides.
#[derive(Clone)]
pub struct People {
    http: reqwest::Client,
    wix: String,
    hubspot: String,
    pipedrive: String,
    site: SiteHandle,
}

impl People {
    pub(super) fn new(wix: String, [hubspot, pipedrive]: [String; 2], site: &SiteHandle) -> Self {
        let http = plain_http().unwrap_or_default();
        Self { http, wix, hubspot, pipedrive, site: site.clone() }
    }

    /// The site.
    #[must_use]
    pub const fn site(&self) -> &SiteHandle {
        &self.site
    }

    /// Calls Wix as the person; the reply's JSON, `None` for 404.
    ///
    /// # Errors
    /// When Wix refuses.
    pub async fn wix(&self, method: Method, path: &str, body: Option<Value>) -> anyhow::Result<Option<Value>> {
        let request = self.http.request(method, format!("{}{path}", self.wix)).header("wix-site-id", &self.site.wix_site_id);
        send(request, body).await
    }

    /// Calls `HubSpot` as the person; the reply's JSON, `None` for 404.
    ///
    /// # Errors
    /// When `HubSpot` refuses.
    pub async fn hub(&self, method: Method, path: &str, body: Option<Value>) -> anyhow::Result<Option<Value>> {
        let request = self.http.request(method, format!("{}{path}", self.hubspot)).header("x-portal-id", self.site.portal.to_string());
        send(request, body).await
    }

    /// Calls Pipedrive as the person; the reply's JSON, `None` for 404.
    ///
    /// # Errors
    /// When Pipedrive refuses.
    pub async fn pipedrive(&self, method: Method, path: &str, body: Option<Value>) -> anyhow::Result<Option<Value>> {
        let request = self.http.request(method, format!("{}{path}", self.pipedrive)).header("x-company", self.site.id.as_str());
        send(request, body).await
    }

    /// Creates a Wix contact, even if it looks like another one; its id.
    ///
    /// # Errors
    /// When Wix refuses.
    pub async fn wix_create(&self, info: Value) -> anyhow::Result<String> {
        let body = json!({"info": info, "allowDuplicates": true});
        id_of(self.wix(Method::POST, WIX_CONTACTS, Some(body)).await?, "/contact/id")
    }

    /// A Wix contact, or the one it was merged into; `None` if it is deleted.
    ///
    /// # Errors
    /// When Wix refuses.
    pub async fn wix_get(&self, id: &str) -> anyhow::Result<Option<Value>> {
        let reply = self.wix(Method::GET, &format!("{WIX_CONTACTS}/{id}"), None).await?;
        Ok(reply.and_then(|mut reply| reply.get_mut("contact").map(Value::take)))
    }

    /// Changes a Wix contact as it is now; lists and the name are replaced as a whole.
    ///
    /// # Errors
    /// When Wix refuses.
    pub async fn wix_update(&self, id: &str, info: Value) -> anyhow::Result<()> {
        let body = json!({"revision": self.revision(id).await?, "info": info, "allowDuplicates": true});
        done(self.wix(Method::PATCH, &format!("{WIX_CONTACTS}/{id}"), Some(body)).await?)
    }

    /// Deletes a Wix contact.
    ///
    /// # Errors
    /// When Wix refuses.
    pub async fn wix_delete(&self, id: &str) -> anyhow::Result<()> {
        done(self.wix(Method::DELETE, &format!("{WIX_CONTACTS}/{id}"), None).await?)
    }

    /// Merges Wix contacts into `target`.
    ///
    /// # Errors
    /// When Wix refuses.
    pub async fn wix_merge(&self, target: &str, sources: &[&str]) -> anyhow::Result<()> {
        let body = json!({"targetContactRevision": self.revision(target).await?, "sourceContactIds": sources});
        done(self.wix(Method::POST, &format!("{WIX_CONTACTS}/{target}/merge"), Some(body)).await?)
    }

    /// Puts the label of this name on a Wix contact, making the label if there is none; its key.
    ///
    /// # Errors
    /// When Wix refuses.
    pub async fn wix_label(&self, id: &str, name: &str) -> anyhow::Result<String> {
        let label = self.wix(Method::POST, "/contacts/v4/labels", Some(json!({"displayName": name}))).await?;
        let key = id_of(label, "/label/key")?;
        let path = format!("{WIX_CONTACTS}/{id}/labels");
        done(self.wix(Method::POST, &path, Some(json!({"labelKeys": [key]}))).await?)?;
        Ok(key)
    }

    /// Takes a label off a Wix contact.
    ///
    /// # Errors
    /// When Wix refuses.
    pub async fn wix_unlabel(&self, id: &str, key: &str) -> anyhow::Result<()> {
        done(self.wix(Method::DELETE, &format!("{WIX_CONTACTS}/{id}/labels?labelKeys={key}"), None).await?)
    }

    async fn revision(&self, id: &str) -> anyhow::Result<Value> {
        let contact = self.wix_get(id).await?.with_context(|| format!("no Wix contact {id}"))?;
        Ok(contact.get("revision").cloned().unwrap_or_default())
    }

    /// Creates a `HubSpot` contact; its id.
    ///
    /// # Errors
    /// When `HubSpot` refuses.
    pub async fn hub_create(&self, properties: Value) -> anyhow::Result<String> {
        id_of(self.hub(Method::POST, HUB_CONTACTS, Some(json!({"properties": properties}))).await?, "/id")
    }

    /// The filled properties of a `HubSpot` contact, under `properties`; `None` if it is deleted.
    ///
    /// # Errors
    /// When `HubSpot` refuses.
    pub async fn hub_get(&self, id: &str) -> anyhow::Result<Option<Value>> {
        let site = self.site.portal.to_string();
        let all = self.hub(Method::GET, &format!("/_control/contacts?site={site}"), None).await?.unwrap_or_default();
        let contacts = all.get("contacts").and_then(Value::as_array).cloned().unwrap_or_default();
        let live = |contact: &Value| contact.get("id").and_then(Value::as_str) == Some(id) && contact.get("deleted") == Some(&json!(false));
        Ok(contacts.into_iter().find(live))
    }

    /// Changes properties of a `HubSpot` contact.
    ///
    /// # Errors
    /// When `HubSpot` refuses.
    pub async fn hub_update(&self, id: &str, properties: Value) -> anyhow::Result<()> {
        done(self.hub(Method::PATCH, &format!("{HUB_CONTACTS}/{id}"), Some(json!({"properties": properties}))).await?)
    }

    /// Deletes a `HubSpot` contact; it can be restored.
    ///
    /// # Errors
    /// When `HubSpot` refuses.
    pub async fn hub_delete(&self, id: &str) -> anyhow::Result<()> {
        done(self.hub(Method::DELETE, &format!("{HUB_CONTACTS}/{id}"), None).await?)
    }

    /// Restores a deleted `HubSpot` contact.
    ///
    /// # Errors
    /// When `HubSpot` refuses.
    pub async fn hub_restore(&self, id: &str) -> anyhow::Result<()> {
        done(self.hub(Method::POST, &format!("{HUB_CONTACTS}/{id}/restore"), None).await?)
    }

    /// Merges a `HubSpot` contact into another one; the id of the record that is left.
    ///
    /// # Errors
    /// When `HubSpot` refuses.
    pub async fn hub_merge(&self, primary: &str, other: &str) -> anyhow::Result<String> {
        let body = json!({"primaryObjectId": primary, "objectIdToMerge": other});
        id_of(self.hub(Method::POST, &format!("{HUB_CONTACTS}/merge"), Some(body)).await?, "/id")
    }

    /// Erases a `HubSpot` contact for a privacy request.
    ///
    /// # Errors
    /// When `HubSpot` refuses.
    pub async fn hub_gdpr_delete(&self, id: &str) -> anyhow::Result<()> {
        done(self.hub(Method::POST, &format!("{HUB_CONTACTS}/gdpr-delete"), Some(json!({"objectId": id}))).await?)
    }
}

async fn send(request: RequestBuilder, body: Option<Value>) -> anyhow::Result<Option<Value>> {
    let request = request.header("x-actor", "user");
    let reply = match body {
        Some(body) => request.json(&body).send().await?,
        None => request.send().await?,
    };
    let (status, path) = (reply.status(), reply.url().path().to_owned());
    let text = reply.text().await?;
    match status {
        StatusCode::NOT_FOUND => Ok(None),
        _ if status.is_success() => Ok(Some(serde_json::from_str(&text).unwrap_or_default())),
        _ => bail!("{path}: {status}: {text}"),
    }
}

fn id_of(reply: Option<Value>, pointer: &str) -> anyhow::Result<String> {
    let id = reply.and_then(|reply| Some(reply.pointer(pointer)?.as_str()?.to_owned()));
    id.context("the reply names no id")
}

fn done(reply: Option<Value>) -> anyhow::Result<()> {
    reply.map(drop).context("there is no such record")
}
