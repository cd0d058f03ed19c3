"""The page's sources speak the service's words: phases, reasons, problems, and the fields of its answers."""

import re

import pytest
from pydantic import BaseModel

from devstack.page import WEBUI_DIR
from domain.reasons import SHOWN_REASONS
from domain.video import Phase
from webapi.http.problems import ProblemCode
from webapi.schemas import responses

SOURCES = WEBUI_DIR / "src"


def _read(name: str) -> str:
    return (SOURCES / name).read_text()


def test_phases_of_the_page_are_those_of_the_service() -> None:
    (listed,) = re.findall(r"PHASES: readonly Phase\[\] = \[(.*)\]", _read("api/types.ts"))

    assert re.findall(r'"(\w+)"', listed) == [phase.value for phase in Phase]


def test_reasons_that_the_page_puts_in_words_exist() -> None:
    states = _read("videos/states.ts")
    (block,) = re.findall(r"const SENTENCES[^{]*\{(.*?)\};", states, re.DOTALL)
    named = {*re.findall(r"^  (\w+):", block, re.MULTILINE), *re.findall(r'reason === "(\w+)"', states)}

    assert named
    assert named <= set(SHOWN_REASONS)


@pytest.mark.parametrize("name", ["api/problems.ts", "upload/failures.ts", "upload/uploads.ts"])
def test_problems_that_the_page_knows_exist(name: str) -> None:
    named = set(re.findall(r'(?:case|code ===) "(\w+)"', _read(name))) - {
        "forget",
        "confirm",
        "send",
        "elsewhere",
        "ask",
    }

    assert named
    assert named <= {code.value for code in ProblemCode}


@pytest.mark.parametrize(
    ("interface", "model"),
    [
        ("Video", responses.VideoBody),
        ("VideoError", responses.VideoError),
        ("Rendition", responses.RenditionBody),
        ("PartList", responses.PartList),
        ("StoredPart", responses.PartBody),
        ("SignedPart", responses.SignedPart),
        ("VideoEvent", responses.EventBody),
        ("Overview", responses.AdminOverview),
        ("Target", responses.UploadTarget),
    ],
)
def test_fields_that_the_page_reads_exist_in_responses(interface: str, model: type[BaseModel]) -> None:
    (block,) = re.findall(rf"interface {interface} \{{\n(.*?)^\}}", _read("api/types.ts"), re.DOTALL | re.MULTILINE)
    fields = set(re.findall(r"^  (\w+)\??:", block, re.MULTILINE))

    assert fields
    assert fields <= set(model.model_fields)
