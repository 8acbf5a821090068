//! `limn review`: a person says which pictures are good. `limn edit`: a person corrects what was written about one.

use clap::{ArgGroup, Args};
use limn_proto::{name::Collection, v1};
use pbjson_types::FieldMask;

use super::{
    connect::Connection, failure::Failure, names, output::Output, request, settings::Settings, words,
};

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("verdict").args(["approve", "reject", "withdraw"]).required(true)))]
pub(crate) struct ReviewArgs {
    /// Names or ids of images. When one of them is not there, nothing is said of any.
    #[arg(value_name = "IMAGE", required = true)]
    pub(crate) images: Vec<String>,
    /// They are good.
    #[arg(long)]
    pub(crate) approve: bool,
    /// They are not wanted. They are kept, for they were paid.
    #[arg(long)]
    pub(crate) reject: bool,
    /// Take back what was said.
    #[arg(long)]
    pub(crate) withdraw: bool,
    /// What there is to say about it.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub(crate) note: String,
    /// Who says so; kept with the images and in the audit log [default: the user who runs limn].
    #[arg(long, value_name = "NAME")]
    pub(crate) actor: Option<String>,
}

pub(crate) async fn run(args: ReviewArgs, settings: &Settings, output: &Output) -> Result<(), Failure> {
    let client = settings.client();
    let full_name = |text: &String| names::full_name(text, &client, Collection::Images);
    let verdict = match (args.approve, args.reject) {
        (true, _) => v1::ImageVerdict::Approved,
        (_, true) => v1::ImageVerdict::Rejected,
        (false, false) => v1::ImageVerdict::None,
    };
    let request = v1::ReviewImagesRequest {
        parent: settings.parent(),
        names: args.images.iter().map(full_name).collect::<Result<_, _>>()?,
        verdict: verdict.into(),
        reviewer: settings.actor(args.actor.as_deref())?,
        note: args.note,
    };
    let connection = Connection::open(settings, output).await?;
    let result = review(request, &connection, output).await;
    connection.close(&result).await;
    result
}

async fn review(
    request: v1::ReviewImagesRequest,
    connection: &Connection,
    output: &Output,
) -> Result<(), Failure> {
    let answer = connection.images().review_images(request).await?.into_inner();
    if output.is_json() {
        return output.json(&answer);
    }
    for image in &answer.images {
        output.note(&format!("{}: {}", image.name, words::verdict(image)));
    }
    Ok(())
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("change").required(true).multiple(true)
    .args(["alt", "caption", "post", "section", "position", "importance", "label", "no_labels"])))]
pub(crate) struct EditArgs {
    /// Name or id of the image.
    #[arg(value_name = "IMAGE")]
    pub(crate) image: String,
    /// Text for readers who cannot see it.
    #[arg(long, value_name = "TEXT")]
    pub(crate) alt: Option<String>,
    /// Text shown with it.
    #[arg(long, value_name = "TEXT")]
    pub(crate) caption: Option<String>,
    /// Your own id of the post.
    #[arg(long, value_name = "ID")]
    pub(crate) post: Option<String>,
    /// Title of the section of the post.
    #[arg(long, value_name = "TEXT")]
    pub(crate) section: Option<String>,
    /// Place in the post, counted from 0.
    #[arg(long, value_name = "N")]
    pub(crate) position: Option<u32>,
    /// Weight in the post.
    #[arg(long, value_enum)]
    pub(crate) importance: Option<words::ImportanceWord>,
    /// A label; may be repeated. All labels that the image had go.
    #[arg(long, value_name = "KEY=VALUE", value_parser = names::parse_pair)]
    pub(crate) label: Vec<(String, String)>,
    /// Take all labels away.
    #[arg(long, conflicts_with = "label")]
    pub(crate) no_labels: bool,
    /// Only if nobody changed the image since it had this tag; `limn images IMAGE --json` shows it.
    #[arg(long, value_name = "TAG", default_value = "", hide_default_value = true)]
    pub(crate) etag: String,
    /// Who decides; kept in the audit log [default: the user who runs limn].
    #[arg(long, value_name = "NAME")]
    pub(crate) actor: Option<String>,
    /// Why; kept in the audit log.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub(crate) reason: String,
}

pub(crate) async fn edit(args: EditArgs, settings: &Settings, output: &Output) -> Result<(), Failure> {
    let request = update(args, settings)?;
    let connection = Connection::open(settings, output).await?;
    let result = update_at(request, &connection, output).await;
    connection.close(&result).await;
    result
}

async fn update_at(
    request: v1::UpdateImageRequest,
    connection: &Connection,
    output: &Output,
) -> Result<(), Failure> {
    let answer = connection.images().update_image(request).await?.into_inner();
    if output.is_json() {
        return output.json(&answer);
    }
    let image = answer.image.unwrap_or_default();
    output.note(&format!("{} is as it should be, tag {}", image.name, image.etag));
    Ok(())
}

/// The change that the flags ask for.
fn update(args: EditArgs, settings: &Settings) -> Result<v1::UpdateImageRequest, Failure> {
    let named = [
        ("alt_text", args.alt.is_some()),
        ("caption", args.caption.is_some()),
        ("post_id", args.post.is_some()),
        ("section_title", args.section.is_some()),
        ("position", args.position.is_some()),
        ("importance", args.importance.is_some()),
        ("labels", args.no_labels || !args.label.is_empty()),
    ];
    let paths = named.iter().filter(|(_, is_named)| *is_named);
    let importance = args
        .importance
        .map_or(limn_proto::plan::Importance::Unspecified, Into::into);
    Ok(v1::UpdateImageRequest {
        update_mask: Some(FieldMask {
            paths: paths.map(|(path, _)| (*path).to_owned()).collect(),
        }),
        actor: settings.actor(args.actor.as_deref())?,
        reason: args.reason,
        image: Some(v1::Image {
            name: names::full_name(&args.image, &settings.client(), Collection::Images)?,
            alt_text: args.alt.unwrap_or_default(),
            caption: args.caption.unwrap_or_default(),
            post_id: args.post.unwrap_or_default(),
            section_title: args.section.unwrap_or_default(),
            position: args.position.unwrap_or_default(),
            importance: importance.into(),
            labels: request::unique("--label", &args.label)?,
            etag: args.etag,
            ..v1::Image::default()
        }),
    })
}
