//! The prompt: the text of the plan, then parameters that are made from its fields and nothing else.

use limn_proto::plan::SeedMode;

use crate::plan::Render;

/// What follows from the options of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Choice {
    /// Which picture of the grid, from 1 to 4.
    pub(super) index: u8,
}

/// Writes the prompt down. An error names what cannot be said, or what the text of the plan would have changed.
pub(super) fn prompt(render: &Render) -> Result<String, String> {
    choice(render)?;
    if render.guidance_milli.is_some() {
        return Err("the plan sets a guidance scale, which midjourney does not take".to_owned());
    }
    check_text("prompt", &render.prompt)?;
    check_text("negative prompt", &render.negative_prompt)?;
    let mut prompt = render.prompt.trim().to_owned();
    if prompt.is_empty() {
        return Err("the prompt is empty".to_owned());
    }
    let mut add = |name: &str, value: &str| {
        prompt.push_str(" --");
        prompt.push_str(name);
        if !value.is_empty() {
            prompt.push(' ');
            prompt.push_str(value);
        }
    };
    let (version, number) = version(render)?;
    add("ar", &ratio(render)?);
    add(version, number);
    if render.seed_mode != SeedMode::Unsupported {
        add("seed", &render.seed.to_string());
    }
    if !render.quality_token.is_empty() {
        add("q", word("quality of the catalog", &render.quality_token)?);
    }
    if !render.style_token.is_empty() {
        add("style", word("style of the catalog", &render.style_token)?);
    }
    for (name, value) in &render.options {
        match name.as_str() {
            "index" => {}
            "stylize" => add("stylize", number_up_to(name, value, 1000)?),
            "chaos" => add("chaos", number_up_to(name, value, 100)?),
            "weird" => add("weird", number_up_to(name, value, 3000)?),
            "tile" if value == "true" => add("tile", ""),
            "tile" if value == "false" => {}
            "tile" => return Err(format!("tile is {value:?}, not true or false")),
            "speed" if ["fast", "relax", "turbo"].contains(&value.as_str()) => add(value, ""),
            "speed" => return Err(format!("speed is {value:?}, not fast, relax or turbo")),
            _ => return Err(format!("midjourney has no option {name:?}")),
        }
    }
    // Last, because it takes everything up to the next parameter.
    if !render.negative_prompt.trim().is_empty() {
        add("no", render.negative_prompt.trim());
    }
    Ok(prompt)
}

/// What follows from the options of a plan, beside the prompt.
pub(super) fn choice(render: &Render) -> Result<Choice, String> {
    let given = render.options.iter().find(|(name, _)| name == "index");
    match given.map(|(_, value)| (value, value.parse::<u8>())) {
        None => Ok(Choice { index: 1 }),
        Some((_, Ok(index))) if (1..=4).contains(&index) => Ok(Choice { index }),
        Some((value, _)) => Err(format!("index is {value:?}, not a number from 1 to 4")),
    }
}

/// Text must stay text. Two hyphens before a letter begin a parameter, and so does a long dash that a keyboard made of them;
/// braces make several jobs of one prompt.
fn check_text(field: &str, text: &str) -> Result<(), String> {
    let characters: Vec<char> = text.chars().collect();
    for (at, window) in characters.windows(2).enumerate() {
        let starts_word = at == 0 || characters[at - 1].is_whitespace();
        let next = characters.get(at + 2).copied().unwrap_or(' ');
        let is_parameter = (window == ['-', '-'] && next.is_alphabetic())
            || (starts_word && ['—', '–'].contains(&window[0]) && window[1].is_alphabetic());
        if is_parameter {
            let name: String = characters[at..]
                .iter()
                .take_while(|character| !character.is_whitespace())
                .collect();
            return Err(format!(
                "the {field} contains {name:?}, which midjourney would read as a parameter: set it as a field or an option of the plan"
            ));
        }
    }
    if text.contains(['{', '}']) {
        return Err(format!(
            "the {field} contains braces, of which midjourney would make several jobs"
        ));
    }
    Ok(())
}

/// The version by the id of the model: `v7` or `niji-6`.
fn version(render: &Render) -> Result<(&'static str, &str), String> {
    let model = match render.model_revision.as_str() {
        "" => &render.model,
        revision => revision,
    };
    let split = model
        .strip_prefix("niji-")
        .map(|number| ("niji", number))
        .or_else(|| model.strip_prefix('v').map(|number| ("v", number)));
    let is_number = |number: &str| {
        !number.is_empty() && number.chars().all(|digit| digit.is_ascii_digit() || digit == '.')
    };
    split.filter(|(_, number)| is_number(number)).ok_or_else(|| {
        format!("the model {model:?} is no version of midjourney, such as \"v7\" or \"niji-6\"")
    })
}

/// The aspect ratio: as the catalog says it, else that of the pixels in lowest terms.
fn ratio(render: &Render) -> Result<String, String> {
    let token = render.size_token.as_str();
    if token.is_empty() {
        let (mut a, mut b) = (render.width_px.max(1), render.height_px.max(1));
        while b != 0 {
            (a, b) = (b, a % b);
        }
        return Ok(format!("{}:{}", render.width_px / a, render.height_px / a));
    }
    let edges = token.split_once(':');
    let is_ratio =
        edges.is_some_and(|(width, height)| width.parse::<u32>().is_ok() && height.parse::<u32>().is_ok());
    if is_ratio {
        Ok(token.to_owned())
    } else {
        Err(format!(
            "the size {token:?} of the catalog is no aspect ratio such as \"16:9\""
        ))
    }
}

