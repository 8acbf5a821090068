//! Unfinished pictures, for whoever looks on in this process.
//!
//! They are never stored and have no sequence. Nobody waits for them: what comes too fast for an onlooker, is too large,
//! or has no onlooker at all, is let go of.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use limn_proto::v1;
use tokio::sync::broadcast;

use crate::{
    ids::{AttemptId, ExecutionId},
    plan::ImageFormat,
    provider::{Preview, PreviewSink},
};

/// Largest preview that is passed on, in bytes. Clients take messages of 4 MB, as is usual with gRPC.
pub(crate) const MAX_PREVIEW_BYTES: usize = 2 << 20;
/// Previews that wait for an onlooker; older ones are let go of.
const WAITING: usize = 4;

/// Previews as they come.
pub(crate) type Shown = broadcast::Receiver<Arc<v1::Preview>>;

/// One channel for each execution that somebody looks on at.
#[derive(Debug, Default)]
pub(crate) struct Previews {
    channels: Mutex<BTreeMap<ExecutionId, broadcast::Sender<Arc<v1::Preview>>>>,
}

impl Previews {
    /// The previews of an execution from now on.
    pub(crate) fn subscribe(&self, execution: ExecutionId) -> Shown {
        let mut channels = self.channels();
        // Whoever looked on at others may have gone since.
        channels.retain(|id, channel| *id == execution || channel.receiver_count() > 0);
        channels
            .entry(execution)
            .or_insert_with(|| broadcast::channel(WAITING).0)
            .subscribe()
    }

    /// Where the previews of an attempt go.
    pub(crate) fn of<'a>(
        &'a self,
        execution: ExecutionId,
        step_id: &'a str,
        attempt: AttemptId,
    ) -> OfAttempt<'a> {
        OfAttempt {
            previews: self,
            execution,
            step_id,
            attempt,
        }
    }

    fn channels(&self) -> MutexGuard<'_, BTreeMap<ExecutionId, broadcast::Sender<Arc<v1::Preview>>>> {
        self.channels.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Passes the previews of one attempt on.
#[derive(Debug)]
pub(crate) struct OfAttempt<'a> {
    previews: &'a Previews,
    execution: ExecutionId,
    step_id: &'a str,
    attempt: AttemptId,
}

impl PreviewSink for OfAttempt<'_> {
    fn is_watched(&self) -> bool {
        let channels = self.previews.channels();
        channels
            .get(&self.execution)
            .is_some_and(|channel| channel.receiver_count() > 0)
    }

    fn show(&self, preview: Preview) {
        let format = image::guess_format(&preview.bytes).ok();
        let media_type = format.map(|format| format.to_mime_type());
        let Some(format) = media_type.and_then(ImageFormat::from_media_type) else {
            tracing::debug!(attempt = %self.attempt, "a preview is no picture");
            return;
        };
        let size_bytes = preview.bytes.len();
        if size_bytes > MAX_PREVIEW_BYTES {
            tracing::debug!(attempt = %self.attempt, size_bytes, "a preview is too large");
            return;
        }
        let shown = v1::Preview {
            step_id: self.step_id.to_owned(),
            attempt_id: self.attempt.to_string(),
            index: preview.index,
            media_type: format.media_type().to_owned(),
            image: preview.bytes,
        };
        if let Some(channel) = self.previews.channels().get(&self.execution) {
            // An error means that the last onlooker has just left.
            let _seen = channel.send(Arc::new(shown));
        }
    }
}

/// The next preview; never, when nobody wants any.
pub(crate) async fn next(shown: &mut Option<Shown>) -> Arc<v1::Preview> {
    if let Some(shown) = shown {
        loop {
            match shown.recv().await {
                Ok(preview) => return preview,
                Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => break,
            }
        }
    }
    std::future::pending().await
}

/// The next preview, if one is there.
pub(crate) fn waiting(shown: &mut Option<Shown>) -> Option<Arc<v1::Preview>> {
    let shown = shown.as_mut()?;
    loop {
        match shown.try_recv() {
            Ok(preview) => return Some(preview),
            Err(broadcast::error::TryRecvError::Lagged(_)) => {}
            Err(broadcast::error::TryRecvError::Empty | broadcast::error::TryRecvError::Closed) => {
                return None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use uuid::Uuid;

    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

    fn preview(index: u32, bytes: &[u8]) -> Preview {
        Preview {
            index,
            bytes: Bytes::copy_from_slice(bytes),
        }
    }

    fn ids() -> (ExecutionId, AttemptId) {
        (ExecutionId(Uuid::from_u128(1)), AttemptId(Uuid::from_u128(2)))
    }

    fn indexes(shown: &mut Option<Shown>) -> Vec<u32> {
        std::iter::from_fn(|| waiting(shown).map(|preview| preview.index)).collect()
    }

    #[test]
    fn previews_go_to_those_who_look_on_at_the_execution() {
        let previews = Previews::default();
        let (execution, attempt) = ids();
        let sink = previews.of(execution, "a", attempt);
        assert!(!sink.is_watched());
        sink.show(preview(0, PNG));
        let mut first = Some(previews.subscribe(execution));
        let mut second = Some(previews.subscribe(execution));
        let mut stranger = Some(previews.subscribe(ExecutionId(Uuid::from_u128(3))));
        assert!(sink.is_watched());
        sink.show(preview(1, PNG));
        let seen = waiting(&mut first).unwrap();
        assert_eq!(
            (&*seen.step_id, &*seen.media_type, &*seen.image),
            ("a", "image/png", PNG)
        );
        assert_eq!(seen.attempt_id, attempt.to_string());
        assert_eq!(indexes(&mut first), [] as [u32; 0]);
        assert_eq!(indexes(&mut second), [1]);
        assert_eq!(indexes(&mut stranger), [] as [u32; 0]);
        drop((first, second));
        assert!(!sink.is_watched());
    }

    #[test]
    fn what_is_too_much_is_let_go_of() {
        let previews = Previews::default();
        let (execution, attempt) = ids();
        let sink = previews.of(execution, "a", attempt);
        let mut shown = Some(previews.subscribe(execution));
        let with_length = |length: usize| {
            let mut bytes = PNG.to_vec();
            bytes.resize(length, 0);
            bytes
        };
        sink.show(preview(1, &with_length(MAX_PREVIEW_BYTES)));
        sink.show(preview(2, &with_length(MAX_PREVIEW_BYTES + 1)));
        sink.show(preview(3, b"<html>"));
        assert_eq!(indexes(&mut shown), [1]);
        for index in 0..10 {
            sink.show(preview(index, PNG));
        }
        assert_eq!(indexes(&mut shown), [6, 7, 8, 9], "the newest ones");
    }

    #[test]
    fn channels_go_with_their_onlookers() {
        let previews = Previews::default();
        for number in 0..10 {
            drop(previews.subscribe(ExecutionId(Uuid::from_u128(number))));
        }
        assert_eq!(previews.channels().len(), 1);
    }
}
