//! Lists, page by page.

use limn_proto::v1;
use tonic::Status;

use super::{connect::Connection, failure::Failure, flags::Paging, output::Output};

/// Most entries that a server gives in one page.
const LARGEST_PAGE: u32 = 200;

/// Collects pages until the limit or the end; also returns the token of the next page, empty at the end.
pub(crate) async fn collect<T, Answer>(
    paging: &Paging,
    mut fetch: impl FnMut(i32, String) -> Answer,
) -> Result<(Vec<T>, String), Failure>
where
    Answer: Future<Output = Result<(Vec<T>, String), Status>>,
{
    let limit = usize::try_from(paging.limit).unwrap_or(usize::MAX);
    let mut entries = Vec::new();
    let mut token = paging.page_token.clone();
    loop {
        let wanted = u32::try_from(limit - entries.len())
            .unwrap_or(LARGEST_PAGE)
            .min(LARGEST_PAGE);
        let page_size = i32::try_from(wanted).unwrap_or(i32::MAX);
        let (page, next) = fetch(page_size, token).await?;
        entries.extend(page);
        if next.is_empty() || entries.len() >= limit {
            return Ok((entries, next));
        }
        token = next;
    }
}

/// Images that fulfil the filter, newest first.
pub(crate) async fn images(
    connection: &Connection,
    parent: &str,
    filter: &v1::ImageFilter,
    paging: &Paging,
) -> Result<(Vec<v1::Image>, String), Failure> {
    collect(paging, |page_size, page_token| async move {
        let request = v1::ListImagesRequest {
            parent: parent.to_owned(),
            page_size,
            page_token,
            filter: Some(filter.clone()),
        };
        let answer = connection.images().list_images(request).await?.into_inner();
        Ok((answer.images, answer.next_page_token))
    })
    .await
}

/// Executions that fulfil the conditions of the template, newest first.
pub(crate) async fn executions(
    connection: &Connection,
    template: &v1::ListExecutionsRequest,
    paging: &Paging,
) -> Result<(Vec<v1::Execution>, String), Failure> {
    collect(paging, |page_size, page_token| async move {
        let request = v1::ListExecutionsRequest {
            page_size,
            page_token,
            ..template.clone()
        };
        let answer = connection.executor().list_executions(request).await?.into_inner();
        Ok((answer.executions, answer.next_page_token))
    })
    .await
}

/// Stored plans that fulfil the conditions of the template, newest first.
pub(crate) async fn plans(
    connection: &Connection,
    template: &v1::ListPlansRequest,
    paging: &Paging,
) -> Result<(Vec<v1::StoredPlan>, String), Failure> {
    collect(paging, |page_size, page_token| async move {
        let request = v1::ListPlansRequest {
            page_size,
            page_token,
            ..template.clone()
        };
        let answer = connection.plans().list_plans(request).await?.into_inner();
        Ok((answer.plans, answer.next_page_token))
    })
    .await
}

/// Budgets of a client, in order of scope and currency.
pub(crate) async fn budgets(
    connection: &Connection,
    parent: &str,
    paging: &Paging,
) -> Result<(Vec<v1::Budget>, String), Failure> {
    collect(paging, |page_size, page_token| async move {
        let request = v1::ListBudgetsRequest {
            parent: parent.to_owned(),
            page_size,
            page_token,
        };
        let answer = connection.accounts().list_budgets(request).await?.into_inner();
        Ok((answer.budgets, answer.next_page_token))
    })
    .await
}

/// Sessions of a client, newest activity first.
pub(crate) async fn sessions(
    connection: &Connection,
    parent: &str,
    paging: &Paging,
) -> Result<(Vec<v1::Session>, String), Failure> {
    collect(paging, |page_size, page_token| async move {
        let request = v1::ListSessionsRequest {
            parent: parent.to_owned(),
            page_size,
            page_token,
        };
        let answer = connection.sessions().list_sessions(request).await?.into_inner();
        Ok((answer.sessions, answer.next_page_token))
    })
    .await
}

/// Entries of the audit log that fulfil the conditions of the template, newest first.
pub(crate) async fn audit_events(
    connection: &Connection,
    template: &v1::ListAuditEventsRequest,
    paging: &Paging,
) -> Result<(Vec<v1::AuditEvent>, String), Failure> {
    collect(paging, |page_size, page_token| async move {
        let request = v1::ListAuditEventsRequest {
            page_size,
            page_token,
            ..template.clone()
        };
        let answer = connection
            .accounts()
            .list_audit_events(request)
            .await?
            .into_inner();
        Ok((answer.audit_events, answer.next_page_token))
    })
    .await
}

/// Prints a list, and says how to go on where it ended.
pub(crate) fn print(output: &Output, lines: &str, next_page_token: &str) -> Result<(), Failure> {
    output.text(lines)?;
    if !next_page_token.is_empty() {
        output.note(&format!("there are more: --page-token {next_page_token}"));
    }
    Ok(())
}
