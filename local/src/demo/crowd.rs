//! The people of the demonstration, and what each side knows of them.

use rand::{Rng, SeedableRng, rngs::SmallRng, seq::IndexedRandom};
use serde_json::{Map, Value, json};

const FIRST: [&str; 26] = [
    "Ada", "Ben", "Chloe", "Dmitri", "Elif", "Farah", "Grace", "Hugo", "Ines", "Jonas", "Kaito", "Lena", "Mateo", "Nadia", "Oscar",
    "Priya", "Quentin", "Rosa", "Samir", "Tessa", "Umar", "Vera", "Wanda", "Xenia", "Yusuf", "Zoe",
];
const LAST: [&str; 20] = [
    "Abbott",
    "Becker",
    "Costa",
    "Dubois",
    "Eriksen",
    "Fischer",
    "García",
    "Haddad",
    "Ivanova",
    "Jensen",
    "Kowalski",
    "Lindqvist",
    "Moreau",
    "Novák",
    "O'Brien",
    "Pereira",
    "Rossi",
    "Suzuki",
    "Tanaka",
    "Weber",
];
const COMPANIES: [&str; 8] = [
    "Acorn Books",
    "Blue Door Café",
    "Cedar & Sons",
    "Driftwood Studio",
    "Elm Street Dental",
    "Foxglove Flowers",
    "Granite Legal",
    "Harbour Bikes",
];
const JOBS: [&str; 6] = ["Owner", "Office manager", "Buyer", "Designer", "Accountant", "Head of sales"];
const PLACES: [(&str, &str, &str); 4] =
    [("London", "GB", "United Kingdom"), ("Berlin", "DE", "Germany"), ("Lyon", "FR", "France"), ("Porto", "PT", "Portugal")];

/// How many of them belong to the two cases the bridge must not guess about.
const UNCLEAR: usize = 6;

/// Who is where.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Where {
    Both,
    Wix,
    Hubspot,
}

struct Person {
    place: Where,
    first: &'static str,
    last: &'static str,
    /// Some are known by their phone alone.
    email: Option<String>,
    /// The local part of a London number.
    phone: u32,
    company: &'static str,
    job: &'static str,
    city: (&'static str, &'static str, &'static str),
}

/// Everybody.
pub(super) struct Crowd(Vec<Person>);

impl Crowd {
    /// Gathers people: of 52, 18 are on both sides, 19 in Wix alone and 9 in `HubSpot` alone, and 6 are hard to tell apart.
    pub fn gather(people: usize, seed: u64) -> Self {
        let mut random = SmallRng::seed_from_u64(seed);
        let people = people.saturating_sub(UNCLEAR);
        let (both, wix) = (people * 18 / 46, people * 37 / 46);
        let place = |number| match number {
            number if number < both => Where::Both,
            number if number < wix => Where::Wix,
            _ => Where::Hubspot,
        };
        Self((0..people).map(|number| Person::meet(number, place(number), &mut random)).collect())
    }

    pub fn describe(&self) -> String {
        let count = |place| self.0.iter().filter(|person| person.place == place).count();
        let (both, wix, hubspot) = (count(Where::Both), count(Where::Wix), count(Where::Hubspot));
        format!("{} in Wix, {} in HubSpot, {both} of them on both; two cases a person has to look at.", both + wix + 3, both + hubspot + 3)
    }

    /// How many links there will be: the ambiguous ones give one each.
    pub fn links(&self) -> usize {
        self.0.len() + 2
    }

    /// What Wix knows.
    pub fn wix(&self) -> Vec<Value> {
        let known = self.0.iter().filter(|person| person.place != Where::Hubspot).map(Person::wix);
        known.chain(ambiguous_wix()).collect()
    }

