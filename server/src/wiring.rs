//! Which adapters this process works with. Only here a database, a store or a clock is named; providers come from the
//! table of those that are built in.

use std::{collections::BTreeMap, fs, sync::Arc};

use futures::future::join_all;
use limn_executor::{
    artifact::Limits,
    blob::link::LinkSigner,
    clock::SystemClock,
    executor::{Claiming, Executor, Parts, Settings},
    ids::TimeOrderedIds,
    provider::ImageProvider,
    providers::{Deadlines, Registry, Setup, Traits},
};
use limn_planner::{CatalogProblem, catalog::ClientRules};

use crate::{
    app::{AppError, Role},
    catalog::{self, Availability, Loaded, SelectionOverrides},
    config::{Account, Config, Provider},
    keys::SigningKey,
};

mod database;
mod provenance;
mod store;

pub use database::{Gates, check_database, read_gates};
pub use provenance::{ReadPicture, check_provenance, read_credentials};
pub use store::check_store;

/// What a server is made of.
pub(crate) struct Wired {
    pub(crate) executor: Executor,
    pub(crate) links: Arc<LinkSigner>,
    pub(crate) key: SigningKey,
}

/// The catalog that a configuration leads to, and how to work with each provider. Reads nothing but catalog files.
///
/// # Errors
///
/// Everything that is wrong with the catalog and the changes to it.
pub fn load_catalog(config: &Config) -> Result<Loaded, Vec<CatalogProblem>> {
    let mut overrides = Vec::new();
    let mut problems = Vec::new();
    for file in &config.catalog.files {
        let path = file.display().to_string();
        let text = fs::read_to_string(file).map_err(|error| format!("cannot read the file: {error}"));
        let table = text.and_then(|text| toml::from_str(&text).map_err(|error| format!("not TOML: {error}")));
        match table {
            Ok(table) => overrides.push((path, table)),
            Err(message) => problems.push(CatalogProblem { path, message }),
        }
    }
    overrides.push(("configuration".to_owned(), config.catalog.inline.clone()));
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut loaded = catalog::load(&overrides, &availability(config), selection(config))?;
    for (id, provider) in &config.providers {
        adjust(loaded.traits.entry(id.clone()).or_default(), &provider.account);
    }
    Ok(loaded)
}

/// Puts what the operator says before what the catalog says.
fn adjust(traits: &mut Traits, account: &Account) {
    if let Some(deadline) = account.deadline {
        traits.deadlines = Deadlines::all(deadline);
    }
    let limits = &mut traits.limits;
    limits.max_concurrency = account.max_concurrency.or(limits.max_concurrency);
    limits.calls_per_minute = account.calls_per_minute.or(limits.calls_per_minute);
}

/// Opens database, store and providers, and starts the executor.
pub(crate) async fn open(
    config: &Config,
    traits: &BTreeMap<String, Traits>,
    role: Role,
) -> Result<Wired, AppError> {
    let key = SigningKey::open(&config.storage.signing_key_file).map_err(|source| AppError::File {
        file: config.storage.signing_key_file.clone(),
        source,
    })?;
    let links = Arc::new(LinkSigner::new(key.expose()));
    let blobs = store::open(config, Arc::clone(&links)).await?;
    let records = database::open(config, &blobs).await?;
    let executor = Executor::start(Parts {
        records,
        blobs: blobs.store,
        providers: providers(config, traits)?,
        clock: Arc::new(SystemClock),
        ids: Arc::new(TimeOrderedIds),
        settings: Settings {
            marker: provenance::marker(config)?,
            ..settings(config, role)
        },
    });
    Ok(Wired { executor, links, key })
}

/// Every provider that is not switched off. One without a key stays, because executions of an earlier
/// configuration may still name it; plans may not.
fn providers(config: &Config, traits: &BTreeMap<String, Traits>) -> Result<Registry, AppError> {
    let mut providers = Vec::new();
    let mut limits = Vec::new();
    for (id, provider) in &config.providers {
        if provider.enabled != Some(false) {
            let traits = traits.get(id).cloned().unwrap_or_default();
            limits.push((id, traits.limits));
            providers.push(adapter(id, provider, traits)?);
        }
    }
    let registry = Registry::new(providers);
    Ok(limits.into_iter().fold(registry, |registry, (id, limits)| {
        registry.with_limits(id, limits)
    }))
}

