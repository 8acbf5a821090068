//! Lists: newest first, page by page, with filters.

use limn_proto::plan::{ImageType, PlanKind};

use super::driver::{Driver, Subject, there};
use crate::{ids::ImageId, records::*};

fn page(limit: u32) -> Page {
    Page { limit, after: None }
}

/// What comes in while somebody turns pages neither repeats nor hides anything. Equal times are told apart by
/// id.
pub async fn pages_stay_stable_while_executions_are_added(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let now = driver.now();
    let mut expected = Vec::new();
    for round in 0..5 {
        let order = NewExecution {
            now,
            ..driver.order(&format!("plan {round}"), &["a", "b"])
        };
        store.accept(&order).await?;
        expected.insert(0, order.id);
    }
    let mut seen = Vec::new();
    let mut next = page(2);
    loop {
        let listed = store
            .executions("acme", &ExecutionFilter::default(), &next)
            .await?;
        let Some(last) = listed.last() else { break };
        next.after = Some((last.created_at, last.id.to_string()));
        seen.extend(listed.iter().map(|record| record.id));
        let late = driver.order(&format!("late {}", seen.len()), &["a"]);
        store.accept(&late).await?;
    }
    assert_eq!(seen, expected);
    let listed = store
        .executions("acme", &ExecutionFilter::default(), &page(100))
        .await?;
    for record in &listed {
        assert_eq!(record, &driver.execution(record.id).await?);
    }
    driver.audit().await
}

/// All conditions hold together.
pub async fn executions_are_filtered(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let mut elsewhere = driver.order("plan", &["a"]);
    elsewhere.plan.session_id = "s2".to_owned();
    store.accept(&elsewhere).await?;
    let fence = driver.start("other", &["a"]).await?;
    let find = async |filter: ExecutionFilter| {
        let listed = store.executions("acme", &filter, &page(10)).await?;
        Ok::<_, RecordError>(listed.iter().map(|record| record.id).collect::<Vec<_>>())
    };
    let everything = ExecutionFilter::default();
    assert_eq!(find(everything.clone()).await?, [fence.execution, elsewhere.id]);
    let of_plan = ExecutionFilter {
        plan_digest: Some(format!("sha256:{}", elsewhere.plan.digest_hex)),
        ..everything.clone()
    };
    assert_eq!(find(of_plan.clone()).await?, [elsewhere.id]);
    let of_session = ExecutionFilter {
        session_id: Some("s1".to_owned()),
        ..everything.clone()
    };
    assert_eq!(find(of_session).await?, [fence.execution]);
    let in_states = ExecutionFilter {
        states: vec![ExecutionState::Processing, ExecutionState::NeedsDecision],
        ..everything
    };
    assert_eq!(find(in_states.clone()).await?, [fence.execution]);
    let of_plan_in_states = ExecutionFilter {
        states: in_states.states,
        ..of_plan
    };
    assert_eq!(find(of_plan_in_states).await?, []);
    assert_eq!(
        store
            .executions("other", &ExecutionFilter::default(), &page(10))
            .await?,
        []
    );
    driver.audit().await
}

/// Plans of one time come in the order of their digests, and none is lost between pages.
pub async fn plans_are_filtered_and_paged(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let now = driver.now();
    let mut saved = Vec::new();
    for round in 0..4 {
        let mut plan = driver.plan(&format!("plan {round}"));
        plan.now = now;
        if round == 3 {
            plan.session_id = "s2".to_owned();
            plan.kind = PlanKind::Single;
        }
        saved.push(store.save_plan(&plan).await?);
    }
    let single = there(saved.get(3).cloned(), "the plan")?;
    saved.sort_by(|one, two| two.digest_hex.cmp(&one.digest_hex));
    let first = store.plans("acme", &PlanFilter::default(), &page(3)).await?;
    let last = there(first.last(), "a plan")?;
    let rest = Page {
        after: Some((last.created_at, last.digest_hex.clone())),
        ..page(3)
    };
    let rest = store.plans("acme", &PlanFilter::default(), &rest).await?;
    assert_eq!([first, rest].concat(), saved);
    for filter in [
        PlanFilter {
            session_id: Some("s2".to_owned()),
            kind: None,
        },
        PlanFilter {
            session_id: None,
            kind: Some(PlanKind::Single),
        },
    ] {
        assert_eq!(
            store.plans("acme", &filter, &page(10)).await?,
            std::slice::from_ref(&single)
        );
    }
    driver.audit().await
}

