//! Configuration from fixture files: what is read, what is refused, and that no secret is ever shown.
//!
//! A fixture may begin with lines `#$ NAME=value` for the environment and `#- key=value` for flags. Beside it
//! stands a `.txt` with the problems, or with the effective configuration. `UPDATE_FIXTURES=1` writes them.

#![cfg(test)]

use std::{
    fs,
    path::{Path, PathBuf},
};

use limn_executor::providers::{Access, KINDS};
use limn_server::config::{Config, Sources};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/configs")
        .join(name)
}

fn sources(file: &Path) -> Sources {
    let text = fs::read_to_string(file).unwrap();
    let pairs = |prefix: &str| {
        let lines = text.lines().filter_map(|line| line.strip_prefix(prefix));
        lines
            .map(|line| line.split_once('=').expect("name=value"))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect::<Vec<_>>()
    };
    Sources {
        file: Some(file.to_owned()),
        environment: pairs("#$ "),
        flags: pairs("#- "),
    }
}

fn fixtures(name: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder(name)).unwrap();
    let mut files: Vec<_> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

/// Compares with the text beside the fixture; paths are shown relative to the folder.
#[expect(
    clippy::disallowed_methods,
    reason = "a switch of whoever runs the tests, no setting of the product"
)]
fn check(fixture: &Path, found: &str) {
    let here = format!("{}/", fixture.parent().unwrap().display());
    let found = format!("{}\n", found.replace(&here, "").trim_end());
    let beside = fixture.with_extension("txt");
    if std::env::var_os("UPDATE_FIXTURES").is_some() {
        fs::write(&beside, &found).unwrap();
    }
    let expected = fs::read_to_string(&beside).unwrap_or_default();
    assert_eq!(found, expected, "{}", fixture.display());
}

fn assert_no_secret(text: &str) {
    for secret in ["sk-", "sesame", "with a blank"] {
        assert!(!text.contains(secret), "{secret:?} is shown in {text}");
    }
}

#[test]
fn wrong_configurations_are_refused_with_all_their_problems() {
    for fixture in fixtures("wrong") {
        let mut sources = sources(&fixture);
        sources.environment.push(("HOME".into(), "/home/limn".into()));
        let problems = Config::load(&sources).expect_err(&fixture.display().to_string());
        assert_no_secret(&problems.to_string());
        assert_no_secret(&format!("{problems:?}"));
        check(&fixture, &problems.to_string());
    }
}

#[test]
fn good_configurations_show_what_they_came_to() {
    for fixture in fixtures("good") {
        let config = Config::load(&sources(&fixture)).unwrap();
        assert_no_secret(&config.effective());
        assert_no_secret(&format!("{config:?}"));
        check(&fixture, &config.effective());
    }
}

#[test]
fn the_effective_configuration_is_a_configuration_without_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.toml");
    for fixture in fixtures("good") {
        let config = Config::load(&sources(&fixture)).unwrap();
        let address = r#"url = "postgres://ada:sesame@db/limn""#;
        let effective = config.effective().replace(r#"url = "[redacted]""#, address);
        fs::write(&file, effective.replace("[redacted]", "sk-again")).unwrap();
        let again = Config::load(&Sources {
            file: Some(file.clone()),
            ..Sources::default()
        });
        assert_eq!(again.unwrap().effective(), config.effective());
    }
}

fn environment(pairs: &[(&str, &str)]) -> Sources {
    let home = ("HOME", "/home/limn");
    let pairs = pairs.iter().chain([&home]);
    Sources {
        environment: pairs
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        ..Sources::default()
    }
}

fn openai_key(config: &Config) -> Option<String> {
    use secrecy::ExposeSecret;
    let key = config.providers["openai"].account.api_key.as_ref()?;
    Some(key.expose_secret().to_owned())
}

#[test]
fn a_key_in_the_environment_enables_its_provider_and_does_not_make_it_the_default() {
    let config = Config::load(&environment(&[("OPENAI_API_KEY", "sk-shared")])).unwrap();
    assert_eq!(openai_key(&config).as_deref(), Some("sk-shared"));
    assert_eq!(config.selection.default_provider, None);
    assert_no_secret(&format!("{config:?}{}", config.effective()));
}

#[test]
fn a_key_of_our_own_goes_before_the_shared_one() {
    let config = Config::load(&environment(&[
        ("OPENAI_API_KEY", "sk-shared"),
        ("LIMN_PROVIDERS__OPENAI__API_KEY", "sk-own"),
    ]));
    assert_eq!(openai_key(&config.unwrap()).as_deref(), Some("sk-own"));
}

#[test]
fn a_key_may_stand_in_a_file_and_an_empty_variable_counts_as_not_set() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("openai.key"), "sk-filed\n").unwrap();
    let file = folder.path().join("config.toml");
    fs::write(&file, "[providers.openai]\napi_key_file = \"openai.key\"\n").unwrap();
    let mut sources = environment(&[
        ("OPENAI_API_KEY", "sk-shared"),
        ("LIMN_PROVIDERS__OPENAI__API_KEY", ""),
    ]);
    sources.file = Some(file);
    assert_eq!(
        openai_key(&Config::load(&sources).unwrap()).as_deref(),
        Some("sk-filed")
    );
}

