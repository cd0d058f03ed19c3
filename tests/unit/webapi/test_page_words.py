"""The page and the TypeScript package speak the service's words: phases, reasons, problems."""

import re

import pytest

from devstack.page import PACKAGE_DIR, WEBUI_DIR
from domain.reasons import SHOWN_REASONS
from domain.video import Phase
from webapi.http.problems import ProblemCode


def _read(name: str) -> str:
    (source,) = [path for directory in (WEBUI_DIR, PACKAGE_DIR) if (path := directory / "src" / name).exists()]
    return source.read_text()


def test_phases_of_the_page_are_those_of_the_service() -> None:
    (listed,) = re.findall(r"PHASES: readonly Phase\[\] = \[(.*)\]", _read("types.ts"))

    assert re.findall(r'"(\w+)"', listed) == [phase.value for phase in Phase]


def test_reasons_that_the_page_puts_in_words_exist() -> None:
    states = _read("videos/states.ts")
    (block,) = re.findall(r"const SENTENCES[^{]*\{(.*?)\};", states, re.DOTALL)
    named = {*re.findall(r"^  (\w+):", block, re.MULTILINE), *re.findall(r'reason === "(\w+)"', states)}

    assert named
    assert named <= set(SHOWN_REASONS)


@pytest.mark.parametrize("name", ["problems.ts", "failures.ts", "upload/uploads.ts"])
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
