//! Unsubscribe links,
//! <https://dev.wix.com/docs/rest/crm/marketing/email-marketing/email-subscriptions/generate-unsubscribe-link>.

use axum::{Json, body::Bytes, extract::State};
use serde_json::json;

use super::{
    super::{
        auth::Asked,
        contacts::Reply,
        items::looks_like_email,
        refusal::{Refusal, body_object},
        sent::{Sent, Unit},
        state::World,
    },
    ledger::{UNSUBSCRIBED, Wish},
};

/// A page of Wix where the addressee can unsubscribe; the names under `metadata` are the app's own.
pub(super) async fn link(State(world): State<World>, asked: Asked, body: Bytes) -> Reply {
    let request = body_object(&body)?;
    let sent = Sent::request(&request, Unit::Characters);
    let key = if sent.value("email_address").is_some() { "email_address" } else { "emailAddress" };
    let email = sent.required_text(key, 1..=320)?;
    if !looks_like_email(&email) {
        return Err(Refusal::format(key, "EMAIL"));
    }
    sent.object("metadata")?;
    if sent.text("language", 0..=usize::MAX)?.is_some_and(|language| !is_language(&language)) {
        return Err(Refusal::format("language", "LANGUAGE"));
    }
    world.at(&asked, |desk| {
        let token = world.ids.alphanumeric(64);
        desk.site.subscriptions.links.insert(token.clone(), email.clone());
        let page = "http://www.wix.com/my-account/contacts/unsubscribe";
        Ok(Json(json!({"link": format!("{page}?metaSiteId={}&unsubscribeToken={token}", desk.site.id)})))
    })
}

fn is_language(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|letter| letter.is_ascii_alphabetic())
}

impl World {
    /// The addressee follows the link and confirms.
    ///
    /// # Errors
    /// 404 when the link was never given out.
    pub(super) fn follow(&self, asked: &Asked, token: &str) -> Result<(), Refusal> {
        self.at(asked, |desk| {
            let email = desk.site.subscriptions.links.get(token).cloned();
            let email = email.ok_or_else(|| Refusal::bare(404, "link: no such link"))?;
            desk.upsert(&Wish { email, status: Some(UNSUBSCRIBED), deliverability: None }).map(|_| ())
        })
    }
}
