//! `limn document`: plan, execute, assemble.
//!
//! The plan binds the bytes of the document, and pictures that exist are taken as they are. So the same command, run
//! again after a failure, pays only for what is missing.

use std::path::{Path, PathBuf};

use clap::Args;
use limn_proto::v1;
use pbjson_types::Duration;
use serde_json::json;

use super::{
    connect::Connection,
    failure::Failure,
    flags::OrderFlags,
    follow::{self, Subject},
    images, money,
    offline::Planning,
    order,
    output::Output,
    pictures,
    progress::Progress,
    report,
    request::{Document, WishFlags},
    settings::Settings,
    words::{DocumentWord, LinkWord},
};

/// `limn document`.
#[derive(Debug, Args)]
#[command(
    mut_arg("alt", |arg| arg.hide(true)),
    mut_arg("caption", |arg| arg.hide(true)),
    mut_arg("post", |arg| arg.visible_alias("post-id").help("Your own id of the post, for every image")),
)]
pub(crate) struct DocumentArgs {
    /// Document with prompts, Markdown or HTML; `-` for stdin.
    #[arg(value_name = "DOCUMENT")]
    document: PathBuf,
    #[command(flatten)]
    wish: WishFlags,
    #[command(flatten)]
    order: OrderFlags,
    /// Where the document with its pictures is written.
    #[arg(long, value_name = "FILE", required_unless_present_any = ["extract_only", "dry_run"])]
    out: Option<PathBuf>,
    /// Language of the document [default: what its ending says].
    #[arg(long, value_enum)]
    language: Option<DocumentWord>,
    /// What is written as the address of a picture.
    #[arg(long, value_enum, default_value_t = LinkWord::File)]
    link: LinkWord,
    /// Folder for the copies of --link file [default: the name of the written document with -images].
    #[arg(long, value_name = "DIR")]
    images: Option<PathBuf>,
    /// How long the addresses of --link signed work, for example 15m, 2h or 7d [default: 1h].
    #[arg(long, value_name = "TTL", value_parser = super::names::parse_ttl)]
    link_ttl: Option<i64>,
    /// Offer the thumbnails with each picture. Not with --link file.
    #[arg(long)]
    srcset: bool,
    /// Only list the prompts.
    #[arg(long, conflicts_with_all = ["out", "dry_run"])]
    extract_only: bool,
    /// Only say what would be drawn and what it would cost.
    #[arg(long, conflicts_with = "out")]
    dry_run: bool,
}

pub(crate) async fn run(args: DocumentArgs, settings: &Settings, output: &Output) -> Result<(), Failure> {
    let document = args.wish.read_document(&args.document, args.language)?;
    let Some(out) = &args.out else {
        return preview(&args, document, settings, output).await;
    };
    let target = Target::new(&args, &args.document, out)?;
    let connection = Connection::open(settings, output).await?;
    let result = draw(&args, document, &target, settings, &connection, output).await;
    connection.close(&result).await;
    result
}

/// What a document holds, or what its pictures would cost. Nothing is written, sent or spent.
async fn preview(
    args: &DocumentArgs,
    document: Document,
    settings: &Settings,
    output: &Output,
) -> Result<(), Failure> {
    let planning = Planning::open(settings).await?;
    if args.extract_only {
        let request = v1::ExtractPromptsRequest {
            content: document.content,
            media_type: document.media_type.to_owned(),
            marker_forms: Vec::new(),
        };
        let found = planning.extract(request).await?;
        return match output.is_json() {
            true => output.json(&found),
            false => output.text(&listed(&found)),
        };
    }
    let earlier = super::plan::earlier(&args.wish.continuity, settings, output).await?;
    let request = args
        .wish
        .document_request(&document, settings.parent(), &earlier)?;
    let plan = planning.plan(request).await?;
    match (output.is_json(), output.is_quiet()) {
        (true, _) => output.json(&v1::PlanResponse { plan: Some(plan) }),
        (false, true) => output.text(&plan.digest),
        (false, false) => output.text(&planning.explain(plan).await?),
    }
}

