"""Drives the fake of OpenAI with OpenAI's own client. Arguments: base URL, key.

The fake was told what becomes of each call, in the order of the calls here. A check that fails is an exception.
"""

import base64
import sys

import openai

PNG = b"\x89PNG\r\n\x1a\n"
MODEL = "gpt-image-2"


def is_png(encoded):
    return base64.b64decode(encoded).startswith(PNG)


def generate(client):
    answer = client.images.generate(model=MODEL, prompt="a red fox", size="1024x1024", quality="low")
    assert len(answer.data) == 1
    assert is_png(answer.data[0].b64_json)
    assert answer.data[0].url is None
    assert answer.usage.output_tokens == 196
    assert answer.usage.input_tokens_details.text_tokens == 12
    assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens


def edit(client):
    pictures = [("one.png", PNG, "image/png"), ("two.png", PNG, "image/png")]
    answer = client.images.edit(model=MODEL, image=pictures, prompt="a red fox", size="1024x1024")
    assert is_png(answer.data[0].b64_json)
    assert answer.usage.input_tokens_details.image_tokens == 646


def stream(client):
    events = client.images.generate(
        model=MODEL, prompt="a red fox", size="1024x1024", stream=True, partial_images=2
    )
    seen = list(events)
    assert [event.type for event in seen] == [
        "image_generation.partial_image",
        "image_generation.partial_image",
        "image_generation.completed",
    ]
    assert [event.partial_image_index for event in seen[:-1]] == [0, 1]
    assert all(is_png(event.b64_json) for event in seen)
    assert seen[-1].usage.output_tokens == 1756 + 200


def stream_of_edit(client):
    events = client.images.edit(
        model=MODEL,
        image=("one.png", PNG, "image/png"),
        prompt="a red fox",
        size="1024x1024",
        stream=True,
        partial_images=1,
    )
    assert [event.type for event in events] == ["image_edit.partial_image", "image_edit.completed"]


def refused(client, error, status, code):
    try:
        client.images.generate(model=MODEL, prompt="a red fox")
    except openai.APIStatusError as caught:
        assert type(caught) is error, caught
        assert caught.status_code == status, caught
        assert caught.code == code, caught
        assert caught.request_id.startswith("req_fake_"), caught.request_id
        assert caught.message
    else:
        raise AssertionError(f"{error} was not raised")


def main(base_url, key):
    # A retry would take the case of the next call.
    client = openai.OpenAI(base_url=base_url, api_key=key, max_retries=0)
    assert MODEL in [model.id for model in client.models.list()]
    generate(client)
    edit(client)
    stream(client)
    stream_of_edit(client)
    refused(client, openai.AuthenticationError, 401, "invalid_api_key")
    refused(client, openai.RateLimitError, 429, "rate_limit_exceeded")
    refused(client, openai.RateLimitError, 429, "insufficient_quota")
    refused(client, openai.BadRequestError, 400, "invalid_value")
    refused(client, openai.BadRequestError, 400, "moderation_blocked")
    refused(client, openai.NotFoundError, 404, "model_not_found")
    refused(client, openai.InternalServerError, 500, "")


if __name__ == "__main__":
    main(*sys.argv[1:])
