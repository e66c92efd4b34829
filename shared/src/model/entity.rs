//! A record as its sender enclosed it in an event.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::{RawValue, to_raw_value};

/// JSON in the sender's own form. It stays the text it came as, because webhook intake, bus and queue pass it on without looking in. It is
/// contact data, and so has no `Debug`.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Entity(Box<RawValue>);

impl Entity {
    /// Takes JSON as it is.
    #[must_use]
    pub const fn new(json: Box<RawValue>) -> Self {
        Self(json)
    }

    /// Writes a record as JSON.
    ///
    /// # Errors
    /// If the record has no form in JSON.
    pub fn write(record: &impl Serialize) -> serde_json::Result<Self> {
        to_raw_value(record).map(Self)
    }

    /// Reads the record in its sender's form; `None` if it is not of that form.
    #[must_use]
    pub fn read<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_str(self.0.get()).ok()
    }
}

/// Two are equal if their texts are.
impl PartialEq for Entity {
    fn eq(&self, other: &Self) -> bool {
        self.0.get() == other.0.get()
    }
}
