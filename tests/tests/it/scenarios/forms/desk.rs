//! What a scenario of forms stands on: a site with forms, and whoever posts to them.

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::STANDARD};
use contact_bridge::model::{ids::SubmissionId, site::form::Forms};
use contact_bridge_local::vendors::kit::plain_http;
use reqwest::Response;
use serde_json::{Value, json};

use crate::scenarios::lab::Lab;

/// The token of the form `contact`, and the secret of the services.
pub const SECRET: &str = "open-sesame";
/// Where the public form lies.
pub const ORIGIN: &str = "https://shop.example";

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub body: Value,
}

impl Answer {
    /// The text of a member.
    pub fn text(&self, name: &str) -> &str {
        self.body[name].as_str().unwrap_or_default()
    }

    /// The submission.
    pub fn id(&self) -> SubmissionId {
        SubmissionId::parse(self.text("submission")).unwrap_or_else(|| panic!("no submission: {self:?}"))
    }

    /// The wrong fields, with their rules.
    pub fn errors(&self) -> Vec<(String, String)> {
        let errors = self.body["errors"].as_array().cloned().unwrap_or_default();
        errors.iter().map(|error| (error["field"].as_str().unwrap().to_owned(), error["rule"].as_str().unwrap().to_owned())).collect()
    }

    /// The fields whose values were not taken, with the reason.
    pub fn rejected(&self) -> Vec<(String, String)> {
        let rejected = self.body["rejected"].as_array().cloned().unwrap_or_default();
        rejected.iter().map(|one| (one["field"].as_str().unwrap().to_owned(), one["reason"].as_str().unwrap().to_owned())).collect()
    }
}

/// A site with forms. Clones share the site.
#[derive(Clone)]
pub struct Desk {
    pub lab: Lab,
    http: reqwest::Client,
}

impl Desk {
    /// Gives the site its forms.
    pub async fn open(lab: Lab) -> Self {
        lab.stack.put_secret("forms/secret", SECRET);
        let forms: Forms = serde_json::from_value(forms()).unwrap();
        lab.adjust(|site| site.forms = forms).await;
        let http = plain_http().unwrap();
        Self { lab, http }
    }

    /// Changes the settings of a form.
    pub async fn adjust(&self, form: &str, change: Value) {
        let mut settings = serde_json::to_value(&self.lab.settings().await.forms).unwrap();
        settings[form].as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let forms: Forms = serde_json::from_value(settings).unwrap();
        self.lab.adjust(|site| site.forms = forms).await;
    }

    pub fn url(&self, form: &str) -> String {
        format!("{}/forms/{}/{form}", self.lab.stack.gateway_url(), self.lab.site.id)
    }

    /// A request to an address of a form, ready for more.
    pub fn request(&self, method: &str, form: &str) -> reqwest::RequestBuilder {
        self.http.request(method.parse().unwrap(), self.url(form))
    }

    pub async fn send(&self, request: reqwest::RequestBuilder) -> Response {
        request.send().await.unwrap()
    }

    pub async fn answer(&self, request: reqwest::RequestBuilder) -> Answer {
        let response = self.send(request).await;
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        Answer { status, body: serde_json::from_str(&text).unwrap_or(Value::String(text)) }
    }

    /// A program posts to the form `contact`.
    pub async fn post(&self, fields: Value) -> Answer {
        self.answer(self.request("POST", "contact").bearer_auth(SECRET).json(&fields)).await
    }

    /// A visitor's script posts to the form `news`.
    pub async fn post_publicly(&self, fields: Value) -> Answer {
        self.answer(self.request("POST", "news").header("origin", ORIGIN).json(&fields)).await
    }

    /// Typeform delivers an answer of this token.
    pub async fn post_as_typeform(&self, token: &str, fields: &[(&str, &str)]) -> Answer {
        let answers: Vec<_> =
            fields.iter().map(|(name, text)| json!({"type": "text", "text": text, "field": {"id": "x", "ref": name}})).collect();
        let body =
            json!({"event_id": "e", "event_type": "form_response", "form_response": {"token": token, "answers": answers}}).to_string();
        let tag = STANDARD.encode(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes()), body.as_bytes()));
        let request = self.request("POST", "typeform").header("typeform-signature", format!("sha256={tag}"));
        self.answer(request.header("content-type", "application/json").body(body)).await
    }

    /// What became of a submission.
    pub async fn progress(&self, id: &SubmissionId) -> Answer {
        self.answer(self.request("GET", &format!("submissions/{id}"))).await
    }

    /// The only contact of the site in Wix.
    pub fn only_contact(&self) -> Value {
        let mut contacts = self.lab.wix_contacts();
        assert_eq!(contacts.len(), 1, "{contacts:#?}");
        contacts.remove(0)
    }

    /// How often the bridge called a route of Wix.
    pub fn calls(&self, route: &str) -> u64 {
        let calls = self.lab.stack.wix.core().calls.to_json();
        calls["sites"][self.lab.site.id.as_str()][route].as_u64().unwrap_or_default()
    }
}

fn forms() -> Value {
    let field = |from: &str, to: &str| json!({"from": from, "to": to});
    let fields = json!([
        field("email", "email"), field("email2", "emails"), field("first", "name.first"), field("last", "name.last"),
        field("company", "company"), field("tel", "phone"), field("mobile", "phone.mobile"), field("city", "address.city"),
        {"from": "born", "to": "birthdate", "transform": {"kind": "date", "pattern": "DD.MM.YYYY"}}, field("job", "jobTitle"),
    ]);
    json!({
        "contact": {"sender": {"kind": "token", "secrets": ["forms/secret"]}, "fields": fields,
            "consent": {"field": "subscribe", "text_version": "2026-11"}},
        "news": {"sender": {"kind": "public", "origins": [ORIGIN]}, "fields": [field("email", "email"), field("first", "name.first")],
            "consent": {"field": "subscribe", "text_version": "2026-11"}, "honeypot": "website", "limits": {"per_minute": 5}},
        "typeform": {"sender": {"kind": "service", "service": "typeform", "secrets": ["forms/secret"]}, "fields": fields},
    })
}

/// Ada as she fills a form in.
pub fn ada() -> Value {
    json!({"email": "ada@example.com", "first": "Ada", "last": "Stone", "tel": "646-555-0132", "company": "Works"})
}
