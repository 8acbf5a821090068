//! A trial without a key: fakes, with the configuration that they print, and the shipped catalog.

use limn_fakes::Fake;
use tokio::runtime::Runtime;

use super::limn::Limn;

/// What a picture of a model is expected to cost, and what its fake charges. By tokens and by the second these are near each other,
/// otherwise the same.
const PRICES: &[(&str, &str, &str, &str)] = &[
    ("bfl", "flux-2-flex", "$0.05", "$0.05"),
    ("bfl", "flux-2-max", "$0.07", "$0.07"),
    ("bfl", "flux-2-pro", "$0.03", "$0.03"),
    ("bfl", "flux-pro-1.1", "$0.04", "$0.04"),
    ("bfl", "flux-pro-1.1-ultra", "$0.06", "$0.06"),
    ("google", "gemini-2.5-flash-image", "$0.0388256", "$0.0387336"),
    ("google", "gemini-3-pro-image", "$0.145204", "$0.144312"),
    (
        "google",
        "gemini-3.1-flash-lite-image",
        "$0.0343505",
        "$0.0341415",
    ),
    ("google", "gemini-nano-banana-2.1", "$0.037353", "$0.0363105"),
    ("openai", "gpt-image-2", "$0.05269", "$0.05274"),
    ("openai", "gpt-image-2.5-flare", "$0.01318", "$0.01323"),
    ("openrouter", "bytedance-seed/seedream-4.5", "$0.05", "$0.05"),
    ("replicate", "black-forest-labs/flux-schnell", "$0.003", "$0.003"),
    ("replicate", "stability-ai/sdxl", "$0.004875", "$0.0039"),
    ("stability", "v2beta/ultra", "$0.08", "$0.08"),
    ("vertex", "imagen-4.0-fast-generate-001", "$0.02", "$0.02"),
];

#[test]
fn fakes_charge_what_the_shipped_catalog_expects() {
    let runtime = Runtime::new().unwrap();
    let limn = Limn::new();
    let mut names: Vec<&str> = PRICES.iter().map(|(provider, ..)| *provider).collect();
    names.dedup();
    let fakes: Vec<Fake> = names
        .iter()
        .map(|name| runtime.block_on(Fake::start(name)))
        .collect();
    let configuration: String = fakes.iter().map(Fake::configuration).collect();
    limn.write("limn.toml", configuration);
    for (provider, model, expected, paid) in PRICES {
        let arguments = [
            "render",
            "a tower",
            "--config",
            "limn.toml",
            "--provider",
            provider,
            "--model",
            model,
        ];
        let ran = limn.ok(&arguments);
        let price = ran.stdout.lines().find(|line| line.starts_with("price"));
        let price = price.unwrap_or_else(|| panic!("{model}: {ran:?}"));
        assert!(
            price.contains(&format!("expected {expected}, paid {paid}")),
            "{model}: {price}"
        );
        assert!(!ran.stderr.contains("ceiling"), "{model}: {ran:?}");
    }
    for fake in &fakes {
        assert_eq!(fake.charged(), fake.calls(), "{}", fake.name());
    }
}
