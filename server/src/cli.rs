//! The command line: a client of the same services that the network sees.
//!
//! Every command reads flags, calls services and prints what they answer. Whether they run in this process or
//! at a server is settled once, in [`connect`]; what is printed goes through [`output`]; what goes wrong becomes
//! a [`failure`] with an exit code. Nothing here decides what is drawn or paid.

use std::ffi::OsString;

use clap::{Parser as _, error::ErrorKind};
use tokio::runtime::Runtime;

use failure::{Exit, Failure};
use flags::{Cli, Command, Global};
use output::Output;
use settings::Settings;

mod answers;
mod audit;
mod budget;
mod cancel;
mod check;
mod check_config;
mod connect;
mod continuity;
mod decisions;
mod detect;
mod doctor;
mod document;
mod execute;
mod executions;
mod export;
mod failure;
mod flags;
mod follow;
mod images;
mod input;
mod listing;
mod money;
mod names;
mod offline;
mod order;
mod output;
mod percent;
mod pictures;
mod plan;
mod plans;
mod progress;
mod references;
mod render;
mod report;
mod request;
mod resolve;
mod retry;
mod review;
mod serve;
mod sessions;
mod settings;
mod sweep;
mod table;
mod unpark;
mod usage;
mod verify;
mod views;
mod watch;
mod words;

/// Client that things belong to when nobody names one.
pub(crate) const DEFAULT_CLIENT: &str = "default";

/// Runs one command line; what went wrong is already written to stderr.
pub(crate) fn run(arguments: impl Iterator<Item = OsString>) -> Result<(), Exit> {
    let arguments: Vec<OsString> = arguments.collect();
    let cli = match Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(error) => return misunderstood(&error, &arguments),
    };
    let output = Output::new(&cli.global);
    let result = Runtime::new()
        .map_err(|error| Failure::internal(format!("the asynchronous runtime cannot start: {error}")))
        .and_then(|runtime| {
            let result = runtime.block_on(dispatch(cli, &output));
            // After a second Ctrl-C nothing is waited for; everything durable is written before it counts.
            runtime.shutdown_background();
            result
        });
    result.map_err(|failure| {
        output.failure(&failure);
        failure.exit
    })
}

async fn dispatch(cli: Cli, output: &Output) -> Result<(), Failure> {
    let mut settings = Settings::new(&cli.global)?;
    match cli.command {
        Command::Render(args) => Box::pin(render::run(*args, &settings, output)).await,
        Command::Document(args) => Box::pin(document::run(*args, &settings, output)).await,
        Command::Views(args) => Box::pin(views::run(*args, &settings, output)).await,
        Command::Plan(args) => plan::run(*args, &settings, output).await,
        Command::Check(args) => check::run(&args, &settings, output).await,
        Command::Execute(args) => Box::pin(execute::run(args, &settings, output)).await,
        Command::Watch(args) => watch::run(args, &settings, output).await,
        Command::Cancel(args) => cancel::run(&args, &settings, output).await,
        Command::Resolve(args) => Box::pin(resolve::run(args, &settings, output)).await,
        Command::Unpark(args) => Box::pin(unpark::run(args, &settings, output)).await,
        Command::Plans(args) => plans::run(args, &settings, output).await,
        Command::Executions(args) => executions::run(args, &settings, output).await,
        Command::Images(args) => images::run(args, &settings, output).await,
        Command::Sessions(args) => sessions::list(args, &settings, output).await,
        Command::Session(args) => Box::pin(sessions::run(args, &settings, output)).await,
        Command::Review(args) => review::run(args, &settings, output).await,
        Command::Edit(args) => review::edit(*args, &settings, output).await,
        Command::Retry(args) => Box::pin(retry::run(args, &settings, output)).await,
        Command::Sweep(args) => sweep::run(&args, &settings, output).await,
        Command::Import(args) => references::run(args, &settings, output).await,
        Command::Verify(args) => verify::run(&args, &settings, output).await,
        Command::Detect(args) => detect::run(&args, &settings, output).await,
        Command::Budget(args) => budget::run(args, &settings, output).await,
        Command::Usage(args) => usage::run(args, &settings, output).await,
        Command::Audit(args) => audit::run(args, &settings, output).await,
        Command::Serve(args) => Box::pin(serve::run(args, &mut settings, output)).await,
        Command::CheckConfig => check_config::run(&settings, output),
        Command::Doctor => doctor::run(&settings, output).await,
    }
}

/// Help and version are results; everything else that clap says is an error.
fn misunderstood(error: &clap::Error, arguments: &[OsString]) -> Result<(), Exit> {
    let json = arguments.iter().any(|argument| argument == "--json");
    let output = Output::plain(json, false);
    let result = match error.exit_code() {
        0 => Output::plain(false, false).text(&error.render().to_string()),
        // Nothing was asked for; the help says what can be.
        _ if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand && !json => {
            output.note(error.render().to_string().trim_end());
            return Err(Exit::Usage);
        }
        _ => {
            let text = error.render().to_string();
            let text = text.trim_end().strip_prefix("error: ").unwrap_or(&text);
            Err(Failure::usage(text))
        }
    };
    result.map_err(|failure| {
        output.failure(&failure);
        failure.exit
    })
}

impl Global {
    /// The flags as dotted configuration keys.
    fn keys(&self) -> Result<Vec<(String, String)>, Failure> {
        let mut keys = Vec::new();
        for pair in &self.set {
            keys.push(
                names::parse_pair(pair).map_err(|problem| Failure::usage(format!("--set: {problem}")))?,
            );
        }
        if let Some(folder) = &self.data_dir {
            keys.push(("data_dir".to_owned(), folder.clone()));
        }
        if let Some(database) = &self.database {
            keys.push(database_key(database));
        }
        if let Some(store) = &self.store {
            keys.push(("storage.url".to_owned(), store.clone()));
        }
        Ok(keys)
    }
}

/// The key that `--database` sets. Whatever looks like an address is read as one, so that a wrong one is refused
/// without being shown.
fn database_key(database: &str) -> (String, String) {
    match database.strip_prefix("sqlite:") {
        Some(file) => (
            "database.sqlite".to_owned(),
            file.trim_start_matches("//").to_owned(),
        ),
        None if database.contains("://") => ("database.url".to_owned(), database.to_owned()),
        None => ("database.sqlite".to_owned(), database.to_owned()),
    }
}
