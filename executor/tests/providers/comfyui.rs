//! ComfyUI.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use limn_executor::{
    plan::{ImageFormat, Render},
    provider::{CallError, CapabilityClass, ImageProvider, Lookup, Poll, Reference, Submission},
    providers::{Connection, Kind, RefusalBilling, Setup},
    records::CostSource,
};
use limn_fakes::{Case, Fake};
use limn_proto::{plan::SeedMode, reason::Reason};
use serde_json::{Value, json};

use crate::{
    bench::{self, Bench, TELLS_NOTHING, Tells, VARIANT, Variant},
    drive::{Ended, Order, draw, follow, read},
    rules,
};

pub(crate) const BENCH: Bench = Bench {
    kind: "comfyui",
    variants: &[
        Variant {
            name: "text-to-image",
            fake: "comfyui",
            class: CapabilityClass::B,
            refusals: RefusalBilling::No,
            late_refusals: &[],
            render,
            tells: Tells {
                cost: CostSource::Reported,
                ..TELLS_NOTHING
            },
            ..VARIANT
        },
        Variant {
            name: "own-workflow",
            fake: "comfyui",
            class: CapabilityClass::B,
            refusals: RefusalBilling::No,
            late_refusals: &[],
            render: || Render {
                model: "flux-dev".to_owned(),
                seed_mode: SeedMode::Given,
                style_token: "watercolour".to_owned(),
                format: ImageFormat::Jpeg,
                options: vec![("lora".to_owned(), "foxes.safetensors".to_owned())],
                ..bench::render()
            },
            settings: own_workflow,
            inputs: || serde_json::json!({}),
            references: || vec![reference()],
            tells: Tells {
                cost: CostSource::Reported,
                ..TELLS_NOTHING
            },
        },
    ],
};

