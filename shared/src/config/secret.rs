//! Secrets in settings: given literally on one machine, kept in Parameter Store in the cloud.

use secrecy::SecretString;

use super::ConfigError;
use crate::ports::Secrets;

/// Marks a value as the name of a secret. The template sets such values, so that no function's configuration shows a secret.
const REFERENCE: &str = "ssm:";

/// A secret text, or the name of one: `ssm:/contact-bridge/wix-app-secret`.
#[derive(Clone, Debug)]
pub struct SecretText {
    variable: &'static str,
    source: Source,
}

#[derive(Clone, Debug)]
enum Source {
    Literal(SecretString),
    Named(String),
}

impl SecretText {
    /// Takes the value of `variable`: a name after `ssm:`, or else the secret itself.
    #[must_use]
    pub fn new(variable: &'static str, value: &str) -> Self {
        let source = match value.strip_prefix(REFERENCE) {
            Some(name) => Source::Named(name.to_owned()),
            None => Source::Literal(SecretString::from(value)),
        };
        Self { variable, source }
    }

    /// Returns the secret, fetching it if only its name is known.
    pub async fn resolve(&self, secrets: &dyn Secrets) -> Result<SecretString, ConfigError> {
        match &self.source {
            Source::Literal(secret) => Ok(secret.clone()),
            Source::Named(name) => secrets.secret(name).await.map_err(|source| ConfigError::Secret { name: self.variable, source }),
        }
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use secrecy::ExposeSecret;

    use super::*;
    use crate::ports::{ErrorKind, StoreError, StoreResult};

    struct Parameters;

    #[async_trait]
    impl Secrets for Parameters {
        async fn secret(&self, name: &str) -> StoreResult<SecretString> {
            match name {
                "/bridge/key" => Ok(SecretString::from("kept")),
                _ => Err(StoreError::new(ErrorKind::NotFound, format!("parameter {name}"))),
            }
        }
    }

    #[tokio::test]
    async fn a_secret_is_literal_unless_it_is_named() {
        for (value, expected) in [("abc", "abc"), ("ssm:/bridge/key", "kept"), ("SSM:/x", "SSM:/x")] {
            let secret = SecretText::new("KEY", value).resolve(&Parameters).await.unwrap();
            assert_eq!(secret.expose_secret(), expected);
        }
    }

    #[tokio::test]
    async fn a_secret_that_is_not_there_is_an_error_that_names_the_variable() {
        let error = SecretText::new("KEY", "ssm:/bridge/other").resolve(&Parameters).await.unwrap_err();
        assert_eq!(error.to_string(), "secret of KEY");
    }

    #[test]
    fn a_secret_is_not_shown() {
        assert!(!format!("{:?}", SecretText::new("KEY", "hunter2")).contains("hunter2"));
    }
}
