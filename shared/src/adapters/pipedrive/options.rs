//! Options that are newer than what is known of the fields: without them a value would be a bare number, or could not be written.

use std::{collections::BTreeSet, sync::Arc};

use jiff::{SignedDuration, Timestamp};

use super::{Client, client::SCHEMA_LIFE, definitions::Definitions};
use crate::ports::StoreResult;

/// The fields are asked for again because of unknown options no more often than this.
const ASK_AGAIN: SignedDuration = SignedDuration::from_secs(10);

/// The key of a field, and an option's id or label that it does not have.
pub(super) type Unknown = (String, String);

/// The options that the fields were asked for again for.
#[derive(Default)]
pub(super) struct Sought {
    at: Option<Timestamp>,
    /// Those that the fields still did not have.
    missing: BTreeSet<Unknown>,
}

impl Client {
    /// Returns the fields of persons, perhaps as they were some minutes ago, but asked for again where something is `unknown` in them. What is
    /// unknown then stays so: a value that nobody can read must not cost a call for each person that has it.
    pub(super) async fn definitions_with(
        &self,
        unknown: impl Fn(&Definitions) -> BTreeSet<Unknown> + Send,
    ) -> StoreResult<Arc<Definitions>> {
        let known = self.known_definitions().await?;
        if unknown(&known).is_empty() {
            return Ok(known);
        }
        // Whoever comes meanwhile waits, and goes by what was found.
        let mut sought = self.sought.lock().await;
        let (known, now) = (self.known_definitions().await?, self.means.clock.now());
        let age = sought.at.map(|at| now.duration_since(at));
        if age.is_some_and(|age| age >= SCHEMA_LIFE) {
            sought.missing.clear();
        }
        if age.is_some_and(|age| age < ASK_AGAIN) || unknown(&known).is_subset(&sought.missing) {
            return Ok(known);
        }
        let fresh = self.definitions().await?;
        sought.at = Some(now);
        sought.missing.extend(unknown(&fresh));
        Ok(fresh)
    }
}
