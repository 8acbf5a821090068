//! Rules of a catalog, and how it is listed.

use limn_planner::{
    Catalog, CatalogParts,
    catalog::{Model, Pricing, Qualities, Size, SizeRule, Styles},
};
use limn_proto::plan::{ImageType, Quality};

use crate::support::{catalog, parts};

/// A way to break a catalog, and the path that is then named.
type Breakage = (&'static str, fn(&mut CatalogParts));

fn sketch(parts: &mut CatalogParts) -> &mut Model {
    &mut parts.providers[0].models[0]
}

const BREAKAGES: &[Breakage] = &[
    ("currency", |parts| parts.currency = "usd".into()),
    ("providers.Sketch", |parts| {
        parts.providers[0].id = "Sketch".into();
    }),
    ("providers.inkwell", |parts| {
        parts.providers[0].id = "inkwell".into();
    }),
    ("providers.sketch.title", |parts| parts.providers[0].title.clear()),
    ("providers.sketch.disabled_reason", |parts| {
        parts.providers[0].enabled = false;
    }),
    ("providers.sketch.default_model", |parts| {
        parts.providers[0].default_model = "none".into();
    }),
    ("providers.sketch.models.sketch-1.pricing", |parts| {
        sketch(parts).pricing = Some(Pricing::PerMegapixel {
            first_nanos: None,
            nanos: 1,
        });
    }),
    ("providers.sketch.models.sketch-1.sizes", |parts| {
        sketch(parts).sizes = SizeRule::Listed(vec![]);
    }),
    ("providers.sketch.models.sketch-1.default_size", |parts| {
        sketch(parts).default_size = Size::new(15, 16);
    }),
    ("providers.sketch.models.sketch-1.formats", |parts| {
        sketch(parts).formats.clear();
    }),
    ("providers.sketch.models.sketch-1.formats", |parts| {
        sketch(parts).formats = vec!["image/gif".into()];
    }),
    ("providers.sketch.models.sketch-1.qualities", |parts| {
        sketch(parts).qualities.default = None;
    }),
    ("providers.sketch.models.sketch-1.styles", |parts| {
        sketch(parts).styles = Styles::Tokens([].into());
    }),
    ("providers.sketch.models.sketch-1.max_prompt_chars", |parts| {
        sketch(parts).max_prompt_chars = 0;
    }),
    ("providers.sketch.models.sketch-1.prices_as_of", |parts| {
        sketch(parts).prices_as_of = "soon".into();
    }),
    ("providers.sketch.models.sketch-1.prices_source", |parts| {
        sketch(parts).prices_source.clear();
    }),
    ("providers.sketch.models.sketch-1.pricing", |parts| {
        sketch(parts).pricing = None;
    }),
    ("providers.sketch.models.sketch-1.shutdown_date", |parts| {
        sketch(parts).shutdown_date = "1.1.2027".into();
    }),
    ("providers.mega.models.pixels-1.pricing", |parts| {
        parts.providers[3].models[0].pricing = Some(Pricing::PerMegapixel {
            first_nanos: None,
            nanos: -1,
        });
    }),
    ("providers.aurora.models.aurora-core.pricing", |parts| {
        parts.providers[2].models[0].pricing = Some(Pricing::PerImage([(Quality::High, 1)].into()));
    }),
    ("retired.ink-1.retired_on", |parts| {
        parts.retired[0].retired_on = "2026-02-30".into();
    }),
    ("retired.ink-1.provider", |parts| {
        parts.retired[0].provider = "nobody".into();
    }),
    ("retired.ink-1.replacement", |parts| {
        parts.retired[0].replacement = "ink-9".into();
    }),
    ("retired.ink-2", |parts| parts.retired[0].id = "ink-2".into()),
    ("selection.default_provider", |parts| {
        parts.selection.default_provider.clear();
    }),
    ("selection.photographic", |parts| {
        parts.selection.photographic = Some("nobody".into());
    }),
    ("selection.fallbacks", |parts| {
        parts.selection.fallbacks.push("nobody".into());
    }),
    ("selection.clients.gallery.preferred_provider", |parts| {
        parts
            .selection
            .clients
            .get_mut("gallery")
            .unwrap()
            .preferred_provider = Some("nobody".into());
    }),
    ("style_phrases", |parts| parts.style_phrases.clear()),
    ("thumbnails[0]", |parts| parts.thumbnails[0].fit = 0),
    ("views.order[6]", |parts| parts.views.order.push("inside".into())),
    ("views.order[6]", |parts| parts.views.order.push("front".into())),
    ("views.default_count", |parts| parts.views.default_count = 7),
    ("views.own", |parts| parts.views.own = "{description}".into()),
    ("views.templates.Odd", |parts| {
        let template = parts.views.templates["top"].clone();
        parts.views.templates.insert("Odd".into(), template);
    }),
    ("views.templates.top.prompt", |parts| {
        let top = parts.views.templates.get_mut("top").unwrap();
        top.prompt = "from above".into();
    }),
    ("views.templates.top.categories.Lamps", |parts| {
        let top = parts.views.templates.get_mut("top").unwrap();
        top.categories.insert("Lamps".into(), "{description}".into());
    }),
    ("views.templates.top.categories.lamps", |parts| {
        let top = parts.views.templates.get_mut("top").unwrap();
        top.categories
            .insert("lamps".into(), "{description} {watts}".into());
    }),
    ("image_types.item.prompt", |parts| {
        parts.image_types.get_mut(&ImageType::Item).unwrap().prompt = "an item".into();
    }),
    ("image_types.item.aspect_ratio", |parts| {
        parts.image_types.get_mut(&ImageType::Item).unwrap().aspect_ratio = Some((0, 1));
    }),
    ("image_types.none", |parts| {
        let item = parts.image_types[&ImageType::Item].clone();
        parts.image_types.insert(ImageType::Unspecified, item);
    }),
    ("continuity.anchor", |parts| parts.continuity.anchor.clear()),
    ("continuity.hint", |parts| {
        parts.continuity.hint = "{before}".into();
    }),
];

#[test]
fn every_broken_rule_is_named() {
    for (path, break_it) in BREAKAGES {
        let mut parts = parts();
        break_it(&mut parts);
        let problems = Catalog::new(parts).expect_err(path);
        let named = problems.iter().any(|problem| problem.path == *path);
        assert!(named, "{path} is not among {problems:#?}");
    }
}

#[test]
fn all_problems_are_named_at_once() {
    let mut parts = parts();
    parts.currency.clear();
    parts.retired[0].retired_on.clear();
    parts.selection.default_provider.clear();
    assert_eq!(Catalog::new(parts).unwrap_err().len(), 3);
}

#[test]
fn any_change_shows_in_the_digest() {
    let mut parts = parts();
    parts.providers[5].disabled_reason.push('!');
    let changed = Catalog::new(parts).unwrap();
    assert_ne!(changed.digest(), catalog().digest());
    assert!(limn_proto::digest::digest_hex(changed.digest()).is_some());
}

#[test]
fn the_listing_is_sorted_and_says_what_people_ask() {
    let listing = catalog().listing();
    let ids: Vec<&str> = listing
        .iter()
        .map(|provider| provider.provider.as_str())
        .collect();
    assert_eq!(
        ids,
        ["aurora", "dark", "inkwell", "mega", "sketch", "twin", "vague"]
    );

    let dark = &listing[1];
    assert_eq!(
        (dark.enabled, dark.disabled_reason.as_str()),
        (false, "no key is configured")
    );

    let ink = &listing[2].models[0];
    assert_eq!(
        ink.sizes,
        "multiples of 16 from 16 to 3840 px, 655360 to 8294400 pixels, ratio at most 3:1"
    );
    let units: Vec<&str> = ink.prices.iter().map(|price| price.unit.as_str()).collect();
    assert_eq!(
        units,
        ["image_input_token", "image_output_token", "text_input_token"]
    );
    assert_eq!(ink.options[0].key, "background");
    assert_eq!(ink.options[0].values, ["auto", "opaque"]);
    assert!(!ink.takes_seed && !ink.takes_negative_prompt && !ink.takes_guidance);
    assert_eq!(listing[2].models[1].shutdown_date, "2026-12-01");

    let aurora = &listing[0].models[0];
    assert_eq!(
        aurora.sizes,
        "768 x 1344, 1024 x 1024, 1248 x 832, 1344 x 768, 2048 x 2048"
    );
    assert_eq!(aurora.prices.len(), 2);
    assert!(aurora.takes_seed && aurora.takes_negative_prompt && aurora.takes_guidance);

    let free = &listing[4].models[0].prices[0];
    assert_eq!(
        free.unit_price.as_ref().map(|price| price.nanos),
        Some(0),
        "free is stated"
    );
    assert!(listing[6].models[0].prices.is_empty(), "unknown is absent");
}

#[test]
fn a_model_without_qualities_needs_no_default() {
    let mut parts = parts();
    sketch(&mut parts).qualities = Qualities::default();
    assert!(Catalog::new(parts).is_ok());
}