fn render() -> Render {
    Render {
        model: "sd_xl_base_1.0.safetensors".to_owned(),
        negative_prompt: "blurry".to_owned(),
        quality_token: "20".to_owned(),
        seed_mode: SeedMode::Given,
        guidance_milli: Some(6500),
        options: [("sampler", "dpmpp_2m"), ("scheduler", "karras")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec(),
        ..bench::render()
    }
}

fn own_workflow() -> Value {
    let workflow = json!({
        "1": {"class_type": "LoadImage", "inputs": {"image": "{{reference_1}}"}},
        "2": {"class_type": "CLIPTextEncode", "inputs": {"text": "{{style=plain}} style: {{prompt}}", "lora": "{{option.lora=none}}"}},
        "3": {"class_type": "KSampler", "inputs": {"seed": "{{seed}}", "steps": "{{steps=8}}", "positive": ["2", 0]}},
        "4": {"class_type": "VAEEncode", "inputs": {"width": "{{width}}", "height": "{{height}}", "pixels": ["1", 0]}},
        "9": {"class_type": "SaveImage", "inputs": {"filename_prefix": "{{attempt}}", "images": ["3", 0]}},
    });
    json!({"workflow": workflow.to_string(), "model": "flux-dev"})
}

fn reference() -> Reference {
    Reference {
        media_type: "image/png".to_owned(),
        bytes: Bytes::from_static(b"\x89PNG\r\n\x1a\n"),
    }
}

fn order(render: Render) -> Order {
    Order {
        render,
        references: Vec::new(),
        timeout: Duration::from_secs(60),
    }
}

fn provider(fake: &Fake) -> Arc<dyn ImageProvider> {
    BENCH.variants[0].provider(BENCH.kind, fake)
}

fn built(settings: Value, base_url: &str) -> Result<Arc<dyn ImageProvider>, String> {
    let Value::Object(table) = settings else {
        panic!("settings are a table");
    };
    let setup = Setup {
        id: BENCH.kind.to_owned(),
        connection: Connection {
            base_url: Some(base_url.to_owned()),
            ..Connection::default()
        },
        table,
        ..Setup::default()
    };
    Kind::find(BENCH.kind)
        .unwrap()
        .build(setup)
        .map_err(|error| error.to_string())
}

#[test]
fn a_workflow_is_checked_at_the_start() {
    let workflow = |text: &str| {
        json!({"1": {"class_type": "X", "inputs": {
            "a": "{{prompt}}", "b": "{{seed}}", "c": "{{width}}", "d": "{{height}}", "e": text,
        }}})
    };
    for (settings, why) in [
        (
            json!({"workflow": workflow("{{modell}}").to_string(), "model": "m"}),
            "{{modell}}",
        ),
        (json!({"workflow": workflow("x").to_string()}), "set model"),
        (
            json!({"workflow": workflow("{{model}}").to_string(), "model": "m"}),
            "leave the setting model out",
        ),
        (json!({"workflow": "{}"}), "no nodes"),
        (json!({"workflo": "{}"}), "workflo"),
    ] {
        let error = built(settings, "http://127.0.0.1:1").unwrap_err();
        assert!(error.contains(why), "{why}: {error}");
    }
    built(
        json!({"workflow": workflow("x").to_string(), "model": "m"}),
        "http://127.0.0.1:1",
    )
    .unwrap();
    built(json!({}), "http://127.0.0.1:1").unwrap();
}

#[tokio::test]
async fn a_plan_that_the_workflow_has_no_place_for_is_not_sent() {
    type Change = fn(&mut Render);
    let changes: [(&str, Change); 7] = [
        ("\"sdxl\"", |render| render.model = "sdxl".to_owned()),
        ("negative_prompt", |render| {
            render.negative_prompt = "blur".to_owned();
        }),
        ("guidance", |render| render.guidance_milli = Some(7000)),
        ("option.vae", |render| {
            render.options = vec![("vae".to_owned(), "x".to_owned())];
        }),
        ("sampler", |render| {
            render.options = vec![("sampler".to_owned(), "euler".to_owned())];
        }),
        ("\"high\"", |render| render.quality_token = "high".to_owned()),
        ("no seed", |render| render.seed_mode = SeedMode::Unsupported),
    ];
    let variant = &BENCH.variants[1];
    for (named, change) in changes {
        let fake = Fake::start("comfyui").await;
        let mut order = order((variant.render)());
        order.references = vec![reference()];
        change(&mut order.render);
        let ended = draw(&*variant.provider(BENCH.kind, &fake), &order).await;
        let Ended::Rejected(rejection) = ended else {
            panic!("{named}: {ended:?}");
        };
        assert!(
            rejection.message.contains(named),
            "{named}: {}",
            rejection.message
        );
        assert_eq!(fake.calls(), 0);
    }
    let fake = Fake::start("comfyui").await;
    let ended = draw(&*variant.provider(BENCH.kind, &fake), &order((variant.render)())).await;
    assert!(
        matches!(&ended, Ended::Rejected(_)),
        "a picture too few: {ended:?}"
    );
    assert!(fake.requests().is_empty());
}

#[tokio::test]
async fn what_a_person_writes_stays_one_text() {
    let fake = Fake::start("comfyui").await;
    let text = "\"}, \"9\": {\"class_type\": \"X\"} {{seed}} [\"1\", 0]";
    let render = Render {
        prompt: text.to_owned(),
        ..render()
    };
    rules::drawn(
        &draw(&*provider(&fake), &order(render.clone())).await,
        &order(render),
    );
    let requests = fake.requests();
    let graph = &requests.iter().find(|request| request.is_call).unwrap().fields["prompt"];
    assert_eq!(graph["2"]["inputs"], json!({"text": text, "clip": ["1", 1]}));
    assert_eq!(graph.as_object().unwrap().len(), 7);
}

#[tokio::test]
async fn a_prompt_is_found_wherever_it_is() {
    let fake = Fake::start("comfyui").await;
    let order = order(render());
    assert_eq!(
        provider(&fake).lookup(&order.call()).await.unwrap(),
        Lookup::Absent
    );
    fake.next(Case::Disconnect);
    let lost = provider(&fake).submit(&order.call()).await.unwrap_err();
    assert!(matches!(lost, CallError::Unknown { .. }), "{lost:?}");
    let found = provider(&fake).lookup(&order.call()).await.unwrap();
    let Lookup::Pending { job_id } = found else {
        panic!("{found:?}");
    };
    let call = order.call();
    assert_eq!(job_id, call.attempt.0.hyphenated().to_string());
    assert!(matches!(
        provider(&fake).lookup(&call).await.unwrap(),
        Lookup::Pending { .. } | Lookup::Received(_)
    ));
    assert_eq!(fake.calls(), 1);
}

#[tokio::test]
async fn a_server_that_was_restarted_still_has_the_picture() {
    let fake = Fake::start("comfyui").await;
    let order = order(render());
    let asked = provider(&fake);
    let Ok(Submission::Accepted { job_id }) = asked.submit(&order.call()).await else {
        panic!("not accepted");
    };
    rules::drawn(&follow(&*asked, &order, &job_id).await, &order);
    fake.forget();
    let Lookup::Received(answer) = asked.lookup(&order.call()).await.unwrap() else {
        panic!("the file was not found");
    };
    rules::drawn(&read(&*asked, &order, answer), &order);
    let Ok(Poll::Received(_)) = asked.poll(&order.call(), &job_id).await else {
        panic!("the file was not found");
    };
    // Without the file there is nothing, and nobody draws it any more.
    fake.expire_pictures();
    assert_eq!(asked.lookup(&order.call()).await.unwrap(), Lookup::Absent);
    let Err(CallError::Rejected(gone)) = asked.poll(&order.call(), &job_id).await else {
        panic!("work that is nowhere goes on");
    };
    assert_eq!(gone.reason, Reason::ProviderUnavailable);
    assert_eq!(fake.calls(), 1);
}

#[tokio::test]
async fn only_the_own_prompt_is_interrupted() {
    let fake = Fake::start("comfyui").await;
    let order = order(render());
    let asked = provider(&fake);
    asked
        .cancel(&order.call(), "0192aaaa-0000-7000-8000-000000000009")
        .await
        .unwrap();
    assert!(fake.requests().iter().all(|request| request.path != "/interrupt"));
    fake.next(Case::JobHangs);
    let Ok(Submission::Accepted { job_id }) = asked.submit(&order.call()).await else {
        panic!("not accepted");
    };
    asked.cancel(&order.call(), &job_id).await.unwrap();
    let interrupts: Vec<Value> = fake
        .requests()
        .into_iter()
        .filter(|request| request.path == "/interrupt")
        .map(|request| request.fields)
        .collect();
    assert_eq!(interrupts, [json!({"prompt_id": job_id})]);
}

#[tokio::test]
async fn a_check_names_nodes_that_are_missing() {
    let fake = Fake::start("comfyui").await;
    let told = provider(&fake).check().await.unwrap();
    assert!(told.contains("0.3.76"), "{told}");
    let inputs = json!({"a": "{{prompt}}", "b": "{{seed}}", "c": "{{width}}", "d": "{{height}}"});
    let workflow = json!({"1": {"class_type": "My Node|mine", "inputs": inputs}, "2": {"class_type": "VAEDecode", "inputs": {}}});
    let settings = json!({"workflow": workflow.to_string(), "model": "m"});
    let error = built(settings, &fake.base_url())
        .unwrap()
        .check()
        .await
        .unwrap_err();
    assert!(
        error.contains("My Node|mine") && !error.contains("VAEDecode"),
        "{error}"
    );
}
