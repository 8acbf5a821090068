//! What stands before an API, and answers in its place.

use serde_json::json;

use crate::{
    case::Gateway,
    exchange::{Request, Response},
};

impl Gateway {
    pub(crate) fn answer(&self, request: &Request) -> Response {
        match self {
            Self::Redirect(status, address) => Response::page(*status).with("location", address),
            Self::Echo(status) => {
                let headers = request.headers.iter();
                let headers: Vec<String> = headers.map(|(name, value)| format!("{name}: {value}")).collect();
                let words = format!("Incorrect API key provided: {}", headers.join("; "));
                // Every field in which one of the APIs has its words, so that each adapter finds some.
                let body = json!({
                    "error": {"message": words, "type": words, "code": words, "param": words, "status": words},
                    "errors": [words],
                    "message": words,
                    "detail": words,
                    "title": words,
                    "description": words,
                    "name": "unauthorized",
                    "id": "4212a4b66fbe1ced",
                    "status": status,
                });
                Response::json(*status, &body)
            }
        }
    }
}
