//! The recipe, to the letter: list all with a growing offset, upload, save the current datetime, and from then on query what was created since.

use anyhow::{Context, bail};
use serde_json::{Value, json};

/// The most contacts of one upload.
const IN_A_BATCH: usize = 100;

/// An export by the recipe.
pub(super) struct Recipe {
    pub http: reqwest::Client,
    pub wix: String,
    pub hubspot: String,
    /// The app's id and secret, and its instance on the site.
    pub app: [String; 3],
    pub portal_token: String,
    /// How many contacts a page has.
    pub limit: usize,
    /// The datetime of the last load.
    pub last: Option<jiff::Timestamp>,
    /// How many contacts it says it exported.
    pub exported: u64,
}

impl Recipe {
    /// One load: the first takes all contacts, the others what was created since the one before.
    pub async fn load(&mut self, now: impl Fn() -> jiff::Timestamp) -> anyhow::Result<()> {
        let mut offset = 0;
        loop {
            let contacts = match self.last {
                None => self.list(offset).await?,
                Some(since) => self.query(since, offset).await?,
            };
            for batch in contacts.chunks(IN_A_BATCH) {
                self.upload(batch).await?;
            }
            // As many as asked for: there may be more.
            if contacts.len() < self.limit {
                break;
            }
            offset += self.limit;
        }
        self.last = Some(now());
        Ok(())
    }

    async fn list(&self, offset: usize) -> anyhow::Result<Vec<Value>> {
        let url = format!("{}/contacts/v4/contacts?paging.limit={}&paging.offset={offset}", self.wix, self.limit);
        contacts(self.http.get(url).header("authorization", self.token().await?)).await
    }

    async fn query(&self, since: jiff::Timestamp, offset: usize) -> anyhow::Result<Vec<Value>> {
        let query = json!({"query": {
            "filter": {"createdDate": {"$gt": format!("{since:.3}")}},
            "sort": [{"fieldName": "createdDate", "order": "ASC"}],
            "paging": {"limit": self.limit, "offset": offset},
        }});
        let url = format!("{}/contacts/v4/contacts/query", self.wix);
        contacts(self.http.post(url).header("authorization", self.token().await?).json(&query)).await
    }

    async fn token(&self) -> anyhow::Result<String> {
        let [id, secret, instance] = &self.app;
        let body = json!({"grant_type": "client_credentials", "client_id": id, "client_secret": secret, "instance_id": instance});
        let reply = self.http.post(format!("{}/oauth2/token", self.wix)).json(&body).send().await?.error_for_status()?;
        let reply: Value = reply.json().await?;
        Ok(reply.get("access_token").and_then(Value::as_str).context("a token")?.to_owned())
    }

    /// Uploads contacts under their Wix ids, so that one that is uploaded again is no second contact.
    async fn upload(&mut self, contacts: &[Value]) -> anyhow::Result<()> {
        let inputs: Vec<Value> = contacts.iter().map(row).collect();
        let url = format!("{}/crm/objects/2026-09/contacts/batch/upsert", self.hubspot);
        let sent = self.http.post(url).bearer_auth(&self.portal_token).json(&json!({"inputs": inputs})).send().await?;
        if !sent.status().is_success() {
            bail!("the CRM answers {}", sent.status());
        }
        self.exported += contacts.len() as u64;
        Ok(())
    }
}

fn row(contact: &Value) -> Value {
    let text = |pointer: &str| contact.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let id = text("/id");
    json!({"id": id, "idProperty": "wix_contact_id", "properties": {
        "wix_contact_id": id,
        "firstname": text("/info/name/first"),
        "lastname": text("/info/name/last"),
        "email": text("/primaryInfo/email"),
    }})
}

async fn contacts(call: reqwest::RequestBuilder) -> anyhow::Result<Vec<Value>> {
    let mut reply: Value = call.send().await?.error_for_status()?.json().await?;
    Ok(match reply.get_mut("contacts").map(Value::take) {
        Some(Value::Array(contacts)) => contacts,
        _ => Vec::new(),
    })
}
