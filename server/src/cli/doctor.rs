//! `limn doctor`: what works, what does not, and what is missing. Nothing is planned, drawn or spent.

use std::{collections::BTreeMap, path::Path};

use limn_proto::v1;
use limn_server::{
    Gates,
    catalog::Loaded,
    check_database, check_provenance, check_providers, check_store,
    config::{Config, DatabasePlace},
    listing, load_catalog,
    lock::{DataLock, Holder, LockError},
    read_gates, signing_key_fingerprint,
};
use serde::Serialize;

use super::{
    connect::Connection,
    failure::{Failure, with_causes},
    offline,
    output::Output,
    report,
    settings::Settings,
    words,
};

/// Everything that was looked at.
#[derive(Debug, Default, Serialize)]
struct Findings {
    ok: bool,
    checks: Vec<Finding>,
}

/// What providers said when they were asked whether they would work now, by their ids.
type Answers = BTreeMap<String, Result<String, String>>;

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Finding {
    name: String,
    state: State,
    detail: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    /// It works.
    Ok,
    /// It is not configured, and nothing needs it.
    Off,
    /// It is configured or needed, and does not work.
    Broken,
}

pub(crate) async fn run(settings: &Settings, output: &Output) -> Result<(), Failure> {
    let mut findings = Findings::default();
    match settings.server() {
        Some(url) => look_at_server(url, &mut findings).await?,
        None => look_here(&settings.load()?, &mut findings).await,
    }
    findings.ok = findings
        .checks
        .iter()
        .all(|finding| finding.state != State::Broken);
    if output.is_json() {
        output.json(&findings)?;
    } else {
        output.text(&findings.text())?;
    }
    let broken: Vec<_> = findings
        .checks
        .iter()
        .filter(|finding| finding.state == State::Broken)
        .collect();
    match broken.as_slice() {
        [] => Ok(()),
        [first, ..] => {
            let message = format!(
                "{} of {} checks failed, the first is {}",
                broken.len(),
                findings.checks.len(),
                first.name
            );
            Err(Failure::unavailable("UNHEALTHY", message))
        }
    }
}

async fn look_at_server(url: &str, findings: &mut Findings) -> Result<(), Failure> {
    let connection = Connection::at_named_server(url).await?;
    let capabilities = connection
        .catalog()
        .get_capabilities(v1::GetCapabilitiesRequest {})
        .await?
        .into_inner();
    findings.add(
        "server",
        State::Ok,
        format!("version {} answers at {url}", capabilities.build),
    );
    let request = v1::ListProvidersRequest {
        page_size: 200,
        page_token: String::new(),
    };
    let providers = connection
        .catalog()
        .list_providers(request)
        .await?
        .into_inner()
        .providers;
    findings.add_catalog(
        &capabilities.catalog_digest,
        &capabilities.default_provider,
        &providers,
        &Answers::new(),
    );
    Ok(())
}

async fn look_here(config: &Config, findings: &mut Findings) {
    findings.add("configuration", State::Ok, "`limn check-config` prints it");
    match load_catalog(config).map_err(|problems| offline::wrong_catalog(&problems)) {
        Ok(loaded) => {
            let gates = gates_here(config).await;
            let answers = check_providers(config, &loaded.traits).await;
            findings.add_local_catalog(&loaded, gates.as_ref(), &answers);
        }
        Err(failure) => findings.add(
            "catalog",
            State::Broken,
            failure.text().trim_start_matches("error: "),
        ),
    }
    if config.database.postgres().is_some() {
        findings.add_result("signing key", look_at_key(&config.storage.signing_key_file));
    }
    findings.add_result("provenance", check_provenance(config));
    let folder = &config.data_dir;
    if !folder.exists() {
        let (state, detail) = match nearest_existing(folder) {
            Some(parent) if parent.is_dir() => (State::Ok, "does not exist yet, the first picture makes it"),
            _ => (State::Broken, "cannot be made, because a file is in the way"),
        };
        findings.add("data folder", state, format!("{} {detail}", folder.display()));
        if config.database.postgres().is_some() {
            findings.add_result("database", look_at_database(config).await);
        } else {
            findings.add("database", state, "is made together with the data folder");
        }
        if config
            .storage
            .folder()
            .is_some_and(|store| store.starts_with(folder))
        {
            findings.add("storage", state, "is made together with the data folder");
        } else {
            findings.add_result("storage", check_store(config).await);
        }
        return;
    }
    // The lock keeps everyone else out while the database is opened, and is given back at once.
    match DataLock::acquire(folder, false) {
        Ok(_lock) => {
            findings.add(
                "data folder",
                State::Ok,
                format!("{}, used by nobody now", folder.display()),
            );
            findings.add_result("database", look_at_database(config).await);
            findings.add_result("storage", check_store(config).await);
        }
        Err(LockError::Held { holder, .. }) => {
            look_at_holder(folder, &holder, findings).await;
            // A file belongs to its holder; a database on a server answers everybody.
            if config.database.postgres().is_some() {
                findings.add_result("database", look_at_database(config).await);
            } else {
                let detail = format!("in use by process {}", holder.pid);
                findings.add("database", State::Ok, detail);
            }
            findings.add_result("storage", check_store(config).await);
        }
        Err(error) => findings.add("data folder", State::Broken, error.to_string()),
    }
}

/// Asking a server shows that it answers, and reads its database.
async fn look_at_holder(folder: &Path, holder: &Holder, findings: &mut Findings) {
    let pid = holder.pid;
    findings.add(
        "data folder",
        State::Ok,
        format!("{}, used by process {pid}", folder.display()),
    );
    let Some(url) = &holder.address else {
        return;
    };
    let asked = async {
        let connection = Connection::at_named_server(url).await?;
        let request = v1::ListExecutionsRequest {
            parent: "clients/default".to_owned(),
            page_size: 1,
            ..Default::default()
        };
        connection.executor().list_executions(request).await?;
        Ok::<_, Failure>(())
    };
    match asked.await {
        Ok(()) => findings.add(
            "server",
            State::Ok,
            format!("answers at {url} and reads its database"),
        ),
        Err(failure) => findings.add("server", State::Broken, failure.message.as_str()),
    }
}