/// A word that cannot be more than one value of one parameter.
fn word<'t>(what: &str, text: &'t str) -> Result<&'t str, String> {
    if text
        .chars()
        .all(|character| character.is_ascii_alphanumeric() || character == '.')
    {
        Ok(text)
    } else {
        Err(format!("the {what} is {text:?}, not one word"))
    }
}

fn number_up_to<'t>(name: &str, text: &'t str, most: u32) -> Result<&'t str, String> {
    match text.parse::<u32>() {
        Ok(number) if number <= most && number.to_string() == text => Ok(text),
        _ => Err(format!("{name} is {text:?}, not a number from 0 to {most}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::ImageFormat;

    fn render() -> Render {
        Render {
            provider: "midjourney".to_owned(),
            model: "v7".to_owned(),
            model_revision: String::new(),
            prompt: "a red fox".to_owned(),
            negative_prompt: String::new(),
            width_px: 1456,
            height_px: 816,
            size_token: "16:9".to_owned(),
            quality_token: String::new(),
            style_token: String::new(),
            seed_mode: SeedMode::Unsupported,
            seed: 7,
            guidance_milli: None,
            format: ImageFormat::Png,
            options: Vec::new(),
            references: Vec::new(),
        }
    }

    fn options(options: &[(&str, &str)]) -> Vec<(String, String)> {
        options
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn parameters_come_from_fields() {
        assert_eq!(prompt(&render()).unwrap(), "a red fox --ar 16:9 --v 7");
        let full = Render {
            model: "niji-6".to_owned(),
            size_token: String::new(),
            negative_prompt: "blur, text".to_owned(),
            quality_token: "2".to_owned(),
            style_token: "raw".to_owned(),
            seed_mode: SeedMode::Derived,
            options: options(&[
                ("chaos", "5"),
                ("index", "3"),
                ("speed", "relax"),
                ("stylize", "250"),
                ("tile", "true"),
                ("weird", "10"),
            ]),
            ..render()
        };
        assert_eq!(
            prompt(&full).unwrap(),
            "a red fox --ar 91:51 --niji 6 --seed 7 --q 2 --style raw --chaos 5 --relax --stylize 250 --tile \
             --weird 10 --no blur, text"
        );
        assert_eq!(choice(&full).unwrap(), Choice { index: 3 });
        assert_eq!(choice(&render()).unwrap(), Choice { index: 1 });
    }

    #[test]
    fn text_cannot_become_a_parameter() {
        for text in [
            "a fox --ar 1:1",
            "--v 5",
            "fox--no hat",
            "a fox —seed 3",
            "–tile",
            "a fox\n--chaos 9",
            "a {red, green} fox",
        ] {
            let in_prompt = Render {
                prompt: text.to_owned(),
                ..render()
            };
            let in_negative = Render {
                negative_prompt: text.to_owned(),
                ..render()
            };
            for (field, render) in [("the prompt", in_prompt), ("the negative prompt", in_negative)] {
                let error = prompt(&render).unwrap_err();
                assert!(error.contains(field), "{text}: {error}");
            }
        }
        for text in [
            "a well-known fox",
            "fox—red, quick",
            "a fox -- and a hen",
            "1--2",
            "fox — hen",
            "-- ",
        ] {
            let render = Render {
                prompt: text.to_owned(),
                ..render()
            };
            prompt(&render).unwrap();
        }
    }

    #[test]
    fn what_cannot_be_said_is_refused() {
        type Change = fn(&mut Render);
        let changes: [(&str, Change); 13] = [
            ("guidance", |render| render.guidance_milli = Some(7000)),
            ("prompt is empty", |render| render.prompt = "  ".to_owned()),
            ("\"midjourney\"", |render| render.model = "midjourney".to_owned()),
            ("\"v7 --tile\"", |render| render.model = "v7 --tile".to_owned()),
            ("\"1024x1024\"", |render| {
                render.size_token = "1024x1024".to_owned();
            }),
            ("\"2 --tile\"", |render| {
                render.quality_token = "2 --tile".to_owned();
            }),
            ("\"raw raw\"", |render| render.style_token = "raw raw".to_owned()),
            ("stylize", |render| {
                render.options = options(&[("stylize", "1001")]);
            }),
            ("chaos", |render| render.options = options(&[("chaos", "+5")])),
            ("tile", |render| render.options = options(&[("tile", "yes")])),
            ("speed", |render| render.options = options(&[("speed", "slow")])),
            ("index", |render| render.options = options(&[("index", "5")])),
            ("\"cref\"", |render| render.options = options(&[("cref", "x")])),
        ];
        for (named, change) in changes {
            let mut render = render();
            change(&mut render);
            let error = prompt(&render).unwrap_err();
            assert!(error.contains(named), "{named}: {error}");
        }
    }
}
