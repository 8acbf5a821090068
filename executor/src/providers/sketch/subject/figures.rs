//! The figures. Points are thousandths of the figure's height: across from its middle, up from its foot.

use super::{
    super::{
        canvas::{Color, PX},
        random::Random,
        scene::{Light, Scene, Setting},
    },
    stamp::Stamp,
};

/// A mound in the water.
pub(super) fn island(stamp: &mut Stamp<'_>) {
    let grass = Color::hex(0x5c865a);
    let outline = [
        (-620, -120),
        (-430, 10),
        (-200, 84),
        (80, 96),
        (300, 60),
        (520, -20),
        (700, -120),
    ];
    stamp.shape(&outline, grass);
    stamp.shape(
        &[(80, 96), (300, 60), (520, -20), (700, -120), (180, -120)],
        grass.lighter(-14),
    );
}

/// Sitting, seen from the front, with the tail around it.
pub(super) fn fox(stamp: &mut Stamp<'_>, color: Option<Color>) {
    let fur = color
        .unwrap_or(Color::hex(0xd96a2e))
        .mix(Color::hex(0xe06c2a), 110);
    let (dark, white, ink) = (fur.lighter(-34), Color::hex(0xfbf4ea), Color::hex(0x2a2024));
    stamp.ground_shadow(430);
    stamp.shape(
        &[
            (90, 0),
            (330, 0),
            (470, 90),
            (520, 230),
            (470, 390),
            (380, 450),
            (400, 320),
            (350, 210),
            (200, 150),
        ],
        dark,
    );
    stamp.shape(
        &[
            (470, 390),
            (380, 450),
            (340, 540),
            (450, 500),
            (505, 420),
            (512, 320),
        ],
        white,
    );
    stamp.shape(
        &[
            (-190, 0),
            (-230, 140),
            (-180, 360),
            (-130, 580),
            (110, 580),
            (170, 360),
            (240, 150),
            (200, 0),
        ],
        fur,
    );
    stamp.shape(
        &[
            (20, 580),
            (110, 580),
            (170, 360),
            (240, 150),
            (200, 0),
            (80, 0),
            (120, 200),
        ],
        dark,
    );
    stamp.shape(
        &[(-110, 590), (90, 590), (60, 380), (-10, 230), (-75, 380)],
        white,
    );
    for (paw, tone) in [(-110, fur), (60, fur)] {
        stamp.shape(
            &[(paw - 55, 0), (paw - 45, 240), (paw + 45, 240), (paw + 55, 0)],
            tone,
        );
        stamp.shape(
            &[(paw - 55, 0), (paw - 50, 80), (paw + 50, 80), (paw + 55, 0)],
            ink,
        );
    }
    for side in [-1, 1] {
        let mirrored = |x: i64| side * x - 10;
        stamp.shape(
            &[(mirrored(250), 1010), (mirrored(45), 850), (mirrored(240), 720)],
            if side < 0 { fur } else { dark },
        );
        stamp.shape(
            &[(mirrored(225), 950), (mirrored(100), 840), (mirrored(215), 770)],
            ink,
        );
    }
    stamp.shape(
        &[
            (-290, 720),
            (-180, 850),
            (-10, 880),
            (160, 850),
            (270, 720),
            (150, 570),
            (-10, 470),
            (-170, 570),
        ],
        fur,
    );
    stamp.shape(
        &[(-10, 880), (160, 850), (270, 720), (150, 570), (-10, 470)],
        fur.lighter(-14),
    );
    for side in [-1, 1] {
        let mirrored = |x: i64| side * x - 10;
        stamp.shape(
            &[
                (mirrored(280), 720),
                (mirrored(160), 570),
                (mirrored(0), 470),
                (mirrored(50), 620),
                (mirrored(150), 690),
            ],
            white,
        );
        stamp.disc((mirrored(105), 712), 22, ink);
        stamp.disc((mirrored(105) - 6, 720), 7, white);
    }
    stamp.shape(&[(-55, 530), (35, 530), (-10, 465)], ink);
}

