//! Environment variables, and how they are read.

use std::{collections::BTreeMap, str::FromStr};

use url::Url;

use super::{ConfigError, SecretText};

/// A set of variables: those of the process, or a test's own.
#[derive(Clone, Default)]
pub struct Variables(BTreeMap<String, String>);

impl Variables {
    /// Takes the variables of the process; names or values that are not UTF-8 are left out.
    #[must_use]
    pub fn of_process() -> Self {
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))).collect()
    }

    /// Returns a variable; an empty one counts as not set.
    #[must_use]
    pub fn optional(&self, name: &'static str) -> Option<&str> {
        self.0.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    /// Returns a variable that must be set.
    pub fn required(&self, name: &'static str) -> Result<&str, ConfigError> {
        self.optional(name).ok_or(ConfigError::Missing { name })
    }

    /// Returns a variable as `T`, or `default` if it is not set.
    pub fn parsed<T: FromStr>(&self, name: &'static str, expected: &'static str, default: T) -> Result<T, ConfigError> {
        self.optional(name).map_or(Ok(default), |value| value.parse().map_err(|_| ConfigError::Invalid { name, expected }))
    }

    /// Returns a variable as an address with a host, or `default` if it is not set.
    pub fn url(&self, name: &'static str, default: &str) -> Result<Url, ConfigError> {
        let url = Url::parse(self.optional(name).unwrap_or(default)).ok().filter(Url::has_host);
        url.ok_or(ConfigError::Invalid { name, expected: "a URL" })
    }

    /// Returns a URL with a host, if one is set.
    pub fn optional_url(&self, name: &'static str) -> Result<Option<Url>, ConfigError> {
        self.optional(name).map(|_| self.url(name, "")).transpose()
    }

    /// Returns a secret, or where it is kept.
    #[must_use]
    pub fn secret(&self, name: &'static str) -> Option<SecretText> {
        self.optional(name).map(|value| SecretText::new(name, value))
    }

    /// Returns a secret that must be set, or where it is kept.
    pub fn required_secret(&self, name: &'static str) -> Result<SecretText, ConfigError> {
        self.secret(name).ok_or(ConfigError::Missing { name })
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Variables {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        Self(variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_variable_is_not_set() {
        let variables: Variables = [("A", " "), ("B", " 7 ")].into_iter().collect();
        assert_eq!(variables.optional("A"), None);
        assert_eq!(variables.required("A").unwrap_err().to_string(), "A is not set");
        assert_eq!(variables.parsed("A", "a number", 1).unwrap(), 1);
        assert_eq!(variables.parsed("B", "a number", 1).unwrap(), 7);
    }

    #[test]
    fn an_error_names_the_variable_and_not_its_value() {
        let variables: Variables = [("MAX", "hunter2")].into_iter().collect();
        let error = variables.parsed::<usize>("MAX", "a number of bytes", 1).unwrap_err();
        assert_eq!(error.to_string(), "MAX is not a number of bytes");
    }
}
