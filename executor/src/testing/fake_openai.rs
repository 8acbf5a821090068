//! An OpenAI that draws rectangles, keeps count of what it would charge, and fails on request.

use std::{
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde_json::Value;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::{JoinHandle, JoinSet},
};

use super::exchange::{self, Request};

mod reply;

pub use reply::Reply;

/// The fake. It listens until it is dropped.
#[derive(Debug)]
pub struct FakeOpenAi {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    accepting: JoinHandle<()>,
}

/// A request for an image, as it came. The key is left out.
#[derive(Clone, Debug)]
pub struct RecordedRequest {
    /// Method.
    pub method: String,
    /// Path with its query.
    pub path: String,
    /// Headers by lowercase name, without `authorization`.
    pub headers: BTreeMap<String, String>,
    /// The key that came with the request was [`FakeOpenAi::KEY`].
    pub had_the_key: bool,
    /// The JSON body; null when it is none.
    pub body: Value,
}

/// Holds replies back until it is opened.
#[derive(Clone, Debug)]
pub struct Gate(watch::Sender<bool>);

impl Gate {
    /// A closed gate.
    pub fn closed() -> Self {
        Self(watch::Sender::new(false))
    }

    /// Lets everybody through, now and later.
    pub fn open(&self) {
        self.0.send_replace(true);
    }

    async fn pass(&self) {
        let mut opening = self.0.subscribe();
        // It cannot fail: this gate is a sender itself.
        let _opened = opening.wait_for(|is_open| *is_open).await;
    }
}

#[derive(Debug)]
struct State {
    queue: VecDeque<Reply>,
    default_reply: Reply,
    check_reply: Option<Reply>,
    requests: Vec<RecordedRequest>,
    charged: u64,
    /// Requests for images that are not answered yet, and the most there ever were.
    in_flight: u64,
    most_in_flight: u64,
    /// Counts the requests for images, so that a test can wait for one.
    arrivals: watch::Sender<u64>,
}

impl FakeOpenAi {
    /// A key that it knows. It answers any other key too, but tells in [`RecordedRequest::had_the_key`].
    pub const KEY: &str = "sk-fake-0123456789abcdef";

    /// Starts listening on a free port of the loopback interface.
    #[expect(
        clippy::expect_used,
        reason = "a machine without a loopback interface runs no test"
    )]
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("the address of a bound socket");
        let state = Arc::new(Mutex::new(State {
            queue: VecDeque::new(),
            default_reply: Reply::Image,
            check_reply: None,
            requests: Vec::new(),
            charged: 0,
            in_flight: 0,
            most_in_flight: 0,
            arrivals: watch::Sender::new(0),
        }));
        let accepting = tokio::spawn(accept(listener, Arc::clone(&state)));
        Self {
            address,
            state,
            accepting,
        }
    }

    /// The address that the client must be given.
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Queues the reply to the next request for an image that has none.
    pub fn reply(&self, reply: Reply) {
        lock(&self.state).queue.push_back(reply);
    }

    /// Sets the reply to requests for images when the queue is empty; [`Reply::Image`] at first.
    pub fn default_reply(&self, reply: Reply) {
        lock(&self.state).default_reply = reply;
    }

    /// Sets the reply to requests for the list of models.
    pub fn check_reply(&self, reply: Reply) {
        lock(&self.state).check_reply = Some(reply);
    }

    /// How many requests for images came.
    pub fn calls(&self) -> u64 {
        u64::try_from(lock(&self.state).requests.len()).unwrap_or(u64::MAX)
    }

    /// How many of them it would charge. Work is charged when it is begun, whoever hangs up afterwards.
    pub fn charged(&self) -> u64 {
        lock(&self.state).charged
    }

    /// The most requests for images that were in flight at once.
    pub fn most_at_once(&self) -> u64 {
        lock(&self.state).most_in_flight
    }

    /// The requests for images, in order of their arrival.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        lock(&self.state).requests.clone()
    }

    /// Returns when at least so many requests for images have come.
    pub async fn wait_for_calls(&self, calls: u64) {
        let mut arrivals = lock(&self.state).arrivals.subscribe();
        // An error means that the fake is gone; then none will come.
        let _arrived = arrivals.wait_for(|arrived| *arrived >= calls).await;
    }
}

impl Drop for FakeOpenAi {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends, with all its connections, when it is aborted.
async fn accept(listener: TcpListener, state: Arc<Mutex<State>>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(serve(stream, Arc::clone(&state)));
        while connections.try_join_next().is_some() {}
    }
}

/// A connection that breaks is the client's affair.
async fn serve(mut stream: TcpStream, state: Arc<Mutex<State>>) {
    let Ok(request) = exchange::read(&mut stream).await else {
        return;
    };
    let (mut reply, call) = lock(&state).take(&request);
    while let Reply::After(gate, then) = reply {
        gate.pass().await;
        reply = *then;
    }
    let response = reply.into_response(&request, call);
    // Before it is written: whoever has the answer may send the next request at once.
    if call > 0 {
        lock(&state).in_flight -= 1;
    }
    if let Some(response) = response {
        // The client may have hung up; that is what the test is about then.
        let _sent = exchange::write(&mut stream, &response).await;
    }
}

impl State {
    /// Records a request and chooses the reply, with the number of the call.
    fn take(&mut self, request: &Request) -> (Reply, u64) {
        if request.path.ends_with("/models") {
            return (self.check_reply.clone().unwrap_or(Reply::Models), 0);
        }
        if request.method != "POST" || !request.path.ends_with("/images/generations") {
            return (Reply::not_found(), 0);
        }
        self.requests.push(recorded(request));
        let call = u64::try_from(self.requests.len()).unwrap_or(u64::MAX);
        let reply = self
            .queue
            .pop_front()
            .unwrap_or_else(|| self.default_reply.clone());
        self.charged += u64::from(reply.is_charged());
        self.in_flight += 1;
        self.most_in_flight = self.most_in_flight.max(self.in_flight);
        self.arrivals.send_replace(call);
        (reply, call)
    }
}

fn recorded(request: &Request) -> RecordedRequest {
    let mut headers = request.headers.clone();
    let authorization = headers.remove("authorization");
    RecordedRequest {
        method: request.method.clone(),
        path: request.path.clone(),
        had_the_key: authorization == Some(format!("Bearer {}", FakeOpenAi::KEY)),
        headers,
        body: serde_json::from_slice(&request.body).unwrap_or_default(),
    }
}
