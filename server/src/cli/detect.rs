//! `limn detect`: does a picture come from here?

use std::path::PathBuf;

use clap::Args;
use limn_proto::v1;
use serde_json::{Value, json};

use super::{connect::Connection, failure::Failure, input, output::Output, settings::Settings, words};

/// `limn detect`.
#[derive(Debug, Args)]
pub(crate) struct DetectArgs {
    /// PNG, JPEG or WebP files.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
}

pub(crate) async fn run(args: &DetectArgs, settings: &Settings, output: &Output) -> Result<(), Failure> {
    let pictures: Result<Vec<_>, Failure> = args.files.iter().map(|file| input::read(file)).collect();
    let pictures = pictures?;
    let parent = settings.parent();
    let connection = Connection::open(settings, output).await?;
    let result = async {
        let mut answers = Vec::new();
        for (file, content) in args.files.iter().zip(pictures) {
            let request = v1::DetectImageRequest {
                parent: parent.clone(),
                content: content.into(),
            };
            let answer = connection.images().detect_image(request).await?.into_inner();
            answers.push((file.display().to_string(), answer.matches));
        }
        if output.is_json() {
            output.json(&answers.iter().map(document).collect::<Result<Vec<_>, _>>()?)?;
        } else {
            output.text(&answers.iter().map(lines).collect::<String>())?;
        }
        let unknown: Vec<&str> = answers
            .iter()
            .filter(|(_, matches)| matches.is_empty())
            .map(|(file, _)| file.as_str())
            .collect();
        match unknown.as_slice() {
            [] => Ok(()),
            [first, ..] => Err(Failure::not_detected(format!(
                "{} of {} pictures are not known here, the first is {first}",
                unknown.len(),
                answers.len()
            ))),
        }
    };
    let result = result.await;
    connection.close(&result).await;
    result
}

fn evidence(found: &v1::DetectedImage) -> (String, String) {
    let evidence = words::spoken(found.evidence().as_str_name(), "DETECTION_EVIDENCE_");
    let confidence = words::spoken(found.confidence().as_str_name(), "DETECTION_CONFIDENCE_");
    (evidence, confidence)
}

fn lines((file, matches): &(String, Vec<v1::DetectedImage>)) -> String {
    if matches.is_empty() {
        return format!("{file}: not known here\n");
    }
    let mut text = String::new();
    for found in matches {
        let name = found.image.as_ref().map_or("", |image| image.name.as_str());
        let (evidence, confidence) = evidence(found);
        let distance = found
            .distance_bits
            .map(|bits| format!(", {bits} of 64 bits differ"));
        let distance = distance.unwrap_or_default();
        text.push_str(&format!(
            "{file}: {confidence}, by {evidence}{distance}: {name}\n"
        ));
    }
    text
}

fn document((file, matches): &(String, Vec<v1::DetectedImage>)) -> Result<Value, Failure> {
    let matches = serde_json::to_value(matches)
        .map_err(|error| Failure::internal(format!("the answer cannot be written as JSON: {error}")))?;
    Ok(json!({ "file": file, "matches": matches }))
}
