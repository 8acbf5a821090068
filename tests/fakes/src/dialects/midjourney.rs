//! A proxy before Midjourney: a task draws a grid, a second one takes a picture out of it.

use serde_json::{Map, Value, json};

use super::Dialect;
use crate::{
    case::Case,
    desk::{Asked, Desk, Job, Reply},
    exchange::{Request, Response},
    picture::Format,
};

/// The API.
#[derive(Debug)]
pub(super) struct Midjourney;

/// A word that the proxy itself does not let through.
const WORD: &str = "banned word";
/// Midjourney refused the prompt.
const PROMPT: &str = "banned prompt";
/// The grid was drawn, and no picture is given out of it.
const UPSCALE: &str = "banned upscale";

impl Dialect for Midjourney {
    fn name(&self) -> &'static str {
        "midjourney"
    }

    fn refusals(&self) -> &'static [&'static str] {
        &[WORD, PROMPT, UPSCALE]
    }

    fn has_jobs(&self) -> bool {
        true
    }

    fn can_cancel(&self) -> bool {
        true
    }

    fn key(&self, request: &Request) -> (&'static str, bool) {
        let header = "mj-api-secret";
        (header, request.header(header) == crate::Fake::KEY)
    }

    fn configuration(&self) -> String {
        // A subscription has no list price, and without one nothing is drawn.
        format!(
            r#"acknowledged = true
api_key = {:?}

[catalog.providers.midjourney.models.v7]
prices_as_of = "2026-11-21"
prices_source = "30 USD a month, 900 pictures"

[catalog.providers.midjourney.models.v7.pricing]
kind = "per_image"
prices = {{ any = "0.034" }}
"#,
            crate::Fake::KEY
        )
    }

    fn answer(&self, request: &Request, desk: &mut Desk) -> Reply {
        let path = ["/mj-fast", "/mj-relax", "/mj-turbo"]
            .iter()
            .find_map(|speed| request.path.strip_prefix(speed))
            .unwrap_or(&request.path);
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        let json = |body: &Value| Reply::Plain(Response::json(200, body));
        match (request.method.as_str(), &parts[..]) {
            ("POST", ["mj", "submit", "imagine"]) => imagine(request, desk),
            ("POST", ["mj", "submit", "change"]) => change(&request.fields(), desk),
            ("GET", ["mj", "task", id, "fetch"]) => {
                let task = look_at(desk, id);
                json(&task.unwrap_or_default())
            }
            ("POST", ["mj", "task", id, "cancel"]) => {
                desk.cancel(id);
                Reply::Plain(Response::bytes(200, "text/plain", Vec::new()))
            }
            ("GET", ["mj", "task", "list"]) => {
                // Newest first.
                let ids: Vec<String> = desk.jobs.keys().rev().cloned().collect();
                let tasks: Vec<Value> = ids.iter().filter_map(|id| look_at(desk, id)).collect();
                json(&tasks.into())
            }
            ("POST", ["mj", "task", "list-by-condition"]) => {
                let fields = request.fields();
                let ids = fields["ids"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(Value::as_str);
                let tasks: Vec<Value> = ids.filter_map(|id| look_at(desk, id)).collect();
                json(&tasks.into())
            }
            ("GET", ["attachments", file]) => picture(file, desk),
            _ => Reply::Plain(Response::json(404, &json!({"status": 404, "error": "Not Found"}))),
        }
    }
}

/// Every answer to a submission is a success; the code says what it is.
fn said(code: i64, description: &str, result: &Value) -> Response {
    let body = json!({"code": code, "description": description, "result": result, "properties": {}});
    Response::json(200, &body)
}

fn imagine(request: &Request, desk: &mut Desk) -> Reply {
    let fields = request.fields();
    let work = desk.take();
    let nothing = Value::Null;
    let response = match work.case.inner() {
        Case::RateLimited => said(23, "队列已满，请稍后尝试", &nothing),
        Case::Quota => said(3, "无可用的账号实例", &nothing),
        Case::BadKey => Response::json(401, &json!({"status": 401, "error": "Unauthorized"})),
        Case::RetiredModel | Case::BadRequest => said(4, "参数错误", &nothing),
        Case::ServerError => said(9, "提交失败，系统异常", &nothing),
        Case::Refusal(WORD) => said(24, "可能包含敏感词", &nothing),
        _ => {
            let id = format!("17950000000{:05}", work.number * 10);
            desk.open(id.clone(), work.clone(), asked(&fields), fields);
            let response = said(1, "提交成功", &id.into());
            if matches!(work.case.inner(), Case::GatewayPage(_) | Case::Disconnect) {
                return Reply::Picture(response, work);
            }
            response
        }
    };
    Reply::Plain(response)
}

