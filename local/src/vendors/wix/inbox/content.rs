//! What a message says, checked by the published limits,
//! <https://dev.wix.com/docs/rest/crm/communication/inbox/messages/message-types>.

use serde_json::{Map, Value, json};

use super::super::{
    refusal::Refusal,
    sent::{Sent, is_web_url},
};

const PAYLOADS: &[&str] = &["basic", "minimal", "form", "template"];
const LONGEST_TEXT: usize = 16_384;
const LONGEST_URL: usize = 2000;

/// What is needed to read a content.
pub(super) struct ContentRules<'a> {
    /// Written into the buttons.
    pub app_id: &'a str,
    /// The status of `INVALID_MEDIA_URL`.
    pub media_status: u16,
}

impl ContentRules<'_> {
    /// The content with what Wix adds to it and without what Wix does not know.
    ///
    /// # Errors
    /// 400 for whatever breaks a limit, `INVALID_MEDIA_URL` for pictures and files that cannot be fetched.
    pub fn read(&self, message: &Sent<'_>) -> Result<Value, Refusal> {
        let content = message.required("content")?;
        if content.value("system").is_some() {
            return Err(Refusal::bare(403, "System messages are for internal use"));
        }
        let kind = content.one_of(PAYLOADS)?;
        let payload = content.required(kind)?;
        let shown = match kind {
            "basic" => self.basic(&payload)?,
            "minimal" => minimal(&payload)?,
            "form" => self.form(&payload)?,
            _ => self.template(&payload)?,
        };
        Ok(made([given("previewText", content.text("previewText", 0..=256)?), Some((kind, shown))]))
    }

    fn basic(&self, payload: &Sent<'_>) -> Result<Value, Refusal> {
        let items = payload.objects("items", 1..=usize::MAX)?;
        let items = items.iter().map(|item| match item.one_of(&["text", "image", "file"])? {
            "text" => Ok(json!({"text": item.required_text("text", 1..=LONGEST_TEXT)?})),
            kind => self.medium(item, kind),
        });
        Ok(json!({"items": items.collect::<Result<Vec<_>, _>>()?}))
    }

    fn form(&self, payload: &Sent<'_>) -> Result<Value, Refusal> {
        let fields = payload.objects("fields", 1..=15)?;
        let fields = fields.iter().map(|field| {
            let part = |key| field.text(key, 0..=8192).map(Option::unwrap_or_default);
            Ok(json!({"name": part("name")?, "value": part("value")?}))
        });
        let media = payload.objects("media", 0..=15)?;
        let media = media.iter().map(|item| self.medium(item, item.one_of(&["image", "file"])?));
        Ok(made([
            given("title", payload.text("title", 1..=256)?),
            given("description", payload.text("description", 1..=LONGEST_TEXT)?),
            given("fields", Some(fields.collect::<Result<Vec<Value>, Refusal>>()?)),
            given("media", Some(media.collect::<Result<Vec<Value>, Refusal>>()?)),
        ]))
    }

    fn template(&self, payload: &Sent<'_>) -> Result<Value, Refusal> {
        let buttons = payload.objects("buttons", 0..=10)?;
        let buttons = buttons.iter().map(|button| self.button(button)).collect::<Result<Vec<_>, _>>()?;
        Ok(made([
            given("title", payload.text("title", 0..=usize::MAX)?),
            given("orientation", Some(payload.word("orientation", &["PORTRAIT", "LANDSCAPE"])?.unwrap_or("PORTRAIT"))),
            given("textLines", Some(payload.texts("textLines", 10, 512)?)),
            given("imageUrl", payload.web_url("imageUrl", LONGEST_URL)?),
            given("buttons", Some(buttons)),
        ]))
    }

    fn button(&self, button: &Sent<'_>) -> Result<Value, Refusal> {
        let label = button.required_text("label", 1..=LONGEST_TEXT)?;
        let postback = match button.object("postbackProperties")? {
            None => None,
            Some(sent) => Some(json!({"appId": self.app_id, "interactionId": sent.required_text("interactionId", 1..=256)?})),
        };
        let launch = button.web_url("launchUrl", LONGEST_TEXT)?;
        Ok(made([given("label", Some(label)), given("launchUrl", launch), given("postbackProperties", postback)]))
    }

    /// A picture or a file.
    fn medium(&self, item: &Sent<'_>, kind: &str) -> Result<Value, Refusal> {
        let sent = item.required(kind)?;
        let url = sent.text("url", 0..=LONGEST_URL)?.unwrap_or_default();
        if !can_fetch(&url) {
            return Err(Refusal::coded(self.media_status, "INVALID_MEDIA_URL", "The media URL is invalid."));
        }
        let mut shown = vec![given("id", sent.text("id", 0..=LONGEST_URL)?), given("url", Some(url))];
        shown.push(given("filename", sent.text("filename", 0..=255)?));
        if kind == "image" {
            shown.push(given("width", Some(sent.number("width")?)));
            shown.push(given("height", Some(sent.number("height")?)));
        } else {
            shown.push(given("mimeType", sent.text("mimeType", 0..=100)?));
        }
        Ok(json!({kind: made(shown)}))
    }
}

fn minimal(payload: &Sent<'_>) -> Result<Value, Refusal> {
    Ok(made([
        given("text", Some(payload.required_text("text", 1..=LONGEST_TEXT)?)),
        given("iconUrl", payload.web_url("iconUrl", LONGEST_URL)?),
        given("url", payload.web_url("url", LONGEST_URL)?),
    ]))
}

/// Pictures and files may lie anywhere on the web; there is nothing under `.invalid`, RFC 2606 section 2.
fn can_fetch(url: &str) -> bool {
    is_web_url(url) && !url::Url::parse(url).is_ok_and(|url| url.host_str().is_some_and(|host| host.ends_with(".invalid")))
}

/// A field that is shown only when there is a value.
pub(super) fn given(key: &'static str, value: Option<impl Into<Value>>) -> Option<(&'static str, Value)> {
    value.map(|value| (key, value.into()))
}

/// An object of the fields given.
pub(super) fn made(fields: impl IntoIterator<Item = Option<(&'static str, Value)>>) -> Value {
    Value::Object(fields.into_iter().flatten().map(|(key, value)| (key.to_owned(), value)).collect::<Map<_, _>>())
}
