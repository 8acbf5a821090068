//! The newer API: a form with ratios instead of pixels, and a picture in bytes.

use super::route::{self, Service};
use crate::{
    plan::{ImageFormat, Render},
    provider::Reference,
};

/// Highest seed.
const MAX_SEED: u32 = u32::MAX - 1;

/// Fields of `POST /v2beta/stable-image/generate/{service}`, without the picture that it may refer to. An error names
/// what the service has no field for.
pub(super) fn fields(
    service: Service,
    model: Option<&str>,
    render: &Render,
    references: &[Reference],
) -> Result<Vec<(&'static str, String)>, String> {
    let name = service.name();
    if !render.quality_token.is_empty() {
        return Err(format!(
            "the plan sets a quality, which stability does not take at {name}"
        ));
    }
    if render.size_token.is_empty() {
        return Err(format!(
            "the plan gives no ratio for {} x {} pixels, and stability takes no pixels at {name}",
            render.width_px, render.height_px
        ));
    }
    if references.len() > 1 || (service == Service::Core && !references.is_empty()) {
        let most = if service == Service::Core { "none" } else { "one" };
        return Err(format!(
            "the plan refers to {} pictures; stability takes {most} at {name}",
            references.len()
        ));
    }
    let mut fields = vec![("prompt", render.prompt.clone())];
    let mut add = |field: &'static str, value: String| {
        if !value.is_empty() {
            fields.push((field, value));
        }
    };
    add("model", model.unwrap_or_default().to_owned());
    add("negative_prompt", render.negative_prompt.clone());
    if service == Service::Sd3 && !references.is_empty() {
        // The picture gives the ratio.
        add("mode", "image-to-image".to_owned());
    } else {
        add("aspect_ratio", render.size_token.clone());
    }
    if let Some(seed) = route::seed(render, MAX_SEED)? {
        add("seed", seed.to_string());
    }
    add("style_preset", render.style_token.clone());
    if let Some(milli) = render.guidance_milli {
        if service != Service::Sd3 {
            return Err(format!(
                "the plan sets a guidance scale, which stability does not take at {name}"
            ));
        }
        add("cfg_scale", (f64::from(milli) / 1000.0).to_string());
    }
    add("strength", strength(render, references)?);
    let format = match render.format {
        ImageFormat::Png => "png",
        ImageFormat::Jpeg => "jpeg",
        ImageFormat::Webp => "webp",
    };
    add("output_format", format.to_owned());
    Ok(fields)
}

/// How far the picture may go from its reference: 0 is the reference, 1 ignores it. The API has no default, so neither
/// have we.
fn strength(render: &Render, references: &[Reference]) -> Result<String, String> {
    let mut strength = String::new();
    for (name, value) in &render.options {
        if name != "strength" {
            return Err(format!("stability has no option {name:?} at v2beta"));
        }
        if !value
            .parse::<f64>()
            .is_ok_and(|number| (0.0..=1.0).contains(&number))
        {
            return Err(format!("strength is {value:?}, not a number from 0 to 1"));
        }
        strength.clone_from(value);
    }
    match (references.is_empty(), strength.is_empty()) {
        (true, false) => Err("the plan sets the option strength without a reference picture".to_owned()),
        (false, true) => Err(
            "the plan refers to a picture but does not say how far to go from it: set the option strength"
                .to_owned(),
        ),
        _ => Ok(strength),
    }
}
