//! What pictures say about themselves: signed, read back, tampered with.

#![cfg(feature = "provenance")]
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use bytes::Bytes;
use image::{DynamicImage, RgbImage};
use limn_executor::{
    artifact::{Limits, encode, inspect_any},
    clock::UnixMicros,
    plan::ImageFormat,
    provenance::{Facts, Identity, Inspector, Marker as _, SignatureState, Signer, SourceType},
};
use limn_proto::digest::sha256_hex;

const FORMATS: [ImageFormat; 3] = [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Webp];

fn picture() -> DynamicImage {
    let shade = |value: u32| u8::try_from(value % 256).unwrap();
    DynamicImage::from(RgbImage::from_fn(320, 200, |x, y| {
        image::Rgb([shade(x * 3 + y), shade(y * 5), shade(x * y / 7)])
    }))
}

fn rendered(format: ImageFormat) -> Bytes {
    Bytes::from(encode(&picture(), format, 90).unwrap())
}

fn facts(rendered: &Bytes) -> Facts {
    Facts {
        source_type: SourceType::TrainedAlgorithmicMedia,
        provider: "easel".to_owned(),
        model: "easel-2".to_owned(),
        model_version: "2026-01".to_owned(),
        plan_digest: "sha256:abcd".to_owned(),
        execution: "clients/acme/executions/0192f0c1-0000-7000-8000-000000000001".to_owned(),
        image: "clients/acme/images/0192f0c1-0000-5000-8000-000000000002".to_owned(),
        rendered_sha256: sha256_hex(rendered),
        generated_at: UnixMicros(1_790_000_000_000_000),
        prompt: "a fox that nobody may read about".to_owned(),
    }
}

/// An installation with a certificate of its own.
struct Studio {
    identity: Identity,
    signer: Signer,
    _folder: tempfile::TempDir,
}

impl Studio {
    fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (identity, _) = Identity::development(&folder.path().join("development.pem")).unwrap();
        let signer = Signer::new(&identity, None, false).unwrap();
        Self {
            identity,
            signer,
            _folder: folder,
        }
    }
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn a_signed_picture_says_where_it_comes_from_and_keeps_its_pixels() {
    let studio = Studio::open();
    for format in FORMATS {
        let plain = rendered(format);
        let facts = facts(&plain);
        let signed = studio.signer.mark(&plain, format, &facts).unwrap();
        let credentials = studio.signer.read(&signed, format);
        assert_eq!(
            credentials.state,
            SignatureState::Trusted,
            "{format:?} {credentials:?}"
        );
        assert_eq!(credentials.problems, Vec::<String>::new(), "{format:?}");
        assert!(credentials.is_ours && credentials.is_development, "{format:?}");
        assert_eq!(credentials.generator, concat!("limn ", env!("CARGO_PKG_VERSION")));
        let claim = credentials.claim.unwrap();
        assert_eq!(claim.digital_source_type, "trainedAlgorithmicMedia");
        assert_eq!(
            (claim.provider, claim.model),
            (facts.provider.clone(), facts.model.clone())
        );
        assert_eq!(claim.plan_digest, facts.plan_digest);
        assert_eq!(
            (claim.execution, claim.image),
            (facts.execution.clone(), facts.image.clone())
        );
        assert_eq!(claim.rendered_sha256, sha256_hex(&plain));
        assert_eq!(claim.generated_at, "2026-09-21T14:13:20Z");
        assert_eq!(claim.prompt, None);
        assert!(!contains(&signed, "nobody may read"), "{format:?}");
        let [before, after] = [&plain, &signed].map(|bytes| inspect_any(bytes, &Limits::default()).unwrap());
        assert_eq!(before.pixels, after.pixels, "{format:?}");
    }
}

