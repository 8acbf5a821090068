//! Signed links over plain HTTP/1.1, byte for byte: clients of libraries would tidy the paths up first.

use std::{collections::BTreeMap, time::Duration};

use crate::support::Server;
use bytes::Bytes;
use limn_executor::{
    blob::{BlobKey, BlobMetadata},
    clock::{Clock as _, SystemClock, UnixMicros},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

const KEY: &str = "clients/alice/images/0190.png";
const BODY: &[u8] = b"0123456789";

struct Answer {
    status: u16,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

/// Sends one request as it stands and reads to the end of the connection.
async fn ask(server: &Server, method: &str, target: &str, headers: &str) -> Answer {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let request = format!(
        "{method} {target} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{headers}\r\n",
        server.address
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(answer[..end].to_vec()).unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers = lines.filter_map(|line| line.split_once(": "));
    Answer {
        status,
        headers: headers
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        body: answer[end + 4..].to_vec(),
    }
}

/// Path and query of a link to the key that works for an hour.
async fn link(server: &Server, key: &str, expires_at: UnixMicros) -> String {
    let key = BlobKey::parse(key).unwrap();
    let url = server
        .executor
        .blobs()
        .signed_url(&key, expires_at)
        .await
        .unwrap()
        .unwrap();
    let base = format!("http://{}", server.address);
    url.strip_prefix(&base).unwrap().to_owned()
}

fn in_an_hour() -> UnixMicros {
    SystemClock.now().plus(Duration::from_secs(3600))
}

async fn server_with_an_image() -> Server {
    let server = Server::start().await;
    // The address of links is known once the server answers.
    server.channel().await;
    let key = BlobKey::parse(KEY).unwrap();
    let blobs = server.executor.blobs();
    blobs
        .put(&key, &BlobMetadata::new("image/png"), Bytes::from_static(BODY))
        .await
        .unwrap();
    server
}

#[tokio::test]
async fn a_link_serves_the_image_with_everything_a_cache_needs() {
    let server = server_with_an_image().await;
    let link = link(&server, KEY, in_an_hour()).await;
    let answer = ask(&server, "GET", &link, "").await;
    assert_eq!((answer.status, answer.body.as_slice()), (200, BODY));
    assert_eq!(answer.header("content-type"), "image/png");
    assert_eq!(answer.header("content-length"), "10");
    assert_eq!(answer.header("accept-ranges"), "bytes");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    let cache = answer.header("cache-control");
    let age = cache.strip_prefix("private, max-age=").unwrap();
    let age: i64 = age.split(',').next().unwrap().parse().unwrap();
    assert!((3500..=3600).contains(&age), "{cache}");

    let tag = answer.header("etag").to_owned();
    let again = ask(&server, "GET", &link, &format!("If-None-Match: {tag}\r\n")).await;
    assert_eq!((again.status, again.body.len()), (304, 0));
    assert_eq!(again.header("etag"), tag);

    let head = ask(&server, "HEAD", &link, "").await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), "10");
    server.stop().await;
}

#[tokio::test]
async fn a_part_of_an_image_can_be_asked_for() {
    let server = server_with_an_image().await;
    let link = link(&server, KEY, in_an_hour()).await;
    let part = ask(&server, "GET", &link, "Range: bytes=2-4\r\n").await;
    assert_eq!((part.status, part.body.as_slice()), (206, &b"234"[..]));
    assert_eq!(part.header("content-range"), "bytes 2-4/10");
    assert_eq!(part.header("content-length"), "3");

    let past = ask(&server, "GET", &link, "Range: bytes=10-\r\n").await;
    assert_eq!((past.status, past.header("content-range")), (416, "bytes */10"));
    let other = ask(
        &server,
        "GET",
        &link,
        "Range: bytes=2-4\r\nIf-Range: \"other\"\r\n",
    )
    .await;
    assert_eq!((other.status, other.body.as_slice()), (200, BODY));
    server.stop().await;
}

#[tokio::test]
async fn a_link_that_was_changed_or_is_over_or_not_ours_is_forbidden() {
    let server = server_with_an_image().await;
    let good = link(&server, KEY, in_an_hour()).await;
    let (path, query) = good.split_once('?').unwrap();
    let (expires, signature) = query.split_once('&').unwrap();
    let unix: i64 = expires.strip_prefix("expires=").unwrap().parse().unwrap();
    let over = link(&server, KEY, UnixMicros(1_000_000)).await;
    let of_other = link(&server, "clients/alice/images/other.png", in_an_hour()).await;
    let other_query = of_other.split_once('?').unwrap().1;
    for target in [
        path.to_owned(),
        format!("{path}?{expires}"),
        format!("{path}?{signature}"),
        format!("{path}?{expires}&signature="),
        format!("{path}?{expires}&{signature}x"),
        format!("{path}?{expires}&signature=%FF"),
        format!("{path}?expires={}&{signature}", unix + 1),
        format!("{path}?expires=soon&{signature}"),
        format!("{path}?{other_query}"),
        format!("/blobs/clients/bob/images/0190.png?{query}"),
        over,
    ] {
        let answer = ask(&server, "GET", &target, "").await;
        assert_eq!(answer.status, 403, "{target}");
        assert_eq!(answer.header("cache-control"), "no-store");
    }
    server.stop().await;
}

#[tokio::test]
async fn paths_that_are_no_keys_and_keys_without_bytes_are_not_found() {
    let server = server_with_an_image().await;
    let good = link(&server, KEY, in_an_hour()).await;
    let query = good.split_once('?').unwrap().1.to_owned();
    for path in [
        "/blobs/",
        "/blobs/..",
        "/blobs/../limn.db",
        "/blobs/%2e%2e/limn.db",
        "/blobs/..%2flimn.db",
        "/blobs/%2e%2e%2flink.key",
        "/blobs/%252e%252e/link.key",
        "/blobs/clients//images/0190.png",
        "/blobs//etc/passwd",
        "/blobs/clients/alice/images/0190.png%00",
        "/blobs/clients/alice/images/..\\..\\link.key",
        "/blobs/clients/alice/images/%30190.png",
        "/blobs/clients/alice/./images/0190.png",
        "/nothing",
        "/",
    ] {
        let answer = ask(&server, "GET", &format!("{path}?{query}"), "").await;
        assert_eq!(answer.status, 404, "{path}");
    }
    let missing = link(&server, "clients/alice/images/gone.png", in_an_hour()).await;
    assert_eq!(ask(&server, "GET", &missing, "").await.status, 404);
    assert_eq!(ask(&server, "DELETE", &good, "").await.status, 405);
    server.stop().await;
}

#[tokio::test]
async fn a_web_page_cannot_call_the_services_over_http_1() {
    let server = server_with_an_image().await;
    for content_type in ["text/plain", "application/grpc"] {
        let headers = format!("Content-Type: {content_type}\r\nTE: trailers\r\nContent-Length: 0\r\n");
        let target = "/limn.v1.CatalogService/GetCapabilities";
        let answer = ask(&server, "POST", target, &headers).await;
        assert_eq!(answer.status, 505, "{content_type}");
    }
    server.stop().await;
}
