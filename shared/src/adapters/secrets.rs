//! Secrets: from Parameter Store of AWS Systems Manager, or from the environment of one machine.

use std::{
    collections::BTreeMap,
    env,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use aws_sdk_ssm::{Client, types::ParameterType};
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};

use super::aws::failure;
use crate::ports::{Clock, ErrorKind, Secrets, StoreError, StoreResult};

/// How long a secret is used before it is fetched again: Parameter Store is slow, and takes 40 requests a second
/// (<https://docs.aws.amazon.com/general/latest/gr/ssm.html>).
const LIFE: SignedDuration = SignedDuration::from_mins(5);

/// Secrets in Parameter Store, encrypted there.
pub struct ParameterStore {
    client: Client,
    prefix: String,
    clock: Arc<dyn Clock>,
    fetched: Mutex<BTreeMap<String, Fetched>>,
}

/// A secret, and until when it is used.
struct Fetched {
    secret: SecretString,
    until: Timestamp,
}

impl ParameterStore {
    /// Makes the adapter; a secret's name is that of its parameter.
    #[must_use]
    pub fn new(client: Client, clock: Arc<dyn Clock>) -> Self {
        Self { client, prefix: String::new(), clock, fetched: Mutex::default() }
    }

    /// Looks for parameters whose names begin with `prefix`, which callers leave out.
    #[must_use]
    pub fn under(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Stores a secret in place of the one there, because a vendor replaced it.
    pub async fn replace(&self, name: &str, secret: &SecretString) -> StoreResult<()> {
        let put = self.client.put_parameter().name(format!("{}{name}", self.prefix)).overwrite(true);
        let sent = put.r#type(ParameterType::SecureString).value(secret.expose_secret()).send().await;
        sent.map_err(|error| failure(format!("replace secret {name}"), &error))?;
        self.fetched().remove(name);
        Ok(())
    }

    fn fetched(&self) -> MutexGuard<'_, BTreeMap<String, Fetched>> {
        self.fetched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn fetch(&self, name: &str) -> StoreResult<SecretString> {
        let operation = format!("secret {name}, parameter {}{name}", self.prefix);
        let sent = self.client.get_parameter().name(format!("{}{name}", self.prefix)).with_decryption(true).send().await;
        let output = sent.map_err(|error| failure(&operation, &error))?;
        let value = output.parameter.and_then(|parameter| parameter.value);
        value.map(SecretString::from).ok_or_else(|| StoreError::new(ErrorKind::NotFound, operation))
    }
}

#[async_trait]
impl Secrets for ParameterStore {
    async fn secret(&self, name: &str) -> StoreResult<SecretString> {
        let now = self.clock.now();
        if let Some(fetched) = self.fetched().get(name).filter(|fetched| now < fetched.until) {
            return Ok(fetched.secret.clone());
        }
        let secret = self.fetch(name).await?;
        self.fetched().insert(name.to_owned(), Fetched { secret: secret.clone(), until: now + LIFE });
        Ok(secret)
    }

    async fn fresh_secret(&self, name: &str) -> StoreResult<SecretString> {
        self.fetched().remove(name);
        self.secret(name).await
    }
}

/// Secrets in environment variables: `/bridge/hubspot-shop` is in `CONTACT_BRIDGE_SECRET__BRIDGE_HUBSPOT_SHOP`.
pub struct Environment(BTreeMap<String, SecretString>);

impl Environment {
    /// What the variables' names begin with.
    pub const PREFIX: &'static str = "CONTACT_BRIDGE_SECRET_";

    /// Takes the secrets out of the process's environment.
    #[must_use]
    pub fn of_process() -> Self {
        // `vars` panics on variables that are not text.
        env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))).collect()
    }

    /// Returns the variable of a secret: its name in upper case, with `_` for whatever is neither letter nor digit.
    #[must_use]
    pub fn variable(name: &str) -> String {
        let letter = |letter: char| if letter.is_ascii_alphanumeric() { letter.to_ascii_uppercase() } else { '_' };
        Self::PREFIX.chars().chain(name.chars().map(letter)).collect()
    }
}

