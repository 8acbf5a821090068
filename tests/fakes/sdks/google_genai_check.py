"""Lets Google's own SDK talk to the fake of the Gemini API: what it cannot read, no adapter should be taught.

Usage: python google_genai_check.py BASE_URL KEY
Needs: google-genai from PyPI. BASE_URL is the one that the fake prints, with its /v1beta. Exit 0 when all holds.
"""

import struct
import sys

from google import genai
from google.genai import errors, types

MODEL = "gemini-nano-banana-2.1"
OLDER_MODEL = "gemini-2.5-flash-image"


def client(base_url: str, key: str) -> genai.Client:
    origin, _, version = base_url.rstrip("/").rpartition("/")
    options = types.HttpOptions(base_url=origin, api_version=version, timeout=30_000)
    return genai.Client(api_key=key, vertexai=False, http_options=options)


def draw(gemini: genai.Client, model: str, contents, **image) -> types.GenerateContentResponse:
    config = types.GenerateContentConfig(
        response_modalities=["IMAGE"],
        image_config=types.ImageConfig(**image),
        seed=7,
    )
    return gemini.models.generate_content(model=model, contents=contents, config=config)


def pictures(answer: types.GenerateContentResponse) -> list[types.Blob]:
    parts = answer.candidates[0].content.parts
    return [part.inline_data for part in parts if part.inline_data and not part.thought]


def png_size(data: bytes) -> tuple[int, int]:
    assert data[:8] == b"\x89PNG\r\n\x1a\n", data[:8]
    return struct.unpack(">II", data[16:24])


def jpeg_size(data: bytes) -> tuple[int, int]:
    assert data[:2] == b"\xff\xd8", data[:2]
    at = 2
    while True:
        marker, length = struct.unpack(">xBH", data[at : at + 4])
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return width, height
        at += 2 + length


def check_picture(gemini: genai.Client) -> None:
    answer = draw(gemini, MODEL, "a red fox", aspect_ratio="16:9", image_size="1K")
    assert answer.prompt_feedback is None, answer.prompt_feedback
    candidate = answer.candidates[0]
    assert candidate.finish_reason == types.FinishReason.STOP, candidate.finish_reason
    assert any(part.thought and part.inline_data for part in candidate.content.parts), "a draft among the thoughts"
    found = pictures(answer)
    assert len(found) == 1, len(found)
    assert found[0].mime_type == "image/jpeg", found[0].mime_type
    assert jpeg_size(found[0].data) == (1376, 768)
    usage = answer.usage_metadata
    assert usage.prompt_token_count == 12, usage
    assert usage.candidates_tokens_details[0].modality == types.MediaModality.IMAGE, usage
    assert usage.candidates_tokens_details[0].token_count == 1120, usage
    assert answer.model_version == MODEL, answer.model_version
    assert answer.response_id, "an id of the answer"


def check_reference(gemini: genai.Client) -> None:
    reference = types.Part.from_bytes(data=b"a fox", mime_type="image/png")
    found = pictures(draw(gemini, OLDER_MODEL, ["like this", reference], aspect_ratio="2:3"))
    assert png_size(found[0].data) == (832, 1248)


def check_models(gemini: genai.Client) -> None:
    names = [model.name for model in gemini.models.list(config={"page_size": 1})]
    assert f"models/{MODEL}" in names, names


def check_unknown_path(gemini: genai.Client) -> None:
    try:
        gemini.models.get(model="gemini-that-never-was")
    except errors.ClientError as error:
        assert (error.code, error.status) == (404, "NOT_FOUND"), error
    else:
        raise AssertionError("an unknown model was found")


def main() -> None:
    base_url, key = sys.argv[1:]
    gemini = client(base_url, key)
    check_picture(gemini)
    check_reference(gemini)
    check_models(gemini)
    check_unknown_path(gemini)
    print("google-genai and the fake understand each other")


if __name__ == "__main__":
    main()