/// How providers do, as this machine has noted it. A database that is in use, or cannot be read, is told of elsewhere.
async fn gates_here(config: &Config) -> Option<Gates> {
    if !config.data_dir.exists() {
        return None;
    }
    let _lock = DataLock::acquire(&config.data_dir, false).ok()?;
    read_gates(config).await.ok().flatten()
}

async fn look_at_database(config: &Config) -> Result<String, String> {
    if let DatabasePlace::Sqlite(file) = &config.database.place
        && !file.exists()
    {
        return Ok(format!("{} is made by the first picture", file.display()));
    }
    check_database(config).await.map_err(|error| with_causes(&error))
}

/// Links and page tokens of one process work at another only when the keys are the same.
fn look_at_key(file: &Path) -> Result<String, String> {
    match signing_key_fingerprint(file) {
        Ok(None) => Ok(format!("{} is made by the first start", file.display())),
        Ok(Some(fingerprint)) => Ok(format!(
            "{}, fingerprint {fingerprint}: the same at every server",
            file.display()
        )),
        Err(error) => Err(format!("{} cannot be used: {error}", file.display())),
    }
}

fn nearest_existing(path: &Path) -> Option<&Path> {
    path.ancestors().find(|ancestor| ancestor.exists())
}

/// A provider that plans may use, in one line: how it does comes last, and says what there is to wait for.
fn provider_facts(provider: &v1::Provider, is_default: bool) -> String {
    let mut facts = Vec::new();
    if is_default {
        facts.push("the default".to_owned());
    }
    facts.push(format!("model {}", provider.default_model));
    if provider.capability_class() != v1::CapabilityClass::Unspecified {
        let class = words::spoken(provider.capability_class().as_str_name(), "CAPABILITY_CLASS_");
        facts.push(format!("class {}", class.to_uppercase()));
    }
    let limits = provider.limits.unwrap_or_default();
    if limits.max_concurrency > 0 {
        facts.push(format!("{} calls at once", limits.max_concurrency));
    }
    if limits.calls_per_minute > 0 {
        facts.push(format!("{} calls a minute", limits.calls_per_minute));
    }
    facts.extend(provider.health.as_ref().map(health));
    facts.join(", ")
}

fn health(health: &v1::ProviderHealth) -> String {
    let until = report::moment(health.until_time.as_ref());
    let why = &health.reason;
    let state = match health.state() {
        v1::HealthState::Unspecified | v1::HealthState::Working => "no failure is known".to_owned(),
        v1::HealthState::Failing => format!("the last {} calls failed: {why}", health.failures),
        v1::HealthState::CoolingDown => format!("asked for a pause until {until}: {why}"),
        v1::HealthState::Open => format!("did not work and is not called until {until}: {why}"),
        v1::HealthState::HalfOpen => format!("did not work, the next call tries again: {why}"),
    };
    match &health.update_time {
        Some(time) => format!("{state} (last heard of at {})", report::moment(Some(time))),
        None => state,
    }
}

impl Findings {
    fn add(&mut self, name: impl Into<String>, state: State, detail: impl Into<String>) {
        let detail = detail.into().trim_end().replace('\n', "; ");
        self.checks.push(Finding {
            name: name.into(),
            state,
            detail,
        });
    }

    fn add_result(&mut self, name: &str, result: Result<String, String>) {
        match result {
            Ok(detail) => self.add(name, State::Ok, detail),
            Err(detail) => self.add(name, State::Broken, detail),
        }
    }

    fn add_local_catalog(&mut self, loaded: &Loaded, gates: Option<&Gates>, answers: &Answers) {
        let catalog = &loaded.catalog;
        self.add_catalog(
            catalog.digest(),
            &catalog.rules().default_provider,
            &listing(catalog, &loaded.traits, gates),
            answers,
        );
    }

    /// A provider that is off is no problem, unless requests without a provider would go there.
    fn add_catalog(
        &mut self,
        digest: &str,
        default_provider: &str,
        providers: &[v1::Provider],
        answers: &Answers,
    ) {
        self.add(
            "catalog",
            State::Ok,
            format!("{} providers, {digest}", providers.len()),
        );
        for provider in providers {
            let is_default = provider.provider == default_provider;
            let (state, detail) = match (provider.enabled, is_default) {
                (true, _) => {
                    let facts = provider_facts(provider, is_default);
                    match answers.get(&provider.provider) {
                        None => (State::Ok, facts),
                        Some(Ok(answer)) => (State::Ok, format!("{facts}, answers: {answer}")),
                        Some(Err(why)) => (State::Broken, format!("{facts}, but now: {why}")),
                    }
                }
                (false, true) => (
                    State::Broken,
                    format!("the default, but {}", provider.disabled_reason),
                ),
                (false, false) => (State::Off, provider.disabled_reason.clone()),
            };
            self.add(format!("provider {}", provider.provider), state, detail);
        }
    }

    fn text(&self) -> String {
        let width = self
            .checks
            .iter()
            .map(|finding| finding.name.len())
            .max()
            .unwrap_or_default();
        let line = |finding: &Finding| {
            let state = match finding.state {
                State::Ok => "ok",
                State::Off => "off",
                State::Broken => "broken",
            };
            format!("{:<width$}  {state:<6}  {}\n", finding.name, finding.detail)
        };
        self.checks.iter().map(line).collect()
    }
}
