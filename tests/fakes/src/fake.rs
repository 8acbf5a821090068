//! The server of a fake.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};

use crate::{
    case::{Case, Gateway},
    desk::{Desk, Recorded, Reply},
    dialects::{self, Dialect},
    exchange::{self, Request, Response},
};

/// A provider on the loopback interface. It listens until it is dropped.
#[derive(Debug)]
pub struct Fake {
    dialect: &'static dyn Dialect,
    address: SocketAddr,
    desk: Arc<Mutex<Desk>>,
    accepting: JoinHandle<()>,
}

impl Fake {
    /// The key that every fake knows. It answers any other key too, but tells in [`Recorded::had_the_key`].
    pub const KEY: &str = "sk-fake-0123456789abcdef";

    /// What webhooks are signed with by APIs that choose the secret themselves.
    pub const WEBHOOK_SECRET: &str = "whsec_ZmFrZS1zZWNyZXQtb2Ytd2ViaG9va3M=";

    /// Names of the providers that there are fakes of.
    pub fn names() -> Vec<&'static str> {
        dialects::ALL.iter().map(|dialect| dialect.name()).collect()
    }

    /// Starts a fake of that provider on a free port.
    ///
    /// # Panics
    /// There is no such fake, or the machine has no loopback interface.
    pub async fn start(name: &str) -> Self {
        #[expect(
            clippy::expect_used,
            reason = "a test that names no fake, or a machine without a loopback interface, tests nothing"
        )]
        Self::listen(name, SocketAddr::from(([127, 0, 0, 1], 0)), Duration::ZERO)
            .await
            .expect("a fake of that name, and a free port")
    }

    /// Starts a fake of that provider at an address. Work takes this long.
    ///
    /// # Errors
    /// There is no such fake, or the address is taken.
    pub async fn listen(name: &str, address: SocketAddr, latency: Duration) -> std::io::Result<Self> {
        let dialect = dialects::find(name)
            .ok_or_else(|| std::io::Error::new(std::io::ErrorKind::NotFound, "there is no such fake"))?;
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let origin = format!("http://{address}");
        let desk = Arc::new(Mutex::new(Desk::new(origin, dialect.base_path())));
        let accepting = tokio::spawn(accept(listener, dialect, Arc::clone(&desk), latency));
        Ok(Self {
            dialect,
            address,
            desk,
            accepting,
        })
    }

    /// Name of the provider.
    pub fn name(&self) -> &'static str {
        self.dialect.name()
    }

    /// A table of a configuration that calls it, ready to be copied.
    pub fn configuration(&self) -> String {
        format!(
            "[providers.{}]\nbase_url = {:?}\n{}",
            self.name(),
            self.base_url(),
            self.dialect.configuration()
        )
    }

    /// The address that the client must be given.
    pub fn base_url(&self) -> String {
        self.desk().base_url.clone()
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The ways in which this API refuses content, for [`Case::Refusal`].
    pub fn refusals(&self) -> &'static [&'static str] {
        self.dialect.refusals()
    }

    /// True where work has a life of its own, and is asked after.
    pub fn has_jobs(&self) -> bool {
        self.dialect.has_jobs()
    }

    /// True where work can be stopped.
    pub fn can_cancel(&self) -> bool {
        self.dialect.can_cancel()
    }

    /// Decides the case of the next call that has none.
    pub fn next(&self, case: Case) {
        self.desk().queue(case);
    }

    /// Decides the case of calls when none is queued; [`Case::Success`] at first.
    pub fn always(&self, case: Case) {
        self.desk().set_default(case);
    }

    /// Puts something before the API that answers everything in its place, or takes it away.
    pub fn set_gateway(&self, gateway: Option<Gateway>) {
        self.desk().gateway = gateway;
    }

    /// How many questions after a job are answered with "not yet"; 1 at first.
    pub fn set_patience(&self, questions: u32) {
        self.desk().patience = questions;
    }

    /// How long it asks to wait when it is called too often, where it says so; 1500 ms at first.
    pub fn set_wait(&self, wait: Duration) {
        self.desk().wait = wait;
    }

    /// Lets all addresses of pictures expire that were given out so far.
    pub fn expire_pictures(&self) {
        self.desk().expired = true;
    }

    /// Restarts it, as far as it would forget something by that.
    pub fn forget(&self) {
        self.desk().has_forgotten = true;
    }

    /// Loses its answers to the next so many requests that change something and ask for no work: they are served, and the connection is
    /// closed.
    pub fn lose_answers(&self, requests: u32) {
        self.desk().lost = requests;
    }

    /// How many requests asked for work.
    pub fn calls(&self) -> u64 {
        self.desk().calls()
    }

    /// How many pieces of work it would charge.
    pub fn charged(&self) -> u64 {
        self.desk().charged
    }

    /// The most pieces of work that were in progress at once.
    pub fn most_at_once(&self) -> u64 {
        self.desk().most_in_progress
    }

    /// All requests, in order of their arrival.
    pub fn requests(&self) -> Vec<Recorded> {
        self.desk().requests.clone()
    }

    /// Everything that ever came in the header of the key, each once.
    pub fn keys(&self) -> Vec<String> {
        self.desk().keys.iter().cloned().collect()
    }

    /// Returns when at least so many requests have asked for work.
    pub async fn wait_for_calls(&self, calls: u64) {
        let mut arrivals = self.desk().arrivals.subscribe();
        // An error means that the fake is gone; then none will come.
        let _arrived = arrivals.wait_for(|arrived| *arrived >= calls).await;
    }

    /// Sends news of the work of the call of that number, from 1, to the address that the client named for it, and returns the
    /// status that came back. Nothing: it named none, or is not there. The news are signed with [`Fake::WEBHOOK_SECRET`] where the
    /// API has a secret of its own.
    pub async fn send_webhook(&self, call: u64) -> Option<u16> {
        let hook = {
            let desk = self.desk();
            let job = desk.jobs.values().find(|job| job.work.number == call)?;
            self.dialect.hook(job, &desk)?
        };
        hook.send().await
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        lock(&self.desk)
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

fn lock(desk: &Mutex<Desk>) -> MutexGuard<'_, Desk> {
    desk.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends, with all its connections, when it is aborted.
async fn accept(
    listener: TcpListener,
    dialect: &'static dyn Dialect,
    desk: Arc<Mutex<Desk>>,
    latency: Duration,
) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(serve(stream, dialect, Arc::clone(&desk), latency));
        while connections.try_join_next().is_some() {}
    }
}

