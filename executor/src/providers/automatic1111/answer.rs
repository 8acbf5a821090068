//! The answer of the server.

use limn_proto::reason::Reason;
use serde_json::Value;

use crate::{
    plan::Render,
    provider::{Bill, InterpretError, Rendered},
    providers::http::decode,
};

/// Drawing on a server of one's own costs nothing.
fn free() -> Bill {
    Bill {
        cost_nanos: Some(0),
        ..Bill::default()
    }
}

/// An answer without a usable picture.
pub(super) fn unusable(reason: Reason, message: String) -> InterpretError {
    InterpretError {
        reason,
        message,
        bill: free(),
    }
}

/// Reads a successful answer. An answer after somebody interrupted the server looks the same; it has no picture, or one that is
/// half done.
pub(super) fn read(render: &Render, body: &[u8]) -> Result<Rendered, InterpretError> {
    let Ok(answer) = serde_json::from_slice::<Value>(body) else {
        return Err(unusable(Reason::NoImage, "the answer is not JSON".to_owned()));
    };
    let info = info(&answer["info"]);
    let images = answer["images"].as_array().map_or(&[][..], Vec::as_slice);
    let encoded = images
        .get(first_picture(&info, images.len()))
        .and_then(Value::as_str);
    let Some(encoded) = encoded.filter(|encoded| !encoded.is_empty()) else {
        let message = "the answer has no image; somebody may have interrupted the server".to_owned();
        return Err(unusable(Reason::NoImage, message));
    };
    check_checkpoint(render, &info)?;
    match decode(encoded) {
        Ok(image) => Ok(Rendered {
            image,
            seed: info["seed"].as_u64(),
            model_version: model_version(&info),
            bill: free(),
            ..Rendered::default()
        }),
        Err(error) => {
            let message = format!("the image is not in base64: {error}");
            Err(unusable(Reason::ImageInvalid, message))
        }
    }
}

/// JSON in a string; sd-server sends an empty one. Null when there is none.
fn info(info: &Value) -> Value {
    match info {
        Value::String(text) => serde_json::from_str(text).unwrap_or_default(),
        Value::Object(_) => info.clone(),
        _ => Value::Null,
    }
}

/// Where the picture is. Several pictures may come with a sheet of all of them before the first.
fn first_picture(info: &Value, count: usize) -> usize {
    if let Some(index) = info["index_of_first_image"].as_u64() {
        return usize::try_from(index).unwrap_or(usize::MAX);
    }
    let drawn = info["all_seeds"].as_array().map_or(1, Vec::len);
    usize::from(drawn > 1 && count > drawn)
}

fn model_version(info: &Value) -> String {
    let text = |name: &str| info[name].as_str().unwrap_or_default();
    match (text("sd_model_name"), text("sd_model_hash")) {
        (name, "") => name.to_owned(),
        (name, hash) => format!("{name} [{hash}]"),
    }
}

/// A checkpoint that the server does not have is replaced by the one that is loaded, without a word. Such a picture is not what was
/// planned.
fn check_checkpoint(render: &Render, info: &Value) -> Result<(), InterpretError> {
    let asked = match render.model_revision.as_str() {
        "" => &render.model,
        revision => revision,
    };
    let text = |name: &str| info[name].as_str().unwrap_or_default();
    let (name, hash) = (text("sd_model_name"), text("sd_model_hash"));
    let (asked_name, asked_hash) = match asked.rsplit_once(" [") {
        Some((name, hash)) => (name, hash.trim_end_matches(']')),
        None => (asked, asked),
    };
    let is_same =
        name.is_empty() || stem(name) == stem(asked_name) || (!hash.is_empty() && hash == asked_hash);
    if is_same {
        return Ok(());
    }
    Err(unusable(
        Reason::ImageInvalid,
        format!("the server does not have the checkpoint {asked:?} and drew with {name:?} instead"),
    ))
}

