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
            Light::Dawn => (Color::hex(0xa8_8f_cc), 80, 26),
            Light::Day => (sky[2], 50, 0),
            Light::Dusk => (Color::hex(0x7a_35_5c), 90, 130),
            Light::Night => (Color::hex(0x10_1a_42), 130, 175),
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
            (0x6c_8e_bf, 0xea_be_b8, 0xfd_e6_c8, 0xff_f4_dc),
            (0x8b_9f_d0, 0xf2_c9_d4, 0xff_ee_d2, 0xff_f8_e4),
            (0x5f_9f_a8, 0xc9_dd_c4, 0xfb_ea_c0, 0xff_f6_d8),
        ],
        Light::Day => &[
            (0x4f_9c_cf, 0x9c_cf_e6, 0xe8_f3_ec, 0xff_fb_e8),
            (0x6f_b1_d8, 0xb6_dc_e6, 0xf4_f1_dc, 0xff_f6_d0),
            (0x5c_8f_c4, 0xa9_c8_e4, 0xf0_ec_e6, 0xff_fd_f2),
        ],
        Light::Dusk => &[
            (0x2b_2d_5b, 0xb9_4f_6e, 0xf9_a8_66, 0xff_dc_94),
            (0x35_24_5e, 0xd8_5c_5c, 0xfb_c0_74, 0xff_e6_a8),
            (0x24_3a_66, 0x9a_5f_86, 0xf6_b4_8a, 0xff_e2_b4),
        ],
        Light::Night => &[
            (0x07_0d_2a, 0x14_22_52, 0x3a_4c_86, 0xf5_f1_df),
            (0x0a_0a_26, 0x24_1e_54, 0x58_44_84, 0xfb_f0_dc),
            (0x06_14_28, 0x10_30_4a, 0x2c_62_78, 0xf0_f4_e8),
        ],
    }
}

/// The farthest and the nearest land by daylight.
fn land(setting: Setting) -> (u32, u32) {
    match setting {
        Setting::Snow => (0x9d_b8_d4, 0xf7_fa_fd),
        Setting::Sea => (0x7f_b9_c6, 0x0f_4a_64),
        Setting::Forest => (0x9c_c0_a6, 0x12_33_28),
        Setting::Desert => (0xec_cb_9e, 0xb8_60_2c),
        Setting::City => (0x8c_a0_bf, 0x1f_27_42),
        Setting::Mountains => (0xa6_ba_d6, 0x24_33_4c),
        Setting::Meadow => (0xb4_d2_a0, 0x3f_74_3a),
        Setting::Space | Setting::Shapes => (0x5a_58_90, 0x1a_1a_3a),
    }
}

/// Five colours that go together, for shapes: paper first, then the ones to draw with.
pub(super) fn poster(scene: &Scene, random: &mut Random) -> [Color; 5] {
    const POSTERS: &[[u32; 5]] = &[
        [0xf4_ec_dc, 0xd9_4f_3d, 0xf0_b5_41, 0x2b_6f_77, 0x1f_2a_44],
        [0xf1_ee_e6, 0xe8_71_5a, 0xf6_c9_a8, 0x7b_9e_a8, 0x37_3f_51],
        [0xee_ea_e0, 0x3a_5a_98, 0xe6_9a_8d, 0xe8_c5_6b, 0x2a_2c_41],
        [0xf6_ef_e4, 0x6a_8d_73, 0xe4_b3_63, 0xc8_5c_4a, 0x2e_3d_3a],
        [0xf3_ec_ee, 0x8e_5f_96, 0xf2_a3_7c, 0x5b_a3_a0, 0x2c_24_4a],
        [0x16_1b_33, 0xf2_5f_5c, 0xff_c8_57, 0x3f_b8_af, 0xf1_ec_de],
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
