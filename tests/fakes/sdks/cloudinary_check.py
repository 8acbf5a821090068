"""The client of Cloudinary takes the fake for Cloudinary: python cloudinary_check.py URL CLOUD KEY SECRET"""

import sys
import time
import urllib.error
import urllib.request

import cloudinary
import cloudinary.api
import cloudinary.exceptions
import cloudinary.uploader
import cloudinary.utils

URL, CLOUD, KEY, SECRET = sys.argv[1:]
PNG = b"\x89PNG\r\n\x1a\n and so on"

cloudinary.config(cloud_name=CLOUD, api_key=KEY, api_secret=SECRET, upload_prefix=URL)

first = cloudinary.uploader.upload(
    PNG, public_id="clients/a/images/one", overwrite=False, type="authenticated", context={"sha256": "ab", "plan_digest": "plan:1:c"}
)
assert (first["public_id"], first["format"], first["bytes"]) == ("clients/a/images/one", "png", len(PNG)), first
assert "existing" not in first, first
again = cloudinary.uploader.upload(PNG + b"other", public_id="clients/a/images/one", overwrite=False, type="authenticated")
assert again["existing"] is True and again["bytes"] == len(PNG), again

raw = cloudinary.uploader.upload(b"any bytes", public_id="staging/x", overwrite=False, type="authenticated", resource_type="raw")
assert raw["resource_type"] == "raw" and "format" not in raw, raw

told = cloudinary.api.resource("clients/a/images/one", type="authenticated")
assert told["context"]["custom"] == {"sha256": "ab", "plan_digest": "plan:1:c"}, told
listed = cloudinary.api.resources(type="authenticated", resource_type="image", prefix="clients/", max_results=1)
assert [entry["public_id"] for entry in listed["resources"]] == ["clients/a/images/one"], listed
assert "next_cursor" not in listed, listed

url = cloudinary.utils.private_download_url("clients/a/images/one", "png", type="authenticated", expires_at=int(time.time()) + 60)
assert urllib.request.urlopen(url).read() == PNG
over = cloudinary.utils.private_download_url("clients/a/images/one", "png", type="authenticated", expires_at=1)
try:
    urllib.request.urlopen(over)
    raise SystemExit("an expired address worked")
except urllib.error.HTTPError as error:
    assert error.code == 401, error

assert cloudinary.uploader.destroy("clients/a/images/one", type="authenticated", invalidate=True) == {"result": "ok"}
assert cloudinary.uploader.destroy("clients/a/images/one", type="authenticated") == {"result": "not found"}
try:
    cloudinary.api.resource("clients/a/images/one", type="authenticated")
    raise SystemExit("a destroyed asset is there")
except cloudinary.exceptions.NotFound:
    pass
try:
    cloudinary.uploader.upload(PNG, public_id="x", api_secret="wrong")
    raise SystemExit("a wrong signature worked")
except cloudinary.exceptions.AuthorizationRequired as error:
    assert "Invalid Signature" in str(error), error
