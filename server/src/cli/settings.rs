//! Configuration as the command line sees it: read when a command needs it, never twice.

use limn_proto::name::{client_name, is_client_id};
use limn_server::config::{Config, ConfigProblems, Level, Sources};

use super::{
    DEFAULT_CLIENT,
    failure::{Failure, Violation},
    flags::Global,
};

/// Where the configuration comes from, and what the flags say beside it.
#[derive(Debug)]
pub(crate) struct Settings {
    sources: Sources,
    client_flag: Option<String>,
    server_flag: Option<String>,
    verbose: u8,
    quiet: bool,
    level_is_set: bool,
}

impl Settings {
    /// Gathers the sources; nothing is read yet but the environment.
    pub(crate) fn new(global: &Global) -> Result<Self, Failure> {
        let keys = global.keys()?;
        let level_is_set = keys.iter().any(|(key, _)| key == "log.level");
        let settings = Self {
            sources: Sources::from_process(global.config.clone(), keys),
            client_flag: global.client.clone(),
            server_flag: global.server.clone(),
            verbose: global.verbose,
            quiet: global.quiet || global.json,
            level_is_set,
        };
        let client = settings.client();
        if !is_client_id(&client) {
            return Err(Failure::usage(format!("\"{client}\" is no client id"))
                .advise("a lowercase letter, then up to 62 lowercase letters, digits or hyphens"));
        }
        Ok(settings)
    }

    /// Sets a configuration key as a flag does.
    pub(crate) fn set(&mut self, key: &str, value: String) {
        self.sources.flags.push((key.to_owned(), value));
    }

    /// The configuration of a command: it logs little, for its output is its story.
    pub(crate) fn load(&self) -> Result<Config, Failure> {
        let mut config = self.load_for_server()?;
        if !self.level_is_set {
            config.log.level = match self.verbose {
                // What a warning says, the progress and the result say in words for people.
                0 => Level::Error,
                1 => Level::Info,
                2 => Level::Debug,
                _ => Level::Trace,
            };
        }
        Ok(config)
    }

    /// The configuration as it stands.
    pub(crate) fn load_for_server(&self) -> Result<Config, Failure> {
        let mut config = Config::load(&self.sources).map_err(refused)?;
        if self.verbose > 0 && !self.level_is_set {
            config.log.level = if self.verbose == 1 {
                Level::Debug
            } else {
                Level::Trace
            };
        }
        Ok(config)
    }

    /// The client that the command acts for.
    pub(crate) fn client(&self) -> String {
        let named = self
            .client_flag
            .as_deref()
            .or_else(|| self.sources.variable("LIMN_CLIENT"));
        named.unwrap_or(DEFAULT_CLIENT).to_owned()
    }

    /// The client that the flag names.
    pub(crate) fn client_flag(&self) -> Option<&str> {
        self.client_flag.as_deref()
    }

    /// `clients/{client}`.
    pub(crate) fn parent(&self) -> String {
        client_name(&self.client())
    }

    /// Who decides: the one that the flag names, otherwise the user who runs this process.
    pub(crate) fn actor(&self, flag: Option<&str>) -> Result<String, Failure> {
        let actor = flag.or_else(|| self.sources.user()).map(str::to_owned);
        actor.ok_or_else(|| {
            Failure::usage("nobody is named as the one who decides, and USER is not set")
                .advise("--actor NAME says who decides")
        })
    }

    /// The server to use instead of the data folder.
    pub(crate) fn server(&self) -> Option<&str> {
        self.server_flag
            .as_deref()
            .or_else(|| self.sources.variable("LIMN_SERVER"))
    }

    /// True when nothing but results and errors is wanted.
    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet
    }
}

fn refused(problems: ConfigProblems) -> Failure {
    let count = problems.0.len();
    let noun = if count == 1 { "problem" } else { "problems" };
    let violations = problems.0.into_iter().map(|problem| Violation {
        field: String::new(),
        description: problem.to_string(),
        reason: String::new(),
    });
    Failure::usage(format!("the configuration has {count} {noun}")).with_violations(violations.collect())
}
