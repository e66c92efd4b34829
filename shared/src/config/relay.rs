//! Settings of the inbox relay.

use super::{ConfigError, Variables, WixApp, Worker};

/// What the inbox relay needs to know.
#[derive(Clone, Debug)]
pub struct Relay {
    /// What every worker needs to know.
    pub worker: Worker,
    /// The app at Wix.
    pub wix: WixApp,
}

impl Relay {
    /// Reads the settings from the process's environment.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_variables(&Variables::of_process())
    }

    /// Reads the settings from variables.
    pub fn from_variables(variables: &Variables) -> Result<Self, ConfigError> {
        Ok(Self { worker: Worker::from_variables(variables)?, wix: WixApp::from_variables(variables)? })
    }
}

#[cfg(test)]
mod tests {
    use super::{super::worker::tests::but, *};

    #[test]
    fn what_is_missing_is_named() {
        for (name, expected) in [("DEAD_LETTER_URL", "DEAD_LETTER_URL is not set"), ("WIX_APP_ID", "WIX_APP_ID is not set")] {
            assert_eq!(Relay::from_variables(&but(name, "")).unwrap_err().to_string(), expected);
        }
    }
}
