"""What the command makes of a file's name is accepted by the service. The page has the same rule (webui/tests)."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from videoupload import UploadOptions
from videoupload.names import file_name, title_of
from webapi.schemas.requests import CreateVideo

CASES = json.loads((Path(__file__).parents[2] / "support" / "hostile" / "file_names.json").read_text())


def accepted(title: str, filename: str) -> CreateVideo:
    body = json.dumps({"title": title, "filename": filename, "content_type": "video/mp4"})
    return CreateVideo.model_validate_json(body, strict=True)


@pytest.mark.parametrize("case", CASES, ids=[case["about"] for case in CASES])
def test_a_name_gives_a_title_and_a_file_name_that_the_service_accepts(case: dict[str, str]) -> None:
    made = (file_name(case["name"]), title_of(case["name"]))

    assert made == (case["filename"], case["title"])
    accepted(title=made[1], filename=made[0])


@given(st.text(st.characters(exclude_characters="/\0"), min_size=1, max_size=300))
def test_any_name_gives_a_title_and_a_file_name_that_the_service_accepts(name: str) -> None:
    accepted(title=title_of(name), filename=file_name(name))


@pytest.mark.parametrize("case", [case for case in CASES if "/" not in case["name"]], ids=lambda case: case["about"])
def test_the_api_accepts_the_names_that_the_command_sends(case: dict[str, str]) -> None:
    new = UploadOptions().of(Path("/films") / case["name"], size_bytes=1)

    body = CreateVideo.model_validate_json(json.dumps(new.as_body()), strict=True)
    assert (body.filename, body.title) == (case["filename"], case["title"])
