//! What is wrong with a form's settings, said so that its owner can put it right.

use std::collections::BTreeSet;

use thiserror::Error;
use url::{Host, Url};

use super::read::{is_key, row};
use crate::{
    mapping,
    model::{
        field::{Field, FieldSpec, Kind},
        ids::{FormId, Pair},
        site::{
            Transform,
            form::{ConsentBox, Form, FormField, FormLimits, FormSender, Forms, OnFilled},
        },
    },
};

/// The most forms of a site: its settings are one item of the table.
const MOST_FORMS: usize = 100;
/// The most secrets that are good at once: two during a rotation, and one to spare.
const MOST_SECRETS: usize = 3;
/// The longest name of a field.
const LONGEST_NAME: usize = 200;

/// One thing wrong with a form: names the setting and the rule.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("forms.{form}.{setting}: {rule}")]
pub struct FormError {
    /// The form.
    pub form: FormId,
    /// The setting.
    pub setting: String,
    /// The rule.
    pub rule: String,
}

/// Checks forms against what Wix has and returns everything that is wrong with them. `services` are the names of those that are known.
#[must_use]
pub fn check(forms: &Forms, services: &[&str], wix: &[FieldSpec]) -> Vec<FormError> {
    let mut errors: Vec<_> =
        forms.iter().flat_map(|(id, form)| Checking { id, form, services, wix, errors: Vec::new() }.errors()).collect();
    if let Some(beyond) = forms.keys().nth(MOST_FORMS) {
        errors.push(FormError { form: beyond.clone(), setting: "id".to_owned(), rule: format!("a site has at most {MOST_FORMS} forms") });
    }
    errors
}

struct Checking<'a> {
    id: &'a FormId,
    form: &'a Form,
    services: &'a [&'a str],
    wix: &'a [FieldSpec],
    errors: Vec<FormError>,
}

