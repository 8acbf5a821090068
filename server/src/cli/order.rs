//! One order from the plan to the last picture: what `render` and `execute` share.

use std::path::Path;

use limn_proto::v1;
use serde_json::json;
use uuid::Uuid;

use super::{
    connect::Connection,
    failure::Failure,
    flags::{Mode, OrderFlags},
    follow::{self, Subject},
    images,
    output::Output,
    pictures,
    progress::Progress,
    report,
};

impl OrderFlags {
    /// The order of a plan. A request id is made when none is given, so that an order whose answer was lost can
    /// be sent again.
    pub(crate) fn to_order(&self, parent: String, source: v1::execution_order::Source) -> v1::ExecutionOrder {
        let mode = match self.mode {
            Mode::Reuse => v1::ExecutionMode::Reuse,
            Mode::Resume => v1::ExecutionMode::Resume,
        };
        v1::ExecutionOrder {
            parent,
            source: Some(source),
            request_id: self
                .request_id
                .clone()
                .unwrap_or_else(|| Uuid::new_v4().to_string()),
            mode: mode.into(),
            max_concurrency: self.max_concurrency,
            accept_price_drift: self.accept_price_drift,
            take: self.take,
        }
    }
}

/// What is wanted of finished pictures beside their records.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Extras<'e> {
    /// Copies in this folder.
    pub(crate) out: Option<&'e Path>,
    /// Signed addresses that work this long, in seconds.
    pub(crate) url_seconds: Option<i64>,
}

/// How the result is printed with `--json`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JsonShape {
    /// One document with the plan, the execution, the images and the files.
    Document,
    /// Every event on its own line.
    Events,
}

/// Plans at the other end, and says what it warns of.
///
/// # Errors
/// The request is refused.
pub(crate) async fn plan(
    connection: &Connection,
    request: v1::PlanRequest,
    output: &Output,
) -> Result<v1::ImageGenerationPlan, Failure> {
    let answer = connection.planner().plan(request).await?.into_inner();
    let plan = answer
        .plan
        .ok_or_else(|| Failure::internal("the planner answered without a plan"))?;
    for warning in plan.notes.iter().flat_map(|notes| &notes.warnings) {
        output.note(&format!("note: {}", warning.message));
    }
    Ok(plan)
}

/// Runs an order to its end and prints what came of it; finished pictures are shown also when others failed.
pub(crate) async fn run(
    connection: &Connection,
    order: v1::ExecutionOrder,
    plan: &v1::ImageGenerationPlan,
    extras: Extras<'_>,
    shape: JsonShape,
    output: &Output,
) -> Result<(), Failure> {
    let Extras { out, url_seconds } = extras;
    if let Some(folder) = out {
        pictures::make_folder(folder)?;
    }
    let mut progress = match shape {
        JsonShape::Document => Progress::new(output),
        JsonShape::Events => Progress::of_stream(output),
    };
    let followed = follow::follow(connection, Subject::Order(Box::new(order)), output, &mut progress).await;
    progress.finish();
    let Some(ended) = followed? else {
        return Ok(());
    };
    let pictures = pictures::of_execution(connection, &ended.execution, out).await?;
    let urls = match url_seconds {
        Some(seconds) => {
            let made: Vec<_> = pictures.iter().map(|picture| picture.image.clone()).collect();
            images::addresses(connection, &made, seconds).await?
        }
        None => Vec::new(),
    };
    match (output.is_json(), shape) {
        (true, JsonShape::Events) => {}
        (true, JsonShape::Document) => {
            let images: Vec<_> = pictures.iter().map(|picture| &picture.image).collect();
            let files: Vec<_> = pictures
                .iter()
                .filter_map(pictures::Picture::file_as_json)
                .collect();
            let mut document = json!({
                "plan": plan,
                "execution": ended.execution,
                "images": images,
                "files": files,
            });
            if url_seconds.is_some() {
                document["urls"] = json!(urls);
            }
            output.json(&document)?;
        }
        (false, _) if output.is_quiet() => {
            for picture in &pictures {
                let url = urls.iter().find(|url| url.name == picture.image.name);
                let path = || picture.file().map(|path| path.display().to_string());
                let shown = url.map(|url| url.url.clone()).or_else(path);
                output.text(&shown.unwrap_or_else(|| picture.image.name.clone()))?;
            }
        }
        (false, _) => {
            output.text(&report::run(plan, &ended.execution, &pictures))?;
            for url in &urls {
                output.text(&images::address(url))?;
            }
        }
    }
    ended.into_result()
}
