//! Many watchers of one execution, quick and slow: each sees every event, once and in order.

use std::sync::Arc;

use futures::{FutureExt as _, StreamExt as _, future::join_all, stream::BoxStream};
use limn_executor::{executor::Order, provider::CapabilityClass, watch::WatchError};
use limn_proto::v1::{ExecutionEvent, execution_event::Event};
use tokio::sync::mpsc;

use crate::{
    scripted::{Act, Scripted},
    support::{Process, plan, spec},
};

/// Reads to the end and returns the sequences of the stored events and of the last snapshot.
async fn read(mut events: BoxStream<'static, Result<ExecutionEvent, WatchError>>) -> (Vec<u64>, u64) {
    let (mut sequences, mut last) = (Vec::new(), 0);
    while let Some(event) = events.next().await {
        let event = event.unwrap();
        match event.event {
            Some(Event::Snapshot(_)) => last = event.sequence,
            Some(Event::KeepAlive(_)) | None => {}
            Some(_) => sequences.push(event.sequence),
        }
    }
    (sequences, last)
}

#[test]
fn every_watcher_sees_every_event_once_however_slowly_it_reads() {
    let folder = tempfile::tempdir().unwrap();
    let provider = Scripted::new("first", CapabilityClass::D);
    provider.script([Act::Hold]);
    let process = Process::start(folder.path(), &[Arc::clone(&provider)]);
    // More events than any buffer in between holds.
    let plan = plan(&spec(80, &["first"]));
    process.block_on(async {
        let submitted = process.executor.submit(&plan, &Order::default()).await.unwrap();
        let id = submitted.execution.id;
        let watch = |after| process.executor.watch("tester", id, after);
        provider.reached.acquire().await.unwrap().forget();

        // Attached, caught up with what there is, and then not read until the end.
        let held = process
            .executor
            .records()
            .execution("tester", id)
            .await
            .unwrap()
            .unwrap();
        let mut asleep = watch(Some(0));
        for expected in 1..=held.last_sequence {
            assert_eq!(asleep.next().await.unwrap().unwrap().sequence, expected);
        }
        assert!(
            asleep.next().now_or_never().is_none(),
            "nothing more has happened"
        );
        let quick: Vec<_> = (0..40)
            .map(|number| tokio::spawn(read(watch(Some(number % 3)))))
            .collect();
        // Attaches in the middle, again and again.
        let (attach, mut attached) = mpsc::unbounded_channel();
        let mut leader = watch(Some(0));
        let executor = process.executor.clone();
        let leading = tokio::spawn(async move {
            while let Some(event) = leader.next().await {
                let sequence = event.unwrap().sequence;
                if sequence % 20 == 0 {
                    let late = executor.watch("tester", id, Some(sequence - 1));
                    attach.send((sequence, tokio::spawn(read(late)))).unwrap();
                }
            }
        });
        provider.gate.add_permits(1);
        leading.await.unwrap();

        let (_, last) = read(watch(None)).await;
        assert!(last > 256 * 2, "{last} events are too few for this test");
        for (number, (sequences, end)) in (0..).zip(join_all(quick).await.into_iter().map(Result::unwrap)) {
            assert_eq!(sequences, (number % 3 + 1..=last).collect::<Vec<_>>());
            assert_eq!(end, last);
        }
        while let Some((from, late)) = attached.recv().await {
            let (sequences, end) = late.await.unwrap();
            assert_eq!(sequences, (from..=last).collect::<Vec<_>>());
            assert_eq!(end, last);
        }
        let (sequences, end) = read(asleep).await;
        assert_eq!(sequences, (held.last_sequence + 1..=last).collect::<Vec<_>>());
        assert_eq!(end, last);
    });
}
