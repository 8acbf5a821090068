//! Finished pictures: their records, where their files are, and copies of them.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use futures::TryStreamExt as _;
use limn_proto::{digest, v1};
use serde_json::{Value, json};
use tonic::Code;

use super::{connect::Connection, failure::Failure, flags::Paging, listing, names, words};

/// Digits of the content's SHA-256 in the name of a copy.
const SHORT_DIGEST: usize = 12;
/// Tries to read one picture; each goes on where the one before was cut.
const MAX_READS: u32 = 3;
/// Files of one name with other content that are tolerated before giving up.
const MAX_NAMESAKES: u32 = 1_000;

/// One picture and where its bytes can be found on this machine.
#[derive(Debug)]
pub(crate) struct Picture {
    pub(crate) image: v1::Image,
    /// The file in the data folder, when that is here.
    pub(crate) stored: Option<PathBuf>,
    /// The copy that was asked for.
    pub(crate) copy: Option<PathBuf>,
}

impl Picture {
    /// The file to show: the copy, else the stored one.
    pub(crate) fn file(&self) -> Option<&Path> {
        self.copy.as_deref().or(self.stored.as_deref())
    }

    /// Image name and path as JSON.
    pub(crate) fn file_as_json(&self) -> Option<Value> {
        let path = self.file()?;
        Some(json!({ "image": self.image.name, "path": path.to_string_lossy() }))
    }
}

/// Pictures of an execution in the order of its steps, copied into a folder when one is given.
pub(crate) async fn of_execution(
    connection: &Connection,
    execution: &v1::Execution,
    out: Option<&Path>,
) -> Result<Vec<Picture>, Failure> {
    let client = execution.name.split("/executions/").next().unwrap_or_default();
    let filter = v1::ImageFilter {
        execution: execution.name.clone(),
        ..v1::ImageFilter::default()
    };
    let everything = Paging {
        limit: u32::MAX,
        page_token: String::new(),
    };
    let (mut images, _) = listing::images(connection, client, &filter, &everything).await?;
    let place = |image: &v1::Image| {
        execution
            .steps
            .iter()
            .position(|step| step.step_id == image.step_id)
    };
    images.sort_by_key(place);
    with_files(connection, images, out).await
}

/// Finds the files of the images, and copies them into a folder when one is given.
pub(crate) async fn with_files(
    connection: &Connection,
    images: Vec<v1::Image>,
    out: Option<&Path>,
) -> Result<Vec<Picture>, Failure> {
    let mut pictures = Vec::with_capacity(images.len());
    for image in images {
        let copy = match out {
            Some(folder) => Some(save(connection, &image, folder).await?),
            None => None,
        };
        let stored = connection.stored_file(&image.storage_key);
        pictures.push(Picture { image, stored, copy });
    }
    Ok(pictures)
}

async fn save(connection: &Connection, image: &v1::Image, folder: &Path) -> Result<PathBuf, Failure> {
    let bytes = read(connection, &image.name).await?;
    if digest::sha256_hex(&bytes) != image.stored_sha256 {
        return Err(Failure::internal(format!(
            "the bytes of {} are not those that were stored",
            image.name
        )));
    }
    let prompt = if image.original_prompt.is_empty() {
        &image.prompt
    } else {
        &image.original_prompt
    };
    let short: String = image.stored_sha256.chars().take(SHORT_DIGEST).collect();
    let stem = format!("{}-{short}", names::slug(prompt));
    let ending = words::file_ending(&image.media_type);
    make_folder(folder)?;
    keep(folder, &stem, ending, &bytes).map_err(|error| unwritable(folder, &error))
}