/// Takes a picture out of a grid. The same one is taken once.
fn change(fields: &Value, desk: &mut Desk) -> Reply {
    let grid = fields["taskId"].as_str().unwrap_or_default();
    let index = fields["index"].as_u64().unwrap_or_default();
    let Some(job) = desk.jobs.get(grid).cloned() else {
        return Reply::Plain(said(3, "关联任务不存在或已失效", &Value::Null));
    };
    if !job.is_ended || fields["action"] != "UPSCALE" || !(1..=4).contains(&index) {
        return Reply::Plain(said(4, "关联任务状态错误", &Value::Null));
    }
    if matches!(job.work.case.inner(), Case::Refusal(UPSCALE)) {
        return Reply::Plain(said(24, "可能包含敏感词", &Value::Null));
    }
    let id = format!("{grid}{index}");
    if desk.jobs.contains_key(&id) {
        return Reply::Plain(said(21, "任务已存在", &id.into()));
    }
    let upscale = Job {
        id: id.clone(),
        request: json!({"upscale": fields, "of": job.request}),
        polls: 0,
        // It is part of what was charged.
        is_ended: true,
        ..job
    };
    desk.jobs.insert(id.clone(), upscale);
    Reply::Plain(said(1, "提交成功", &id.into()))
}

/// The size by the ratio, as the newer versions draw it; other ratios as they are.
fn asked(fields: &Value) -> Asked {
    let prompt = fields["prompt"].as_str().unwrap_or_default();
    let parameter = |name: &str| {
        let (_, rest) = prompt.split_once(&format!("--{name} "))?;
        rest.split_whitespace().next()
    };
    let size_px = match parameter("ar") {
        Some("16:9") => (1456, 816),
        Some("9:16") => (816, 1456),
        Some("3:2") => (1344, 896),
        Some("2:3") => (896, 1344),
        Some("4:3") => (1232, 928),
        Some("3:4") => (928, 1232),
        Some("1:1") | None => (1024, 1024),
        Some(ratio) => {
            let edges = ratio.split_once(':');
            let edges = edges
                .and_then(|(width, height)| Some((width.parse::<u32>().ok()?, height.parse::<u32>().ok()?)));
            edges.map_or((1024, 1024), |(width, height)| (width * 16, height * 16))
        }
    };
    Asked {
        size_px,
        format: Format::Png,
        seed: parameter("seed").and_then(|seed| seed.parse().ok()),
    }
}

/// A task as it is shown, after somebody asked for it.
fn look_at(desk: &mut Desk, id: &str) -> Option<Value> {
    let was_over = desk.jobs.get(id).is_some_and(|job| job.is_ended);
    let job = desk.look_at(id)?;
    let is_kept_back = matches!(job.work.case.inner(), Case::Refusal(UPSCALE));
    // Midjourney drew the grid, whatever becomes of it.
    if is_kept_back && job.is_ended && !was_over {
        desk.charge();
    }
    let upscale = job.request.get("upscale");
    let original = job.request.get("of").unwrap_or(&job.request);
    let is_over = if upscale.is_some() {
        job.polls > desk.patience
    } else {
        job.is_ended
    };
    let mut task = Map::new();
    let mut set = |name: &str, value: Value| task.insert(name.to_owned(), value);
    set("id", job.id.as_str().into());
    set(
        "action",
        if upscale.is_some() { "UPSCALE" } else { "IMAGINE" }.into(),
    );
    set("state", upscale.unwrap_or(original)["state"].clone());
    set("prompt", original["prompt"].clone());
    set("properties", json!({"finalPrompt": original["prompt"]}));
    let preview = format!("{}/attachments/{}.webp", desk.origin, job.id);
    let (status, progress) = match job.work.case.inner() {
        _ if !is_over => ("IN_PROGRESS", "31%"),
        _ if job.is_cancelled => ("FAILURE", "0%"),
        Case::JobFailed => ("FAILURE", "0%"),
        Case::Refusal(_) if !is_kept_back => ("FAILURE", "0%"),
        _ => ("SUCCESS", "100%"),
    };
    set("status", status.into());
    set("progress", progress.into());
    let why = match job.work.case.inner() {
        _ if status != "FAILURE" => "",
        _ if job.is_cancelled => "取消任务",
        Case::Refusal(_) => {
            "[Banned prompt] Sorry! Our AI moderators think this prompt is probably against our community standards."
        }
        _ => "[Queue error] Something went wrong.",
    };
    set("failReason", why.into());
    let address = match job.work.case.inner() {
        _ if status == "FAILURE" => Value::Null,
        // Of a grid, or of a picture that is being drawn.
        _ if upscale.is_none() || status != "SUCCESS" => preview.into(),
        Case::NoPicture => Value::Null,
        _ => {
            let extension = job.asked.format.extension();
            format!("{}/attachments/{}.{extension}", desk.origin, job.id).into()
        }
    };
    set("imageUrl", address);
    Some(task.into())
}

/// A picture in the content network of Discord.
fn picture(file: &str, desk: &Desk) -> Reply {
    let job = file.strip_suffix(".png").and_then(|id| desk.jobs.get(id));
    match job.filter(|_| !desk.expired) {
        Some(job) => {
            let response = Response::bytes(200, "image/png", job.work.picture(&job.asked));
            Reply::Picture(response, job.work.clone())
        }
        None => Reply::Plain(Response::bytes(
            404,
            "text/plain",
            b"This content is no longer available.".to_vec(),
        )),
    }
}