/// The prompts, one to a line, and what is wrong with others.
fn listed(found: &v1::ExtractPromptsResponse) -> String {
    let mut text = String::new();
    for prompt in &found.prompts {
        let line = prompt.slot.map_or(0, |slot| slot.line);
        let importance = prompt
            .importance()
            .as_str_name()
            .trim_start_matches("IMPORTANCE_");
        let section = match prompt.section_title.as_str() {
            "" => String::new(),
            title => format!(" in \"{title}\""),
        };
        text.push_str(&format!(
            "line {line:<5} {:<10} {:<10}{section}: {}\n",
            prompt.step_id,
            importance.to_lowercase(),
            prompt.prompt
        ));
    }
    for problem in &found.problems {
        text.push_str(&format!(
            "line {:<5} wrong: {}\n",
            problem.line, problem.description
        ));
    }
    if text.is_empty() {
        text.push_str("no prompts\n");
    }
    text
}

async fn draw(
    args: &DocumentArgs,
    document: Document,
    target: &Target<'_>,
    settings: &Settings,
    connection: &Connection,
    output: &Output,
) -> Result<(), Failure> {
    if args.link == LinkWord::Signed && !connection.has_addresses() {
        return Err(images::no_server());
    }
    let continuity = &args.wish.continuity;
    let earlier = continuity.look_up(settings, Some(connection), output).await?;
    let parent = settings.parent();
    let request = args.wish.document_request(&document, parent.clone(), &earlier)?;
    let plan = order::plan(connection, request, output).await?;
    earlier.import(connection, &parent).await?;
    let source = v1::execution_order::Source::Plan(plan.clone());
    let order = args.order.to_order(parent, source);
    let mut progress = Progress::new(output);
    let followed = follow::follow(connection, Subject::Order(Box::new(order)), output, &mut progress).await;
    progress.finish();
    let Some(ended) = followed? else {
        return Ok(());
    };
    // What was drawn stands in the document also when the rest failed.
    let request = v1::AssembleDocumentRequest {
        execution: ended.execution.name.clone(),
        content: document.content,
        link_style: target.style().into(),
        url_ttl: args.link_ttl.map(|seconds| Duration { seconds, nanos: 0 }),
        path_prefix: target.prefix.clone(),
        include_thumbnails: args.srcset,
    };
    let assembled = connection
        .documents()
        .assemble_document(request)
        .await?
        .into_inner();
    target.copy(&assembled.images, connection).await?;
    pictures::replace(target.out, &assembled.content)?;
    if output.is_json() {
        output.json(&json!({
            "plan": plan,
            "execution": ended.execution,
            "document": target.out.to_string_lossy(),
            "images": assembled.images,
            "unfilled": assembled.unfilled,
        }))?;
    } else if output.is_quiet() {
        output.text(&target.out.display().to_string())?;
    } else {
        output.text(&summary(&plan, &ended.execution, &assembled, target.out))?;
    }
    ended.into_result()
}

fn summary(
    plan: &v1::ImageGenerationPlan,
    execution: &v1::Execution,
    assembled: &v1::AssembleDocumentResponse,
    out: &Path,
) -> String {
    let cost = plan.spec.as_ref().and_then(|spec| spec.cost.as_ref());
    let expected = money::show_known(cost.and_then(|cost| cost.expected.as_ref()));
    let reused = execution.steps.iter().filter(|step| step.reused).count();
    let existed = match reused {
        0 => String::new(),
        count => format!(", {count} existed already"),
    };
    let mut text = format!(
        "document   {}, {}{existed}\n",
        out.display(),
        report::images(assembled.images.len())
    );
    for slot in &assembled.unfilled {
        text.push_str(&format!(
            "left       line {}, {}: {} ({})\n",
            slot.line, slot.step_id, slot.message, slot.reason
        ));
    }
    text.push_str(&format!("plan       {}\n", execution.plan_digest));
    text.push_str(&format!(
        "price      expected {expected}, {}\n",
        report::paid(execution.cost.as_ref())
    ));
    text.push_str(&format!("execution  {}\n", execution.name));
    if !assembled.unfilled.is_empty() {
        text.push_str(
            "run the same command again to draw what is missing; pictures that exist cost nothing\n",
        );
    }
    text
}

