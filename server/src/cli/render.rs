//! `limn render`: plan, then execute.

use limn_proto::v1;

use super::{
    connect::Connection,
    failure::Failure,
    flags::RenderArgs,
    images,
    order::{self, JsonShape},
    output::Output,
    settings::Settings,
};

pub(crate) async fn run(args: RenderArgs, settings: &Settings, output: &Output) -> Result<(), Failure> {
    let continuity = &args.request.wish.continuity;
    // What is wrong with the flags themselves is told before anything is opened.
    let here = match continuity.needs_library(&settings.client()) {
        true => None,
        false => {
            let earlier = continuity.look_up(settings, None, output).await?;
            Some((args.request.to_request(settings, &earlier)?, earlier))
        }
    };
    let connection = Connection::open(settings, output).await?;
    let result = async {
        let (request, earlier) = match here {
            Some(ready) => ready,
            None => {
                let earlier = continuity.look_up(settings, Some(&connection), output).await?;
                (args.request.to_request(settings, &earlier)?, earlier)
            }
        };
        let parent = request.parent.clone();
        if args.url.is_some() && !connection.has_addresses() {
            return Err(images::no_server());
        }
        let plan = order::plan(&connection, request, output).await?;
        earlier.import(&connection, &parent).await?;
        let order = args
            .order
            .to_order(parent, v1::execution_order::Source::Plan(plan.clone()));
        order::run(
            &connection,
            order,
            &plan,
            order::Extras {
                out: args.out.as_deref(),
                url_seconds: args.url,
            },
            JsonShape::Document,
            output,
        )
        .await
    };
    let result = result.await;
    connection.close(&result).await;
    result
}
