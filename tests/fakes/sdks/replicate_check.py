"""Calls a fake Replicate with the official client: what it refuses to read is not faithful.

Usage: replicate_check.py BASE_URL KEY        (needs: pip install replicate)
BASE_URL is what `limn-fakes replicate` prints as base_url. Ends with 0 when all is well.
"""

import sys
from importlib.metadata import version

import httpx
import replicate
from replicate.exceptions import ReplicateError

SDXL = "7762fd07cf82c948538e41f63f77d685e02b063e37e496e96eefd46c929f9bdc"
PNG = b"\x89PNG\r\n\x1a\n"


def main(base_url: str, key: str) -> None:
    # The client adds the version of the API by itself.
    client = replicate.Client(api_token=key, base_url=base_url.removesuffix("/v1"))
    client.poll_interval = 0.01

    # A version: created, asked for until it is over, and listed.
    created = client.predictions.create(
        version=SDXL,
        input={"prompt": "a red fox", "width": 64, "height": 48, "seed": 7},
        webhook="https://limn.example/hooks/replicate/1",
        webhook_events_filter=["start", "completed"],
    )
    assert created.status in ("starting", "processing"), created.status
    created.wait()
    assert created.status == "succeeded", created
    assert created.error is None and created.metrics["predict_time"] > 0
    assert "Using seed: 7" in created.logs
    (address,) = created.output
    picture = httpx.get(address)
    assert picture.content.startswith(PNG), picture
    assert client.predictions.get(created.id).id == created.id
    assert created.id in [listed.id for listed in client.predictions.list()]

    # An official model by its name, as most people call it.
    output = client.run(
        "black-forest-labs/flux-schnell",
        input={"prompt": "a red fox", "aspect_ratio": "1:1", "output_format": "png"},
    )
    # The client wraps https addresses only; those of a fake stay text.
    (address,) = output
    assert httpx.get(address).content.startswith(PNG), output

    # Stopped before it is done.
    stopped = client.predictions.create(version=SDXL, input={"prompt": "a red fox"})
    stopped.cancel()
    stopped.reload()
    assert stopped.status == "canceled", stopped.status

    # What is wrong is an error of the client's own kind.
    try:
        client.predictions.get("nobody")
    except ReplicateError as error:
        assert error.status == 404, error
    else:
        raise AssertionError("a prediction that is not there was found")

    # The secret that news are signed with.
    secret = client.webhooks.default.secret()
    assert secret.key.startswith("whsec_"), secret
    print(f"replicate {version('replicate')}: all is well")


if __name__ == "__main__":
    main(*sys.argv[1:3])
