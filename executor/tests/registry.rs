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
    assert_eq!(ids, ["openai", "sketch"]);
    let built = KINDS.iter().map(|kind| {
        kind.build(Setup {
            id: kind.id.to_owned(),
            ..Setup::default()
        })
        .unwrap()
    });
    let registry = Registry::new(built.collect());
    assert_eq!(registry.ids(), ids);
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
