//! `limn resolve`: decides about calls whose outcome, or whose bill, is unknown.

use limn_proto::{name::Collection, v1};

use super::{
    connect::Connection,
    decisions,
    failure::{Exit, Failure, Violation},
    flags::ResolveArgs,
    follow::{self, Subject},
    names,
    output::Output,
    progress::Progress,
    report,
    settings::Settings,
    words,
};

pub(crate) async fn run(args: ResolveArgs, settings: &Settings, output: &Output) -> Result<(), Failure> {
    let name = names::full_name(&args.execution.name, &settings.client(), Collection::Executions)?;
    let request = request(name, args, settings)?;
    let connection = Connection::open(settings, output).await?;
    let result = match request {
        Asked::Decision(request) => decide(*request, &connection, output).await,
        Asked::Look(name) => look(name, &connection, output).await,
    };
    connection.close(&result).await;
    result
}

/// What the command line asks for.
enum Asked {
    /// A decision; without an attempt it is about the only one there is.
    Decision(Box<v1::ResolveAttemptRequest>),
    /// To see what there is to decide about this execution.
    Look(String),
}

fn request(name: String, args: ResolveArgs, settings: &Settings) -> Result<Asked, Failure> {
    let (resolution, cost) = match (args.not_charged, args.charged) {
        (true, _) => (v1::AttemptResolution::NotCharged, None),
        (false, Some(cost)) => (v1::AttemptResolution::Charged, cost),
        (false, None) => return Ok(Asked::Look(name)),
    };
    let follow_up = match (args.retry, args.fail) {
        (true, _) => v1::ResolutionFollowUp::Retry,
        (false, true) => v1::ResolutionFollowUp::Fail,
        (false, false) => v1::ResolutionFollowUp::Unspecified,
    };
    Ok(Asked::Decision(Box::new(v1::ResolveAttemptRequest {
        name,
        attempt_id: args.attempt.unwrap_or_default(),
        resolution: resolution.into(),
        cost,
        follow_up: follow_up.into(),
        actor: settings.actor(args.actor.as_deref())?,
        reason: args.reason.unwrap_or_default(),
    })))
}

async fn look(name: String, connection: &Connection, output: &Output) -> Result<(), Failure> {
    let execution = get(name, connection).await?;
    if output.is_json() {
        return output.json(&v1::GetExecutionResponse {
            execution: Some(execution),
        });
    }
    output.text(&report::execution(&execution))?;
    if decisions::next(&execution).is_empty() {
        output.note("there is nothing to decide");
    }
    Ok(())
}

async fn get(name: String, connection: &Connection) -> Result<v1::Execution, Failure> {
    let request = v1::GetExecutionRequest { name };
    let answer = connection.executor().get_execution(request).await?.into_inner();
    Ok(answer.execution.unwrap_or_default())
}

async fn decide(
    mut request: v1::ResolveAttemptRequest,
    connection: &Connection,
    output: &Output,
) -> Result<(), Failure> {
    if request.attempt_id.is_empty() {
        let execution = get(request.name.clone(), connection).await?;
        request.attempt_id = only_question(&execution)?;
    }
    let draws = request.follow_up() == v1::ResolutionFollowUp::Retry;
    let answer = connection.executor().resolve_attempt(request).await;
    let answer = answer.map_err(|status| told_in_flags(status.into()))?;
    let execution = answer.into_inner().execution.unwrap_or_default();
    see_through(execution, draws, connection, output).await
}

/// The attempt that a decision without an attempt is about.
fn only_question(execution: &v1::Execution) -> Result<String, Failure> {
    let questions = decisions::questions(execution);
    match questions.as_slice() {
        [question] => Ok(question.attempt.attempt_id.clone()),
        [] => {
            let message = format!(
                "{} has no attempt whose outcome or bill is unknown",
                execution.name
            );
            let mut failure = Failure::usage(message);
            failure.exit = Exit::Refused;
            Err(failure
                .advise("name the attempt to undo what was written off; `limn executions NAME` lists them"))
        }
        several => {
            let lines = several.iter().map(|question| Violation {
                field: String::new(),
                description: question.line(),
                reason: String::new(),
            });
            let message = format!("there are {} attempts to decide about", several.len());
            Err(Failure::usage(message)
                .with_violations(lines.collect())
                .advise("name one of them behind the execution"))
        }
    }
}

/// A refusal of the service in the words of the command line.
fn told_in_flags(failure: Failure) -> Failure {
    let lacks = failure
        .violations
        .iter()
        .any(|violation| violation.field == "follow_up");
    if lacks {
        return failure.advise("add --retry to draw the picture again, paid, or --fail to let it fail");
    }
    failure
}

/// Stays until the execution is settled when nobody else would run it, and shows it. With `draws`, the command was
/// to draw: it fails when the execution does.
pub(crate) async fn see_through(
    mut execution: v1::Execution,
    draws: bool,
    connection: &Connection,
    output: &Output,
) -> Result<(), Failure> {
    let goes_on = !words::is_settled(execution.state());
    let mut result = Ok(());
    if goes_on && connection.is_in_process() {
        let subject = Subject::Execution {
            name: execution.name.clone(),
            after: Some(execution.last_sequence),
        };
        let mut progress = Progress::new(output);
        let followed = follow::follow(connection, subject, output, &mut progress).await;
        progress.finish();
        if let Some(ended) = followed? {
            execution = ended.execution.clone();
            if draws {
                result = ended.into_result();
            }
        }
    }
    if output.is_json() {
        output.json(&v1::GetExecutionResponse {
            execution: Some(execution),
        })?;
        return result;
    }
    output.text(&report::execution(&execution))?;
    if goes_on && !connection.is_in_process() {
        output.note(&format!("watch it with: limn watch {}", execution.name));
    }
    result
}