/// The adapter of a provider.
fn adapter(id: &str, provider: &Provider, traits: Traits) -> Result<Arc<dyn ImageProvider>, AppError> {
    let account = &provider.account;
    let setup = Setup {
        id: id.to_owned(),
        key: account.api_key.clone(),
        connection: account.connection(),
        traits,
        table: provider.own.values.clone(),
        secrets: provider.own.secrets.clone(),
    };
    provider.kind.build(setup).map_err(|error| AppError::Provider {
        provider: id.to_owned(),
        message: error.message,
    })
}

/// What each provider answers that plans may use, when it is asked whether it would work now. Costs nothing.
pub async fn check_providers(
    config: &Config,
    traits: &BTreeMap<String, Traits>,
) -> BTreeMap<String, Result<String, String>> {
    let usable = config
        .providers
        .iter()
        .filter(|(id, provider)| provider.obstacle(id).is_none());
    let asked = usable.map(|(id, provider)| async move {
        let answer = match adapter(id, provider, traits.get(id).cloned().unwrap_or_default()) {
            Ok(adapter) => adapter.check().await,
            Err(error) => Err(error.to_string()),
        };
        (id.clone(), answer)
    });
    join_all(asked).await.into_iter().collect()
}

/// Which providers plans may use, and what to do about the others.
fn availability(config: &Config) -> BTreeMap<String, Availability> {
    let availability = config.providers.iter().map(|(id, provider)| {
        let obstacle = provider.obstacle(id);
        let available = Availability {
            enabled: obstacle.is_none(),
            reason: obstacle.unwrap_or_default(),
        };
        (id.clone(), available)
    });
    availability.collect()
}

fn selection(config: &Config) -> SelectionOverrides {
    let selection = config.selection.clone();
    let clients = config.clients.iter().map(|(id, client)| {
        let rules = ClientRules {
            preferred_provider: client.preferred_provider.clone(),
            fallbacks: client.fallbacks.clone(),
        };
        (id.clone(), rules)
    });
    SelectionOverrides {
        default_provider: selection.default_provider,
        photographic: selection.photographic,
        other_styles: selection.other_styles,
        fallbacks: selection.fallbacks,
        clients: clients.collect(),
    }
}

fn settings(config: &Config, role: Role) -> Settings {
    let default = Settings::default();
    // A command that takes what others may do would only stand in their way when it ends.
    let claiming = match role {
        Role::Command if config.database.postgres().is_some() => Claiming::Asked,
        Role::Command | Role::Server => Claiming::Everything,
    };
    let retention = config.retention.settings();
    let public_url = config.server.public_url.clone();
    let config = &config.executor;
    Settings {
        claiming,
        max_running_executions: config.max_running_executions,
        lease: config.lease,
        send_margin: config.send_margin(),
        unknown_grace: config.unknown_grace,
        max_crashes: config.max_crashes,
        breaker: config.breaker,
        reconcile: config.reconcile,
        drain: config.drain,
        keep_alive: config.keep_alive,
        limits: Limits {
            max_encoded_bytes: config.max_image_bytes,
            max_pixels: config.max_image_pixels,
            ..default.limits
        },
        optimised: config.optimised,
        retention,
        public_url,
        ..default
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Sources;

    #[test]
    fn what_is_kept_is_what_the_configuration_says() {
        let flags = [
            ("data_dir", "unused"),
            ("retention.events_days", "3"),
            ("retention.executions_days", "0"),
        ];
        let config = Config::load(&Sources {
            flags: flags
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .to_vec(),
            ..Sources::default()
        });
        let kept = settings(&config.unwrap(), Role::Server).retention;
        assert_eq!(kept.events.map(|kept| kept.as_secs()), Some(3 * 24 * 60 * 60));
        assert_eq!(kept.executions, None);
    }

    #[test]
    fn every_provider_that_can_be_configured_has_an_adapter_under_its_own_id() {
        let data_dir = ("data_dir".to_owned(), "unused".to_owned());
        let config = Config::load(&Sources {
            flags: vec![data_dir],
            ..Sources::default()
        });
        let config = config.unwrap();
        assert!(!config.providers.is_empty());
        for (id, provider) in &config.providers {
            let adapter = adapter(id, provider, Traits::default()).unwrap();
            assert_eq!(adapter.id(), id);
        }
    }
}
