//! A real S3 server as a process of its own, `tests/storage/s3_server.py`.

use std::{
    env,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
};

/// A running server. It ends with this value, and with the process that has it.
#[derive(Debug)]
pub struct S3Server {
    /// Its standard input is a pipe: the server ends when that closes.
    child: Child,
    port: u16,
}

impl S3Server {
    /// Public half of the key that the server takes.
    pub const ACCESS_KEY_ID: &'static str = "AKIDLIMNTEST";
    /// Secret half of the key that the server takes.
    pub const SECRET_ACCESS_KEY: &'static str = "s3-secret-of-the-tests/never+logged";
    /// Region of its buckets.
    pub const REGION: &'static str = "us-east-1";

    /// A server with these empty buckets. Nothing, and a line on standard error, where `LIMN_TEST_S3_PYTHON` does not
    /// name an interpreter with what the server needs.
    ///
    /// # Panics
    ///
    /// The variable is not set although `LIMN_TEST_NO_SKIP` is, or the server does not start.
    #[expect(
        clippy::disallowed_methods,
        clippy::print_stderr,
        clippy::expect_used,
        reason = "tests are told by the environment where their tools are, and say when they are skipped"
    )]
    pub fn start(buckets: &[&str]) -> Option<Self> {
        let Ok(python) = env::var("LIMN_TEST_S3_PYTHON") else {
            assert!(
                env::var("LIMN_TEST_NO_SKIP").is_err(),
                "LIMN_TEST_S3_PYTHON is not set; tests/run installs the S3 server"
            );
            eprintln!("SKIPPED: LIMN_TEST_S3_PYTHON is not set; tests/run installs the S3 server");
            return None;
        };
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../storage/s3_server.py");
        let mut child = Command::new(python)
            .arg(script)
            .args([Self::ACCESS_KEY_ID, Self::SECRET_ACCESS_KEY])
            .args(buckets)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the interpreter of LIMN_TEST_S3_PYTHON starts");
        let mut line = String::new();
        let told = child.stdout.take().expect("the server has an output");
        BufReader::new(told)
            .read_line(&mut line)
            .expect("the server says where it listens");
        let port = line
            .trim()
            .strip_prefix("listening ")
            .and_then(|port| port.parse().ok());
        Some(Self {
            child,
            port: port.expect("the S3 server starts; its complaint is above"),
        })
    }

    /// Address of the server, for path-style requests.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Makes the next `times` requests of a method fail with a status and a code of the protocol, when their query
    /// contains `query`.
    pub fn fail(&self, method: &str, query: &str, status: u16, code: &str, times: u32) {
        let ask =
            format!("/~test/fail?method={method}&query={query}&status={status}&code={code}&times={times}");
        self.ask(&ask);
    }

    /// Changes the first byte of an object behind everybody's back.
    pub fn damage(&self, bucket: &str, name: &str) {
        self.ask(&format!("/~test/damage?bucket={bucket}&name={name}"));
    }

    /// What was asked since the last time, as a list of objects with `method`, `path`, `query` and `headers`.
    pub fn requests(&self) -> Vec<serde_json::Value> {
        serde_json::from_str(&self.ask("/~test/requests")).unwrap_or_default()
    }

    /// What everybody gets who asks for an address of this server: status and body.
    #[expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]
    pub fn fetch(&self, url: &str) -> (u16, Vec<u8>) {
        let path = url
            .strip_prefix(&self.endpoint())
            .expect("an address of this server");
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("the server answers");
        let host = format!("127.0.0.1:{}", self.port);
        write!(stream, "GET {path} HTTP/1.0\r\nHost: {host}\r\n\r\n").expect("the server takes requests");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("the server answers");
        let head = answer
            .windows(4)
            .position(|end| end == b"\r\n\r\n")
            .expect("an answer has a head");
        let status = String::from_utf8_lossy(&answer[..head]);
        let status = status.split(' ').nth(1).and_then(|status| status.parse().ok());
        (
            status.expect("an answer has a status"),
            answer[head + 4..].to_vec(),
        )
    }

    fn ask(&self, path: &str) -> String {
        let (_, body) = self.fetch(&format!("{}{path}", self.endpoint()));
        String::from_utf8_lossy(&body).into_owned()
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _gone = self.child.kill().and_then(|()| self.child.wait());
    }
}
