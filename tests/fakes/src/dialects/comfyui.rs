//! ComfyUI: a graph is queued under an id of the caller's; queue, history and files are asked after it. No key.

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
pub(super) struct ComfyUi;

/// Nodes that the server has.
const CLASSES: &[&str] = &[
    "CheckpointLoaderSimple",
    "CLIPTextEncode",
    "EmptyLatentImage",
    "KSampler",
    "LoadImage",
    "SaveImage",
    "VAEDecode",
    "VAEEncode",
];

impl Dialect for ComfyUi {
    fn name(&self) -> &'static str {
        "comfyui"
    }

    fn refusals(&self) -> &'static [&'static str] {
        &[]
    }

    fn has_jobs(&self) -> bool {
        true
    }

    fn can_cancel(&self) -> bool {
        true
    }

    /// It knows no keys.
    fn key(&self, _request: &Request) -> (&'static str, bool) {
        ("authorization", true)
    }

    fn configuration(&self) -> String {
        String::new()
    }

    fn answer(&self, request: &Request, desk: &mut Desk) -> Reply {
        let parts: Vec<&str> = request.path.split('/').skip(1).collect();
        let plain = |response: Response| Reply::Plain(response);
        match (request.method.as_str(), &parts[..]) {
            ("GET", ["system_stats"]) => {
                let system = json!({"os": "posix", "comfyui_version": "0.3.76"});
                plain(Response::json(200, &json!({"system": system, "devices": []})))
            }
            ("GET", ["object_info", class]) => {
                let known = CLASSES
                    .contains(class)
                    .then(|| ((*class).to_owned(), json!({"input": {}})));
                plain(Response::json(200, &Value::Object(known.into_iter().collect())))
            }
            ("POST", ["prompt"]) => queue(&request.fields(), desk),
            ("GET", ["queue"]) => plain(Response::json(200, &queued(desk))),
            ("POST", ["queue"]) => plain(Response::bytes(200, "text/plain", Vec::new())),
            ("POST", ["interrupt"]) => {
                desk.cancel(request.fields()["prompt_id"].as_str().unwrap_or_default());
                plain(Response::bytes(200, "text/plain", Vec::new()))
            }
            ("GET", ["history", id]) => {
                let job = desk
                    .jobs
                    .get(*id)
                    .filter(|job| job.is_ended && !desk.has_forgotten);
                let entry = job.map(|job| (job.id.clone(), history(job)));
                plain(Response::json(200, &Value::Object(entry.into_iter().collect())))
            }
            ("POST", ["upload", "image"]) => {
                let fields = request.fields();
                let subfolder = fields["subfolder"].as_str().unwrap_or_default();
                let stored = json!({"name": "reference.png", "subfolder": subfolder, "type": "input"});
                plain(Response::json(200, &stored))
            }
            ("GET", ["view"]) => view(&request.query, desk),
            _ => plain(Response::bytes(404, "text/plain", b"404: Not Found".to_vec())),
        }
    }
}

fn queue(fields: &Value, desk: &mut Desk) -> Reply {
    let work = desk.take();
    let response = match work.case.inner() {
        // What stands before a server in the network.
        Case::RateLimited => Response::page(429).with("retry-after", "2"),
        Case::Quota => Response::page(403),
        Case::BadKey => Response::page(401),
        Case::RetiredModel => {
            let details = "ckpt_name: 'sd_xl_base_1.0.safetensors' not in []";
            let error =
                json!({"type": "value_not_in_list", "message": "Value not in list", "details": details});
            let node = json!({"errors": [error], "class_type": "CheckpointLoaderSimple", "dependent_outputs": ["7"]});
            invalid(
                "prompt_outputs_failed_validation",
                "Prompt outputs failed validation",
                &json!({ "1": node }),
            )
        }
        Case::BadRequest => invalid("no_prompt", "No prompt provided", &json!({})),
        Case::ServerError => Response::bytes(500, "text/plain", b"500 Internal Server Error".to_vec()),
        _ => {
            let id = fields["prompt_id"]
                .as_str()
                .unwrap_or("00000000-0000-0000-0000-000000000000");
            desk.open(id.to_owned(), work.clone(), asked(fields), fields.clone());
            let body = json!({"prompt_id": id, "number": work.number, "node_errors": {}});
            let response = Response::json(200, &body);
            if matches!(work.case.inner(), Case::GatewayPage(_) | Case::Disconnect) {
                return Reply::Picture(response, work);
            }
            response
        }
    };
    Reply::Plain(response)
}

