"""The page has words of its own for all that the service may say."""

import re
from pathlib import Path

from domain.failures import FailureCode

_WORDS = Path(__file__).parents[2] / "webui" / "src" / "videos" / "failures.ts"


def test_the_page_has_words_for_each_failure_but_those_of_imports() -> None:
    told = re.findall(r"^  ([a-z_]+): \{", _WORDS.read_text(), re.MULTILINE)

    # Whoever applies a resource reads what the service says.
    assert set(told) == {code.value for code in FailureCode} - {"import_refused"}
