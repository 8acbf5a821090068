//! What keeps subjects alike over several commands: anchors, hints, and pictures to draw from.

use std::path::{Path, PathBuf};

use clap::Args;
use limn_proto::{
    name::{Collection, parse_resource_name, resource_name},
    plan::Reference,
    v1,
};
use uuid::Uuid;

use super::{
    connect::Connection, failure::Failure, flags::Paging, listing, names, output::Output,
    references::Picture, settings::Settings,
};

/// How many pictures of a session are looked through at most.
const MAX_LOOKED_AT: u32 = 200;

/// What keeps subjects alike.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Request")]
pub(crate) struct ContinuityFlags {
    /// Picture to draw from: a PNG, JPEG or WebP file, or the name or id of an image. May be repeated, and the order
    /// has a meaning.
    #[arg(long, value_name = "FILE|IMAGE")]
    reference: Vec<String>,
    /// Named, fixed description that every prompt carries whole; may be repeated.
    #[arg(long, value_name = "NAME=DESCRIPTION", value_parser = names::parse_pair)]
    anchor: Vec<(String, String)>,
    /// What the picture before showed; cut when a prompt has no room for it.
    #[arg(long, value_name = "TEXT")]
    previous: Option<String>,
    /// Go on with this session: its newest pictures are offered to draw from, where the provider can, and without
    /// --previous the newest prompt is the hint.
    #[arg(long, value_name = "ID")]
    continue_session: Option<String>,
    /// How many pictures of --continue-session are offered.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1,
        value_parser = clap::value_parser!(u32).range(1..=16),
        requires = "continue_session"
    )]
    continue_count: u32,
}

/// What was there before this request.
#[derive(Debug, Default)]
pub(crate) struct Earlier {
    /// Pictures to draw from, in their order.
    pub(crate) references: Vec<Reference>,
    /// The session that goes on.
    pub(crate) session: Option<String>,
    /// Files among the references, to be taken in before the plan is executed.
    files: Vec<Picture>,
    hint: String,
}

/// A picture as a flag names it.
enum Named {
    File(PathBuf),
    Image(String),
}

impl ContinuityFlags {
    /// True when images of the library are named, so that somebody must be asked for them.
    pub(crate) fn needs_library(&self, client: &str) -> bool {
        let is_image = |text: &String| matches!(named(text, client), Named::Image(_));
        self.continue_session.is_some() || self.reference.iter().any(is_image)
    }

    /// Finds what the flags name. Without a connection only files are found.
    ///
    /// # Errors
    /// A file that cannot be read, or an image that is not there.
    pub(crate) async fn look_up(
        &self,
        settings: &Settings,
        connection: Option<&Connection>,
        output: &Output,
    ) -> Result<Earlier, Failure> {
        let client = settings.client();
        let mut earlier = Earlier {
            hint: self.previous.clone().unwrap_or_default(),
            ..Earlier::default()
        };
        for text in &self.reference {
            match (named(text, &client), connection) {
                (Named::Image(name), Some(connection)) => {
                    let image = image(&name, &settings.parent(), connection).await?;
                    earlier.references.push(reference(&image));
                }
                (Named::Image(name), None) => return Err(Failure::usage(format!("{name} is no file"))),
                (Named::File(path), _) => {
                    let picture = Picture::read(&path)?;
                    earlier.references.push(picture.reference.clone());
                    earlier.files.push(picture);
                }
            }
        }
        if let (Some(session), Some(connection)) = (&self.continue_session, connection) {
            self.go_on(session, &settings.parent(), connection, &mut earlier, output)
                .await?;
        }
        Ok(earlier)
    }

    /// Adds the newest pictures of a session, and what the newest one was asked for.
    async fn go_on(
        &self,
        session: &str,
        parent: &str,
        connection: &Connection,
        earlier: &mut Earlier,
        output: &Output,
    ) -> Result<(), Failure> {
        let filter = v1::ImageFilter {
            session_id: session.to_owned(),
            ..v1::ImageFilter::default()
        };
        let newest = Paging {
            limit: MAX_LOOKED_AT,
            page_token: String::new(),
        };
        let (images, _) = listing::images(connection, parent, &filter, &newest).await?;
        let mut wanted = self.continue_count;
        for image in images.iter().filter(|image| !image.rejected) {
            let reference = reference(image);
            if wanted == 0 || earlier.references.contains(&reference) {
                continue;
            }
            wanted -= 1;
            earlier.references.push(reference);
            if earlier.hint.is_empty() {
                earlier.hint = match image.original_prompt.as_str() {
                    "" => image.prompt.clone(),
                    original => original.to_owned(),
                };
            }
        }
        if images.is_empty() {
            output.note(&format!(
                "note: the session \"{session}\" has no pictures yet, so there is nothing to go on from"
            ));
        }
        earlier.session = Some(session.to_owned());
        Ok(())
    }

    /// Anchors and hint; nothing when there are none.
    pub(crate) fn to_message(&self, earlier: &Earlier) -> Option<v1::Continuity> {
        let anchor = |(name, description): &(String, String)| v1::Anchor {
            name: name.clone(),
            description: description.clone(),
        };
        let continuity = v1::Continuity {
            anchors: self.anchor.iter().map(anchor).collect(),
            previous_turn_hint: earlier.hint.clone(),
        };
        (continuity != v1::Continuity::default()).then_some(continuity)
    }
}

impl Earlier {
    /// True when a session offers its pictures: then they may stay unused.
    pub(crate) fn is_offer(&self) -> bool {
        self.session.is_some() && !self.references.is_empty()
    }

    /// Takes the files in, so that plans can be executed that name them.
    ///
    /// # Errors
    /// A file that is no picture, or a store that cannot be used.
    pub(crate) async fn import(self, connection: &Connection, parent: &str) -> Result<(), Failure> {
        for picture in self.files {
            picture.import(connection, parent).await?;
        }
        Ok(())
    }
}

/// What a flag names: an image by its name, or by its id when no file is called so; else a file.
fn named(text: &str, client: &str) -> Named {
    if parse_resource_name(text, Collection::Images).is_some() {
        return Named::Image(text.to_owned());
    }
    if Uuid::try_parse(text).is_ok() && !Path::new(text).exists() {
        return Named::Image(resource_name(client, Collection::Images, text));
    }
    Named::File(PathBuf::from(text))
}

async fn image(name: &str, parent: &str, connection: &Connection) -> Result<v1::Image, Failure> {
    if !name.starts_with(&format!("{parent}/")) {
        return Err(Failure::usage(format!(
            "{name} is not of {parent}: a client draws from its own pictures; save it, and name the file"
        )));
    }
    let request = v1::GetImageRequest {
        name: name.to_owned(),
    };
    let answer = connection.images().get_image(request).await?.into_inner();
    answer
        .image
        .ok_or_else(|| Failure::internal("the library answered without an image"))
}

fn reference(image: &v1::Image) -> Reference {
    Reference {
        sha256: image.stored_sha256.clone(),
        media_type: image.media_type.clone(),
    }
}