#[test]
fn a_prompt_is_embedded_when_the_operator_says_so() {
    let studio = Studio::open();
    let signer = Signer::new(&studio.identity, None, true).unwrap();
    let plain = rendered(ImageFormat::Png);
    let signed = signer.mark(&plain, ImageFormat::Png, &facts(&plain)).unwrap();
    let claim = signer.read(&signed, ImageFormat::Png).claim.unwrap();
    assert_eq!(claim.prompt.as_deref(), Some("a fox that nobody may read about"));
    assert!(contains(&signed, "AIPromptInformation=\"a fox"));
}

#[test]
fn every_changed_pixel_and_word_is_found() {
    let studio = Studio::open();
    for format in FORMATS {
        let plain = rendered(format);
        let signed = studio.signer.mark(&plain, format, &facts(&plain)).unwrap();
        // Image data and metadata. The manifest itself ends in padding, where a change means nothing.
        let image_data = plain.windows(16).last().unwrap();
        let data_at = signed
            .windows(16)
            .rposition(|window| window[..8] == image_data[..8])
            .unwrap();
        let xmp_at = signed
            .windows(8)
            .position(|window| window == b"xmpmeta ")
            .unwrap();
        for at in [data_at, xmp_at] {
            let mut changed = signed.to_vec();
            changed[at] ^= 1;
            let credentials = studio.signer.read(&Bytes::from(changed), format);
            assert_eq!(credentials.state, SignatureState::Invalid, "{format:?} at {at}");
            assert!(!credentials.are_intact());
            assert!(
                credentials
                    .problems
                    .iter()
                    .any(|problem| problem.contains("mismatch")),
                "{credentials:?}"
            );
        }
        assert_eq!(studio.signer.read(&plain, format).state, SignatureState::Absent);
    }
}

#[test]
fn a_stranger_sees_what_was_signed_and_trusts_nobody() {
    let (studio, stranger) = (Studio::open(), Studio::open());
    for format in FORMATS {
        let plain = rendered(format);
        let signed = studio.signer.mark(&plain, format, &facts(&plain)).unwrap();
        for reader in [
            &stranger.signer.read(&signed, format),
            &Inspector::new(None, None).unwrap().read(&signed, format),
        ] {
            assert_eq!(reader.state, SignatureState::Untrusted, "{format:?} {reader:?}");
            assert!(reader.are_intact() && !reader.is_ours && reader.is_development);
            assert_eq!(reader.signer, "Limn development certificate");
            assert_eq!(reader.claim.as_ref().unwrap().provider, "easel");
        }
        let anchored = Inspector::new(None, Some(studio.identity.chain_pem())).unwrap();
        assert_eq!(
            anchored.read(&signed, format).state,
            SignatureState::Trusted,
            "{format:?}"
        );
    }
}

#[test]
fn credentials_of_a_provider_are_kept_as_those_of_the_parent() {
    let (provider, studio) = (Studio::open(), Studio::open());
    for format in FORMATS {
        let plain = rendered(format);
        let theirs = provider.signer.mark(&plain, format, &facts(&plain)).unwrap();
        let ours = studio.signer.mark(&theirs, format, &facts(&theirs)).unwrap();
        let credentials = studio.signer.read(&ours, format);
        assert!(credentials.are_intact(), "{format:?} {credentials:?}");
        assert!(credentials.is_ours);
        assert_eq!(credentials.ingredients.len(), 1, "{credentials:?}");
        assert!(
            credentials.ingredients[0].starts_with("parent urn:c2pa:"),
            "{credentials:?}"
        );
        assert_eq!(credentials.claim.unwrap().rendered_sha256, sha256_hex(&theirs));
    }
}

#[test]
fn credentials_of_a_provider_that_cannot_be_read_are_not_overwritten() {
    let studio = Studio::open();
    let plain = rendered(ImageFormat::Png);
    let signed = studio
        .signer
        .mark(&plain, ImageFormat::Png, &facts(&plain))
        .unwrap();
    let mut broken = signed.to_vec();
    // Breaks the boxes of the manifest, not its content.
    let at = broken.windows(4).position(|window| window == b"jumb").unwrap();
    broken[at..at + 4].copy_from_slice(b"bumj");
    assert!(
        studio
            .signer
            .mark(&Bytes::from(broken), ImageFormat::Png, &facts(&plain))
            .is_err()
    );
}