fn invalid(kind: &str, message: &str, nodes: &Value) -> Response {
    let error = json!({"type": kind, "message": message, "details": "", "extra_info": {}});
    Response::json(400, &json!({"error": error, "node_errors": nodes}))
}

/// The inputs of the nodes that have this one.
fn input<'f>(fields: &'f Value, name: &'f str) -> impl Iterator<Item = &'f Value> {
    let nodes = fields["prompt"].as_object().into_iter().flat_map(Map::values);
    nodes.filter_map(move |node| node["inputs"].get(name))
}

fn asked(fields: &Value) -> Asked {
    let edge = |name: &str| {
        let edge = input(fields, name).find_map(Value::as_u64)?;
        u32::try_from(edge).ok()
    };
    Asked {
        size_px: (edge("width").unwrap_or(512), edge("height").unwrap_or(512)),
        format: Format::Png,
        seed: input(fields, "seed").find_map(Value::as_u64),
    }
}

/// Folder and name of the picture of a prompt.
fn file(job: &Job) -> (String, String) {
    let prefix = input(&job.request, "filename_prefix")
        .find_map(Value::as_str)
        .unwrap_or("ComfyUI");
    let (folder, name) = prefix.rsplit_once('/').unwrap_or(("", prefix));
    (folder.to_owned(), format!("{name}_00001_.png"))
}

/// The queue. To look at it is to ask after everything in it.
fn queued(desk: &mut Desk) -> Value {
    let ids: Vec<String> = desk.jobs.keys().cloned().collect();
    let looked_at: Vec<Job> = ids.iter().filter_map(|id| desk.look_at(id)).collect();
    let running = looked_at.iter().filter(|job| !job.is_ended);
    let running: Vec<Value> = running
        .map(|job| json!([job.work.number, job.id, job.request["prompt"], {}, ["7"]]))
        .collect();
    json!({"queue_running": running, "queue_pending": []})
}

fn history(job: &Job) -> Value {
    let start = json!(["execution_start", {"prompt_id": job.id}]);
    let failed = |message: Value| {
        json!({
            "prompt": [job.work.number, job.id, {}, {}, ["7"]], "outputs": {},
            "status": {"status_str": "error", "completed": false, "messages": [start, message]},
        })
    };
    if job.is_cancelled {
        return failed(json!(["execution_interrupted", {"prompt_id": job.id, "node_id": "5"}]));
    }
    if matches!(job.work.case.inner(), Case::JobFailed) {
        return failed(json!(["execution_error", {
            "prompt_id": job.id, "node_id": "5", "node_type": "KSampler",
            "exception_type": "torch.OutOfMemoryError", "exception_message": "Allocation on device",
        }]));
    }
    let (subfolder, filename) = file(job);
    let images = json!([{"filename": filename, "subfolder": subfolder, "type": "output"}]);
    let outputs = if matches!(job.work.case.inner(), Case::NoPicture) {
        json!({})
    } else {
        json!({"7": {"images": images}})
    };
    json!({
        "prompt": [job.work.number, job.id, {}, {}, ["7"]], "outputs": outputs,
        "status": {"status_str": "success", "completed": true, "messages": [start]},
        "meta": {},
    })
}

/// A file. A conversion may be asked for.
fn view(query: &str, desk: &Desk) -> Reply {
    let value = |name: &str| {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let found = pairs.into_iter().find(|(key, _)| *key == name);
        found
            .map(|(_, value)| value.replace("%2F", "/").replace("%3B", ";"))
            .unwrap_or_default()
    };
    let wanted = (value("subfolder"), value("filename"));
    let is_there =
        |job: &&Job| job.is_ended && !job.is_cancelled && job.work.case.is_drawn() && file(job) == wanted;
    let Some(job) = desk.jobs.values().find(is_there).filter(|_| !desk.expired) else {
        return Reply::Plain(Response::bytes(404, "text/plain", b"404: Not Found".to_vec()));
    };
    let preview = value("preview");
    let asked = Asked {
        format: Format::named(preview.split(';').next().unwrap_or_default()),
        ..job.asked
    };
    let response = Response::bytes(200, asked.format.media_type(), job.work.picture(&asked));
    Reply::Picture(response, job.work.clone())
}
