//! Started is submitted: every order that was accepted is an execution, and there is no other.

use std::collections::BTreeMap;

use limn_proto::name::{Collection, parse_resource_name};

use super::facts::Facts;
use crate::{orders::Entry, stage::Stage};

pub(super) fn check(stage: &Stage, facts: &Facts, book: &BTreeMap<String, Entry>) {
    for (request_id, entry) in book {
        let recorded = facts.requests.get(request_id);
        let told = entry
            .execution
            .as_ref()
            .and_then(|name| parse_resource_name(name, Collection::Executions));
        match (told, recorded) {
            (Some((client, id)), Some(recorded)) => {
                let execution = facts.executions.get(id);
                let is_same = execution.is_some_and(|execution| execution.client == client);
                if id != recorded || !is_same || !entry.order.parent.ends_with(client) {
                    stage.find(format!(
                        "order {request_id} was told {id}, recorded is {recorded}"
                    ));
                }
            }
            (Some((_, id)), None) => {
                stage.find(format!(
                    "order {request_id} was told {id}, which has no record of it"
                ));
            }
            (None, Some(recorded)) => {
                stage.find(format!(
                    "order {request_id} is recorded as {recorded}, and its caller was told {:?}",
                    entry.refused
                ));
            }
            (None, None) if entry.refused.is_none() => {
                stage.find(format!("order {request_id} was never answered"));
            }
            (None, None) => {}
        }
    }
    for (request_id, execution) in &facts.requests {
        if !book.contains_key(request_id) {
            stage.find(format!(
                "execution {execution} has the order {request_id} of nobody"
            ));
        }
    }
    for id in facts.executions.keys() {
        if !facts.requests.values().any(|execution| execution == id) {
            stage.find(format!("execution {id} was ordered by nobody"));
        }
    }
}
