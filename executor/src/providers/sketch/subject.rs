//! Subjects of the foreground, cut from a few shapes each.

mod figures;
mod stamp;

use figures::{balloon, birds, boat, cactus, fox, house, island, lighthouse, rocket};
use stamp::Stamp;

use super::{
    canvas::{Canvas, Color, PX},
    flora,
    palette::Palette,
    random::Random,
    scene::{Light, Scene, Setting, Subject},
};

/// Draws a subject at its usual place; the second one stands aside.
pub(super) fn draw(
    canvas: &mut Canvas,
    scene: &Scene,
    subject: Subject,
    place: i64,
    palette: &Palette,
    random: &mut Random,
) {
    let shade = match scene.light {
        Light::Day => 0,
        Light::Dawn => 20,
        Light::Dusk => 60,
        Light::Night => 105,
    };
    let across = if place == 0 {
        random.between(34, 62)
    } else {
        random.between(76, 86)
    };
    let mut stamp = Stamp {
        x: canvas.width * PX * across / 100,
        y: canvas.height * PX * 93 / 100,
        scale: canvas.short_edge() * PX / 1000,
        shade: palette.near.mix(palette.sky[0], 120),
        shade_weight: shade,
        canvas,
    };
    let color = scene.colors.first().copied();
    let stands_on_land = matches!(
        subject,
        Subject::Fox | Subject::House | Subject::Tree | Subject::Cactus
    );
    if stands_on_land && scene.setting == Setting::Sea {
        island(&mut stamp.sized(100));
    }
    match subject {
        Subject::Fox => fox(&mut stamp.sized(42), color),
        Subject::Lighthouse => {
            stamp.y = stamp.canvas.height * PX * 84 / 100;
            lighthouse(&mut stamp.sized(62), scene.light, color);
        }
        Subject::Boat => {
            stamp.y = stamp.canvas.height * PX * (72 + place * 4) / 100;
            boat(&mut stamp.sized(26), color);
        }
        Subject::House => {
            stamp.y = stamp.canvas.height * PX * 86 / 100;
            house(&mut stamp.sized(32), scene, color);
        }
        Subject::Tree => {
            let leaves = color.unwrap_or(Color::hex(0x4c8a50)).mix(stamp.shade, shade);
            let height = stamp.scale * 460;
            flora::leafy(stamp.canvas, (stamp.x, stamp.y), height, leaves);
        }
        Subject::Balloon => {
            stamp.y = stamp.canvas.height * PX * 56 / 100;
            balloon(&mut stamp.sized(36), scene);
        }
        Subject::Rocket => {
            stamp.y = stamp.canvas.height * PX * 74 / 100;
            rocket(&mut stamp.sized(46), color);
        }
        Subject::Cactus => cactus(&mut stamp.sized(40), color),
        Subject::Birds => birds(&mut stamp, random),
    }
}