/// Writes a picture to this path. A file with the same bytes stays as it is; any other is replaced as a whole.
pub(crate) async fn save_as(connection: &Connection, image: &v1::Image, path: &Path) -> Result<(), Failure> {
    if fs::read(path).is_ok_and(|there| digest::sha256_hex(&there) == image.stored_sha256) {
        return Ok(());
    }
    let bytes = read(connection, &image.name).await?;
    if digest::sha256_hex(&bytes) != image.stored_sha256 {
        return Err(Failure::internal(format!(
            "the bytes of {} are not those that were stored",
            image.name
        )));
    }
    replace(path, &bytes)
}

/// Writes a file beside its final name first, so that it is never half there.
///
/// # Errors
/// It cannot be written.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let part = path.with_file_name(format!(".{name}.{}.part", std::process::id()));
    let written = fs::write(&part, bytes).and_then(|()| fs::rename(&part, path));
    written.map_err(|error| {
        let _ = fs::remove_file(&part);
        unwritable(path, &error)
    })
}

/// Makes the folder for copies. Done before anything is paid for, so that a misspelled one costs nothing.
pub(crate) fn make_folder(folder: &Path) -> Result<(), Failure> {
    fs::create_dir_all(folder).map_err(|error| unwritable(folder, &error))
}

fn unwritable(folder: &Path, error: &io::Error) -> Failure {
    Failure::internal(format!("\"{}\" cannot be written: {error}", folder.display()))
}

/// Reads the bytes of a picture. A cut stream is continued where it ended.
async fn read(connection: &Connection, name: &str) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let mut tries = 0;
    loop {
        tries += 1;
        let offset = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
        let request = v1::ReadImageRequest {
            name: name.to_owned(),
            offset,
        };
        let read = async {
            let mut chunks = connection.images().read_image(request).await?.into_inner();
            while let Some(chunk) = chunks.try_next().await? {
                bytes.extend_from_slice(&chunk.data);
            }
            Ok::<_, tonic::Status>(())
        };
        match read.await {
            Ok(()) => return Ok(bytes),
            Err(status) if status.code() == Code::Unavailable && tries < MAX_READS => {}
            Err(status) => return Err(status.into()),
        }
    }
}

/// Writes a file under a name that is free or already has this content, and returns its path.
///
/// The bytes are written beside it first and linked under the final name, which fails when the name was taken in
/// the meantime: a file is never overwritten, and never half there.
fn keep(folder: &Path, stem: &str, ending: &str, bytes: &[u8]) -> io::Result<PathBuf> {
    let part = folder.join(format!(".{stem}.{}.part", std::process::id()));
    fs::write(&part, bytes)?;
    let kept = link_under_free_name(folder, stem, ending, bytes, &part);
    // What is left is either a second name of the file or of no use.
    let _ = fs::remove_file(&part);
    kept
}

fn link_under_free_name(
    folder: &Path,
    stem: &str,
    ending: &str,
    bytes: &[u8],
    part: &Path,
) -> io::Result<PathBuf> {
    for number in 1..=MAX_NAMESAKES {
        let name = if number == 1 {
            format!("{stem}.{ending}")
        } else {
            format!("{stem}-{number}.{ending}")
        };
        let path = folder.join(name);
        match fs::hard_link(part, &path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                if fs::read(&path).is_ok_and(|there| there == bytes) {
                    return Ok(path);
                }
            }
            // Some file systems know no links.
            Err(_) if !path.exists() => {
                fs::rename(part, &path)?;
                return Ok(path);
            }
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::new(
        io::ErrorKind::AlreadyExists,
        format!("there are too many other files named {stem}"),
    ))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::keep;

    #[test]
    fn a_file_with_other_content_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let first = keep(folder.path(), "tower", "png", b"one").unwrap();
        let second = keep(folder.path(), "tower", "png", b"two").unwrap();
        let again = keep(folder.path(), "tower", "png", b"one").unwrap();
        assert_eq!(fs::read(&first).unwrap(), b"one");
        assert_eq!(fs::read(&second).unwrap(), b"two");
        assert_eq!(again, first);
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            2,
            "no part file is left"
        );
    }
}
