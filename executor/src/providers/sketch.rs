//! The local renderer: a proof picture from the prompt and the seed.
//!
//! It needs no key, no network and no money, so that everything can be tried, and layouts can be seen, before
//! anything is spent. A dictionary turns words into scenery; the seed decides the rest. All arithmetic is in integers, so the
//! pixels are the same on every machine. The prompt stands below the picture with the word PROOF, and
//! nobody takes it for more than it is.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use image::{DynamicImage, RgbImage};
use limn_proto::reason::Reason;

use super::{Access, Kind};
use crate::{
    artifact::encode,
    plan::Render,
    provenance::SourceType,
    provider::{
        Answer, Bill, Billing, Call, CallError, CapabilityClass, ImageProvider, InterpretError, Poll,
        Rejection, Rendered, Submission,
    },
};

mod canvas;
mod caption;
mod city;
mod flora;
mod landscape;
mod palette;
mod random;
mod scene;
mod shapes;
mod sky;
mod subject;
mod treatment;
mod water;

use canvas::{Canvas, Color};
use caption::Caption;
use random::Random;
use scene::{Scene, Setting};
use treatment::Style;

/// The id that plans name.
pub const ID: &str = "sketch";

/// Shortest edge that is drawn, in pixels.
pub const MIN_EDGE_PX: u32 = 16;

/// Longest edge that is drawn, in pixels.
pub const MAX_EDGE_PX: u32 = 4096;

/// Quality of the JPEG encoder.
const JPEG_QUALITY_PERCENT: u8 = 90;

/// The provider, which has no settings.
pub(super) const KIND: Kind = Kind {
    id: ID,
    access: Access::Open,
    has_instances: false,
    settings: &[],
    build: |_| Ok(Arc::new(Sketch)),
};

/// The provider.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sketch;

/// Draws a render. Two equal renders give equal pixels, whatever the machine and the build. An error says what cannot be
/// drawn. Takes up to seconds for the largest sizes: call it off the async threads.
pub fn draw(render: &Render) -> Result<DynamicImage, String> {
    let edges = MIN_EDGE_PX..=MAX_EDGE_PX;
    if !edges.contains(&render.width_px) || !edges.contains(&render.height_px) {
        let (width_px, height_px) = (render.width_px, render.height_px);
        return Err(format!(
            "{width_px}x{height_px} is not within {MIN_EDGE_PX} to {MAX_EDGE_PX} pixels"
        ));
    }
    let style = Style::parse(&render.style_token)
        .ok_or_else(|| format!("sketch has no style {:?}", render.style_token))?;
    let detail = match render.quality_token.as_str() {
        "draft" => 0,
        "" | "standard" => 1,
        "high" => 2,
        other => return Err(format!("sketch has no quality {other:?}")),
    };
    if let Some((name, _)) = render.options.first() {
        return Err(format!("sketch has no option {name:?}"));
    }
    let (width, height) = (i64::from(render.width_px), i64::from(render.height_px));
    let caption = Caption::lay_out(&render.prompt, render.seed, width, height);
    let band = caption.as_ref().map_or(0, Caption::height);
    let picture = picture(render, style, detail, (width, height - band));
    let mut sheet = picture.extended_to(height, Color::hex(0xff_ff_ff));
    match caption {
        Some(caption) => caption.draw(&mut sheet),
        None => caption::mark_small(&mut sheet),
    }
    RgbImage::from_raw(render.width_px, render.height_px, sheet.into_bytes())
        .map(DynamicImage::from)
        .ok_or_else(|| "the canvas has another size than the picture".to_owned())
}

fn picture(render: &Render, style: Style, detail: landscape::Detail, (width, height): (i64, i64)) -> Canvas {
    let mut random = Random::of(&render.prompt, render.seed);
    let scene = Scene::read(&render.prompt, &mut random);
    let mut canvas = Canvas::new(width, height, Color::hex(0xff_ff_ff));
    if scene.setting == Setting::Shapes {
        shapes::draw(&mut canvas, &scene, detail, &mut random);
    } else {
        landscape::draw(&mut canvas, &scene, detail, &mut random);
    }
    treatment::apply(&mut canvas, style, &mut random);
    canvas
}

#[async_trait]
impl ImageProvider for Sketch {
    fn id(&self) -> &str {
        ID
    }

    fn class(&self) -> CapabilityClass {
        // Drawing again costs nothing and gives the same picture.
        CapabilityClass::A
    }

    fn source_type(&self) -> SourceType {
        SourceType::AlgorithmicMedia
    }

    fn deadline(&self, _render: &Render) -> Duration {
        Duration::from_secs(60)
    }

    async fn submit(&self, call: &Call<'_>) -> Result<Submission, CallError> {
        let render = call.render.clone();
        let drawing = tokio::task::spawn_blocking(move || {
            let pixels = draw(&render)?;
            encode(&pixels, render.format, JPEG_QUALITY_PERCENT).map_err(|error| error.to_string())
        });
        let drawn = drawing.await.unwrap_or_else(|panicked| Err(panicked.to_string()));
        Ok(Submission::Received(Answer {
            media_type: call.render.format.media_type().to_owned(),
            body: Bytes::from(drawn.map_err(refused)?),
            ..Answer::default()
        }))
    }

    async fn poll(&self, _call: &Call<'_>, job_id: &str) -> Result<Poll, CallError> {
        Err(refused(format!(
            "sketch gives no job ids, so {job_id:?} is not one of its own"
        )))
    }

    fn interpret(&self, render: &Render, answer: &Answer) -> Result<Rendered, InterpretError> {
        Ok(Rendered {
            image: answer.body.clone(),
            seed: Some(render.seed.into()),
            bill: Bill {
                cost_nanos: Some(0),
                ..Bill::default()
            },
            ..Rendered::default()
        })
    }

    async fn check(&self) -> Result<String, String> {
        Ok("draws here, without key and network".to_owned())
    }
}

fn refused(message: String) -> CallError {
    CallError::Rejected(Rejection {
        reason: Reason::ProviderRejected,
        message,
        http_status: None,
        request_id: String::new(),
        retry_after: None,
        billing: Billing::No,
        metadata: BTreeMap::new(),
    })
}
