//! A task that looks again before it sleeps.

use std::{
    pin::Pin,
    task::{Context, Poll},
    thread,
};

use futures::future::BoxFuture;

/// How often to look again. A statement on the connection's thread takes a few microseconds, about as long as some turns
/// at the processor; to sleep and be woken for each costs more than the statement itself.
const LOOKS: usize = 30;

/// Lets others have the processor and looks again, for some tens of microseconds, before it waits to be woken. For a
/// task whose answers are usually almost there: one that waits long costs those turns once and then nothing.
pub(super) struct Watchful(BoxFuture<'static, ()>);

impl Watchful {
    pub(super) fn new(task: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(Box::pin(task))
    }
}

impl Future for Watchful {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        for _ in 0..LOOKS {
            if self.0.as_mut().poll(context).is_ready() {
                return Poll::Ready(());
            }
            thread::yield_now();
        }
        self.0.as_mut().poll(context)
    }
}
