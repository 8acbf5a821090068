//! `limn views`: one subject from several sides.

use std::path::PathBuf;

use clap::Args;
use limn_proto::v1;

use super::{
    connect::Connection,
    continuity::Earlier,
    failure::Failure,
    flags::OrderFlags,
    images,
    offline::Planning,
    order::{self, JsonShape},
    output::Output,
    request::WishFlags,
    settings::Settings,
};

/// `limn views`.
#[derive(Debug, Args)]
pub(crate) struct ViewsArgs {
    /// What to draw, as it looks from all sides.
    #[arg(value_name = "DESCRIPTION")]
    description: String,
    /// View to draw: a word of the catalog, such as front, side, back, top, detail, lifestyle, three-quarter or
    /// in-hand, or a word of your own and what it shows. May be repeated.
    #[arg(long, value_name = "VIEW|VIEW: TEXT", value_parser = parse_view)]
    view: Vec<v1::View>,
    /// How many pictures; the views of the catalog, in its order, fill up those of --view [default: the views, or 6].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    count: Option<u32>,
    /// Word about the look that every picture shares, for example matte; may be repeated.
    #[arg(long, value_name = "WORDS", value_delimiter = ',')]
    keyword: Vec<String>,
    /// What the subject is, for example footwear; some views have words of their own for it.
    #[arg(long, value_name = "WORD")]
    category: Option<String>,
    #[command(flatten)]
    wish: WishFlags,
    #[command(flatten)]
    order: OrderFlags,
    /// Say what would be drawn and what it would cost. Nothing is written, sent or spent.
    #[arg(long, conflicts_with_all = ["out", "url", "take", "request_id", "mode", "max_concurrency"])]
    plan_only: bool,
    /// Also copy the pictures into this folder. A file with other content is never overwritten.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Also make a signed address for each picture that works this long, for example 90s, 15m, 2h or 7d.
    #[arg(long, value_name = "TTL", value_parser = super::names::parse_ttl)]
    url: Option<i64>,
}

/// Reads `front` or `sole: the sole from below`.
fn parse_view(text: &str) -> Result<v1::View, String> {
    let (view, prompt) = text.split_once(':').unwrap_or((text, ""));
    if view.trim().is_empty() {
        return Err(format!(
            "\"{text}\" has no word for the view; write word or \"word: text\""
        ));
    }
    Ok(v1::View {
        view: view.trim().to_owned(),
        prompt: prompt.trim().to_owned(),
        ..v1::View::default()
    })
}

impl ViewsArgs {
    fn to_request(&self, parent: String, earlier: &Earlier) -> Result<v1::PlanRequest, Failure> {
        let base = v1::ImageRequest {
            continuity: self.wish.continuity.to_message(earlier),
            ..self.wish.image(&self.description, earlier)?
        };
        let work = v1::plan_request::Work::ViewSet(v1::ViewSetRequest {
            base: Some(base),
            views: self.view.clone(),
            count: self.count.unwrap_or_default(),
            keywords: self.keyword.clone(),
            category: self.category.clone().unwrap_or_default(),
        });
        self.wish.plan_request(parent, work, earlier)
    }
}

pub(crate) async fn run(args: ViewsArgs, settings: &Settings, output: &Output) -> Result<(), Failure> {
    if args.plan_only {
        return plan(&args, settings, output).await;
    }
    let parent = settings.parent();
    let connection = Connection::open(settings, output).await?;
    let result = async {
        if args.url.is_some() && !connection.has_addresses() {
            return Err(images::no_server());
        }
        let continuity = &args.wish.continuity;
        let earlier = continuity.look_up(settings, Some(&connection), output).await?;
        let request = args.to_request(parent.clone(), &earlier)?;
        let plan = order::plan(&connection, request, output).await?;
        earlier.import(&connection, &parent).await?;
        let source = v1::execution_order::Source::Plan(plan.clone());
        let extras = order::Extras {
            out: args.out.as_deref(),
            url_seconds: args.url,
        };
        order::run(
            &connection,
            args.order.to_order(parent, source),
            &plan,
            extras,
            JsonShape::Document,
            output,
        )
        .await
    };
    let result = result.await;
    connection.close(&result).await;
    result
}

async fn plan(args: &ViewsArgs, settings: &Settings, output: &Output) -> Result<(), Failure> {
    let earlier = super::plan::earlier(&args.wish.continuity, settings, output).await?;
    let request = args.to_request(settings.parent(), &earlier)?;
    let planning = Planning::open(settings).await?;
    let plan = planning.plan(request).await?;
    if output.is_json() {
        return output.json(&v1::PlanResponse { plan: Some(plan) });
    }
    if output.is_quiet() {
        return output.text(&plan.digest);
    }
    output.text(&planning.explain(plan).await?)
}

#[cfg(test)]
mod tests {
    use super::parse_view;

    #[test]
    fn a_view_is_a_word_with_or_without_a_text() {
        let view = parse_view("front").unwrap();
        assert_eq!((view.view.as_str(), view.prompt.as_str()), ("front", ""));
        let view = parse_view("sole: the sole: from below").unwrap();
        assert_eq!(
            (view.view.as_str(), view.prompt.as_str()),
            ("sole", "the sole: from below")
        );
        assert!(parse_view(": the sole").is_err());
    }
}
