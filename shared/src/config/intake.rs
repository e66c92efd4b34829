//! Settings of webhook intake.

use url::Url;

use super::{ConfigError, SecretText, Variables};

/// Bodies are a few kilobytes; this leaves room for contacts with hundreds of fields.
const MAX_BODY_BYTES: usize = 1024 * 1024;

/// What webhook intake needs to know.
#[derive(Clone, Debug)]
pub struct Intake {
    /// How to verify webhooks of Wix.
    pub wix: WixWebhooks,
    /// How to verify webhooks of HubSpot.
    pub hubspot: HubspotWebhooks,
    /// How to verify webhooks of Mailchimp, and of services whose messages go to the Inbox.
    pub messages: MessageWebhooks,
    /// The name or ARN of the event bus. Read from `EVENT_BUS_NAME`.
    pub event_bus: String,
    /// The longest body that is looked at, in bytes. Read from `MAX_BODY_BYTES`; 1 MiB if that is not set.
    pub max_body_bytes: usize,
}

/// How to verify webhooks of Wix.
#[derive(Clone, Debug)]
pub struct WixWebhooks {
    /// The id of the Wix app. Read from `WIX_APP_ID`.
    pub app_id: String,
    /// The app's public key from its dashboard, and the next one during a rotation: PEM or base64 of PEM, comma separated. Read from
    /// `WIX_WEBHOOK_PUBLIC_KEYS`; may be `ssm:` and a parameter's name.
    pub public_keys: SecretText,
}

/// How to verify webhooks of HubSpot.
#[derive(Clone, Debug)]
pub struct HubspotWebhooks {
    /// The URL under which this deployment is known to HubSpot, without `/webhooks/...`. Read from `PUBLIC_URL`.
    pub public_url: String,
    /// The client secrets of the HubSpot apps that may send, comma separated; `site=secret` for a site with an app of its own; several
    /// during a rotation. Without any, everything from HubSpot is refused. Read from `HUBSPOT_CLIENT_SECRETS`; may be `ssm:` and a
    /// parameter's name.
    pub client_secrets: Option<SecretText>,
}

/// How to verify webhooks of senders that have a list of secrets: Mailchimp, and the services whose messages go to the Inbox.
#[derive(Clone, Debug)]
pub struct MessageWebhooks {
    /// As that of [`HubspotWebhooks`].
    pub public_url: String,
    /// What stands before a sender's name in the name of the secret that lists who may send: `/contact-bridge/intake/messages/` and
    /// `twilio`. Without it everything is refused. Read from `MESSAGE_SECRET_PREFIX`.
    pub secret_prefix: Option<String>,
}

impl Intake {
    /// Reads the settings from the process's environment.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_variables(&Variables::of_process())
    }

    /// Reads the settings from variables.
    pub fn from_variables(variables: &Variables) -> Result<Self, ConfigError> {
        let (wix, hubspot) = (WixWebhooks::from_variables(variables)?, HubspotWebhooks::from_variables(variables)?);
        let secret_prefix = variables.optional("MESSAGE_SECRET_PREFIX").map(str::to_owned);
        Ok(Self {
            wix,
            messages: MessageWebhooks { public_url: hubspot.public_url.clone(), secret_prefix },
            hubspot,
            event_bus: variables.required("EVENT_BUS_NAME")?.to_owned(),
            max_body_bytes: variables.parsed("MAX_BODY_BYTES", "a number of bytes", MAX_BODY_BYTES)?,
        })
    }
}

impl WixWebhooks {
    fn from_variables(variables: &Variables) -> Result<Self, ConfigError> {
        Ok(Self {
            app_id: variables.required("WIX_APP_ID")?.to_owned(),
            public_keys: variables.required_secret("WIX_WEBHOOK_PUBLIC_KEYS")?,
        })
    }
}

impl HubspotWebhooks {
    fn from_variables(variables: &Variables) -> Result<Self, ConfigError> {
        let name = "PUBLIC_URL";
        let text = variables.required(name)?;
        let url = Url::parse(text).ok().filter(|url| url.has_host() && url.query().is_none() && url.fragment().is_none());
        url.ok_or(ConfigError::Invalid { name, expected: "a URL without query and fragment" })?;
        // The text and not the parsed URL: what is signed is what HubSpot was told, letter for letter.
        Ok(Self { public_url: text.to_owned(), client_secrets: variables.secret("HUBSPOT_CLIENT_SECRETS") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALID: [(&str, &str); 4] = [
        ("WIX_APP_ID", "app"),
        ("WIX_WEBHOOK_PUBLIC_KEYS", "ssm:/bridge/wix-keys"),
        ("PUBLIC_URL", "https://bridge.example.com/prod"),
        ("EVENT_BUS_NAME", "contacts"),
    ];

    fn read(changes: &[(&'static str, &'static str)]) -> Result<Intake, ConfigError> {
        Intake::from_variables(&VALID.iter().chain(changes).copied().collect())
    }

    #[test]
    fn hubspot_and_the_limit_are_optional() {
        let settings = read(&[]).unwrap();
        assert!(settings.hubspot.client_secrets.is_none());
        assert_eq!(settings.max_body_bytes, 1_048_576);
    }

    #[test]
    fn what_is_missing_or_malformed_is_named() {
        for (change, expected) in [
            (("WIX_APP_ID", ""), "WIX_APP_ID is not set"),
            (("WIX_WEBHOOK_PUBLIC_KEYS", ""), "WIX_WEBHOOK_PUBLIC_KEYS is not set"),
            (("EVENT_BUS_NAME", ""), "EVENT_BUS_NAME is not set"),
            (("PUBLIC_URL", ""), "PUBLIC_URL is not set"),
            (("PUBLIC_URL", "bridge.example.com"), "PUBLIC_URL is not a URL without query and fragment"),
            (("PUBLIC_URL", "https://bridge.example.com/?a"), "PUBLIC_URL is not a URL without query and fragment"),
            (("MAX_BODY_BYTES", "1 MiB"), "MAX_BODY_BYTES is not a number of bytes"),
        ] {
            assert_eq!(read(&[change]).unwrap_err().to_string(), expected);
        }
    }
}