/// Keeps the variables that hold secrets.
impl FromIterator<(String, String)> for Environment {
    fn from_iter<T: IntoIterator<Item = (String, String)>>(variables: T) -> Self {
        let secrets = variables.into_iter().filter(|(name, value)| name.starts_with(Self::PREFIX) && !value.is_empty());
        Self(secrets.map(|(name, value)| (name, SecretString::from(value))).collect())
    }
}

#[async_trait]
impl Secrets for Environment {
    async fn secret(&self, name: &str) -> StoreResult<SecretString> {
        let found = self.0.get(&Self::variable(name)).cloned();
        found.ok_or_else(|| StoreError::new(ErrorKind::NotFound, format!("secret {name}, variable {}", Self::variable(name))))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use aws_sdk_ssm::config::{BehaviorVersion, Config};
    use secrecy::ExposeSecret;
    use serde_json::json;
    use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

    use super::*;
    use crate::adapters::aws::testing::{bodies, credentials, region};

    /// A clock that is set.
    struct SetClock(Mutex<Timestamp>);

    impl SetClock {
        fn advance(&self, seconds: i64) {
            *self.0.lock().unwrap() += SignedDuration::from_secs(seconds);
        }
    }

    #[async_trait]
    impl Clock for SetClock {
        fn now(&self) -> Timestamp {
            *self.0.lock().unwrap()
        }

        async fn sleep(&self, _duration: Duration) {}
    }

    async fn store(answer: ResponseTemplate) -> (ParameterStore, Arc<SetClock>, MockServer) {
        let server = MockServer::builder().start().await;
        Mock::given(any()).respond_with(answer).mount(&server).await;
        let config = Config::builder().behavior_version(BehaviorVersion::latest()).region(region()).credentials_provider(credentials());
        let clock = Arc::new(SetClock(Mutex::new(Timestamp::UNIX_EPOCH)));
        (ParameterStore::new(Client::from_conf(config.endpoint_url(server.uri()).build()), clock.clone()), clock, server)
    }

    #[tokio::test]
    async fn a_secret_is_fetched_decrypted_and_kept_five_minutes() {
        let answer = ResponseTemplate::new(200).set_body_json(json!({"Parameter": {"Name": "/a", "Value": "open sesame"}}));
        let (store, clock, server) = store(answer).await;
        for (after, calls) in [(0, 1), (299, 1), (1, 2)] {
            clock.advance(after);
            assert_eq!(store.secret("/a").await.unwrap().expose_secret(), "open sesame");
            assert_eq!(bodies(&server).await.len(), calls);
        }
        store.fresh_secret("/a").await.unwrap();
        assert_eq!(bodies(&server).await.len(), 3);
        assert_eq!(bodies(&server).await[0], json!({"Name": "/a", "WithDecryption": true}));
    }

    #[tokio::test]
    async fn a_parameter_that_does_not_exist_is_not_found() {
        let answer = ResponseTemplate::new(400).set_body_json(json!({"__type": "ParameterNotFound"}));
        let (store, _clock, _server) = store(answer).await;
        assert_eq!(store.secret("/a").await.unwrap_err().kind, ErrorKind::NotFound);
    }

    #[tokio::test]
    async fn refused_credentials_are_told() {
        let answer = ResponseTemplate::new(400).set_body_json(json!({"__type": "AccessDeniedException"}));
        let (store, _clock, _server) = store(answer).await;
        assert_eq!(store.secret("/a").await.unwrap_err().kind, ErrorKind::AccessDenied);
    }

    #[tokio::test]
    async fn the_environment_has_secrets_by_their_names_in_upper_case() {
        let variables =
            [("CONTACT_BRIDGE_SECRET__BRIDGE_HUBSPOT_SHOP2", "open sesame"), ("HOME", "/"), ("CONTACT_BRIDGE_SECRET_EMPTY", "")];
        let secrets: Environment = variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        assert_eq!(secrets.secret("/bridge/hubspot-shop2").await.unwrap().expose_secret(), "open sesame");
        for absent in ["/bridge/hubspot", "empty", "home"] {
            assert_eq!(secrets.secret(absent).await.unwrap_err().kind, ErrorKind::NotFound);
        }
    }
}
