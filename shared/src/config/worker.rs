//! Settings of whatever works off a queue.

use super::{ConfigError, SecretText, Variables};

/// What every worker needs to know.
#[derive(Clone, Debug)]
pub struct Worker {
    /// The table. Read from `TABLE_NAME`.
    pub table: String,
    /// The secret all fingerprint keys are derived from, the same for all. Read from `FINGERPRINT_SECRET`; may be `ssm:` and a parameter's name.
    pub fingerprint_secret: SecretText,
    /// The queue the function is fed from, where jobs are put back. Read from `QUEUE_URL`.
    pub queue_url: String,
    /// The queue of dead letters. Read from `DEAD_LETTER_URL`.
    pub dead_letter_url: String,
    /// What stands before the names of the sites' secrets in Parameter Store. Read from `SECRET_PREFIX`; without it secrets are read
    /// from the environment.
    pub secret_prefix: Option<String>,
}

impl Worker {
    /// Reads the settings from variables.
    pub fn from_variables(variables: &Variables) -> Result<Self, ConfigError> {
        Ok(Self {
            table: variables.required("TABLE_NAME")?.to_owned(),
            fingerprint_secret: variables.required_secret("FINGERPRINT_SECRET")?,
            queue_url: variables.required("QUEUE_URL")?.to_owned(),
            dead_letter_url: variables.required("DEAD_LETTER_URL")?.to_owned(),
            secret_prefix: variables.optional("SECRET_PREFIX").map(str::to_owned),
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Variables of a worker that reaches Wix.
    pub(in super::super) const VALID: [(&str, &str); 6] = [
        ("TABLE_NAME", "contacts"),
        ("FINGERPRINT_SECRET", "ssm:/bridge/fingerprints"),
        ("QUEUE_URL", "https://sqs.example.com/1/queue"),
        ("DEAD_LETTER_URL", "https://sqs.example.com/1/dead"),
        ("WIX_APP_ID", "app"),
        ("WIX_APP_SECRET", "ssm:/bridge/wix"),
    ];

    /// The variables, one of them changed.
    pub(in super::super) fn but(name: &'static str, value: &'static str) -> Variables {
        VALID.into_iter().chain([(name, value)]).collect()
    }

    #[test]
    fn what_is_missing_is_named() {
        for name in ["TABLE_NAME", "FINGERPRINT_SECRET", "QUEUE_URL", "DEAD_LETTER_URL"] {
            let error = Worker::from_variables(&but(name, " ")).unwrap_err();
            assert_eq!(error.to_string(), format!("{name} is not set"));
        }
    }
}