pub(super) fn lighthouse(stamp: &mut Stamp<'_>, light: Light, color: Option<Color>) {
    let (white, dark) = (Color::hex(0xf6f1e6), Color::hex(0x2e3440));
    let red = color.unwrap_or(Color::hex(0xd0463c));
    let rock = Color::hex(0x4a4e5a);
    if light != Light::Day {
        let lamp = stamp.at((0, 905));
        for (x, low, high) in [(-2600, 500, 900), (2600, 1010, 1400)] {
            let beam = [lamp, stamp.at((x, low)), stamp.at((x, high))];
            stamp.canvas.polygon(&beam, Color::hex(0xffecb0), 44);
        }
    }
    stamp.shape(
        &[
            (-900, -420),
            (-420, -20),
            (-240, 70),
            (-60, 110),
            (160, 90),
            (330, 20),
            (560, -60),
            (1000, -420),
        ],
        rock,
    );
    stamp.shape(
        &[
            (-60, 110),
            (160, 90),
            (330, 20),
            (560, -60),
            (1000, -420),
            (300, -420),
            (120, -60),
        ],
        rock.lighter(-16),
    );
    stamp.shape(&[(-120, 80), (-78, 800), (78, 800), (120, 80)], white);
    for band in [0, 2] {
        let (low, high) = (190 + band * 144, 334 + band * 144);
        let half = |y: i64| 120 - (y - 80) * 42 / 720;
        stamp.shape(
            &[
                (-half(low), low),
                (-half(high), high),
                (half(high), high),
                (half(low), low),
            ],
            red,
        );
    }
    let side = [(40, 80), (26, 800), (78, 800), (120, 80)].map(|corner| stamp.at(corner));
    stamp.canvas.polygon(&side, dark, 50);
    stamp.shape(&[(-112, 800), (-112, 836), (112, 836), (112, 800)], dark);
    stamp.shape(
        &[(-60, 836), (-60, 965), (60, 965), (60, 836)],
        Color::hex(0x5a6474),
    );
    stamp.shape(&[(-86, 965), (0, 1060), (86, 965)], red);
    stamp.light((0, 905), 42, Color::hex(0xfff0b8));
    for (x, y) in [(-20, 250), (8, 440), (-14, 630)] {
        stamp.shape(
            &[(x - 14, y), (x - 14, y + 52), (x + 14, y + 52), (x + 14, y)],
            dark,
        );
    }
}

pub(super) fn boat(stamp: &mut Stamp<'_>, color: Option<Color>) {
    let hull = color.unwrap_or(Color::hex(0xb84a3a));
    let sail = Color::hex(0xfbf6ea);
    stamp.shape(
        &[(-300, -40), (300, -40), (200, -100), (-220, -100)],
        Color::hex(0x122c40),
    );
    stamp.shape(
        &[(-18, 100), (-18, 1000), (8, 1000), (8, 100)],
        Color::hex(0x4a362c),
    );
    stamp.shape(&[(-40, 190), (-40, 960), (-330, 230)], sail.lighter(-18));
    stamp.shape(&[(30, 190), (30, 930), (390, 220)], sail);
    stamp.shape(&[(-390, 140), (430, 140), (310, -40), (-280, -40)], hull);
    stamp.shape(&[(-390, 140), (430, 140), (410, 108), (-370, 108)], sail);
}

pub(super) fn house(stamp: &mut Stamp<'_>, scene: &Scene, color: Option<Color>) {
    let wall = color.unwrap_or(Color::hex(0xe9dcc4));
    let (roof, wood) = (Color::hex(0x9c4a3a), Color::hex(0x5a3e30));
    stamp.ground_shadow(620);
    stamp.shape(&[(210, 560), (210, 900), (310, 900), (310, 560)], wood);
    stamp.shape(&[(-430, 0), (-430, 470), (430, 470), (430, 0)], wall);
    stamp.shape(&[(120, 0), (120, 470), (430, 470), (430, 0)], wall.lighter(-20));
    stamp.shape(&[(-520, 440), (-330, 800), (330, 800), (520, 440)], roof);
    if scene.setting == Setting::Snow {
        stamp.shape(
            &[
                (-500, 490),
                (-330, 830),
                (330, 830),
                (470, 560),
                (300, 600),
                (60, 540),
                (-200, 610),
            ],
            Color::hex(0xf8fbff),
        );
    }
    stamp.shape(&[(-90, 0), (-90, 300), (70, 300), (70, 0)], wood);
    let is_lit = scene.light != Light::Day;
    for x in [-310, 200] {
        stamp.shape(
            &[(x - 20, 150), (x - 20, 350), (x + 150, 350), (x + 150, 150)],
            wood,
        );
        if is_lit {
            let center = stamp.at((x + 65, 250));
            stamp
                .canvas
                .glow(center, stamp.scale * 3, Color::hex(0xffd070), 120);
        }
        let pane = if is_lit { 0xffdc8a } else { 0xa8ccdc };
        let corners = [(x, 170), (x, 330), (x + 130, 330), (x + 130, 170)].map(|corner| stamp.at(corner));
        stamp.canvas.polygon(&corners, Color::hex(pane), 245);
    }
}