#[test]
fn a_key_of_a_higher_layer_goes_before_a_key_file_of_a_lower_one() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.toml");
    fs::write(&file, "[providers.openai]\napi_key_file = \"nowhere\"\n").unwrap();
    let mut sources = environment(&[("LIMN_PROVIDERS__OPENAI__API_KEY", "sk-own")]);
    sources.file = Some(file);
    assert_eq!(
        openai_key(&Config::load(&sources).unwrap()).as_deref(),
        Some("sk-own")
    );
}

#[test]
fn a_key_file_stands_in_for_a_key_and_shows_only_its_path() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("account.json");
    fs::write(&key, "{\"private_key\": \"sesame\"}").unwrap();
    let path = key.to_str().unwrap();
    let place = "VERTEX_SERVICE_ACCOUNT_FILE";
    let config = Config::load(&environment(&[(place, path)])).unwrap();
    let vertex = &config.providers["vertex"];
    assert_eq!(vertex.obstacle("vertex"), None);
    assert_eq!(
        vertex.own.secret("service_account_file"),
        Some("{\"private_key\": \"sesame\"}")
    );
    let shown = format!("{config:?}{}", config.effective());
    assert!(shown.contains(path), "{shown}");
    assert_no_secret(&shown);

    // A key that is set in our own way goes before variables that others share with us.
    let own = ("LIMN_PROVIDERS__VERTEX__API_KEY", "token");
    let config = Config::load(&environment(&[(place, path), own])).unwrap();
    assert_eq!(
        config.providers["vertex"].own.secret("service_account_file"),
        None
    );

    let none = Config::load(&environment(&[])).unwrap();
    let obstacle = none.providers["vertex"].obstacle("vertex").unwrap();
    for told in [
        "VERTEX_ACCESS_TOKEN",
        place,
        "providers.vertex.service_account_file",
    ] {
        assert!(obstacle.contains(told), "{obstacle}");
    }
    let problems = Config::load(&environment(&[(place, "/nowhere/account.json")])).unwrap_err();
    assert!(
        problems.to_string().contains("/nowhere/account.json"),
        "{problems}"
    );
}

#[test]
fn every_variable_and_every_setting_of_a_provider_is_documented() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let read = |name: &str| fs::read_to_string(docs.join(name)).unwrap();
    let configuration = read("configuration.md");
    for kind in KINDS.iter().filter(|kind| kind.access != Access::Open) {
        let page = read(&format!("providers/{}.md", kind.id));
        let files = kind.key_files().map(|(_, variable)| variable);
        // A provider under a name of one's own has no variable that others share.
        let key = kind.key_variable().filter(|_| !kind.has_instances);
        for variable in key.into_iter().chain(files) {
            assert!(
                configuration.contains(&format!("`{variable}`")),
                "docs/configuration.md lacks {variable}"
            );
            assert!(
                page.contains(variable),
                "docs/providers/{}.md lacks {variable}",
                kind.id
            );
        }
        for setting in kind.settings {
            assert!(
                page.contains(setting.name),
                "docs/providers/{}.md lacks {}",
                kind.id,
                setting.name
            );
        }
    }
}

#[test]
fn a_named_file_must_exist_and_the_usual_one_need_not() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().to_str().unwrap();
    Config::load(&environment(&[("XDG_CONFIG_HOME", home)])).unwrap();

    let problems = Config::load(&environment(&[("LIMN_CONFIG", "/nowhere/limn.toml")])).unwrap_err();
    assert!(problems.to_string().contains("/nowhere/limn.toml"), "{problems}");

    fs::create_dir(folder.path().join("limn")).unwrap();
    fs::write(
        folder.path().join("limn/config.toml"),
        "[log]\nlevel = \"trace\"\n",
    )
    .unwrap();
    let config = Config::load(&environment(&[("XDG_CONFIG_HOME", home)])).unwrap();
    assert_eq!(config.log.level.as_str(), "trace");
}

#[test]
fn the_data_folder_follows_the_usual_rules() {
    let data_dir = |pairs: &[(&str, &str)]| Config::load(&environment(pairs)).unwrap().data_dir;
    assert_eq!(data_dir(&[]), Path::new("/home/limn/.local/share/limn"));
    assert_eq!(data_dir(&[("XDG_DATA_HOME", "/data")]), Path::new("/data/limn"));
    assert_eq!(
        data_dir(&[("XDG_DATA_HOME", "/data"), ("LIMN_DATA_DIR", "/mine")]),
        Path::new("/mine")
    );
    let problems = Config::load(&Sources::default()).unwrap_err();
    assert!(problems.to_string().contains("LIMN_DATA_DIR"), "{problems}");
}
