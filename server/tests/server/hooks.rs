//! News of providers over the port, end to end: a fake provider calls the address that a call named.

use limn_executor::records::{AttemptState, ExecutionFilter, ExecutionRecord, ExecutionState, Page};
use limn_fakes::{Case, Fake};
use limn_proto::v1::{
    ExecutionOrder, StartExecutionRequest, execution_order::Source,
    executor_service_client::ExecutorServiceClient,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use crate::{
    executions::plan,
    support::{Server, config},
};

/// A server whose only provider is a fake one, and its address for that.
async fn server(fake: &Fake, secret: &str) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let public_url = format!("http://{}", listener.local_addr().unwrap());
    let own = |name: &str| format!("providers.{}.{name}", fake.name());
    let flags = [
        ("server.public_url".to_owned(), public_url),
        ("selection.default_provider".to_owned(), fake.name().to_owned()),
        (own("base_url"), fake.base_url()),
        (own("api_key"), Fake::KEY.to_owned()),
        (own("webhook_secret"), secret.to_owned()),
    ];
    let flags: Vec<(&str, &str)> = flags.iter().map(|(name, value)| (&**name, &**value)).collect();
    let data_dir = tempfile::tempdir().unwrap();
    Server::start_on(listener, &config(data_dir.path(), &flags), data_dir).await
}

async fn begin(server: &Server) {
    let channel = server.channel().await;
    let plan = plan(&channel, "a red fox").await;
    let order = ExecutionOrder {
        parent: "clients/alice".to_owned(),
        source: Some(Source::Plan(plan)),
        ..ExecutionOrder::default()
    };
    let mut executor = ExecutorServiceClient::new(channel);
    let start = StartExecutionRequest { order: Some(order) };
    executor.start_execution(start).await.unwrap();
}

/// The only execution, once it is as the test waits for it to be.
async fn until(server: &Server, is_so: impl Fn(&ExecutionRecord) -> bool) -> ExecutionRecord {
    let page = Page {
        limit: 10,
        after: None,
    };
    let every = ExecutionFilter::default();
    loop {
        let records = server.executor.records();
        let found = records.executions("alice", &every, &page);
        let found = found.await.unwrap();
        if let Some(record) = found.into_iter().find(&is_so) {
            return record;
        }
        tokio::task::yield_now().await;
    }
}

/// Sends news by hand and returns the status of the answer.
async fn post(server: &Server, path: &str, length: usize) -> u16 {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: {}\r\nwebhook-id: 1\r\nwebhook-timestamp: 1\r\nwebhook-signature: v1,AAAA\r\n\
         x-bfl-signature: sha256=00\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n",
        server.address
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // The server may answer, and hang up, before it has read it all.
    let _sent = stream.write_all(&vec![b'x'; length]).await;
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer[9..]).parse().unwrap()
}

#[tokio::test]
async fn a_call_whose_answer_was_lost_is_found_by_the_news_of_it() {
    let fake = Fake::start("bfl").await;
    fake.next(Case::Disconnect);
    let server = server(&fake, "a-secret-of-our-own").await;
    begin(&server).await;
    let parked = until(&server, |now| now.state == ExecutionState::NeedsDecision).await;
    let attempt = &parked.steps[0].attempts[0];
    assert_eq!(attempt.state, AttemptState::Unknown);

    for _ in 0..2 {
        assert_eq!(fake.send_webhook(1).await, Some(204));
    }
    let done = until(&server, |now| now.state == ExecutionState::Completed).await;
    assert_eq!((done.steps[0].attempts.len(), fake.calls()), (1, 1));
    assert_eq!(done.cost.unknown_held_nanos, 0);
    // It is over: later news are taken, and change nothing.
    assert_eq!(fake.send_webhook(1).await, Some(204));
    let after = until(&server, |_| true).await;
    assert_eq!(after.last_sequence, done.last_sequence);
    server.stop().await;
}

#[tokio::test]
async fn the_news_of_replicate_are_taken_too() {
    let fake = Fake::start("replicate").await;
    let server = server(&fake, Fake::WEBHOOK_SECRET).await;
    begin(&server).await;
    fake.wait_for_calls(1).await;
    assert_eq!(fake.send_webhook(1).await, Some(204));
    let done = until(&server, |now| now.state == ExecutionState::Completed).await;
    assert_eq!((done.steps[0].attempts.len(), fake.calls()), (1, 1));
    server.stop().await;
}

#[tokio::test]
async fn what_is_not_proven_is_refused_without_a_word_of_why() {
    let fake = Fake::start("bfl").await;
    fake.next(Case::JobHangs);
    let server = server(&fake, "a-secret-of-our-own").await;
    begin(&server).await;
    let record = until(&server, |now| {
        let attempt = now.steps[0].attempts.first();
        attempt.is_some_and(|attempt| attempt.state == AttemptState::Accepted)
    })
    .await;
    let attempt = record.steps[0].attempts[0].id;
    let nobody = "01900000-0000-7000-8000-000000000000";
    for (path, length, status) in [
        (format!("/hooks/bfl/{attempt}"), 2, 401),
        // Whether there is such an attempt is not to be learnt.
        (format!("/hooks/bfl/{nobody}"), 2, 401),
        (format!("/hooks/replicate/{attempt}"), 2, 404),
        (format!("/hooks/nobody/{attempt}"), 2, 404),
        ("/hooks/bfl/first".to_owned(), 2, 404),
        (format!("/hooks/bfl/{attempt}"), 5 << 20, 413),
    ] {
        assert_eq!(post(&server, &path, length).await, status, "{path}");
    }
    let receipts = server.executor.records().receipts(attempt).await.unwrap();
    assert_eq!(receipts, []);
    server.executor.cancel("alice", record.id).await.unwrap();
    drop(server);
}
