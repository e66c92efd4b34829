//! What a site's owner does from the command line: reading and saving settings, in a table of AWS or in a local file.

use std::{path::PathBuf, sync::Arc};

use anyhow::Context;
use aws_config::BehaviorVersion;
use contact_bridge::{
    adapters::{dynamodb, hubspot::TokenKeeper, memory, secrets::ParameterStore},
    app::{App, Means, Vendors, aws::Keeper},
    config::{self, Variables},
    model::{ids::SiteId, site::Site},
    ports::{Clock, Secrets},
};
use secrecy::SecretString;

use crate::{
    cloud::dynamo::{Dynamo, Storage},
    deployment::LocalSecrets,
    stack::{
        aws::{TABLE, dynamo_client},
        clock::FlowClock,
    },
    vendors::kit,
};

/// A table with settings, and the environment that says how to reach the vendors.
pub struct Owner {
    variables: Variables,
    store: Arc<dynamodb::Store>,
    /// The secrets that settings of the deployment name.
    named: Arc<dyn Secrets>,
    /// The sites' secrets.
    secrets: Arc<dyn Secrets>,
    keeper: Arc<dyn TokenKeeper>,
    clock: Arc<dyn Clock>,
    _local: Option<Dynamo>,
}

impl Owner {
    /// Opens the table in `file`, or else `TABLE_NAME` in the account of the environment.
    ///
    /// # Errors
    /// Says what is missing.
    pub async fn open(variables: &[(String, String)], file: Option<PathBuf>) -> anyhow::Result<Self> {
        let local = Arc::new(LocalSecrets::of(variables));
        let variables: Variables = variables.iter().cloned().collect();
        let clock: Arc<dyn Clock> = Arc::new(FlowClock::new(&kit::Clock::real()));
        if let Some(file) = file {
            let dynamo = Dynamo::start(&Storage::File(file), &kit::Clock::real()).await?;
            dynamo.create_table(TABLE)?;
            let store = store(dynamo_client(&dynamo.endpoint()), TABLE, &clock);
            return Ok(Self { variables, store, named: local.clone(), secrets: local.clone(), keeper: local, clock, _local: Some(dynamo) });
        }
        let table = variables.required("TABLE_NAME").context("without --store, the table is that of the environment")?.to_owned();
        let aws = aws_config::load_defaults(BehaviorVersion::latest()).await;
        let store = store(aws_sdk_dynamodb::Client::new(&aws), &table, &clock);
        let Some(prefix) = variables.optional("SECRET_PREFIX").map(str::to_owned) else {
            return Ok(Self { variables, store, named: local.clone(), secrets: local.clone(), keeper: local, clock, _local: None });
        };
        let parameters = || ParameterStore::new(aws_sdk_ssm::Client::new(&aws), clock.clone());
        let (named, secrets) = (Arc::new(parameters()), Arc::new(parameters().under(prefix)));
        let keeper = Arc::new(Keeper(secrets.clone()));
        Ok(Self { variables, store, named, secrets, keeper, clock, _local: None })
    }

    /// A site's settings.
    ///
    /// # Errors
    /// When there are none.
    pub async fn show(&self, id: &str) -> anyhow::Result<Site> {
        use contact_bridge::ports::SiteStore;
        self.store.site(&SiteId::new(id)).await?.with_context(|| format!("site: there are no settings of {id}"))
    }

    /// Checks settings against both sides and saves them.
    ///
    /// # Errors
    /// Names the field and the rule, or the variable that is missing.
    pub async fn put(&self, site: Site) -> anyhow::Result<Site> {
        let settings = config::Vendors::from_variables(&self.variables)?;
        let means = Means {
            links: self.store.clone(),
            sites: self.store.clone(),
            runs: self.store.clone(),
            queue: Arc::new(memory::NoQueue),
            secrets: self.secrets.clone(),
            keeper: self.keeper.clone(),
            clock: self.clock.clone(),
            // Settings are saved without fingerprints.
            fingerprint_secret: SecretString::default(),
            vendors: Vendors::of(settings, self.named.as_ref()).await?,
        };
        Ok(App::new(means)?.save(site).await?)
    }
}

fn store(client: aws_sdk_dynamodb::Client, table: &str, clock: &Arc<dyn Clock>) -> Arc<dynamodb::Store> {
    Arc::new(dynamodb::Store::new(client, table, SecretString::default(), clock.clone()))
}
