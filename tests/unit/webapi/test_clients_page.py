"""docs/clients.md names the problems and the fields that exist."""

import re
from functools import reduce
from pathlib import Path

import pytest

from webapi.http.problems import PROBLEM_TYPES, ProblemCode
from webapi.openapi.operations import LANGUAGE, OPERATIONS, VIDEO, VIDEOS
from webapi.schemas.requests import CreateVideo, SignParts
from webapi.schemas.responses import PartBody, PartList, SignedPart, SignedParts, UploadTarget, VideoBody

PAGE = (Path(__file__).parents[3] / "docs" / "clients.md").read_text()
_MODELS = (PartBody, PartList, SignedPart, SignedParts, UploadTarget, VideoBody, CreateVideo, SignParts)
_FIELDS = {name for model in _MODELS for name in model.model_fields}
# The calls, and what Swift has of its own.
_OTHERS = {"upload_complete"}


def test_every_problem_is_listed_with_its_status_and_what_to_do() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\d{3}) \| (yes|no) \| (.+) \|$", PAGE, re.MULTILINE)
    listed = {code: (status, again) for code, status, again, _what in rows}
    assert len(rows) == len(listed)
    assert listed == {
        code.value: (PROBLEM_TYPES[code].status[:3], "yes" if PROBLEM_TYPES[code].retryable else "no")
        for code in ProblemCode
    }


@pytest.mark.parametrize("language", ["swift", "kotlin"])
def test_the_sketches_use_fields_that_exist(language: str) -> None:
    (block,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    named = set(re.findall(r"\b[a-z]+(?:_[a-z]+)+\b", block))
    assert named - _OTHERS <= _FIELDS
    assert {"part_numbers", "part_size", "size_bytes", "upload_url"} <= named


def test_every_call_of_an_owner_is_shown_with_curl() -> None:
    shown = "".join(re.findall(r"^```bash\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
    paths = {operation.path for operation in OPERATIONS if operation.path.startswith(VIDEOS)}
    names = ((VIDEO, "$VIDEOS/$ID"), (VIDEOS, "$VIDEOS"), (LANGUAGE, "en"))
    written = {reduce(lambda text, name: text.replace(*name), names, path) for path in paths}
    assert {path for path in written if f'"{path}"' not in shown} == set()
