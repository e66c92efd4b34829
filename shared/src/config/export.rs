//! Settings of scheduled export.

use super::{ConfigError, Variables, Vendors, Worker};

/// What scheduled export needs to know.
#[derive(Clone, Debug)]
pub struct Export {
    /// What every worker needs to know.
    pub worker: Worker,
    /// How to reach the vendors.
    pub vendors: Vendors,
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
        Ok(Self {
            worker: Worker::from_variables(variables)?,
            vendors: Vendors::from_variables(variables)?,
            event_bus: variables.required("EVENT_BUS_NAME")?.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{super::worker::tests::but, *};

    #[test]
    fn what_is_missing_is_named() {
        assert_eq!(Export::from_variables(&but("EVENT_BUS_NAME", "bus")).unwrap().event_bus, "bus");
        for (name, expected) in [("EVENT_BUS_NAME", "EVENT_BUS_NAME is not set"), ("QUEUE_URL", "QUEUE_URL is not set")] {
            assert_eq!(Export::from_variables(&but(name, "")).unwrap_err().to_string(), expected);
        }
    }
}
