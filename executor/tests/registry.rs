//! The registry, and the providers that are built in.

use limn_executor::{
    provider::CapabilityClass,
    providers::{KINDS, Kind, Registry, Settings},
};
use secrecy::SecretString;
use serde_json::json;

#[tokio::test]
async fn the_registry_finds_what_the_kinds_build() {
    let ids: Vec<&str> = KINDS.iter().map(|kind| kind.id).collect();
    assert_eq!(ids, ["openai", "sketch"]);
    let built = KINDS.iter().map(|kind| kind.build(Settings::default()).unwrap());
    let registry = Registry::new(built.collect());
    assert_eq!(registry.ids(), ids);
    let sketch = registry.get("sketch").unwrap();
    assert_eq!((sketch.id(), sketch.class()), ("sketch", CapabilityClass::A));
    sketch.check().await.unwrap();
    assert!(registry.get("acme").is_none());

    let kind = Kind::find("sketch").unwrap();
    assert_eq!(kind.key_variable, None);
    let table = [("size".to_owned(), 1.into())].into_iter().collect();
    let refused = kind.build(Settings { key: None, table }).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "provider sketch cannot be set up: it has no setting \"size\""
    );
}

#[test]
fn settings_are_checked_when_the_provider_is_set_up() {
    let kind = Kind::find("openai").unwrap();
    let build = |table: serde_json::Value| {
        let table = table.as_object().unwrap().clone();
        kind.build(Settings {
            key: Some(SecretString::from("sk-fake-0123456789abcdef")),
            table,
        })
    };
    assert_eq!(build(json!({"project": "p"})).unwrap().id(), "openai");
    for (wrong, named) in [
        (json!({"base_url": "not an address"}), "not an address"),
        (json!({"base_url": "ftp://host"}), "ftp"),
        (json!({"basee_url": "http://host"}), "basee_url"),
        (json!({"connect_timeout_ms": "soon"}), "soon"),
        (json!({"proxy": "::"}), "HTTP client"),
    ] {
        let error = build(wrong).unwrap_err().to_string();
        assert!(error.contains("openai") && error.contains(named), "{error}");
    }
}