#[test]
fn a_key_that_is_not_that_of_the_certificate_is_refused_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (folder.path().join("one.pem"), folder.path().join("other.pem"));
    Identity::development(&one).unwrap();
    Identity::development(&other).unwrap();
    let mixed = Identity::from_files(&one, &other).unwrap();
    let error = Signer::new(&mixed, None, false).unwrap_err().to_string();
    assert!(
        error.starts_with("certificate and key cannot sign content credentials: "),
        "{error}"
    );
    let matching = Identity::from_files(&one, &one).unwrap();
    Signer::new(&matching, None, false).unwrap();
}

/// An interpreter with `c2pa-python`, which `tests/run` installs. Nothing: the test is skipped, loudly, unless nothing
/// may be skipped.
#[expect(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "tests/run hands over its tools by the environment; a skip is said aloud"
)]
fn python() -> Option<String> {
    let tool = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let python = tool("LIMN_TEST_PYTHON");
    if python.is_none() {
        assert!(
            tool("LIMN_TEST_NO_SKIP").is_none(),
            "c2pa-python may not be skipped here"
        );
        eprintln!("SKIPPED: c2pa-python; tests/run installs it");
    }
    python
}

/// Reads a picture with the root certificate as trusted, and prints what it found as JSON.
const READ: &str = r#"
import json, sys
from c2pa import Context, Reader, Settings
path, media_type, root = sys.argv[1:]
settings = Settings.from_dict({
    "trust": {"user_anchors": open(root).read()},
    "verify": {"verify_trust": True, "remote_manifest_fetch": False},
})
with open(path, "rb") as stream, Reader(media_type, stream, context=Context(settings)) as reader:
    print(json.dumps({"state": reader.get_validation_state(), "manifest": reader.get_active_manifest()}))
"#;

#[test]
fn another_reader_validates_every_format() {
    let Some(python) = python() else { return };
    let (provider, studio) = (Studio::open(), Studio::open());
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root.pem");
    std::fs::write(
        &root,
        format!("{}{}", studio.identity.chain_pem(), provider.identity.chain_pem()),
    )
    .unwrap();
    let read = |bytes: &[u8], format: ImageFormat| -> serde_json::Value {
        let file = folder.path().join(format!("picture.{}", format.extension()));
        std::fs::write(&file, bytes).unwrap();
        let read = std::process::Command::new(&python)
            .args(["-c", READ])
            .arg(&file)
            .arg(format.media_type())
            .arg(&root)
            .output()
            .unwrap();
        assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
        serde_json::from_slice(&read.stdout).unwrap()
    };
    for format in FORMATS {
        let plain = rendered(format);
        let signed = studio.signer.mark(&plain, format, &facts(&plain)).unwrap();
        let found = read(&signed, format);
        assert_eq!(found["state"], "Trusted", "{format:?} {found}");
        let text = found.to_string();
        for said in [
            "c2pa.created",
            "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia",
            "dev.limn.generation",
            "sha256:abcd",
        ] {
            assert!(text.contains(said), "{format:?} does not say {said}: {text}");
        }
        assert!(!text.contains("nobody may read"), "{format:?}");

        // A picture that came with credentials of its provider.
        let theirs = provider.signer.mark(&plain, format, &facts(&plain)).unwrap();
        let ours = studio.signer.mark(&theirs, format, &facts(&theirs)).unwrap();
        let found = read(&ours, format);
        assert_eq!(found["state"], "Trusted", "{format:?} {found}");
        let ingredient = &found["manifest"]["ingredients"][0];
        assert_eq!(ingredient["relationship"], "parentOf", "{found}");
        assert!(ingredient["active_manifest"].is_string(), "{found}");

        let at = signed
            .windows(8)
            .position(|window| window == b"xmpmeta ")
            .unwrap();
        let mut changed = signed.to_vec();
        changed[at] ^= 1;
        assert_eq!(read(&changed, format)["state"], "Invalid", "{format:?}");
    }
}
