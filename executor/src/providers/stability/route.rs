//! Where a model is drawn: its id says so.

use crate::plan::Render;

/// Where a model is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route<'a> {
    /// The older API, by engine.
    V1 {
        /// Id of the engine.
        engine: &'a str,
    },
    /// The newer API, by service.
    V2beta {
        /// The service.
        service: Service,
        /// The model, at a service that has several.
        model: Option<&'a str>,
    },
}

/// A service of the newer API. They differ in the fields that they take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    /// `generate/core`
    Core,
    /// `generate/ultra`
    Ultra,
    /// `generate/sd3`
    Sd3,
}

impl<'a> Route<'a> {
    /// Reads the id of the model of a render.
    pub(super) fn of(render: &'a Render) -> Result<Self, String> {
        if !render.model_revision.is_empty() {
            return Err(format!(
                "the plan pins the revision {:?}, which stability cannot be asked for",
                render.model_revision
            ));
        }
        let model = render.model.as_str();
        let mut parts = model.split('/');
        let route = match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some("v1"), Some(engine), None, None) if is_name(engine) => Self::V1 { engine },
            (Some("v2beta"), Some("core"), None, None) => Self::plain(Service::Core),
            (Some("v2beta"), Some("ultra"), None, None) => Self::plain(Service::Ultra),
            (Some("v2beta"), Some("sd3"), Some(model), None) if is_name(model) => Self::V2beta {
                service: Service::Sd3,
                model: Some(model),
            },
            _ => {
                return Err(format!(
                    "{model:?} names no route of stability: write v1/<engine>, v2beta/core, v2beta/ultra or \
                     v2beta/sd3/<model>"
                ));
            }
        };
        Ok(route)
    }

    fn plain(service: Service) -> Self {
        Self::V2beta { service, model: None }
    }

    /// Path of the request.
    pub(super) fn path(&self) -> String {
        match self {
            Self::V1 { engine } => format!("/v1/generation/{engine}/text-to-image"),
            Self::V2beta { service, .. } => format!("/v2beta/stable-image/generate/{}", service.name()),
        }
    }
}

impl Service {
    /// Name in the path.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Core => "core",
            Self::Ultra => "ultra",
            Self::Sd3 => "sd3",
        }
    }
}

/// A name becomes part of a path, and must stay in its place there.
fn is_name(text: &str) -> bool {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "-_.".contains(character);
    !text.is_empty() && !text.starts_with('.') && text.chars().all(is_plain)
}

/// The seed as the API takes it, when one is sent. Its zero means "any", and nobody who asks for a seed means that.
pub(super) fn seed(render: &Render, most: u32) -> Result<Option<u32>, String> {
    use limn_proto::plan::SeedMode;
    if render.seed_mode == SeedMode::Unsupported {
        return Ok(None);
    }
    match render.seed {
        0 => Err("stability takes the seed 0 for any seed: give one from 1 on".to_owned()),
        seed if seed > most => Err(format!(
            "the seed {seed} is above {most}, the highest that stability takes"
        )),
        seed => Ok(Some(seed)),
    }
}
