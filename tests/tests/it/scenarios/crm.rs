//! People at work in whichever CRM a scenario plays on: one vocabulary, HubSpot's property names, for both.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Map, Value, json};

use super::{lab::Lab, people::Seen, switches::Vendor};

/// A CRM that scenarios play on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Crm {
    #[default]
    Hubspot,
    Pipedrive,
}

impl Crm {
    /// Where it listens.
    pub const fn vendor(self) -> Vendor {
        match self {
            Self::Hubspot => Vendor::Hub,
            Self::Pipedrive => Vendor::Pipe,
        }
    }

    /// The call that makes new contacts of an export.
    pub const fn upload(self) -> &'static str {
        match self {
            Self::Hubspot => "POST *upsert",
            Self::Pipedrive => "POST *persons",
        }
    }
}

const PERSONS: &str = "/api/v2/persons";

/// What Pipedrive has no field for: HubSpot's name, and that of the custom field the bridge makes.
const CUSTOM: [(&str, &str); 7] = [
    ("company", "Wix company"),
    ("jobtitle", "Wix job title"),
    ("city", "Wix city"),
    ("date_of_birth", "Wix birthdate"),
    ("hs_language", "Wix language"),
    ("wix_labels", "Wix labels"),
    ("wix_contact_id", "Wix contact ID"),
];

/// The keys of a company's custom fields, by name.
pub type Codes = BTreeMap<String, String>;

impl Lab {
    pub async fn hub_create(&self, person: Value) -> String {
        match self.crm {
            Crm::Hubspot => self.people.hub_create(person).await.unwrap(),
            Crm::Pipedrive => {
                let mut body = self.person_body(&Seen::from(&person), &person);
                body.as_object_mut().unwrap().entry("name").or_insert_with(|| "(no name)".into());
                let made = self.people.pipedrive(Method::POST, PERSONS, Some(body)).await.unwrap().unwrap();
                made["data"]["id"].to_string()
            }
        }
    }

    pub async fn hub_edit(&self, id: &str, change: Value) {
        match self.crm {
            Crm::Hubspot => self.people.hub_update(id, change).await.unwrap(),
            Crm::Pipedrive => {
                let mut seen = self.hub(id);
                change.as_object().unwrap().keys().for_each(|name| drop(seen.0.remove(name.as_str())));
                seen.0.extend(Seen::from(&change).0);
                let body = self.person_body(&seen, &change);
                self.people.pipedrive(Method::PATCH, &format!("{PERSONS}/{id}"), Some(body)).await.unwrap().expect("the person is there");
            }
        }
    }

    pub async fn hub_delete(&self, id: &str) {
        match self.crm {
            Crm::Hubspot => self.people.hub_delete(id).await.unwrap(),
            Crm::Pipedrive => {
                self.people.pipedrive(Method::DELETE, &format!("{PERSONS}/{id}"), None).await.unwrap().expect("the person is there");
            }
        }
    }

    /// Only HubSpot lets a program bring back whom a person deleted.
    pub async fn hub_restore(&self, id: &str) {
        assert_eq!(self.crm, Crm::Hubspot, "Pipedrive's API restores nobody");
        self.people.hub_restore(id).await.unwrap();
    }

    pub async fn hub_merge(&self, primary: &str, other: &str) -> String {
        match self.crm {
            Crm::Hubspot => self.people.hub_merge(primary, other).await.unwrap(),
            Crm::Pipedrive => {
                let body = json!({"merge_with_id": primary.parse::<u64>().unwrap()});
                let path = format!("/v1/persons/{other}/merge");
                self.people.pipedrive(Method::PUT, &path, Some(body)).await.unwrap().expect("both are there");
                primary.to_owned()
            }
        }
    }

    /// Only HubSpot has a deletion for privacy's sake.
    pub async fn hub_gdpr_delete(&self, id: &str) {
        assert_eq!(self.crm, Crm::Hubspot, "Pipedrive has no privacy deletion");
        self.people.hub_gdpr_delete(id).await.unwrap();
    }

    /// Any other call of a person's to HubSpot.
    pub async fn hub_call(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        self.people.hub(method, path, body).await.unwrap().unwrap_or_default()
    }

    /// Has somebody in the CRM of whom no webhook tells; the id.
    pub fn hub_seed(&self, person: &Value) -> String {
        let site = self.site.id.as_str();
        match self.crm {
            Crm::Hubspot => {
                let seeded = self.stack.hubspot.seed(&json!({"site": site, "contacts": [{"properties": person}]})).unwrap();
                seeded["ids"][0].as_str().unwrap().to_owned()
            }
            Crm::Pipedrive => {
                let body = self.person_body(&Seen::from(person), person);
                self.stack.pipedrive.seed(&json!({"site": site, "contacts": [body]})).unwrap()["ids"][0].to_string()
            }
        }
    }

