//! A place of its own on the Postgres server of the tests.

use std::{
    env,
    sync::atomic::{AtomicU32, Ordering},
};

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

/// Address of a fresh, empty schema on the server that `LIMN_TEST_POSTGRES_URL` names. Nothing, and a line on standard
/// error, when the variable is not set: there is no server to test with.
///
/// # Panics
///
/// The server cannot be used.
#[expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "the tests are told here where their server is, and say when they are skipped"
)]
pub async fn scratch_postgres() -> Option<String> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let Ok(server) = env::var("LIMN_TEST_POSTGRES_URL") else {
        eprintln!("SKIPPED: LIMN_TEST_POSTGRES_URL is not set; tests/run starts a server");
        return None;
    };
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let schema = format!("limn_test_{}_{number}", std::process::id());
    let mut connection = PgConnection::connect(&server)
        .await
        .expect("the server of LIMN_TEST_POSTGRES_URL can be reached");
    // An earlier process may have had the same number.
    for statement in ["DROP SCHEMA IF EXISTS $ CASCADE", "CREATE SCHEMA $"] {
        sqlx::query(AssertSqlSafe(statement.replace('$', &schema)))
            .execute(&mut connection)
            .await
            .expect("the user of LIMN_TEST_POSTGRES_URL may create schemas");
    }
    let joint = if server.contains('?') { '&' } else { '?' };
    Some(format!("{server}{joint}options[search_path]={schema}"))
}
