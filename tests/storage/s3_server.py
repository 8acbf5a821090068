"""A real S3 server process for tests: moto's, with what it leaves out and the suites look at.

    python s3_server.py ACCESS_KEY_ID SECRET_ACCESS_KEY BUCKET...

Prints "listening PORT" when it answers and ends when its standard input closes, so that it never outlives the test
that started it, however that ends.

moto does check `If-None-Match: *`, for whole objects and at the end of an upload in parts. It does not check who
asks, nor until when. So every request passes through here first:

* The signature of version 4 is computed again, by botocore, the client library of AWS for Python, and compared: in
  the header as well as in a presigned address. Whatever Limn signs is thus checked by somebody else's code.
* A presigned address is refused after its time, as S3 does: 403 AccessDenied "Request has expired".
* Requests are answered one after the other: moto looks at a condition and stores in two steps, which S3 does in one.
* `GET /~test/requests` lists what was asked (method, path, headers without the signature) and forgets it;
  `GET /~test/fail?status=503&code=SlowDown&times=2&method=PUT&query=partNumber` makes the next matching requests
  fail; `GET /~test/damage?bucket=B&name=N` changes the first byte of an object.
"""

import datetime
import json
import sys
import threading
from urllib.parse import parse_qsl, urlsplit

from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from moto.core import DEFAULT_ACCOUNT_ID
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.s3.models import s3_backends
from werkzeug.serving import WSGIRequestHandler, make_server

TIME = "%Y%m%dT%H%M%SZ"
ERROR = '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{}</Code><Message>{}</Message></Error>'


class Quiet(WSGIRequestHandler):
    """Says nothing about requests: tests ask for them."""

    def log(self, *_):
        pass


class Gate:
    """Checks who asks before moto is asked."""

    def __init__(self, app, credentials):
        self.app = app
        self.credentials = credentials
        self.lock = threading.Lock()
        self.requests = []
        self.failures = []

    def __call__(self, environ, start_response):
        with self.lock:
            path = environ["PATH_INFO"]
            if path.startswith("/~test/"):
                return self.control(path, environ, start_response)
            self.requests.append(self.told(environ))
            refused = self.injected(environ) or self.refusal(environ)
            if refused:
                status, code, message = refused
                body = ERROR.format(code, message).encode()
                if environ["REQUEST_METHOD"] == "HEAD":
                    body = b""
                start_response(status, [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
                return [body]
            # Consumed within the lock, so that an answer belongs to one state of the store.
            return [b"".join(self.app(environ, start_response))]

    def control(self, path, environ, start_response):
        query = dict(parse_qsl(environ["QUERY_STRING"]))
        body = b"{}"
        if path == "/~test/requests":
            body = json.dumps(self.requests).encode()
            self.requests = []
        elif path == "/~test/fail":
            self.failures.append(query)
        elif path == "/~test/damage":
            stored = s3_backends[DEFAULT_ACCOUNT_ID]["aws"].get_object(query["bucket"], query["name"])
            stored.value = bytes([stored.value[0] ^ 1]) + stored.value[1:]
        start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return [body]

    def injected(self, environ):
        for failure in self.failures:
            if failure.get("method", environ["REQUEST_METHOD"]) != environ["REQUEST_METHOD"]:
                continue
            if failure.get("query", "") not in environ["QUERY_STRING"]:
                continue
            times = int(failure["times"])
            if times > 0:
                failure["times"] = times - 1
                return failure["status"] + " Injected", failure["code"], "as the test asked"
        return None

    @staticmethod
    def headers(environ):
        headers = {
            name[5:].replace("_", "-").lower(): value for name, value in environ.items() if name.startswith("HTTP_")
        }
        for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            if environ.get(name):
                headers[name.replace("_", "-").lower()] = environ[name]
        return headers

    def told(self, environ):
        headers = self.headers(environ)
        headers.pop("authorization", None)
        return {
            "method": environ["REQUEST_METHOD"],
            "path": environ["PATH_INFO"],
            "query": environ["QUERY_STRING"],
            "headers": headers,
        }

    def refusal(self, environ):
        headers = self.headers(environ)
        # As it came: what was signed is the encoded form.
        target = environ.get("RAW_URI") or environ.get("REQUEST_URI")
        url = "http://" + headers["host"] + target
        query = dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))
        if "X-Amz-Signature" in query:
            return self.of_presigned(environ, url, query, headers)
        if "authorization" in headers:
            return self.of_header(environ, url, headers)
        return "403 Forbidden", "AccessDenied", "Access Denied"

    def of_presigned(self, environ, url, query, headers):
        begun = datetime.datetime.strptime(query["X-Amz-Date"], TIME)
        lifetime = datetime.timedelta(seconds=int(query["X-Amz-Expires"]))
        now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
        if now >= begun + lifetime:
            return "403 Forbidden", "AccessDenied", "Request has expired"
        unsigned = "&".join(
            part for part in urlsplit(url).query.split("&") if not part.startswith("X-Amz-Signature=")
        )
        signed = {name: headers.get(name, "") for name in query["X-Amz-SignedHeaders"].split(";")}
        region = query["X-Amz-Credential"].split("/")[2]
        request = AWSRequest(environ["REQUEST_METHOD"], url.split("?")[0] + "?" + unsigned, headers=signed)
        request.context["timestamp"] = query["X-Amz-Date"]
        auth = S3SigV4QueryAuth(self.credentials, "s3", region)
        return self.compare(auth, request, query["X-Amz-Signature"])

    def of_header(self, environ, url, headers):
        parts = dict(part.strip().split("=", 1) for part in headers["authorization"].split(" ", 1)[1].split(","))
        if parts["Credential"].split("/")[0] != self.credentials.access_key:
            return "403 Forbidden", "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist"
        signed = {name: headers.get(name, "") for name in parts["SignedHeaders"].split(";")}
        region = parts["Credential"].split("/")[2]
        request = AWSRequest(environ["REQUEST_METHOD"], url, headers=signed)
        request.context["timestamp"] = headers["x-amz-date"]
        auth = S3SigV4Auth(self.credentials, "s3", region)
        auth.payload = lambda _request: headers["x-amz-content-sha256"]
        return self.compare(auth, request, parts["Signature"])

    @staticmethod
    def compare(auth, request, signature):
        canonical = auth.canonical_request(request)
        expected = auth.signature(auth.string_to_sign(request, canonical), request)
        if expected == signature:
            return None
        return "403 Forbidden", "SignatureDoesNotMatch", "The request signature does not match"


def main():
    credentials = Credentials(sys.argv[1], sys.argv[2])
    for bucket in sys.argv[3:]:
        s3_backends[DEFAULT_ACCOUNT_ID]["aws"].create_bucket(bucket, "us-east-1")
    app = Gate(DomainDispatcherApplication(create_backend_app), credentials)
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print("listening", server.port, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