/// Every condition of the filter, alone and together.
pub async fn images_are_filtered_and_paged(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let fence = driver.start("plan", &["a", "b", "c"]).await?;
    let mut drawn = Vec::new();
    for step in ["a", "b", "c"] {
        let attempt = NewAttempt {
            provider: if step == "c" { "sketch" } else { "easel" }.to_owned(),
            ..driver.attempt(step, &format!("plan/{step}"))
        };
        driver.receive(&fence, &attempt).await?;
        let mut commit = driver.commit(&fence, &attempt);
        if step == "b" {
            commit.image.description.image_type = ImageType::Item;
            commit.image.description.post_id = "post-2".to_owned();
            commit.image.labels = vec![("chapter".to_owned(), "one".to_owned())];
            commit.image.session_id = "s2".to_owned();
        }
        store.commit(&fence, &commit).await?;
        drawn.push(commit.image);
    }
    let [a, b, c] = drawn.as_slice() else {
        return there(None, "an image");
    };
    let all = ImageFilter::default;
    let label = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let cases: [(ImageFilter, Vec<ImageId>); 11] = [
        (all(), vec![c.id, b.id, a.id]),
        (
            ImageFilter {
                session_id: Some("s2".to_owned()),
                ..all()
            },
            vec![b.id],
        ),
        (
            ImageFilter {
                image_types: vec![ImageType::Item, ImageType::Product],
                ..all()
            },
            vec![b.id],
        ),
        (
            ImageFilter {
                provider: Some("sketch".to_owned()),
                ..all()
            },
            vec![c.id],
        ),
        (
            ImageFilter {
                plan_digest: Some("sha256:none".to_owned()),
                ..all()
            },
            vec![],
        ),
        (
            ImageFilter {
                execution: Some(fence.execution),
                post_id: Some("post-1".to_owned()),
                ..all()
            },
            vec![c.id, a.id],
        ),
        (
            ImageFilter {
                labels: vec![label("chapter", "one"), label("mood", "calm")],
                ..all()
            },
            vec![c.id, a.id],
        ),
        (
            ImageFilter {
                labels: vec![label("chapter", "two")],
                ..all()
            },
            vec![],
        ),
        (
            ImageFilter {
                created_from: Some(b.created_at),
                ..all()
            },
            vec![c.id, b.id],
        ),
        (
            ImageFilter {
                created_before: Some(b.created_at),
                ..all()
            },
            vec![a.id],
        ),
        (
            ImageFilter {
                created_from: Some(b.created_at),
                created_before: Some(c.created_at),
                labels: vec![label("chapter", "one")],
                ..all()
            },
            vec![b.id],
        ),
    ];
    for (filter, expected) in cases {
        let listed = store.images("acme", &filter, &page(10)).await?;
        let ids: Vec<ImageId> = listed.iter().map(|image| image.id).collect();
        assert_eq!(ids, expected, "{filter:?}");
    }
    let rest = Page {
        after: Some((c.created_at, c.id.to_string())),
        ..page(1)
    };
    let rest = store.images("acme", &all(), &rest).await?;
    assert_eq!(rest, std::slice::from_ref(b));
    assert_eq!(store.images("other", &all(), &page(10)).await?, []);
    driver.audit().await
}

/// A reader goes on where it was, in pieces of the size it asks for.
pub async fn events_are_read_from_a_cursor(subject: Subject<'_>) -> Result<()> {
    let store = subject.store;
    let driver = Driver::new(subject);
    let fence = driver.start("plan", &["a"]).await?;
    driver.draw(&fence, &driver.attempt("a", "plan/a")).await?;
    let all = store.events_after(fence.execution, 0, 1000).await?;
    let mut pieces = Vec::new();
    loop {
        let after = pieces.last().map_or(0, |event: &StoredEvent| event.sequence);
        let piece = store.events_after(fence.execution, after, 3).await?;
        if piece.is_empty() {
            break;
        }
        assert!(piece.len() <= 3);
        pieces.extend(piece);
    }
    assert_eq!(pieces, all);
    assert_eq!(store.events_after(fence.execution, u64::MAX, 10).await?, []);
    driver.audit().await
}