    /// What `HubSpot` knows.
    pub fn hubspot(&self) -> Vec<Value> {
        let known = self.0.iter().filter(|person| person.place != Where::Wix).map(Person::hubspot);
        known.chain(ambiguous_hubspot()).collect()
    }
}

/// A contact of whom only Wix knows; no two of them share anything that tells people apart.
pub(super) fn new_contact(number: usize) -> Value {
    let pick = |list: &[&'static str], at: usize| list.get(at % list.len()).copied().unwrap_or_default();
    let (first, last) = (pick(&FIRST, number), pick(&LAST, number / FIRST.len()));
    json!({
        "name": {"first": first, "last": last},
        "company": pick(&COMPANIES, number / 7),
        "jobTitle": pick(&JOBS, number / 11),
        "emails": {"items": [{"email": format!("{}.{}{number}@example.net", plain(first), plain(last)), "tag": "MAIN", "primary": true}]},
    })
}

/// Two who share an address, and one who shares a phone with two others.
fn ambiguous_wix() -> Vec<Value> {
    let office = json!({"items": [{"email": "office@elm-dental.example", "primary": true}]});
    vec![
        json!({"name": {"first": "Mia", "last": "Elm"}, "emails": office}),
        json!({"name": {"first": "Noah", "last": "Elm"}, "emails": office}),
        json!({"name": {"first": "Reception"}, "phones": {"items": [{"phone": "020 7946 0999", "countryCode": "GB", "primary": true}]}}),
    ]
}

fn ambiguous_hubspot() -> Vec<Value> {
    vec![
        json!({"firstname": "Elm", "lastname": "Dental", "email": "office@elm-dental.example"}),
        json!({"firstname": "Front", "lastname": "Desk", "phone": "+442079460999"}),
        json!({"firstname": "Back", "lastname": "Office", "phone": "+442079460999"}),
    ]
}

impl Person {
    fn meet(number: usize, place: Where, random: &mut SmallRng) -> Self {
        let pick = |list: &[&'static str], at: usize| list.get(at % list.len()).copied().unwrap_or_default();
        // Every name once, as long as there are enough of them.
        let (first, last) = (pick(&FIRST, number), pick(&LAST, number + number / FIRST.len()));
        let email = format!("{}.{}{number}@example.com", plain(first), plain(last));
        Self {
            place,
            first,
            last,
            email: (number % 7 != 3).then_some(email),
            phone: 79_410_000 + u32::try_from(number % 40_000).unwrap_or_default(),
            company: COMPANIES.choose(random).copied().unwrap_or_default(),
            job: JOBS.choose(random).copied().unwrap_or_default(),
            city: PLACES.choose(random).copied().unwrap_or_default(),
        }
        .forgetful(random)
    }

    /// Not everybody tells everything.
    fn forgetful(mut self, random: &mut SmallRng) -> Self {
        if random.random_ratio(1, 4) {
            self.job = "";
        }
        self
    }

    fn wix(&self) -> Value {
        let mut info = json!({
            "name": {"first": self.first, "last": self.last},
            "company": self.company,
            "phones": {"items": [{"phone": self.national(), "countryCode": "GB", "tag": "MAIN", "primary": true}]},
            "addresses": {"items": [{"tag": "HOME", "address": {"city": self.city.0, "country": self.city.1}}]},
        });
        if let (Some(info), Some(email)) = (info.as_object_mut(), &self.email) {
            info.insert("emails".to_owned(), json!({"items": [{"email": email, "tag": "MAIN", "primary": true}]}));
        }
        // What only one side knows, the other one is to learn.
        if let (Some(info), false, false) = (info.as_object_mut(), self.job.is_empty(), self.place == Where::Both) {
            info.insert("jobTitle".to_owned(), self.job.into());
        }
        info
    }

    fn hubspot(&self) -> Value {
        let mut properties = Map::new();
        let mut put = |name: &str, value: &str| {
            if !value.is_empty() {
                properties.insert(name.to_owned(), value.into());
            }
        };
        put("firstname", self.first);
        put("lastname", self.last);
        put("email", &self.email.clone().unwrap_or_default().to_uppercase());
        put("jobtitle", self.job);
        put("phone", &format!("+4420{}", self.phone));
        if self.place == Where::Hubspot {
            put("company", self.company);
            put("city", self.city.0);
            put("country", self.city.2);
        }
        properties.into()
    }

    /// The number as people in London write it.
    fn national(&self) -> String {
        let (exchange, line) = (self.phone / 10_000, self.phone % 10_000);
        format!("020 {exchange} {line:04}")
    }
}

/// A name as mail systems take it.
fn plain(name: &str) -> String {
    let ascii = |letter: char| match letter {
        'í' | 'î' => 'i',
        'á' | 'â' => 'a',
        other => other,
    };
    name.chars().map(ascii).filter(char::is_ascii_alphabetic).collect::<String>().to_lowercase()
}
