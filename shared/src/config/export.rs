//! Settings of scheduled export.

use super::{ConfigError, Sync, Variables};

/// What scheduled export needs to know: the same as contact sync, and the bus.
#[derive(Clone, Debug)]
pub struct Export {
    /// What it has in common with contact sync; the queues are its own.
    pub sync: Sync,
    /// The bus that requests and hand-overs are published on. Read from `EVENT_BUS_NAME`.
    pub event_bus: String,
}

impl Export {
    /// Reads the settings from the process's environment.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_variables(&Variables::of_process())
    }

    /// Reads the settings from variables.
    pub fn from_variables(variables: &Variables) -> Result<Self, ConfigError> {
        Ok(Self { sync: Sync::from_variables(variables)?, event_bus: variables.required("EVENT_BUS_NAME")?.to_owned() })
    }
}
