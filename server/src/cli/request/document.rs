//! The same flags for a document: its prompts stand in a file, and the flags are the defaults of its markers.

use std::path::Path;

use limn_proto::v1;

use super::WishFlags;
use crate::cli::{continuity::Earlier, failure::Failure, input, words::DocumentWord};

/// A document as it was read.
#[derive(Debug)]
pub(crate) struct Document {
    /// Its bytes.
    pub(crate) content: bytes::Bytes,
    pub(crate) media_type: &'static str,
}

impl WishFlags {
    /// Reads a document; `-` is stdin.
    ///
    /// # Errors
    /// A document that cannot be read or whose language nobody knows, or a flag that each marker has for itself.
    pub(crate) fn read_document(
        &self,
        path: &Path,
        language: Option<DocumentWord>,
    ) -> Result<Document, Failure> {
        let own = [
            ("--alt", self.alt.is_some()),
            ("--caption", self.caption.is_some()),
        ];
        if let Some((flag, _)) = own.iter().find(|(_, is_given)| *is_given) {
            let message = format!("{flag} is no flag of a document: each marker says it for itself");
            return Err(Failure::usage(message));
        }
        let language = language.or_else(|| DocumentWord::of_file(path)).ok_or_else(|| {
            Failure::usage(format!(
                "\"{}\" has no ending that tells its language",
                path.display()
            ))
            .advise("say it with --language markdown or --language html")
        })?;
        Ok(Document {
            content: bytes::Bytes::from(input::read(path)?),
            media_type: language.media_type(),
        })
    }

    /// The request for the pictures of a document: these flags are the defaults of its markers.
    ///
    /// # Errors
    /// A key that was given twice.
    pub(crate) fn document_request(
        &self,
        document: &Document,
        parent: String,
        earlier: &Earlier,
    ) -> Result<v1::PlanRequest, Failure> {
        let defaults = v1::ImageRequest {
            continuity: self.continuity.to_message(earlier),
            ..self.image("", earlier)?
        };
        let work = v1::plan_request::Work::Document(v1::DocumentRequest {
            content: document.content.clone(),
            media_type: document.media_type.to_owned(),
            defaults: Some(defaults),
            marker_forms: Vec::new(),
            post_id: String::new(),
        });
        self.plan_request(parent, work, earlier)
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
