//! Settings of contact sync.

use super::{ConfigError, Variables, Vendors, Worker};

/// What contact sync needs to know.
#[derive(Clone, Debug)]
pub struct Sync {
    /// What every worker needs to know.
    pub worker: Worker,
    /// How to reach the vendors.
    pub vendors: Vendors,
}

impl Sync {
    /// Reads the settings from the process's environment.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_variables(&Variables::of_process())
    }

    /// Reads the settings from variables.
    pub fn from_variables(variables: &Variables) -> Result<Self, ConfigError> {
        Ok(Self { worker: Worker::from_variables(variables)?, vendors: Vendors::from_variables(variables)? })
    }
}

#[cfg(test)]
mod tests {
    use super::{super::worker::tests::but, *};

    #[test]
    fn what_is_missing_or_malformed_is_named() {
        for (name, value, expected) in [
            ("TABLE_NAME", "", "TABLE_NAME is not set"),
            ("WIX_APP_SECRET", "", "WIX_APP_SECRET is not set"),
            ("HUBSPOT_BASE_URL", "hubapi", "HUBSPOT_BASE_URL is not a URL"),
        ] {
            assert_eq!(Sync::from_variables(&but(name, value)).unwrap_err().to_string(), expected);
        }
    }
}