pub(super) fn balloon(stamp: &mut Stamp<'_>, scene: &Scene) {
    let usual = [0xd94f3d, 0xf4c94e, 0x2b6f77].map(Color::hex);
    let stripe = |index: usize| *scene.colors.get(index % 4).unwrap_or(&usual[index % 3]);
    let rope = Color::hex(0x4a3a30);
    for x in [-90, 80] {
        stamp.shape(&[(x, 120), (x * 2, 330), (x * 2 + 12, 330), (x + 12, 120)], rope);
    }
    // Each gore is narrower and drawn upon the one before.
    for (index, half) in [(0, 360), (1, 240), (2, 90)] {
        let envelope: Vec<_> = [
            (30, 300),
            (70, 420),
            (92, 560),
            (100, 700),
            (90, 820),
            (68, 920),
            (34, 985),
            (0, 1000),
        ]
        .iter()
        .map(|(percent, y)| (half * percent / 100, *y))
        .collect();
        let mirrored = envelope.iter().rev().map(|(x, y)| (-x, *y));
        let outline: Vec<_> = envelope.iter().copied().chain(mirrored).collect();
        stamp.shape(&outline, stripe(index));
    }
    stamp.shape(
        &[(-100, 0), (-112, 130), (112, 130), (100, 0)],
        Color::hex(0x8a5a3a),
    );
}

pub(super) fn rocket(stamp: &mut Stamp<'_>, color: Option<Color>) {
    let (hull, fin) = (Color::hex(0xf0eee8), color.unwrap_or(Color::hex(0xd6453d)));
    stamp.light((0, 20), 70, Color::hex(0xffb050));
    stamp.shape(&[(-90, 130), (0, -260), (90, 130)], Color::hex(0xffa03c));
    stamp.shape(&[(-50, 130), (0, -120), (50, 130)], Color::hex(0xffeca0));
    stamp.shape(&[(-130, 340), (-280, 80), (-110, 150)], fin);
    stamp.shape(&[(130, 340), (280, 80), (110, 150)], fin.lighter(-20));
    stamp.shape(
        &[
            (-110, 130),
            (-150, 400),
            (-120, 720),
            (0, 1000),
            (120, 720),
            (150, 400),
            (110, 130),
        ],
        hull,
    );
    stamp.shape(
        &[(30, 130), (30, 930), (120, 720), (150, 400), (110, 130)],
        hull.lighter(-26),
    );
    stamp.shape(&[(-96, 770), (0, 1000), (96, 770)], fin);
    stamp.disc((0, 580), 74, Color::hex(0x3a4658));
    stamp.disc((0, 580), 54, Color::hex(0x8cc8e0));
}

pub(super) fn cactus(stamp: &mut Stamp<'_>, color: Option<Color>) {
    let skin = color.unwrap_or(Color::hex(0x4a8a5a));
    stamp.ground_shadow(300);
    let limbs = [
        (-70, 70, 0, 900),
        (-280, -170, 380, 700),
        (-280, -60, 340, 440),
        (180, 280, 300, 600),
        (60, 280, 260, 360),
    ];
    for (left, right, low, high) in limbs {
        stamp.shape(&[(left, low), (left, high), (right, high), (right, low)], skin);
    }
    for (x, y, radius) in [
        (0, 900, 70),
        (-225, 700, 55),
        (230, 600, 50),
        (-230, 390, 50),
        (230, 310, 50),
    ] {
        stamp.disc((x, y), radius, skin);
    }
    for x in [-30, 10, 44] {
        stamp.shape(&[(x, 20), (x, 900), (x + 8, 900), (x + 8, 20)], skin.lighter(-26));
    }
}

pub(super) fn birds(stamp: &mut Stamp<'_>, random: &mut Random) {
    let ink = Color::hex(0x242836);
    for _ in 0..random.between(5, 9) {
        stamp.x = stamp.canvas.width * PX * random.between(15, 85) / 100;
        stamp.y = stamp.canvas.height * PX * random.between(14, 46) / 100;
        let mut bird = stamp.sized(random.between(4, 9));
        bird.shape(
            &[
                (0, 0),
                (-220, 260),
                (-620, 330),
                (-240, 150),
                (0, -120),
                (240, 150),
                (620, 330),
                (220, 260),
            ],
            ink,
        );
    }
}
