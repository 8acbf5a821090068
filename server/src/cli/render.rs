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
    let request = args.request.to_request(settings)?;
    let parent = request.parent.clone();
    let references = args.request.references()?;
    let connection = Connection::open(settings, output).await?;
    let result = async {
        if args.url.is_some() && !connection.has_addresses() {
            return Err(images::no_server());
        }
        let answer = connection.planner().plan(request).await?.into_inner();
        let plan = answer
            .plan
            .ok_or_else(|| Failure::internal("the planner answered without a plan"))?;
        for warning in plan.notes.iter().flat_map(|notes| &notes.warnings) {
            output.note(&format!("note: {}", warning.message));
        }
        for picture in references {
            picture.import(&connection, &parent).await?;
        }
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
