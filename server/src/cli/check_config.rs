//! `limn check-config`: the effective configuration, or everything that is wrong with it.

use serde_json::json;

use super::{failure::Failure, offline, output::Output, settings::Settings};

pub(crate) fn run(settings: &Settings, output: &Output) -> Result<(), Failure> {
    let config = settings.load_for_server()?;
    // The catalog is checked as a whole together with the configuration that changes it.
    offline::catalog(&config)?;
    let effective = config.effective();
    if !output.is_json() {
        return output.text(&effective);
    }
    let document: toml::Table = effective
        .parse()
        .map_err(|error| Failure::internal(format!("the effective configuration is no TOML: {error}")))?;
    output.json(&json!(document))
}