/// The name of a checkpoint without folders, ending and case.
fn stem(name: &str) -> String {
    let file = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let endings = [".safetensors", ".ckpt", ".gguf"];
    let lower = file.to_ascii_lowercase();
    let stem = endings.iter().find_map(|ending| lower.strip_suffix(ending));
    stem.unwrap_or(&lower).to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn render(model: &str) -> Render {
        Render {
            provider: "automatic1111".to_owned(),
            model: model.to_owned(),
            model_revision: String::new(),
            prompt: "a fox".to_owned(),
            negative_prompt: String::new(),
            width_px: 64,
            height_px: 64,
            size_token: String::new(),
            quality_token: String::new(),
            style_token: String::new(),
            seed_mode: limn_proto::plan::SeedMode::Given,
            seed: 7,
            guidance_milli: None,
            format: crate::plan::ImageFormat::Png,
            options: Vec::new(),
            references: Vec::new(),
        }
    }

    fn read_json(model: &str, answer: &Value) -> Result<Rendered, InterpretError> {
        read(&render(model), answer.to_string().as_bytes())
    }

    #[test]
    fn the_picture_is_found_behind_the_sheet() {
        let two = json!({"all_seeds": [1, 2]}).to_string();
        let told = json!({"all_seeds": [1, 2], "index_of_first_image": 1}).to_string();
        let one = json!({"all_seeds": [1]}).to_string();
        for (images, info, found) in [
            (json!(["YQ=="]), json!(""), "a"),
            (json!(["YQ=="]), json!(null), "a"),
            (json!(["data:image/png;base64,YQ=="]), json!("{"), "a"),
            (json!(["YQ==", "Yg=="]), json!(one), "a"),
            (json!(["YQ==", "Yg=="]), json!(two), "a"),
            (json!(["YQ==", "Yg==", "Yw=="]), json!(two), "b"),
            (json!(["YQ==", "Yg==", "Yw=="]), json!(told), "b"),
        ] {
            let rendered = read_json("m", &json!({"images": images, "info": info})).unwrap();
            assert_eq!(rendered.image, found, "{images} {info}");
            assert_eq!(rendered.bill.cost_nanos, Some(0));
        }
    }

    #[test]
    fn an_answer_without_a_picture_says_so() {
        for answer in [
            json!({}),
            json!({"images": []}),
            json!({"images": [""]}),
            json!({"images": [7]}),
            json!({"images": ["YQ=="], "info": "{\"index_of_first_image\": 3}"}),
        ] {
            let error = read_json("m", &answer).unwrap_err();
            assert_eq!(
                (error.reason, error.bill.cost_nanos),
                (Reason::NoImage, Some(0)),
                "{answer}"
            );
        }
        let error = read_json("m", &json!({"images": ["?"]})).unwrap_err();
        assert_eq!(error.reason, Reason::ImageInvalid);
    }

    #[test]
    fn another_checkpoint_is_noticed() {
        let info =
            json!({"seed": 7, "sd_model_name": "sd_xl_base_1.0", "sd_model_hash": "31e35c80fc"}).to_string();
        let answer = json!({"images": ["YQ=="], "info": info});
        for model in [
            "sd_xl_base_1.0",
            "sd_xl_base_1.0.safetensors",
            "SDXL/sd_xl_base_1.0.safetensors [31e35c80fc]",
            "xl\\sd_xl_base_1.0.ckpt",
            "31e35c80fc",
        ] {
            let rendered = read_json(model, &answer).unwrap();
            assert_eq!(rendered.model_version, "sd_xl_base_1.0 [31e35c80fc]");
            assert_eq!(rendered.seed, Some(7));
        }
        let error = read_json("v1-5-pruned", &answer).unwrap_err();
        assert_eq!(error.reason, Reason::ImageInvalid);
        assert!(
            error.message.contains("v1-5-pruned") && error.message.contains("sd_xl_base"),
            "{error}"
        );
    }
}
