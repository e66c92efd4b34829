//! What was submitted with a form, and what became of it.

use std::{collections::BTreeMap, fmt};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    field::Field,
    fingerprint::{Digest, Key},
    ids::{FormId, RecordId, SiteId, SubmissionId},
};

/// What a form sent: names and texts, in its order. A name can come several times.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Entries(Vec<(String, String)>);

impl Entries {
    /// Adds a text.
    pub fn push(&mut self, name: impl Into<String>, text: impl Into<String>) {
        self.0.push((name.into(), text.into()));
    }

    /// Returns the texts of a name, without blanks around them; blank ones are left out.
    pub fn texts<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(own, _)| own == name).map(|(_, text)| text.trim()).filter(|text| !text.is_empty())
    }

    /// Returns all names and texts.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, text)| (name.as_str(), text.as_str()))
    }

    /// Returns how many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Tells whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the form under which two submissions are the same, whatever their order.
    #[must_use]
    pub fn canonical(&self) -> String {
        let mut lines: Vec<_> = self.iter().map(|(name, text)| format!("{}:{name}={}:{text}", name.len(), text.len())).collect();
        lines.sort();
        lines.join("\n")
    }
}

impl<N: Into<String>, T: Into<String>> FromIterator<(N, T)> for Entries {
    fn from_iter<I: IntoIterator<Item = (N, T)>>(entries: I) -> Self {
        Self(entries.into_iter().map(|(name, text)| (name.into(), text.into())).collect())
    }
}

/// Hides names and texts.
impl fmt::Debug for Entries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Entries({} ..)", self.0.len())
    }
}

/// A form as it was filled in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filled {
    /// The sender's id of the submission, where it has one.
    pub id: Option<String>,
    /// When the person submitted, where the sender tells.
    pub at: Option<Timestamp>,
    /// What was filled in.
    pub entries: Entries,
}

/// What tells a submission from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity<'a> {
    /// The id its sender gave it: the same one is the same submission, for as long as it is remembered.
    Given(&'a str),
    /// What was sent: the same content is the same submission within a minute.
    Content(&'a Entries),
}

impl SubmissionId {
    /// Makes the id of a submission: keyed, so that nobody can guess it who did not make the submission.
    #[must_use]
    pub fn of(key: &Key, form: &FormId, identity: Identity<'_>) -> Self {
        let digest = match identity {
            Identity::Given(id) => key.digest(&format!("submission:{form}:given"), id),
            Identity::Content(entries) => key.digest(&format!("submission:{form}:content"), &entries.canonical()),
        };
        Self::new(digest.hex())
    }

    /// Reads an id; `None` if it cannot be one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        (text.len() == 2 * Digest::LEN && text.bytes().all(hex)).then(|| Self::new(text))
    }
}

/// A submission on its way to a contact, in Wix's fields.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submission {
    /// The site.
    pub site: SiteId,
    /// The form.
    pub form: FormId,
    /// Its id.
    pub id: SubmissionId,
    /// Whether its sender named it. What is known by its content alone may be submitted again later.
    pub named: bool,
    /// When the person submitted, as far as known.
    pub at: Timestamp,
    /// The values for the contact.
    pub values: Values,
    /// The values that cannot be the contact's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rejected: Vec<Rejected>,
    /// Whether the person ticked the box that subscribes to e-mails.
    #[serde(default)]
    pub consent: bool,
    /// What was done already: the contact is as it should be, only the subscription is left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done: Option<Effect>,
    /// How often it was tried and failed for a passing reason.
    #[serde(default)]
    pub attempts: u32,
}

/// Texts for a contact's fields; none is blank.
pub type Values = BTreeMap<Field, Vec<String>>;

/// Shows ids only.
impl fmt::Debug for Submission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Submission").field("site", &self.site).field("form", &self.form).field("id", &self.id).finish_non_exhaustive()
    }
}

/// A value that did not become the contact's; the value itself is not kept.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Rejected {
    /// The Wix field it was for.
    pub field: Field,
    /// Why.
    pub reason: Reason,
}

/// Why a value did not become the contact's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The contact has another value there.
    Filled,
    /// It is no e-mail address.
    NotAnEmail,
    /// It is no phone number.
    NotAPhone,
    /// The field's transform cannot convert it.
    Unconvertible,
    /// It is longer than the form takes.
    TooLong,
    /// The address belongs to another contact.
    AnotherContact,
    /// Wix refuses it.
    Refused,
}

