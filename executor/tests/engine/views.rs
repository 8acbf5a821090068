//! Views and anchors of a step: what a plan may say of them.

use limn_executor::plan::Plan;
use limn_proto::plan::{PlanKind, PlanSpec};

use crate::support::spec;

fn view_set() -> PlanSpec {
    let mut spec = spec(2, &["first"]);
    spec.kind = PlanKind::ViewSet.into();
    for (step, view) in spec.steps.iter_mut().zip(["front", "side"]) {
        step.view = view.to_owned();
        step.anchors = vec!["Mira".to_owned(), "the boat".to_owned()];
    }
    spec
}

#[test]
fn a_view_set_names_its_views_and_nothing_else_does() {
    Plan::parse(&view_set()).unwrap();
    let refused = |change: fn(&mut PlanSpec)| {
        let mut spec = view_set();
        change(&mut spec);
        let refused = Plan::parse(&spec).unwrap_err();
        let fields = refused.problems.into_iter().map(|problem| problem.field);
        fields.collect::<Vec<_>>()
    };
    for (change, fields) in [
        (
            (|spec: &mut PlanSpec| spec.steps[1].view.clear()) as fn(&mut PlanSpec),
            vec!["steps[1].view"],
        ),
        (
            |spec| spec.steps[0].view = "From above".to_owned(),
            vec!["steps[0].view"],
        ),
        (
            |spec| spec.kind = PlanKind::Batch.into(),
            vec!["steps[0].view", "steps[1].view"],
        ),
        (
            |spec| spec.steps[0].anchors.push("Mira".to_owned()),
            vec!["steps[0].anchors"],
        ),
        (|spec| spec.steps[0].anchors[0].clear(), vec!["steps[0].anchors"]),
        (
            |spec| spec.steps[0].anchors[0] = "n".repeat(65),
            vec!["steps[0].anchors"],
        ),
        (
            |spec| spec.steps[0].anchors = (0..17).map(|number| number.to_string()).collect(),
            vec!["steps[0].anchors"],
        ),
    ] {
        assert_eq!(refused(change), fields);
    }
}