/// A connection that breaks is the client's affair.
async fn serve(
    mut stream: TcpStream,
    dialect: &'static dyn Dialect,
    desk: Arc<Mutex<Desk>>,
    latency: Duration,
) {
    let Ok(request) = exchange::read(&mut stream).await else {
        return;
    };
    let (reply, is_call) = answer(dialect, &desk, &request);
    if is_call && !latency.is_zero() {
        #[expect(
            clippy::disallowed_methods,
            reason = "a person who tries the fake by hand has asked for it; tests use a gate"
        )]
        tokio::time::sleep(latency).await;
    }
    if !is_call && request.method == "POST" {
        let mut desk = lock(&desk);
        if desk.lost > 0 {
            desk.lost -= 1;
            return;
        }
    }
    let (response, case) = match reply {
        Reply::Plain(response) => (response, None),
        Reply::Picture(response, work) => (response, Some(work.case)),
    };
    let response = match case {
        None => Some(response),
        Some(mut case) => {
            while let Case::After(gate, then) = case {
                gate.pass().await;
                case = *then;
            }
            on_its_way(response, &case)
        }
    };
    // Before it is written: whoever has the answer may send the next request at once.
    if is_call && !dialect.has_jobs() {
        lock(&desk).end();
    }
    if let Some(response) = response {
        // The client may have hung up; that is what the test is about then.
        let _sent = exchange::write(&mut stream, &response).await;
    }
}

fn answer(dialect: &dyn Dialect, desk: &Mutex<Desk>, request: &Request) -> (Reply, bool) {
    let mut desk = lock(desk);
    let (header, had_the_key) = dialect.key(request);
    desk.requests.push(Recorded::of(request, header, had_the_key));
    desk.keys.insert(request.header(header).to_owned());
    if let Some(gateway) = &desk.gateway {
        return (Reply::Plain(gateway.answer(request)), false);
    }
    let calls = desk.calls();
    let charged = desk.charged;
    let reply = dialect.answer(request, &mut desk);
    let is_call = desk.calls() > calls;
    if is_call && !dialect.has_jobs() {
        desk.begin();
        let is_charged = match &reply {
            Reply::Picture(_, work) => work.case.is_charged(),
            Reply::Plain(_) => false,
        };
        // A dialect may have charged it itself.
        if is_charged && desk.charged == charged {
            desk.charge();
        }
    }
    (reply, is_call)
}

/// What becomes of an answer between the provider and its client.
fn on_its_way(response: Response, case: &Case) -> Option<Response> {
    match case {
        Case::Says {
            status,
            media_type,
            body,
            ..
        } => {
            // What identifies the call stays.
            let said = Response {
                status: *status,
                body: body.clone().into_bytes(),
                ..response
            };
            Some(said.typed(media_type))
        }
        Case::Disconnect => None,
        Case::GatewayPage(status) => Some(Response::page(*status)),
        Case::Malformed => Some(Response {
            body: b"{\"not\": ".to_vec(),
            ..response
        }),
        Case::Truncated => Some(Response {
            cut_at: Some(response.body.len() / 2),
            ..response
        }),
        Case::Halfway(gate) => Some(Response {
            held_at: Some((response.body.len() / 2, gate.clone())),
            ..response
        }),
        Case::Oversized(size_bytes) => Some(Response {
            body: vec![b'x'; *size_bytes],
            ..response
        }),
        _ => Some(response),
    }
}