impl Reason {
    /// Returns the rule that the value breaks, for people.
    #[must_use]
    pub const fn rule(self) -> &'static str {
        match self {
            Self::Filled => "the contact has another value, which stays",
            Self::NotAnEmail => "must be an e-mail address",
            Self::NotAPhone => "must be a phone number",
            Self::Unconvertible => "must be a value that the form's settings can convert",
            Self::TooLong => "must not be longer than the form's settings allow",
            Self::AnotherContact => "must not be the address of another contact",
            Self::Refused => "must be a value that Wix takes",
        }
    }
}

/// What happened to the contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It was made.
    Created,
    /// It was changed.
    Updated,
    /// It had everything already, or nothing of it was to change.
    Unchanged,
}

/// What came of the wish to get e-mails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subscribed {
    /// The address is subscribed now.
    Subscribed,
    /// It was already.
    Already,
    /// A confirmation that was asked for before is still awaited.
    Pending,
    /// The address unsubscribed, or complained, and the form may not bring it back.
    OptedOut,
    /// Wix did not subscribe it.
    Refused,
    /// There is no e-mail address to subscribe.
    NoAddress,
}

/// What became of a submission that was dealt with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effect {
    /// The Wix contact.
    pub contact: RecordId,
    /// What happened to it.
    pub action: Action,
    /// The fields whose values the contact has.
    pub accepted: Vec<Field>,
    /// The values it does not have.
    pub rejected: Vec<Rejected>,
    /// The phone numbers among the accepted ones that no country is known of; they are kept as they were written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub as_written: Vec<Field>,
    /// What came of the wish to get e-mails, if it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscription: Option<Subscribed>,
}

/// Where a submission stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Progress {
    /// It waits in the queue, or is being worked on.
    Pending,
    /// It is dealt with.
    Done(Effect),
    /// It was given up, and waits among the dead letters.
    Failed {
        /// Why.
        reason: String,
    },
}

impl Progress {
    /// Returns the short name used in answers and logs.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Done(_) => "done",
            Self::Failed { .. } => "failed",
        }
    }
}

/// What is remembered of a submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The form.
    pub form: FormId,
    /// When the person submitted.
    pub at: Timestamp,
    /// Where it stands.
    pub progress: Progress,
}

/// The right to deal with a submission: exclusive, for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The submission.
    pub id: SubmissionId,
    /// Its form.
    pub form: FormId,
    /// When the person submitted.
    pub at: Timestamp,
    /// A random text of the holder's own.
    pub owner: String,
    /// Until when it is held.
    pub until: Timestamp,
    /// If it was dealt with and the person had submitted it no later than this, it is a new one; never, if its sender named it.
    pub anew_since: Option<Timestamp>,
}

/// The proof of a consent. The address is a keyed digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsentProof {
    /// The address that consented.
    pub address: Digest,
    /// The form.
    pub form: FormId,
    /// The submission.
    pub submission: SubmissionId,
    /// When the person submitted.
    pub at: Timestamp,
    /// The version of the text.
    pub text_version: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> Key {
        Key::derive(b"secret", &"site".into())
    }

    #[test]
    fn the_order_of_fields_makes_no_other_submission_and_their_borders_do() {
        let id =
            |pairs: &[(&str, &str)]| SubmissionId::of(&key(), &"f".into(), Identity::Content(&pairs.iter().copied().collect::<Entries>()));
        assert_eq!(id(&[("a", "1"), ("b", "2")]), id(&[("b", "2"), ("a", "1")]));
        assert_ne!(id(&[("a", "1\n1:b=1:2")]), id(&[("a", "1"), ("b", "2")]));
        assert_ne!(id(&[("a", "1")]), id(&[("a", "1"), ("a", "1")]));
    }

    #[test]
    fn an_id_depends_on_its_form_and_reads_back() {
        let id = |form: &str| SubmissionId::of(&key(), &form.into(), Identity::Given("x"));
        assert_ne!(id("a"), id("b"));
        assert_eq!(SubmissionId::parse(id("a").as_str()), Some(id("a")));
        for text in ["", "abc", "../settings0000000000000", "ABCDEFABCDEFABCDEFABCDEF"] {
            assert_eq!(SubmissionId::parse(text), None, "{text}");
        }
    }

    #[test]
    fn blank_texts_count_as_none() {
        let entries: Entries = [("a", " "), ("a", " x "), ("b", "y")].into_iter().collect();
        assert_eq!(entries.texts("a").collect::<Vec<_>>(), ["x"]);
        assert_eq!(format!("{entries:?}"), "Entries(3 ..)");
    }
}
