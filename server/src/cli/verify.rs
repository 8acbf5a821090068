//! `limn verify`: whether pictures carry Content Credentials, whether these hold, and what they tell.
//!
//! The credentials are read in this process, without a server. What they tell is then compared with the records, when
//! there are any within reach.

use std::path::{Path, PathBuf};

use clap::Args;
use limn_executor::provenance::{Claim, Credentials, SignatureState};
use limn_proto::v1;
use limn_server::{ReadPicture, read_credentials};
use serde::Serialize;
use tonic::Code;

use super::{connect::Connection, failure::Failure, input, output::Output, settings::Settings};

/// `limn verify`.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes:
  0  every file carries credentials that hold and are trusted here, and no record disagrees
  2  a file is no picture
  3  credentials are absent, do not hold, or are signed by somebody who is not trusted here; or a record disagrees
  4  there is no such file")]
pub(crate) struct VerifyPicturesArgs {
    /// PNG, JPEG or WebP files.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Do not look into the records.
    #[arg(long)]
    offline: bool,
}

/// What became of a file.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Verdict {
    file: String,
    sha256: String,
    /// `absent`, `trusted`, `untrusted` or `invalid`.
    signature: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    problems: Vec<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    signer: String,
    signed_here: bool,
    development_certificate: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    generator: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    claim: Option<Claim>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ingredients: Vec<String>,
    record: Record,
}

/// What the records say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Record {
    /// They were not asked, or there are none within reach.
    Unchecked,
    /// The image is recorded with these bytes.
    Agrees,
    /// The image is recorded with other bytes.
    Disagrees,
    /// The image is not recorded here.
    Unknown,
}

pub(crate) async fn run(
    args: &VerifyPicturesArgs,
    settings: &Settings,
    output: &Output,
) -> Result<(), Failure> {
    let config = settings.load()?;
    let mut verdicts = Vec::new();
    for file in &args.files {
        let content = input::read(file)?;
        let picture = read_credentials(&config, content)
            .map_err(|why| Failure::usage(format!("\"{}\" cannot be verified: {why}", file.display())))?;
        verdicts.push(Verdict::of(file, picture));
    }
    let has_records = settings.server().is_some() || config.data_dir.exists();
    let names_image = |verdict: &Verdict| !verdict.image().is_empty();
    if !args.offline && has_records && verdicts.iter().any(names_image) {
        match Connection::open(settings, output).await {
            Ok(connection) => {
                let result = compare(&connection, &mut verdicts).await;
                connection.close(&result).await;
                result?;
            }
            Err(failure) => output.note(&format!("the records were not asked: {}", failure.message)),
        }
    }
    if output.is_json() {
        output.json(&verdicts)?;
    } else {
        output.text(&verdicts.iter().map(Verdict::text).collect::<String>())?;
    }
    let bad: Vec<&Verdict> = verdicts.iter().filter(|verdict| !verdict.is_good()).collect();
    match bad.as_slice() {
        [] => Ok(()),
        [first, ..] => Err(Failure::not_verified(format!(
            "{} of {} pictures could not be verified, the first is {}",
            bad.len(),
            verdicts.len(),
            first.file
        ))),
    }
}

/// Looks for each image that credentials name.
async fn compare(connection: &Connection, verdicts: &mut [Verdict]) -> Result<(), Failure> {
    for verdict in verdicts {
        let name = verdict.image().to_owned();
        if name.is_empty() {
            continue;
        }
        let found = connection.images().get_image(v1::GetImageRequest { name }).await;
        verdict.record = match found {
            Ok(answer) => {
                let image = answer.into_inner().image.unwrap_or_default();
                match image.stored_sha256 == verdict.sha256 {
                    true => Record::Agrees,
                    false => Record::Disagrees,
                }
            }
            // A name that is none here, or belongs to another client, is that of another installation.
            Err(status) => match status.code() {
                Code::NotFound | Code::InvalidArgument | Code::PermissionDenied => Record::Unknown,
                _ => return Err(status.into()),
            },
        };
    }
    Ok(())
}

impl Verdict {
    fn of(file: &Path, picture: ReadPicture) -> Self {
        let ReadPicture { sha256, credentials } = picture;
        let Credentials {
            state,
            problems,
            signer,
            is_ours,
            is_development,
            claim,
            generator,
            ingredients,
        } = credentials;
        Self {
            file: file.display().to_string(),
            sha256,
            signature: state.as_str(),
            problems,
            signer,
            signed_here: is_ours,
            development_certificate: is_development,
            generator,
            claim,
            ingredients,
            record: Record::Unchecked,
        }
    }

    fn image(&self) -> &str {
        self.claim.as_ref().map_or("", |claim| claim.image.as_str())
    }

    fn is_good(&self) -> bool {
        self.signature == SignatureState::Trusted.as_str() && self.record != Record::Disagrees
    }

    fn text(&self) -> String {
        let state = match self.signature {
            "absent" => "no content credentials",
            "trusted" => "credentials hold",
            "untrusted" => "credentials hold, but nobody here trusts who signed",
            _ => "CREDENTIALS DO NOT HOLD",
        };
        let mut text = format!("{}: {state}\n", self.file);
        let mut line = |name: &str, value: &str| {
            if !value.is_empty() {
                text.push_str(&format!("  {name:<11}{value}\n"));
            }
        };
        for problem in &self.problems {
            line("problem", problem);
        }
        let kind = match (self.development_certificate, self.signed_here) {
            (true, true) => " (development certificate of this installation: not trusted by others)",
            (true, false) => " (development certificate of another installation: not trusted by others)",
            (false, true) => " (this installation)",
            (false, false) => "",
        };
        if !self.signer.is_empty() {
            line("signed by", &format!("{}{kind}", self.signer));
        }
        line("written by", &self.generator);
        if let Some(claim) = &self.claim {
            line("kind", &claim.digital_source_type);
            line("provider", &claim.provider);
            line("model", &claim.model);
            line("version", &claim.model_version);
            line("plan", &claim.plan_digest);
            line("execution", &claim.execution);
            line("image", &claim.image);
            line("made", &claim.generated_at);
            line("prompt", claim.prompt.as_deref().unwrap_or_default());
        }
        for ingredient in &self.ingredients {
            line("kept", ingredient);
        }
        let record = match self.record {
            Record::Unchecked => "",
            Record::Agrees => "agrees: these are the bytes that were stored",
            Record::Disagrees => "DISAGREES: other bytes were stored",
            Record::Unknown => "the image is not known here",
        };
        line("record", record);
        text
    }
}
