//! Colours of a scene.

use super::{
    canvas::Color,
    random::Random,
    scene::{Light, Scene, Setting},
};

/// The colours that a landscape is painted with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Palette {
    /// The sky from its top to the horizon.
    pub(super) sky: [Color; 3],
    /// Sun or moon.
    pub(super) orb: Color,
    /// The farthest layer of land.
    pub(super) far: Color,
    /// The nearest layer of land.
    pub(super) near: Color,
}

impl Palette {
    /// The palette of a scene. Chance chooses between skies that go with the light.
    pub(super) fn of(scene: &Scene, random: &mut Random) -> Self {
        let choice = random.pick(skies(scene.light));
        let sky = [choice.0, choice.1, choice.2].map(Color::hex);
        let (far, near) = land(scene.setting);
        // Distance takes on the colour of the horizon, and everything that of the light.
        let (tint, far_weight, near_weight) = match scene.light {
            Light::Dawn => (Color::hex(0xa88fcc), 80, 26),
            Light::Day => (sky[2], 50, 0),
            Light::Dusk => (Color::hex(0x7a355c), 90, 130),
            Light::Night => (Color::hex(0x101a42), 130, 175),
        };
        Self {
            sky,
            orb: Color::hex(choice.3),
            far: Color::hex(far).mix(tint, far_weight).mix(sky[2], 70),
            near: Color::hex(near).mix(tint, near_weight),
        }
    }
}

/// Top, middle and horizon of the sky, and the sun or moon in it.
fn skies(light: Light) -> &'static [(u32, u32, u32, u32)] {
    match light {
        Light::Dawn => &[
            (0x6c8ebf, 0xeabeb8, 0xfde6c8, 0xfff4dc),
            (0x8b9fd0, 0xf2c9d4, 0xffeed2, 0xfff8e4),
            (0x5f9fa8, 0xc9ddc4, 0xfbeac0, 0xfff6d8),
        ],
        Light::Day => &[
            (0x4f9ccf, 0x9ccfe6, 0xe8f3ec, 0xfffbe8),
            (0x6fb1d8, 0xb6dce6, 0xf4f1dc, 0xfff6d0),
            (0x5c8fc4, 0xa9c8e4, 0xf0ece6, 0xfffdf2),
        ],
        Light::Dusk => &[
            (0x2b2d5b, 0xb94f6e, 0xf9a866, 0xffdc94),
            (0x35245e, 0xd85c5c, 0xfbc074, 0xffe6a8),
            (0x243a66, 0x9a5f86, 0xf6b48a, 0xffe2b4),
        ],
        Light::Night => &[
            (0x070d2a, 0x142252, 0x3a4c86, 0xf5f1df),
            (0x0a0a26, 0x241e54, 0x584484, 0xfbf0dc),
            (0x061428, 0x10304a, 0x2c6278, 0xf0f4e8),
        ],
    }
}

/// The farthest and the nearest land by daylight.
fn land(setting: Setting) -> (u32, u32) {
    match setting {
        Setting::Snow => (0x9db8d4, 0xf7fafd),
        Setting::Sea => (0x7fb9c6, 0x0f4a64),
        Setting::Forest => (0x9cc0a6, 0x123328),
        Setting::Desert => (0xeccb9e, 0xb8602c),
        Setting::City => (0x8ca0bf, 0x1f2742),
        Setting::Mountains => (0xa6bad6, 0x24334c),
        Setting::Meadow => (0xb4d2a0, 0x3f743a),
        Setting::Space | Setting::Shapes => (0x5a5890, 0x1a1a3a),
    }
}

/// Five colours that go together, for shapes: paper first, then the ones to draw with.
pub(super) fn poster(scene: &Scene, random: &mut Random) -> [Color; 5] {
    const POSTERS: &[[u32; 5]] = &[
        [0xf4ecdc, 0xd94f3d, 0xf0b541, 0x2b6f77, 0x1f2a44],
        [0xf1eee6, 0xe8715a, 0xf6c9a8, 0x7b9ea8, 0x373f51],
        [0xeeeae0, 0x3a5a98, 0xe69a8d, 0xe8c56b, 0x2a2c41],
        [0xf6efe4, 0x6a8d73, 0xe4b363, 0xc85c4a, 0x2e3d3a],
        [0xf3ecee, 0x8e5f96, 0xf2a37c, 0x5ba3a0, 0x2c244a],
        [0x161b33, 0xf25f5c, 0xffc857, 0x3fb8af, 0xf1ecde],
    ];
    let night_only = &POSTERS[5..];
    let choices = if scene.light == Light::Night {
        night_only
    } else {
        POSTERS
    };
    let mut colors = random.pick(choices).map(Color::hex);
    for (color, named) in colors[1..].iter_mut().zip(&scene.colors) {
        *color = *named;
    }
    colors
}