impl Checking<'_> {
    fn errors(mut self) -> Vec<FormError> {
        self.id();
        self.sender();
        self.fields();
        self.on_filled();
        self.labels();
        self.consent();
        self.thank_you();
        self.honeypot();
        self.limits();
        self.errors
    }

    fn refuse(&mut self, setting: impl Into<String>, rule: impl Into<String>) {
        self.errors.push(FormError { form: self.id.clone(), setting: setting.into(), rule: rule.into() });
    }

    fn refuse_if(&mut self, is_wrong: bool, setting: &str, rule: &str) {
        if is_wrong {
            self.refuse(setting, rule);
        }
    }

    fn id(&mut self) {
        let id = self.id.as_str();
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
        let is_plain = (1..=64).contains(&id.len()) && id.bytes().all(plain);
        self.refuse_if(!is_plain, "id", "must be 1 to 64 of a-z, 0-9, - and _: it is a part of the form's address");
    }

    fn sender(&mut self) {
        match &self.form.sender {
            FormSender::Service { service, secrets } => {
                if !self.services.contains(&service.as_str()) {
                    self.refuse("sender.service", format!("must be one of {}, and `{service}` is not", self.services.join(", ")));
                }
                self.secrets(secrets);
            }
            FormSender::Token { secrets } => self.secrets(secrets),
            FormSender::Public { origins } => {
                self.refuse_if(origins.is_empty(), "sender.origins", "must name at least one origin, as `https://shop.example`");
                for origin in origins.iter().filter(|origin| !is_origin(origin)) {
                    let rule =
                        format!("must be origins as browsers send them, `https://shop.example` without a path, and `{origin}` is not");
                    self.refuse("sender.origins", rule);
                }
            }
        }
    }

    fn secrets(&mut self, secrets: &[String]) {
        let is_named = (1..=MOST_SECRETS).contains(&secrets.len()) && secrets.iter().all(|name| !name.trim().is_empty());
        self.refuse_if(!is_named, "sender.secrets", "must name one to three secrets");
    }

    fn fields(&mut self) {
        let has_key = self.form.fields.iter().any(|field| is_key(&field.to));
        self.refuse_if(!has_key, "fields", "must lead to an e-mail address or a phone number, by which the contact is found");
        let mut seen = BTreeSet::new();
        for field in &self.form.fields {
            self.field(field);
            if !seen.insert(&field.to) && !is_list(&field.to) {
                self.refuse(format!("fields.{}", field.from), format!("must be the only one for `{}`, which holds one value", field.to));
            }
        }
    }

    fn field(&mut self, field: &FormField) {
        let setting = format!("fields.{}", field.from);
        if field.from.trim().is_empty() || field.from.len() > LONGEST_NAME {
            self.refuse("fields", format!("must have names of 1 to {LONGEST_NAME} characters"));
        }
        if field.to == Field::from("labels") {
            return self.refuse(setting, "must not lead to labels: those that everybody gets are in `labels`");
        }
        let Some(spec) = self.wix.iter().find(|spec| spec.field == field.to) else {
            return self.refuse(setting, format!("must lead to a field that Wix has, and `{}` is none", field.to));
        };
        if !spec.writable {
            return self.refuse(setting, format!("must lead to a field that can be written, and `{}` is read-only", field.to));
        }
        if matches!(field.transform, Transform::Constant { .. }) {
            return self.refuse(setting, "must not be a constant: a constant comes from no form");
        }
        let form = [FieldSpec { field: Field::new(&field.from), kind: kind_in_form(&spec.kind, &field.transform), writable: true }];
        for error in mapping::check(&[row(field)], Pair { wix: self.wix, external: &form }, None) {
            self.refuse(setting.as_str(), error.to_string());
        }
    }

    fn on_filled(&mut self) {
        let OnFilled::Override { allowed_by, .. } = &self.form.on_filled else { return };
        self.refuse_if(allowed_by.trim().is_empty(), "on_filled.allowed_by", "must say who decided that filled values are overridden");
    }

    fn labels(&mut self) {
        let known = self.wix.iter().find(|spec| spec.field == Field::from("labels")).map(|spec| &spec.kind);
        for label in &self.form.labels {
            let exists = match known {
                Some(Kind::Choices(keys)) => keys.contains(label),
                _ => true,
            };
            if !exists {
                self.refuse("labels", format!("must be keys of labels that exist in Wix, and `{label}` is not"));
            }
        }
    }

    fn consent(&mut self) {
        let Some(ConsentBox { field, ticked, text_version, .. }) = &self.form.consent else { return };
        self.refuse_if(field.trim().is_empty(), "consent.field", "must name the box");
        let is_told = !ticked.is_empty() && ticked.iter().all(|value| !value.trim().is_empty());
        self.refuse_if(!is_told, "consent.ticked", "must be the values of a ticked box, and none of them empty");
        self.refuse_if(text_version.trim().is_empty(), "consent.text_version", "must say which text people consent to");
        let has_email = self.form.fields.iter().any(|field| super::read::is_email(&field.to));
        self.refuse_if(!has_email, "consent", "must be about an e-mail address, and none of the fields leads to one");
    }

    fn thank_you(&mut self) {
        let Some(address) = &self.form.thank_you else { return };
        let is_page = Url::parse(address).is_ok_and(|url| is_web(&url));
        self.refuse_if(!is_page, "thank_you", "must be the full address of a page, beginning with https://");
    }

    fn honeypot(&mut self) {
        let Some(trap) = &self.form.honeypot else { return };
        self.refuse_if(trap.trim().is_empty(), "honeypot", "must name a field");
        let is_used = self.form.fields.iter().any(|field| field.from == *trap);
        let is_box = self.form.consent.as_ref().is_some_and(|consent| consent.field == *trap);
        self.refuse_if(is_used || is_box, "honeypot", "must be a field that people do not see, so none of those that are used");
    }

    fn limits(&mut self) {
        let FormLimits { body_bytes, fields, value_chars, per_minute } = self.form.limits;
        self.refuse_if(!(1..=1_048_576).contains(&body_bytes), "limits.body_bytes", "must be 1 to 1048576");
        self.refuse_if(!(1..=1_000).contains(&fields), "limits.fields", "must be 1 to 1000");
        self.refuse_if(!(1..=10_000).contains(&value_chars), "limits.value_chars", "must be 1 to 10000");
        self.refuse_if(per_minute == 0, "limits.per_minute", "must be at least 1");
    }
}

/// Tells whether several fields of a form may lead to a Wix field: their values are added.
fn is_list(field: &Field) -> bool {
    matches!(field.as_str(), "email" | "emails" | "phone" | "phones")
}

/// What a form's field can hold, as far as the check of a mapping goes: what people type, unless a transform makes something of it.
fn kind_in_form(wix: &Kind, transform: &Transform) -> Kind {
    let text = if wix.is_list() && !matches!(transform, Transform::Join { .. }) { Kind::List(Box::new(Kind::Text)) } else { Kind::Text };
    match transform {
        Transform::Date { pattern: Some(_) } | Transform::Country | Transform::Options { .. } | Transform::Join { .. } => text,
        _ if matches!(wix, Kind::Choice(_) | Kind::Choices(_)) => text,
        _ => wix.clone(),
    }
}

/// Tells whether an address is one of the web; on the own machine it need not be encrypted.
fn is_web(url: &Url) -> bool {
    let is_local = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => return false,
    };
    url.scheme() == "https" || (url.scheme() == "http" && is_local)
}

fn is_origin(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| is_web(&url) && url.origin().ascii_serialization() == text)
}

#[cfg(test)]
mod tests;
