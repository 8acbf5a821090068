//! `limn images`: lists images, shows one, makes addresses, saves copies.

use limn_proto::{name::Collection, v1};
use pbjson_types::Duration;
use serde_json::Value;

use super::{
    connect::Connection,
    failure::Failure,
    flags::{ImageFilterFlags, ImagesArgs, Paging},
    listing, names,
    output::Output,
    pictures::{self, Picture},
    report, request,
    settings::Settings,
};

/// Most images that one call makes addresses for.
const MAX_NAMES: usize = 100;

pub(crate) async fn run(args: ImagesArgs, settings: &Settings, output: &Output) -> Result<(), Failure> {
    let client = settings.client();
    let full_name = |text| names::full_name(text, &client, Collection::Images);
    let name = args.name.as_deref().map(full_name).transpose()?;
    let filter = args.filter.to_filter(&client)?;
    let deletion = match (&name, args.delete) {
        (Some(name), true) => Some(v1::DeleteImageRequest {
            name: name.clone(),
            actor: settings.actor(args.actor.as_deref())?,
            reason: args.reason.clone().unwrap_or_default(),
        }),
        _ => None,
    };
    let connection = Connection::open(settings, output).await?;
    let result = match deletion {
        Some(deletion) => delete(deletion, &connection, output).await,
        None => show(name, &filter, &args, settings, &connection, output).await,
    };
    connection.close(&result).await;
    result
}

async fn delete(
    request: v1::DeleteImageRequest,
    connection: &Connection,
    output: &Output,
) -> Result<(), Failure> {
    let answer = connection.images().delete_image(request.clone()).await?;
    if output.is_json() {
        return output.json(&answer.into_inner());
    }
    output.note(&format!("deleted {}", request.name));
    Ok(())
}

async fn show(
    name: Option<String>,
    filter: &v1::ImageFilter,
    args: &ImagesArgs,
    settings: &Settings,
    connection: &Connection,
    output: &Output,
) -> Result<(), Failure> {
    let (images, document, next_page_token) = match name {
        Some(name) => {
            let answer = connection
                .images()
                .get_image(v1::GetImageRequest { name })
                .await?
                .into_inner();
            let document = as_json(&answer)?;
            (answer.image.into_iter().collect(), document, String::new())
        }
        None => {
            let (images, next_page_token) = if filter.post_id.is_empty() {
                listing::images(connection, &settings.parent(), filter, &args.paging).await?
            } else {
                of_post(connection, &settings.parent(), filter, &args.paging).await?
            };
            let answer = v1::ListImagesResponse {
                images,
                next_page_token,
            };
            let document = as_json(&answer)?;
            (answer.images, document, answer.next_page_token)
        }
    };
    let urls = match args.url {
        Some(_) if !connection.has_addresses() => return Err(no_server()),
        Some(seconds) => addresses(connection, &images, seconds).await?,
        None => Vec::new(),
    };
    let pictures = pictures::with_files(connection, images, args.save.as_deref()).await?;
    if output.is_json() {
        return output.json(&with_extras(document, &urls, &pictures)?);
    }
    listing::print(
        output,
        &lines(&urls, &pictures, output.is_quiet()),
        &next_page_token,
    )
}

/// Images of a post in the order in which they stand in it; of one place the newest first. An order of the whole cannot
/// be had page by page, so all of them are read.
async fn of_post(
    connection: &Connection,
    parent: &str,
    filter: &v1::ImageFilter,
    paging: &Paging,
) -> Result<(Vec<v1::Image>, String), Failure> {
    if !paging.page_token.is_empty() {
        return Err(Failure::usage(
            "--page-token does not go with --post: its images are one list",
        ));
    }
    let everything = Paging {
        limit: u32::MAX,
        page_token: String::new(),
    };
    let (mut images, _) = listing::images(connection, parent, filter, &everything).await?;
    images.sort_by_key(|image| image.position);
    images.truncate(usize::try_from(paging.limit).unwrap_or(usize::MAX));
    Ok((images, String::new()))
}

