//! Who fills the form in, what they fill in, and how the form is set.

use contact_bridge::model::{
    ids::SubmissionId,
    site::form::{Form, OnFilled},
    submission::Filled,
};
use jiff::Timestamp;
use rand::Rng;
use serde_json::json;

use super::{chaos::Habits, world::World};

/// The people, and how often each fills the form in.
const WHO: [usize; 10] = [0, 0, 0, 0, 1, 1, 1, 2, 2, 3];
/// Who gives no e-mail address.
const BY_PHONE: usize = 2;
/// Whose e-mail address Wix does not take.
pub const REFUSED: usize = 3;
/// How many people there are.
pub const PEOPLE: usize = 4;

/// Returns the e-mail address of a person, if they give one.
#[must_use]
pub fn email(person: usize) -> Option<String> {
    let name = if person == REFUSED { "refused" } else { "person" };
    (person != BY_PHONE).then(|| format!("{name}{person}@example.com"))
}

/// Returns what a person is known by.
#[must_use]
pub fn key(person: usize) -> String {
    email(person).unwrap_or_else(|| format!("55500{person}"))
}

/// A form that was filled in, as its sender keeps it to deliver it again.
#[derive(Clone, Debug)]
pub struct Post {
    /// Its place among all.
    pub number: usize,
    /// By whom.
    pub person: usize,
    /// The sender's id of it, where it has one.
    pub token: Option<String>,
    /// When it was filled in, where the sender tells.
    pub told: Option<i64>,
    /// The company.
    pub company: Option<String>,
    /// Whether another address of the person's was given as well.
    pub second: bool,
    /// Whether the box was ticked.
    pub ticked: bool,
    /// When it was filled in.
    pub at: i64,
    /// The id the bridge gives it, once it was delivered.
    pub id: Option<SubmissionId>,
    /// Whether its sender heard that it is taken in.
    pub accepted: bool,
}

impl Post {
    /// Returns the phone number that comes with this submission alone.
    #[must_use]
    pub fn phone(&self) -> String {
        format!("7361{:03}", self.number)
    }

    /// Tells whether Wix takes nothing of it, for it does not say that the e-mail address is why.
    #[must_use]
    pub const fn is_hopeless(&self, habits: &Habits) -> bool {
        self.person == REFUSED && !habits.names_fields
    }

    /// Returns the company, if Wix takes it.
    #[must_use]
    pub fn good_company(&self) -> Option<&str> {
        self.company.as_deref().filter(|company| !company.starts_with("refused"))
    }

    /// Returns it as it is delivered.
    #[must_use]
    pub fn filled(&self) -> Filled {
        let by_phone = email(self.person).is_none().then(|| key(self.person));
        let second = email(self.person).filter(|_| self.second).map(|email| format!("other.{email}"));
        let entries = [
            ("email", email(self.person)),
            ("email2", second),
            ("tel", by_phone),
            ("own", Some(self.phone())),
            ("company", self.company.clone()),
            ("news", self.ticked.then(|| "yes".to_owned())),
        ];
        Filled {
            id: self.token.clone(),
            at: self.told.and_then(|at| Timestamp::from_millisecond(at).ok()),
            entries: entries.into_iter().filter_map(|(name, text)| Some((name, text?))).collect(),
        }
    }
}

/// Somebody fills the form in; returns which one it is.
pub fn fill_in(world: &mut World) -> usize {
    let number = world.posts.len();
    let person = *WHO.get(world.rng.random_range(0..WHO.len())).unwrap_or(&0);
    let (named, tells) = (world.chance(60), world.chance(60));
    let (has_company, refused) = (world.chance(80), world.chance(10));
    let company = format!("{} {number}", if refused { "refused" } else { "Company" });
    let post = Post {
        number,
        person,
        token: named.then(|| format!("t{number}")),
        told: (named && tells).then_some(world.now),
        company: has_company.then_some(company),
        second: world.chance(15),
        ticked: world.chance(50),
        at: world.now,
        id: None,
        accepted: false,
    };
    world.trace(("fill in", number, person));
    world.posts.push(post);
    number
}

/// Draws how the form is set.
///
/// # Panics
/// Never: the settings are whole.
pub fn draw_form(world: &mut World) -> Form {
    let field = |from: &str, to: &str| json!({"from": from, "to": to});
    let fields = [("email", "email"), ("email2", "emails"), ("tel", "phone"), ("own", "phones"), ("company", "company")];
    let labels: &[&str] = match world.rng.random_range(0..3) {
        0 => &[],
        1 => &["custom.form"],
        _ => &["custom.gone"],
    };
    let settings = json!({
        "sender": {"kind": "token", "secrets": ["token"]},
        "fields": fields.map(|(from, to)| field(from, to)),
        "labels": labels,
        "consent": {"field": "news", "text_version": "2026-11", "resubscribe": world.chance(50)},
    });
    let mut form: Form = serde_json::from_value(settings).expect("the settings are whole");
    if !world.chance(75) {
        form.consent = None;
    }
    if world.chance(50) {
        form.on_filled = overriding();
    }
    form
}

/// The owner's decision that the form wins.
#[must_use]
pub fn overriding() -> OnFilled {
    OnFilled::Override { allowed_by: "Grace".to_owned(), allowed_at: Timestamp::UNIX_EPOCH }
}
