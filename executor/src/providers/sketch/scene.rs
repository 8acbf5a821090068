//! What a prompt is about, as far as a dictionary can tell.

use super::{canvas::Color, random::Random};

/// Where the picture is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Setting {
    Snow,
    Sea,
    Forest,
    Desert,
    City,
    Mountains,
    Meadow,
    Space,
    Shapes,
}

/// The light.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Light {
    Dawn,
    Day,
    Dusk,
    Night,
}

/// What stands in the foreground.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    Fox,
    Lighthouse,
    Boat,
    House,
    Tree,
    Balloon,
    Birds,
    Rocket,
    Cactus,
}

/// What is in the air.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weather {
    Clear,
    Mist,
    Rain,
    Snowfall,
}

#[derive(Clone, Copy)]
enum Meaning {
    Is(Setting),
    At(Light),
    Shows(Subject),
    Under(Weather),
    Colored(u32),
}

/// What the picture will show.
#[derive(Clone, Debug)]
pub(super) struct Scene {
    pub(super) setting: Setting,
    pub(super) light: Light,
    pub(super) weather: Weather,
    pub(super) subjects: Vec<Subject>,
    /// Colours that the prompt names, in its order.
    pub(super) colors: Vec<Color>,
    /// Signs in lit colours.
    pub(super) is_neon: bool,
}

impl Scene {
    /// Looks up every word. What the prompt leaves open follows from chance.
    pub(super) fn read(prompt: &str, random: &mut Random) -> Self {
        let (mut setting, mut light, mut weather) = (None, None, None);
        let (mut subjects, mut colors) = (Vec::new(), Vec::new());
        let lowercase = prompt.to_lowercase();
        let words: Vec<&str> = lowercase
            .split(|character: char| !character.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .collect();
        for meaning in words.iter().filter_map(|word| look_up(word)) {
            match meaning {
                // The first word of a kind decides, as it usually does in a sentence.
                Meaning::Is(found) => setting = setting.or(Some(found)),
                Meaning::At(found) => light = light.or(Some(found)),
                Meaning::Under(found) => weather = weather.or(Some(found)),
                Meaning::Shows(found) if subjects.len() < 2 && !subjects.contains(&found) => {
                    subjects.push(found);
                }
                Meaning::Colored(rgb) if colors.len() < 4 => colors.push(Color::hex(rgb)),
                Meaning::Shows(_) | Meaning::Colored(_) => {}
            }
        }
        let is_neon = words.contains(&"neon") || words.contains(&"cyberpunk");
        let setting = setting
            .or_else(|| subjects.first().map(|subject| home_of(*subject)))
            .unwrap_or_else(|| *random.pick(OPEN_SETTINGS));
        let light = light.unwrap_or_else(|| match setting {
            Setting::Space => Light::Night,
            _ => *random.pick(&[Light::Dawn, Light::Day, Light::Day, Light::Dusk]),
        });
        Self {
            setting,
            light,
            weather: weather.unwrap_or(Weather::Clear),
            subjects,
            colors,
            is_neon,
        }
    }
}

/// Prompts that name no place get shapes as often as landscapes.
const OPEN_SETTINGS: &[Setting] = &[
    Setting::Shapes,
    Setting::Shapes,
    Setting::Shapes,
    Setting::Mountains,
    Setting::Meadow,
    Setting::Sea,
];

fn home_of(subject: Subject) -> Setting {
    match subject {
        Subject::Fox | Subject::Tree => Setting::Forest,
        Subject::Lighthouse | Subject::Boat => Setting::Sea,
        Subject::House => Setting::Meadow,
        Subject::Balloon | Subject::Birds => Setting::Mountains,
        Subject::Rocket => Setting::Space,
        Subject::Cactus => Setting::Desert,
    }
}

fn look_up(word: &str) -> Option<Meaning> {
    let singular = word.strip_suffix('s').unwrap_or(word);
    let found = |row: &&(&str, Meaning)| row.0.split(' ').any(|known| known == word || known == singular);
    DICTIONARY.iter().find(found).map(|row| row.1)
}

/// Words in lower case and singular, by meaning.
const DICTIONARY: &[(&str, Meaning)] = &[
    (
        "snow snowy winter ice icy arctic frozen glacier frost christmas",
        Meaning::Is(Setting::Snow),
    ),
    (
        "sea ocean beach coast coastal harbor harbour wave island lake river water bay cliff",
        Meaning::Is(Setting::Sea),
    ),
    (
        "forest wood woods woodland jungle pine garden autumn",
        Meaning::Is(Setting::Forest),
    ),
    (
        "desert dune sand sahara canyon mars",
        Meaning::Is(Setting::Desert),
    ),
    (
        "city town street skyline urban building skyscraper downtown tokyo london paris office",
        Meaning::Is(Setting::City),
    ),
    (
        "mountain alp alpine peak summit hill valley volcano landscape",
        Meaning::Is(Setting::Mountains),
    ),
    (
        "meadow field flower grass farm spring countryside vineyard prairie park",
        Meaning::Is(Setting::Meadow),
    ),
    (
        "space galaxy planet cosmos cosmic nebula universe orbit astronaut",
        Meaning::Is(Setting::Space),
    ),
    (
        "abstract pattern geometric shape minimal minimalist bauhaus logo icon texture gradient chart diagram concept \
         code software algorithm data",
        Meaning::Is(Setting::Shapes),
    ),
    ("dawn sunrise morning pastel", Meaning::At(Light::Dawn)),
    ("day daylight noon sunny bright summer", Meaning::At(Light::Day)),
    ("dusk sunset evening twilight golden", Meaning::At(Light::Dusk)),
    (
        "night midnight moon moonlit star starry neon cyberpunk dark aurora",
        Meaning::At(Light::Night),
    ),
    ("fog foggy mist misty haze", Meaning::Under(Weather::Mist)),
    ("rain rainy storm stormy", Meaning::Under(Weather::Rain)),
    (
        "snowing snowfall blizzard snowflake",
        Meaning::Under(Weather::Snowfall),
    ),
    ("fox", Meaning::Shows(Subject::Fox)),
    ("lighthouse beacon", Meaning::Shows(Subject::Lighthouse)),
    ("boat ship sailboat yacht sail", Meaning::Shows(Subject::Boat)),
    (
        "house cabin cottage hut home barn",
        Meaning::Shows(Subject::House),
    ),
    ("tree oak", Meaning::Shows(Subject::Tree)),
    ("balloon", Meaning::Shows(Subject::Balloon)),
    (
        "bird gull seagull eagle crow swallow",
        Meaning::Shows(Subject::Birds),
    ),
    ("rocket spaceship spacecraft", Meaning::Shows(Subject::Rocket)),
    ("cactus cacti", Meaning::Shows(Subject::Cactus)),
    ("red crimson scarlet", Meaning::Colored(0xd6453d)),
    ("orange amber", Meaning::Colored(0xf08a3c)),
    ("yellow gold", Meaning::Colored(0xf4c94e)),
    ("green emerald", Meaning::Colored(0x4c9f70)),
    ("teal turquoise cyan", Meaning::Colored(0x2fa6a8)),
    ("blue azure navy", Meaning::Colored(0x3c6fb6)),
    ("purple violet lavender", Meaning::Colored(0x805aa8)),
    ("pink magenta rose", Meaning::Colored(0xe26a94)),
    ("white", Meaning::Colored(0xf4f1ea)),
    ("black", Meaning::Colored(0x24262e)),
    ("brown", Meaning::Colored(0x8a5a3c)),
    ("grey gray silver", Meaning::Colored(0x9aa0a8)),
];
