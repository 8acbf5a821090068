//! The registry, and the providers that are built in.

use limn_executor::{
    provider::CapabilityClass,
    providers::{Access, Connection, KINDS, Kind, Registry, Setup},
};
use secrecy::SecretString;
use serde_json::json;

#[tokio::test]
async fn the_registry_finds_what_the_kinds_build() {
    let ids: Vec<&str> = KINDS.iter().map(|kind| kind.id).collect();
    assert!(ids.is_sorted(), "{ids:?}");
    // Those that can be set up from nothing.
    let built = ["openai", "sketch"].map(|id| {
        let setup = Setup {
            id: id.to_owned(),
            ..Setup::default()
        };
        Kind::find(id).unwrap().build(setup).unwrap()
    });
    let registry = Registry::new(built.to_vec());
    assert_eq!(registry.ids(), ["openai", "sketch"]);
    let sketch = registry.get("sketch").unwrap();
    assert_eq!((sketch.id(), sketch.class()), ("sketch", CapabilityClass::A));
    sketch.check().await.unwrap();
    assert!(registry.get("acme").is_none());

    let kind = Kind::find("sketch").unwrap();
    assert_eq!((kind.access, kind.key_variable()), (Access::Open, None));
}

#[test]
fn settings_are_checked_when_the_provider_is_set_up() {
    let kind = Kind::find("openai").unwrap();
    let build = |connection: Connection, table: serde_json::Value| {
        kind.build(Setup {
            id: "openai".to_owned(),
            key: Some(SecretString::from("sk-fake-0123456789abcdef")),
            connection,
            table: table.as_object().unwrap().clone(),
            ..Setup::default()
        })
    };
    let address = |text: &str| Connection {
        base_url: Some(text.to_owned()),
        ..Connection::default()
    };
    let proxy = Connection {
        proxy: Some("::".to_owned()),
        ..Connection::default()
    };
    let usual = Connection::default;
    assert_eq!(build(usual(), json!({"project": "p"})).unwrap().id(), "openai");
    for (connection, table, named) in [
        (address("not an address"), json!({}), "not an address"),
        (address("ftp://host"), json!({}), "ftp"),
        (usual(), json!({"projject": "p"}), "projject"),
        (usual(), json!({"project": 7}), "7"),
        (proxy, json!({}), "HTTP client"),
    ] {
        let error = build(connection, table).unwrap_err().to_string();
        assert!(error.contains("openai") && error.contains(named), "{error}");
    }
}
