//! A render in the words of `POST /sdapi/v1/txt2img`.

use limn_proto::plan::SeedMode;
use serde_json::{Map, Value, json};

use crate::{
    plan::{ImageFormat, Render},
    provider::Reference,
};

/// Most steps that the server takes.
const MAX_STEPS: u32 = 150;

/// With this in a prompt sd-server takes settings out of the text. What a person writes must stay text.
const INJECTION: &str = "sd_cpp_extra_args";

/// Writes a render down. An error names what the API has no field for; such a plan would be honoured in part only.
pub(super) fn request(
    render: &Render,
    references: &[Reference],
    keep_checkpoint: bool,
) -> Result<Value, String> {
    if !references.is_empty() {
        return Err("the plan refers to pictures, which automatic1111 is not sent".to_owned());
    }
    if !render.size_token.is_empty() {
        return Err(format!(
            "the plan sets the size {:?}, but automatic1111 takes pixels; leave the token out of the catalog",
            render.size_token
        ));
    }
    for (field, text) in [
        ("prompt", &render.prompt),
        ("negative prompt", &render.negative_prompt),
    ] {
        if text.to_ascii_lowercase().contains(INJECTION) {
            return Err(format!(
                "the {field} contains {INJECTION:?}, which would change settings of the server"
            ));
        }
    }
    let checkpoint = match render.model_revision.as_str() {
        "" => &render.model,
        revision => revision,
    };
    let mut overrides = Map::new();
    overrides.insert("sd_model_checkpoint".to_owned(), checkpoint.into());
    overrides.insert("samples_format".to_owned(), format_word(render.format).into());
    let mut body = Map::new();
    let mut set = |name: &str, value: Value| body.insert(name.to_owned(), value);
    set("prompt", render.prompt.as_str().into());
    if !render.negative_prompt.is_empty() {
        set("negative_prompt", render.negative_prompt.as_str().into());
    }
    set("width", render.width_px.into());
    set("height", render.height_px.into());
    set("batch_size", 1.into());
    set("n_iter", 1.into());
    if render.seed_mode != SeedMode::Unsupported {
        set("seed", render.seed.into());
    }
    if let Some(milli) = render.guidance_milli {
        set("cfg_scale", json!(f64::from(milli) / 1000.0));
    }
    if !render.style_token.is_empty() {
        set("styles", json!([render.style_token]));
    }
    // Quality has no word of its own here: it is the number of steps.
    if !render.quality_token.is_empty() {
        set(
            "steps",
            steps("the quality of the catalog", &render.quality_token)?,
        );
    }
    for (name, value) in &render.options {
        match name.as_str() {
            "sampler" => {
                set("sampler_name", value.as_str().into());
            }
            "scheduler" => {
                set("scheduler", value.as_str().into());
            }
            // More particular than the quality.
            "steps" => {
                set("steps", steps("the option steps", value)?);
            }
            "restore_faces" | "tiling" => {
                set(name, truth(name, value)?);
            }
            "clip_skip" => {
                let layers = value
                    .parse::<u32>()
                    .ok()
                    .filter(|layers| (1..=12).contains(layers));
                let layers =
                    layers.ok_or_else(|| format!("clip_skip is {value:?}, not a number from 1 to 12"))?;
                overrides.insert("CLIP_stop_at_last_layers".to_owned(), layers.into());
            }
            _ => return Err(format!("automatic1111 has no option {name:?}")),
        }
    }
    // The picture comes in the answer; a second copy on the disk of the server would be nobody's.
    set("send_images", true.into());
    set("save_images", false.into());
    set("do_not_save_grid", true.into());
    set("do_not_save_samples", true.into());
    set("override_settings_restore_afterwards", (!keep_checkpoint).into());
    set("override_settings", overrides.into());
    Ok(body.into())
}

fn format_word(format: ImageFormat) -> &'static str {
    match format {
        ImageFormat::Png => "png",
        ImageFormat::Jpeg => "jpg",
        ImageFormat::Webp => "webp",
    }
}

fn steps(what: &str, text: &str) -> Result<Value, String> {
    match text.parse::<u32>() {
        Ok(steps) if (1..=MAX_STEPS).contains(&steps) => Ok(steps.into()),
        _ => Err(format!(
            "{what} is {text:?}, not a number of steps from 1 to {MAX_STEPS}"
        )),
    }
}

fn truth(name: &str, text: &str) -> Result<Value, String> {
    match text {
        "true" => Ok(true.into()),
        "false" => Ok(false.into()),
        _ => Err(format!("{name} is {text:?}, not true or false")),
    }
}
