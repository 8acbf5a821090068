//! Which fields each server knows, and what may not stand in a text for it.

use limn_proto::plan::SeedMode;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{
    plan::{ImageFormat, Render},
    providers::openai::wire,
};

/// The words of the setting.
pub(super) const NAMES: &[&str] = &["plain", "localai", "vllm", "sglang", "stable-diffusion-cpp"];

/// What the server is.
///
/// Sources, where the fields are read: `core/http/endpoints/openai/image.go` of `LocalAI`;
/// `vllm_omni/entrypoints/openai/protocol/images.py` of vLLM-Omni; `multimodal_gen/runtime/entrypoints/openai/protocol.py`
/// of `SGLang`; `examples/server/api.md` and `routes_openai.cpp` of stable-diffusion.cpp.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Dialect {
    /// The fields of OpenAI and no others.
    #[default]
    Plain,
    /// `LocalAI`, which splits the prompt at bars: what follows the first one is the negative prompt.
    #[serde(rename = "localai")]
    LocalAi,
    /// vLLM-Omni.
    Vllm,
    /// `SGLang`.
    Sglang,
    /// The server of stable-diffusion.cpp, which reads further fields from a tag in the prompt.
    StableDiffusionCpp,
}

/// The tag of stable-diffusion.cpp.
const TAG: &str = "sd_cpp_extra_args";
/// Where `LocalAI` splits.
const BAR: char = '|';
/// Option for the number of steps, which every server calls otherwise.
const STEPS: &str = "steps";

impl Dialect {
    fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::LocalAi => "localai",
            Self::Vllm => "vllm",
            Self::Sglang => "sglang",
            Self::StableDiffusionCpp => "stable-diffusion-cpp",
        }
    }

    /// Body of `POST /images/generations`. An error names what the server has no field for, or would misread.
    pub(super) fn fields(self, render: &Render) -> Result<Map<String, Value>, String> {
        self.check(render)?;
        let mut fields = Map::new();
        let mut set = |name: &str, value: Value| {
            fields.insert(name.to_owned(), value);
        };
        set("model", wire::model(render).into());
        set("prompt", self.prompt(render)?.into());
        set("n", 1.into());
        set("size", wire::size(render).into());
        if !render.quality_token.is_empty() {
            set("quality", render.quality_token.as_str().into());
        }
        if self != Self::LocalAi {
            set("output_format", wire::format_name(render.format).into());
        }
        // Whoever answers with an address all the same is understood too.
        if matches!(self, Self::LocalAi | Self::Vllm | Self::Sglang) {
            set("response_format", "b64_json".into());
        }
        if matches!(self, Self::LocalAi | Self::Vllm | Self::Sglang) && has_seed(render) {
            set("seed", render.seed.into());
        }
        if matches!(self, Self::Vllm | Self::Sglang) {
            if !render.negative_prompt.is_empty() {
                set("negative_prompt", render.negative_prompt.as_str().into());
            }
            if let Some(guidance) = guidance(render) {
                set("guidance_scale", guidance);
            }
        }
        for (name, value) in &render.options {
            match (self, name.as_str()) {
                // They stand in the prompt.
                (Self::StableDiffusionCpp, STEPS) => {}
                (Self::LocalAi, STEPS) => set("step", steps(value)?.into()),
                (Self::Vllm | Self::Sglang, STEPS) => set("num_inference_steps", steps(value)?.into()),
                (Self::Plain, "background" | "moderation") => set(name, value.as_str().into()),
                (Self::Plain | Self::Sglang | Self::StableDiffusionCpp, "output_compression") => {
                    set(name, wire::compression(value)?.into());
                }
                _ => {
                    return Err(format!(
                        "a server of the dialect {} has no option {name:?}",
                        self.name()
                    ));
                }
            }
        }
        Ok(fields)
    }

    /// Refuses what the server has no field for.
    fn check(self, render: &Render) -> Result<(), String> {
        let is_plain = self == Self::Plain;
        let is_local_ai = self == Self::LocalAi;
        let has_quality = matches!(self, Self::Plain | Self::Sglang);
        let refused = [
            ("a style", !render.style_token.is_empty()),
            ("a quality", !render.quality_token.is_empty() && !has_quality),
            (
                "a negative prompt",
                !render.negative_prompt.is_empty() && is_plain,
            ),
            ("a seed", has_seed(render) && is_plain),
            (
                "a guidance scale",
                render.guidance_milli.is_some() && (is_plain || is_local_ai),
            ),
            (
                "another format than image/png",
                render.format != ImageFormat::Png && is_local_ai,
            ),
        ];
        match refused.iter().find(|(_, is_set)| *is_set) {
            Some((what, _)) => Err(format!(
                "the plan sets {what}, which a server of the dialect {} does not take",
                self.name()
            )),
            None => Ok(()),
        }
    }

    /// The prompt as the server must read it. A text that it would take for something else is refused: there is no other
    /// way to write it.
    fn prompt(self, render: &Render) -> Result<String, String> {
        let (prompt, negative) = (&render.prompt, &render.negative_prompt);
        match self {
            Self::LocalAi if prompt.contains(BAR) || negative.contains(BAR) => Err(
                "the prompt has a '|' in it, at which LocalAI would split it: write it without".to_owned(),
            ),
            Self::LocalAi if !negative.is_empty() => Ok(format!("{prompt}{BAR}{negative}")),
            Self::StableDiffusionCpp if prompt.to_ascii_lowercase().contains(TAG) => Err(format!(
                "the prompt has {TAG:?} in it, which stable-diffusion.cpp would take for settings: write it without"
            )),
            Self::StableDiffusionCpp => Ok(format!("{prompt}{}", extra_args(render)?)),
            _ => Ok(prompt.clone()),
        }
    }
}

/// The tag with everything that has no field of its own; empty: there is nothing.
fn extra_args(render: &Render) -> Result<String, String> {
    let mut extra = Map::new();
    if has_seed(render) {
        extra.insert("seed".to_owned(), render.seed.into());
    }
    if !render.negative_prompt.is_empty() {
        extra.insert(
            "negative_prompt".to_owned(),
            render.negative_prompt.as_str().into(),
        );
    }
    let mut sampling = Map::new();
    if let Some((_, value)) = render.options.iter().find(|(name, _)| name == STEPS) {
        sampling.insert("sample_steps".to_owned(), steps(value)?.into());
    }
    if let Some(guidance) = guidance(render) {
        sampling.insert("guidance".to_owned(), json!({ "txt_cfg": guidance }));
    }
    if !sampling.is_empty() {
        extra.insert("sample_params".to_owned(), sampling.into());
    }
    if extra.is_empty() {
        return Ok(String::new());
    }
    // No text can end the tag: an angle bracket may be written like this in JSON, and means the same.
    let inside = Value::Object(extra).to_string().replace('<', "\\u003c");
    Ok(format!(" <{TAG}>{inside}</{TAG}>"))
}

fn has_seed(render: &Render) -> bool {
    render.seed_mode != SeedMode::Unsupported
}

/// The guidance scale as a decimal number.
fn guidance(render: &Render) -> Option<Value> {
    render
        .guidance_milli
        .map(|milli| (f64::from(milli) / 1000.0).into())
}

fn steps(value: &str) -> Result<u32, String> {
    match value.parse() {
        Ok(steps) if steps > 0 => Ok(steps),
        _ => Err(format!("steps is {value:?}, not a number above 0")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_are_those_of_the_setting() {
        for name in NAMES {
            let dialect: Dialect = serde_json::from_value(json!(name)).unwrap();
            assert_eq!(dialect.name(), *name);
        }
    }
}
