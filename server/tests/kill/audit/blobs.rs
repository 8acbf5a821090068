//! No picture without a record, and no record without a picture.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use limn_proto::digest::sha256_hex;

use super::facts::Facts;
use crate::stage::Stage;

pub(super) fn check(stage: &Stage, facts: &Facts) {
    let root = stage.blobs();
    let mut files = files_below(&root.join("clients"), &root);
    for (key, blob) in &facts.blobs {
        let bytes = files.remove(key).map(|path| fs::read(path).unwrap());
        let is_kept = bytes.is_some_and(|bytes| {
            sha256_hex(&bytes) == blob.sha256 && i64::try_from(bytes.len()) == Ok(blob.size_bytes)
        });
        if !is_kept {
            stage.find(format!("blob {key} has a record and no such file: {blob:?}"));
        }
    }
    for (key, size_bytes) in &facts.copies {
        let size = files.remove(key).map(|path| fs::metadata(path).unwrap().len());
        if size.and_then(|size| i64::try_from(size).ok()) != Some(*size_bytes) {
            stage.find(format!("copy {key} of {size_bytes} bytes has a file of {size:?}"));
        }
    }
    for key in files.keys() {
        stage.find(format!("{key} has a file and no record"));
    }
    let of_images = facts.images.values().map(|image| image.storage_key.as_str());
    let wanted: BTreeSet<&str> = of_images.collect();
    let kept: BTreeSet<&str> = facts.blobs.keys().map(String::as_str).collect();
    for key in wanted.symmetric_difference(&kept) {
        stage.find(format!("blob {key} is not both a blob and that of an image"));
    }
    check_staging(stage, facts, &root);
}

/// Staged answers that stay behind belong to attempts whose outcome may still be looked into.
fn check_staging(stage: &Stage, facts: &Facts, root: &Path) {
    let states: BTreeMap<&str, &str> = facts
        .attempts
        .iter()
        .map(|attempt| (attempt.id.as_str(), attempt.state.as_str()))
        .collect();
    let staged = files_below(&root.join("staging"), &root.join("staging"));
    for name in staged.keys() {
        let attempt = name.trim_end_matches(".partial");
        match states.get(attempt) {
            Some(&"unknown") => {}
            Some(state) => stage.find(format!("staging/{name} is left of an attempt that is {state}")),
            None => stage.find(format!("staging/{name} belongs to no attempt")),
        }
    }
    println!("blobs {}, staged {}", facts.blobs.len(), staged.len());
}

/// Files below a folder, by their path in another one.
fn files_below(top: &Path, root: &Path) -> BTreeMap<String, PathBuf> {
    let mut files = BTreeMap::new();
    let mut folders = vec![top.to_owned()];
    while let Some(folder) = folders.pop() {
        // Nothing was ever kept there.
        let Ok(entries) = fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let key = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                files.insert(key, path);
            }
        }
    }
    files
}
