//! What a claim costs when a million executions have ended.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures::future::BoxFuture;
use limn_executor::records::RecordStore;

use crate::{
    place::Place,
    work::{self, LEASE},
};

const ENDED: u32 = 1_000_000;
/// Claims that find nothing.
const IDLE: usize = 500;
/// Claims that find so many executions each.
const FULL: u32 = 64;
const ROUNDS: u32 = 10;

/// Columns of a row, after its id.
const ROW: &str = "'acme', 'sha256:0', 's1', 0, 'request', 'reuse', 4, 'completed', i, i, 'USD'";
const COLUMNS: &str = "id, client, plan_digest, session_id, take, request_id, mode, max_concurrency, state, \
    created_us, ended_us, currency";

pub(crate) async fn measure(name: &str, new: fn() -> BoxFuture<'static, Option<Place>>) {
    let Some(place) = new().await else {
        return;
    };
    // The tables first.
    drop(place.open().await);
    let id = "'-0000-4000-8000-000000000000'";
    place
        .run(
            &format!(
                "INSERT INTO executions ({COLUMNS}) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n \
                 WHERE i < {ENDED}) SELECT printf('%08x', i) || {id}, {ROW} FROM n; ANALYZE"
            ),
            &format!(
                "INSERT INTO executions ({COLUMNS}) SELECT lpad(to_hex(i), 8, '0') || {id}, {ROW} \
                 FROM generate_series(1, {ENDED}) AS n (i); ANALYZE executions"
            ),
        )
        .await;
    let records = place.open().await;
    let mut idle = Vec::new();
    for _ in 0..IDLE {
        idle.push(claim(&records, 0).await);
    }
    tell(name, "a claim that finds nothing", &mut idle);

    for number in 0..u128::from(FULL * ROUNDS) {
        records.accept(&work::order("acme", number, 1)).await.unwrap();
    }
    let mut full = Vec::new();
    for _ in 0..ROUNDS {
        full.push(claim(&records, FULL as usize).await);
    }
    tell(name, &format!("a claim of {FULL} executions"), &mut full);
}

async fn claim(records: &Arc<dyn RecordStore>, expected: usize) -> Duration {
    let started = Instant::now();
    let claims = records.claim(work::boot(), LEASE, FULL, &[]).await.unwrap();
    let taken = started.elapsed();
    assert_eq!(claims.len(), expected);
    taken
}

fn tell(name: &str, what: &str, times: &mut [Duration]) {
    times.sort();
    let middle = times[times.len() / 2];
    let worst = times[times.len() * 99 / 100];
    println!("{name}: {what} beside {ENDED} ended ones: median {middle:?}, 99% within {worst:?}");
}
