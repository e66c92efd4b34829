//! A site with a CRM, its ports, and what can go wrong on the way.

use contact_bridge::{
    app,
    model::{
        contact::{Contact, Found},
        field::{Field, Fields, Patch, Value},
        ids::RecordId,
    },
    ports::{Draft, ErrorKind, Secrets, StoreResult},
};
use contact_bridge_local::{
    stack::{Options, SiteHandle, Stack},
    vendors::kit::{Clock, Fault},
};
use secrecy::ExposeSecret;
use serde_json::{Value as Json, json};

/// The CRMs there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crm {
    Hubspot,
    Pipedrive,
}

/// What the CRMs call what every person has.
pub struct Names {
    pub first: &'static str,
    pub last: &'static str,
    pub email: &'static str,
    pub more: &'static str,
    pub phone: &'static str,
    pub company: &'static str,
}

/// A connected CRM on its own stack.
pub struct Bench {
    pub kind: Crm,
    pub crm: app::Crm,
    pub stack: Stack,
    pub names: Names,
    site: SiteHandle,
}

impl Bench {
    pub async fn start(kind: Crm) -> anyhow::Result<Self> {
        let stack = Stack::start(Options { clock: Clock::manual(1_788_249_600_000), ..Options::default() }).await?;
        let site = stack
            .add_site("bench", |site| {
                site.default_country = Some("US".to_owned());
                if kind == Crm::Pipedrive {
                    site.crm = SiteHandle::named("bench").in_pipedrive();
                }
            })
            .await?;
        let settings = stack.app.means.sites.site(&site.id).await?.unwrap();
        let crm = stack.app.crm(&settings).await?;
        // What is known of the fields is read once, before anything is counted or goes wrong.
        crm.contacts.schema().await?;
        let names = match kind {
            Crm::Hubspot => Names {
                first: "firstname",
                last: "lastname",
                email: "email",
                more: "hs_additional_emails",
                phone: "phone",
                company: "company",
            },
            Crm::Pipedrive => Names {
                first: "first_name",
                last: "last_name",
                email: "email",
                more: "other_emails",
                phone: "phone",
                company: "Wix company",
            },
        };
        Ok(Self { kind, crm, stack, names, site })
    }

    /// Ada, with these fields besides her name and address.
    pub fn ada(&self, more: &[(&str, &str)]) -> Draft {
        let Names { first, last, email, .. } = self.names;
        let own = [(first, "Ada"), (last, "Stone"), (email, "ada@example.com")];
        draft("w-ada", own.iter().chain(more))
    }

    /// One of many different people.
    pub fn person(&self, number: usize) -> Draft {
        let (name, email) = (format!("Person{number}"), format!("person{number}@example.com"));
        draft(&format!("w-{number}"), [(self.names.first, &*name), (self.names.email, &*email)].iter())
    }

    /// Somebody the CRM refuses.
    pub fn refused(&self, number: usize) -> Draft {
        match self.kind {
            Crm::Hubspot => draft(&format!("w-{number}"), [(self.names.email, "nobody(1)@example.com")].iter()),
            Crm::Pipedrive => draft(&format!("w-{number}"), [(self.names.company, &*"x".repeat(256))].iter()),
        }
    }

    /// Has the next call go wrong.
    pub fn fault(&self, fault: Fault) {
        match self.kind {
            Crm::Hubspot => self.stack.hubspot.faults().add(fault).unwrap(),
            Crm::Pipedrive => self.stack.pipedrive.core().faults.add(fault).unwrap(),
        }
    }

    pub fn clear_faults(&self) {
        self.stack.hubspot.faults().clear();
        self.stack.pipedrive.core().faults.clear();
    }

    /// Everything the CRM has, also of those who are gone.
    pub fn all(&self) -> Vec<Json> {
        let site = Some(self.site.id.as_str());
        match self.kind {
            Crm::Hubspot => self.stack.hubspot.contacts(site).unwrap()["contacts"].as_array().cloned().unwrap(),
            Crm::Pipedrive => self.stack.pipedrive.contacts(site).unwrap(),
        }
    }

    /// How many persons the CRM has.
    pub fn count(&self) -> usize {
        self.all().iter().filter(|contact| contact["deleted"] == false).count()
    }

    /// Has so many people in the CRM of whom the bridge knows nothing.
    pub fn seed(&self, count: usize) {
        let site = self.site.id.as_str();
        let email = |number: usize| format!("stranger{number}@example.com");
        match self.kind {
            Crm::Hubspot => {
                let all: Vec<Json> = (0..count).map(|number| json!({"properties": {"email": email(number)}})).collect();
                self.stack.hubspot.seed(&json!({"site": site, "contacts": all})).unwrap();
            }
            Crm::Pipedrive => {
                let all: Vec<Json> = (0..count).map(|number| json!({"name": "Stranger", "emails": [{"value": email(number)}]})).collect();
                self.stack.pipedrive.seed(&json!({"site": site, "contacts": all})).unwrap();
            }
        }
    }

    /// Searches and lists lag behind writes by so much.
    pub fn lag(&self, ms: i64) {
        match self.kind {
            Crm::Hubspot => self.stack.hubspot.switches().put("visibility_lag_ms", ms).unwrap(),
            Crm::Pipedrive => self.stack.pipedrive.switch("search_lag_ms", ms).unwrap(),
        }
    }

    /// Connects the CRM anew while the secret is wrong; the right one is put back then.
    pub async fn connect_with_old_secret(&self) -> anyhow::Result<app::Crm> {
        let settings = self.stack.app.means.sites.site(&self.site.id).await?.unwrap();
        let name = settings.crm.secret();
        let right = self.stack.vault().secret(name).await?;
        self.stack.put_secret(name, "an-old-token");
        let crm = self.stack.app.crm(&settings).await?;
        self.stack.put_secret(name, right.expose_secret());
        Ok(crm)
    }

    pub async fn make(&self, draft: &Draft) -> StoreResult<Contact> {
        self.crm.contacts.create(draft).await
    }

    /// Reads a record that is there.
    pub async fn present(&self, id: &RecordId) -> StoreResult<Contact> {
        match self.crm.contacts.get(id).await? {
            Found::Present(contact) => Ok(contact),
            found => panic!("not there: {found:?}"),
        }
    }
}

pub fn draft<'a>(counterpart: &str, fields: impl Iterator<Item = &'a (&'a str, &'a str)>) -> Draft {
    let fields: Fields = fields.filter_map(|(name, text)| Some((Field::new(*name), Value::text(*text)?))).collect();
    Draft { counterpart: counterpart.into(), fields }
}

pub fn patch(fields: &[(&str, Option<&str>)]) -> Patch {
    fields.iter().map(|(name, value)| (Field::new(*name), value.and_then(Value::text))).collect()
}

pub fn text<'a>(contact: &'a Contact, name: &str) -> &'a str {
    contact.get(&Field::new(name)).and_then(Value::as_text).unwrap_or_default()
}

pub fn kind<T>(outcome: StoreResult<T>) -> ErrorKind {
    outcome.err().expect("it fails").kind
}