/// Where the document and copies of its pictures go.
struct Target<'a> {
    out: &'a Path,
    link: LinkWord,
    /// Folder of the copies; nothing: none are made.
    folder: Option<PathBuf>,
    /// How the document names that folder.
    prefix: String,
}

impl<'a> Target<'a> {
    /// Checks everything that can be wrong before anything is paid for.
    fn new(args: &DocumentArgs, document: &Path, out: &'a Path) -> Result<Self, Failure> {
        let is_same = |path: &Path| path.canonicalize().ok();
        if is_same(document).is_some_and(|path| is_same(out) == Some(path)) {
            let message = format!("--out {} is the document itself", out.display());
            return Err(Failure::usage(message)
                .advise("write another file: a rerun needs the document with its prompts"));
        }
        for (flag, is_given, link, word) in [
            ("--images", args.images.is_some(), LinkWord::File, "file"),
            ("--link-ttl", args.link_ttl.is_some(), LinkWord::Signed, "signed"),
        ] {
            if is_given && args.link != link {
                return Err(Failure::usage(format!("{flag} needs --link {word}")));
            }
        }
        if args.srcset && args.link == LinkWord::File {
            return Err(Failure::usage(
                "--srcset needs --link key, public or signed: thumbnails are not copied",
            ));
        }
        let parent = out.parent().unwrap_or_else(|| Path::new(""));
        if args.link != LinkWord::File {
            pictures::make_folder(if parent.as_os_str().is_empty() {
                Path::new(".")
            } else {
                parent
            })?;
            return Ok(Self {
                out,
                link: args.link,
                folder: None,
                prefix: String::new(),
            });
        }
        let stem = out.file_stem().unwrap_or_default().to_string_lossy();
        let folder = args
            .images
            .clone()
            .unwrap_or_else(|| parent.join(format!("{stem}-images")));
        pictures::make_folder(&folder)?;
        pictures::make_folder(if parent.as_os_str().is_empty() {
            Path::new(".")
        } else {
            parent
        })?;
        // The document names it relative to itself, or whole when it stands elsewhere.
        let whole = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let named = whole(&folder);
        let beside = if parent.as_os_str().is_empty() {
            whole(Path::new("."))
        } else {
            whole(parent)
        };
        let named = named.strip_prefix(&beside).unwrap_or(&named);
        let mut prefix = named.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/");
        if !prefix.is_empty() && !prefix.ends_with('/') {
            prefix.push('/');
        }
        Ok(Self {
            out,
            link: args.link,
            folder: Some(folder),
            prefix,
        })
    }

    fn style(&self) -> v1::LinkStyle {
        match self.link {
            LinkWord::File => v1::LinkStyle::File,
            LinkWord::Key => v1::LinkStyle::StorageKey,
            LinkWord::Public => v1::LinkStyle::PublicUrl,
            LinkWord::Signed => v1::LinkStyle::SignedUrl,
        }
    }

    /// Copies the pictures to where the document says they are.
    async fn copy(&self, placed: &[v1::PlacedImage], connection: &Connection) -> Result<(), Failure> {
        let Some(folder) = &self.folder else {
            return Ok(());
        };
        for picture in placed {
            let name = picture.address.strip_prefix(&self.prefix).unwrap_or_default();
            let request = v1::GetImageRequest {
                name: picture.image.clone(),
            };
            let image = connection.images().get_image(request).await?.into_inner().image;
            let image = image.ok_or_else(|| Failure::internal("the library answered without an image"))?;
            pictures::save_as(connection, &image, &folder.join(name)).await?;
        }
        Ok(())
    }
}
