//! Settings of the taking in of forms.

use super::{ConfigError, Variables, WixApp, Worker};

/// A few hundred fields; a form with files is not for this.
const MAX_BODY_BYTES: usize = 256 * 1024;

/// What the taking in of forms needs to know.
#[derive(Clone, Debug)]
pub struct Upsert {
    /// What every worker needs to know; its queue is the one in which submissions wait.
    pub worker: Worker,
    /// The app at Wix.
    pub wix: WixApp,
    /// The longest body that is looked at, in bytes. Read from `MAX_BODY_BYTES`; 256 KiB if that is not set.
    pub max_body_bytes: usize,
}

impl Upsert {
    /// Reads the settings from the process's environment.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_variables(&Variables::of_process())
    }

    /// Reads the settings from variables.
    pub fn from_variables(variables: &Variables) -> Result<Self, ConfigError> {
        Ok(Self {
            worker: Worker::from_variables(variables)?,
            wix: WixApp::from_variables(variables)?,
            max_body_bytes: variables.parsed("MAX_BODY_BYTES", "a number of bytes", MAX_BODY_BYTES)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{super::worker::tests::but, *};

    #[test]
    fn what_is_missing_or_malformed_is_named() {
        assert_eq!(Upsert::from_variables(&but("LOG_LEVEL", "info")).unwrap().max_body_bytes, 262_144);
        for (name, value, expected) in [
            ("QUEUE_URL", "", "QUEUE_URL is not set"),
            ("WIX_BASE_URL", "wixapis", "WIX_BASE_URL is not a URL"),
            ("MAX_BODY_BYTES", "big", "MAX_BODY_BYTES is not a number of bytes"),
        ] {
            assert_eq!(Upsert::from_variables(&but(name, value)).unwrap_err().to_string(), expected);
        }
    }
}
