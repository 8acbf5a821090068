//! Pictures to draw from, and `limn import`, which takes them in.

use std::path::{Path, PathBuf};

use clap::Args;
use limn_proto::{digest::sha256_hex, plan::Reference, v1};
use serde::Serialize;

use super::{connect::Connection, failure::Failure, input, output::Output, settings::Settings};

/// `limn import`.
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// PNG, JPEG or WebP files.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
}

/// A picture to draw from, as it is in a file.
#[derive(Clone, Debug)]
pub(crate) struct Picture {
    /// How requests and plans name it.
    pub(crate) reference: Reference,
    content: Vec<u8>,
}

/// A picture that was taken in, for `--json`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Imported {
    file: String,
    sha256: String,
    media_type: String,
    width_px: u32,
    height_px: u32,
}

impl Picture {
    /// Reads a file.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let content = input::read(path)?;
        let media_type = media_type(&content).ok_or_else(|| {
            Failure::usage(format!("\"{}\" is no PNG, JPEG or WebP picture", path.display()))
        })?;
        Ok(Self {
            reference: Reference {
                sha256: sha256_hex(&content),
                media_type: media_type.to_owned(),
            },
            content,
        })
    }

    /// Takes it in, so that plans can be executed that name it.
    pub(crate) async fn import(
        self,
        connection: &Connection,
        parent: &str,
    ) -> Result<v1::ImportReferenceResponse, Failure> {
        let request = v1::ImportReferenceRequest {
            parent: parent.to_owned(),
            content: self.content.into(),
        };
        let answer = connection.images().import_reference(request).await?;
        Ok(answer.into_inner())
    }
}

/// What a file is, by its first bytes.
fn media_type(content: &[u8]) -> Option<&'static str> {
    match content {
        [0x89, b'P', b'N', b'G', ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        _ => None,
    }
}

pub(crate) async fn run(args: ImportArgs, settings: &Settings, output: &Output) -> Result<(), Failure> {
    let pictures: Result<Vec<_>, Failure> = args.files.iter().map(|file| Picture::read(file)).collect();
    let pictures = pictures?;
    let parent = settings.parent();
    let connection = Connection::open(settings, output).await?;
    let result = async {
        let mut imported = Vec::new();
        for (file, picture) in args.files.iter().zip(pictures) {
            let answer = picture.import(&connection, &parent).await?;
            let reference = answer.reference.unwrap_or_default();
            imported.push(Imported {
                file: file.display().to_string(),
                sha256: reference.sha256,
                media_type: reference.media_type,
                width_px: answer.width_px,
                height_px: answer.height_px,
            });
        }
        if output.is_json() {
            return output.json(&imported);
        }
        let lines = imported.iter().map(|picture| {
            format!(
                "{}  {}, {}x{}  {}\n",
                picture.sha256, picture.media_type, picture.width_px, picture.height_px, picture.file
            )
        });
        output.text(&lines.collect::<String>())
    };
    let result = result.await;
    connection.close(&result).await;
    result
}
