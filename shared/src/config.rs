//! Settings from the environment, read once at start. One struct for each concern; each field's doc names its variable.
//! May import `ports`, to fetch secrets that are kept elsewhere.

mod export;
mod intake;
mod relay;
mod secret;
mod sync;
mod upsert;
mod variables;
mod vendors;
mod wix;
mod worker;

pub use export::Export;
pub use intake::{HubspotWebhooks, Intake, MessageWebhooks, WixWebhooks};
pub use relay::Relay;
pub use secret::SecretText;
pub use sync::Sync;
pub use upsert::Upsert;
pub use variables::Variables;
pub use vendors::Vendors;
pub use wix::WixApp;
pub use worker::Worker;

use thiserror::Error;

use crate::ports::StoreError;

/// Why settings cannot be used. Names the variable, never its value.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// A variable is not set, or empty.
    #[error("{name} is not set")]
    Missing {
        /// The variable.
        name: &'static str,
    },
    /// A variable's value is not what it should be.
    #[error("{name} is not {expected}")]
    Invalid {
        /// The variable.
        name: &'static str,
        /// What it should be.
        expected: &'static str,
    },
    /// The secret that a variable names cannot be fetched.
    #[error("secret of {name}")]
    Secret {
        /// The variable.
        name: &'static str,
        /// The cause.
        #[source]
        source: StoreError,
    },
}
