//! The door: from the message to the checked form.
/// x
#[derive(Debug)]
pub struct PlanProblem;
/// x
#[derive(Debug)]
pub struct PlanRefused;
