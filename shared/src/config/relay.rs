//! Settings of the inbox relay.

use super::{ConfigError, SecretText, Variables, WixApp};

/// What the inbox relay needs to know.
#[derive(Clone, Debug)]
pub struct Relay {
    /// The table. Read from `TABLE_NAME`.
    pub table: String,
    /// The secret all fingerprint keys are derived from, the same as contact sync's. Read from `FINGERPRINT_SECRET`; may be `ssm:` and a
    /// parameter's name.
    pub fingerprint_secret: SecretText,
    /// The queue the function is fed from, where messages are put back. Read from `QUEUE_URL`.
    pub queue_url: String,
    /// The queue of dead letters. Read from `DEAD_LETTER_URL`.
    pub dead_letter_url: String,
    /// What stands before the names of the sites' secrets in Parameter Store. Read from `SECRET_PREFIX`; without it secrets are read
    /// from the environment.
    pub secret_prefix: Option<String>,
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
        Ok(Self {
            table: variables.required("TABLE_NAME")?.to_owned(),
            fingerprint_secret: variables.required_secret("FINGERPRINT_SECRET")?,
            queue_url: variables.required("QUEUE_URL")?.to_owned(),
            dead_letter_url: variables.required("DEAD_LETTER_URL")?.to_owned(),
            secret_prefix: variables.optional("SECRET_PREFIX").map(str::to_owned),
            wix: WixApp::from_variables(variables)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALID: [(&str, &str); 6] = [
        ("TABLE_NAME", "contacts"),
        ("FINGERPRINT_SECRET", "ssm:/bridge/fingerprints"),
        ("QUEUE_URL", "https://sqs.example.com/1/queue"),
        ("DEAD_LETTER_URL", "https://sqs.example.com/1/dead"),
        ("WIX_APP_ID", "app"),
        ("WIX_APP_SECRET", "ssm:/bridge/wix"),
    ];

    #[test]
    fn wix_is_the_public_one_unless_told() {
        assert_eq!(Relay::from_variables(&VALID.into_iter().collect()).unwrap().wix.base.as_str(), "https://www.wixapis.com/");
    }

    #[test]
    fn what_is_missing_or_malformed_is_named() {
        for (change, expected) in [
            (("TABLE_NAME", ""), "TABLE_NAME is not set"),
            (("QUEUE_URL", ""), "QUEUE_URL is not set"),
            (("WIX_APP_ID", ""), "WIX_APP_ID is not set"),
            (("WIX_BASE_URL", "wixapis"), "WIX_BASE_URL is not a URL"),
        ] {
            let read = Relay::from_variables(&VALID.into_iter().chain([change]).collect());
            assert_eq!(read.unwrap_err().to_string(), expected);
        }
    }
}