    /// Everything the CRM has, also of those who are gone.
    pub fn all_in_crm(&self) -> Vec<Value> {
        let site = Some(self.site.id.as_str());
        match self.crm {
            Crm::Hubspot => self.stack.hubspot.contacts(site).unwrap()["contacts"].as_array().cloned().unwrap(),
            Crm::Pipedrive => self.stack.pipedrive.contacts(site).unwrap(),
        }
    }

    /// The CRM's contacts: ids, and what people see.
    pub(super) fn hub_contacts(&self) -> Vec<(String, Seen)> {
        let present = self.all_in_crm().into_iter().filter(|contact| contact["deleted"] == false);
        let shown = |contact: Value| match self.crm {
            Crm::Hubspot => (contact["id"].as_str().unwrap().to_owned(), Seen::in_hub(&contact)),
            Crm::Pipedrive => (contact["id"].to_string(), self.in_pipedrive(&contact)),
        };
        present.map(shown).collect()
    }

    /// Where the CRM's API is, as faults name it.
    pub const fn crm_calls(&self) -> &'static str {
        match self.crm {
            Crm::Hubspot => "* /crm/**",
            Crm::Pipedrive => "* /api/**",
        }
    }

    /// The keys of the custom fields.
    pub(super) async fn read_codes(&self) -> Codes {
        let fields = self.people.pipedrive(Method::GET, "/api/v2/personFields?limit=500", None).await.unwrap().unwrap();
        let fields = fields["data"].as_array().unwrap().iter().filter(|field| field["is_custom_field"] == true);
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        fields.map(|field| (text(&field["field_name"]), text(&field["field_code"]))).collect()
    }

    /// What a person would type into Pipedrive: the body with these fields.
    fn person_body(&self, seen: &Seen, only: &Value) -> Value {
        let has = |names: &[&str]| names.iter().any(|name| only.get(name).is_some());
        let mut body = Map::new();
        let name = format!("{} {}", seen.get("firstname"), seen.get("lastname")).trim().to_owned();
        if has(&["firstname", "lastname"]) && !name.is_empty() {
            body.insert("name".to_owned(), name.into());
        }
        if has(&["email", "hs_additional_emails"]) {
            let all = [seen.get("email")].into_iter().chain(seen.get("hs_additional_emails").split(';'));
            let all = all.filter(|email| !email.is_empty()).enumerate();
            body.insert("emails".to_owned(), all.map(|(at, email)| item(email, at == 0, "work")).collect());
        }
        if has(&["phone", "mobilephone"]) {
            let all =
                [("phone", true, "work"), ("mobilephone", false, "mobile")].into_iter().filter(|(name, ..)| !seen.get(name).is_empty());
            body.insert("phones".to_owned(), all.map(|(name, primary, label)| item(seen.get(name), primary, label)).collect());
        }
        let custom = CUSTOM.iter().filter(|(name, _)| has(&[name]));
        let value = |name: &str| Some(seen.get(name)).filter(|text| !text.is_empty());
        let custom: Map<String, Value> = custom.map(|(name, field)| (self.codes[*field].clone(), json!(value(name)))).collect();
        if !custom.is_empty() {
            body.insert("custom_fields".to_owned(), custom.into());
        }
        body.into()
    }

    fn in_pipedrive(&self, person: &Value) -> Seen {
        let mut seen = BTreeMap::new();
        let mut put = |name: &str, text: &str| drop(seen.insert(name.to_owned(), text.to_owned()));
        // Who has no name is called by an address, a number or words in brackets.
        let name = person["name"].as_str().unwrap_or_default();
        let is_name = !name.contains('@') && name.chars().any(char::is_alphabetic) && !name.starts_with('(');
        let (first, last) = if is_name { name.split_once(' ').unwrap_or((name, "")) } else { ("", "") };
        put("firstname", first);
        put("lastname", last);
        put(Seen::WHOLE, if is_name { name } else { "" });
        let values = |list: &str, is_meant: &dyn Fn(&Value) -> bool| -> Vec<String> {
            let items = person[list].as_array().into_iter().flatten().filter(|item| is_meant(item));
            items.map(|item| item["value"].as_str().unwrap().to_owned()).collect()
        };
        put("email", &values("emails", &|item| item["primary"] == true).join(";"));
        put("hs_additional_emails", &values("emails", &|item| item["primary"] != true).join(";"));
        put("phone", values("phones", &|item| item["label"] != "mobile").first().map_or("", String::as_str));
        put("mobilephone", values("phones", &|item| item["label"] == "mobile").first().map_or("", String::as_str));
        for (name, field) in CUSTOM {
            let code = self.codes.get(field).map(String::as_str).unwrap_or_default();
            put(name, person["custom_fields"][code].as_str().unwrap_or_default());
        }
        seen.retain(|_, text| !text.is_empty());
        Seen(seen)
    }
}

fn item(value: &str, primary: bool, label: &str) -> Value {
    json!({"value": value, "primary": primary, "label": label})
}
