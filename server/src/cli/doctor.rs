//! `limn doctor`: what works, what does not, and what is missing. Nothing is planned, sent or spent.

use std::{fs, path::Path};

use limn_planner::Catalog;
use limn_proto::v1;
use limn_server::{
    check_database,
    config::{Config, DatabasePlace},
    lock::{DataLock, Holder, LockError},
    signing_key_fingerprint,
};
use serde::Serialize;

use super::{
    connect::Connection,
    failure::{Failure, with_causes},
    offline,
    output::Output,
    settings::Settings,
};

/// Everything that was looked at.
#[derive(Debug, Default, Serialize)]
struct Findings {
    ok: bool,
    checks: Vec<Finding>,
}

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
    );
    Ok(())
}

async fn look_here(config: &Config, findings: &mut Findings) {
    findings.add("configuration", State::Ok, "`limn check-config` prints it");
    match offline::catalog(config) {
        Ok(catalog) => findings.add_local_catalog(&catalog),
        Err(failure) => findings.add(
            "catalog",
            State::Broken,
            failure.text().trim_start_matches("error: "),
        ),
    }
    if config.database.postgres().is_some() {
        findings.add_result("signing key", look_at_key(&config.storage.signing_key_file));
    }
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
        findings.add("storage", state, "is made together with the data folder");
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
            findings.add_result("storage", look_at_storage(&config.storage.folder));
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

/// Writes a file into the folder and takes it away again.
fn look_at_storage(folder: &Path) -> Result<String, String> {
    if !folder.exists() {
        return Ok(format!("{} is made by the first picture", folder.display()));
    }
    let probe = folder.join(format!(".doctor-{}", std::process::id()));
    fs::write(&probe, [])
        .and_then(|()| fs::remove_file(&probe))
        .map(|()| format!("{} can be written", folder.display()))
        .map_err(|error| format!("{} cannot be written: {error}", folder.display()))
}

fn nearest_existing(path: &Path) -> Option<&Path> {
    path.ancestors().find(|ancestor| ancestor.exists())
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

    fn add_local_catalog(&mut self, catalog: &Catalog) {
        self.add_catalog(
            catalog.digest(),
            &catalog.rules().default_provider,
            &catalog.listing(),
        );
    }

    /// A provider that is off is no problem, unless requests without a provider would go there.
    fn add_catalog(&mut self, digest: &str, default_provider: &str, providers: &[v1::Provider]) {
        self.add(
            "catalog",
            State::Ok,
            format!("{} providers, {digest}", providers.len()),
        );
        for provider in providers {
            let is_default = provider.provider == default_provider;
            let (state, detail) = match (provider.enabled, is_default) {
                (true, true) => (
                    State::Ok,
                    format!("the default, model {}", provider.default_model),
                ),
                (true, false) => (State::Ok, format!("model {}", provider.default_model)),
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