/// An address of ours leads to a server; without one it would lead nowhere.
pub(crate) fn no_server() -> Failure {
    Failure::unavailable(
        "SERVER_UNREACHABLE",
        "no server runs that could answer at an address",
    )
    .advise("start one with `limn serve`, or copy the pictures with --save")
}

pub(crate) async fn addresses(
    connection: &Connection,
    images: &[v1::Image],
    seconds: i64,
) -> Result<Vec<v1::SignedUrl>, Failure> {
    let mut urls = Vec::with_capacity(images.len());
    for some in images.chunks(MAX_NAMES) {
        let request = v1::IssueImageUrlsRequest {
            names: some.iter().map(|image| image.name.clone()).collect(),
            ttl: Some(Duration { seconds, nanos: 0 }),
            include_thumbnails: false,
        };
        let issued = connection.images().issue_image_urls(request).await;
        let answer = issued.map_err(|status| match connection.is_in_process() {
            true => Failure::from(status).advise("an address needs someone who answers: start `limn serve`"),
            false => Failure::from(status),
        })?;
        urls.extend(answer.into_inner().urls);
    }
    Ok(urls)
}

/// An address with its end, as below a picture.
pub(crate) fn address(url: &v1::SignedUrl) -> String {
    let until = report::moment(url.expire_time.as_ref());
    format!("  address  {}\n  until    {until}\n", url.url)
}

fn lines(urls: &[v1::SignedUrl], pictures: &[Picture], quiet: bool) -> String {
    let mut text = String::new();
    for picture in pictures {
        let url = urls.iter().find(|url| url.name == picture.image.name);
        let file = picture.file().map(|path| path.display().to_string());
        match (quiet, url) {
            (true, Some(url)) => text.push_str(&format!("{}\n", url.url)),
            (true, None) => text.push_str(&format!("{}\n", file.as_ref().unwrap_or(&picture.image.name))),
            (false, url) => {
                text.push_str(&report::image(picture));
                if let Some(url) = url {
                    text.push_str(&address(url));
                }
            }
        }
    }
    text
}

/// The answer of the server, with what the command added to it.
fn with_extras(mut document: Value, urls: &[v1::SignedUrl], pictures: &[Picture]) -> Result<Value, Failure> {
    let files: Vec<_> = pictures.iter().filter(|picture| picture.copy.is_some()).collect();
    if let Value::Object(members) = &mut document {
        if !urls.is_empty() {
            members.insert("urls".to_owned(), as_json(urls)?);
        }
        if !files.is_empty() {
            let files = files.into_iter().filter_map(Picture::file_as_json).collect();
            members.insert("files".to_owned(), Value::Array(files));
        }
    }
    Ok(document)
}

fn as_json<T: serde::Serialize + ?Sized>(message: &T) -> Result<Value, Failure> {
    serde_json::to_value(message)
        .map_err(|error| Failure::internal(format!("the answer cannot be written as JSON: {error}")))
}

impl ImageFilterFlags {
    fn to_filter(&self, client: &str) -> Result<v1::ImageFilter, Failure> {
        let full_name = |text| names::full_name(text, client, Collection::Executions);
        Ok(v1::ImageFilter {
            session_id: self.session.clone(),
            image_types: self
                .image_type
                .iter()
                .map(|word| limn_proto::plan::ImageType::from(*word).into())
                .collect(),
            provider: self.provider.clone(),
            plan_digest: self
                .plan
                .as_deref()
                .map(names::plan_digest)
                .transpose()?
                .unwrap_or_default(),
            execution: self
                .execution
                .as_deref()
                .map(full_name)
                .transpose()?
                .unwrap_or_default(),
            post_id: self.post.clone(),
            labels: request::unique("--label", &self.label)?,
            created_after_time: None,
            created_before_time: None,
            verdict: match (self.approved, self.verdict) {
                (true, _) => v1::ImageVerdict::Approved,
                (false, verdict) => verdict.map_or(v1::ImageVerdict::Unspecified, Into::into),
            }
            .into(),
        })
    }
}
