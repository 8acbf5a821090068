//! The same flags for a document: its prompts stand in a file, and the flags are the defaults of its markers.

use std::path::{Path, PathBuf};

use limn_proto::v1;

use super::{super::references::Picture, RequestFlags, unique};
use crate::cli::{failure::Failure, input, settings::Settings, words::DocumentWord};

/// A document and the request for its pictures.
#[derive(Debug)]
pub(crate) struct Document {
    /// Where it was read; `-` for stdin.
    pub(crate) path: PathBuf,
    /// Its bytes.
    pub(crate) content: bytes::Bytes,
    pub(crate) media_type: &'static str,
    /// Pictures to draw from.
    pub(crate) references: Vec<Picture>,
    pub(crate) request: v1::PlanRequest,
}

impl RequestFlags {
    /// Reads the document that the only word on the command line names.
    ///
    /// # Errors
    /// A document that cannot be read or whose language nobody knows, or a flag that each marker has for itself.
    pub(crate) fn to_document(
        &self,
        language: Option<DocumentWord>,
        settings: &Settings,
    ) -> Result<Document, Failure> {
        let own = [
            ("--request", self.request.is_some()),
            ("--alt", self.alt.is_some()),
            ("--caption", self.caption.is_some()),
        ];
        if let Some((flag, _)) = own.iter().find(|(_, is_given)| *is_given) {
            let message = format!("{flag} is no flag of a document: each marker says it for itself");
            return Err(Failure::usage(message));
        }
        let [path] = self.prompts.as_slice() else {
            return Err(Failure::usage("name one document"));
        };
        let path = PathBuf::from(path);
        let language = language.or_else(|| DocumentWord::of_file(&path)).ok_or_else(|| {
            Failure::usage(format!(
                "\"{}\" has no ending that tells its language",
                path.display()
            ))
            .advise("say it with --language markdown or --language html")
        })?;
        let content = bytes::Bytes::from(input::read(&path)?);
        let references = self.references()?;
        let options = unique("--option", &self.option)?;
        let defaults = v1::ImageRequest {
            references: references
                .iter()
                .map(|picture| picture.reference.clone())
                .collect(),
            ..self.image("", &options)
        };
        let work = v1::plan_request::Work::Document(v1::DocumentRequest {
            content: content.clone(),
            media_type: language.media_type().to_owned(),
            defaults: Some(defaults),
            marker_forms: Vec::new(),
            post_id: String::new(),
        });
        Ok(Document {
            path,
            content,
            media_type: language.media_type(),
            references,
            request: self.request_for(work, settings.parent())?,
        })
    }
}

impl DocumentWord {
    /// The language that the ending of a file tells.
    fn of_file(path: &Path) -> Option<Self> {
        let ending = path.extension()?.to_str()?.to_ascii_lowercase();
        match ending.as_str() {
            "md" | "markdown" | "mdown" | "mkd" => Some(Self::Markdown),
            "html" | "htm" => Some(Self::Html),
            _ => None,
        }
    }

    fn media_type(self) -> &'static str {
        match self {
            Self::Markdown => "text/markdown",
            Self::Html => "text/html",
        }
    }
}
