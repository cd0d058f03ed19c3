"""The page explains every failure that the service reports."""

import re
from pathlib import Path

from domain.failures import FailureCode

_WORDS = Path(__file__).parents[2] / "webui" / "src" / "videos" / "failures.ts"


def test_the_page_explains_each_failure_except_those_of_imports() -> None:
    explained = re.findall(r"^  ([a-z_]+): \{", _WORDS.read_text(), re.MULTILINE)

    # People who apply resources read the service's own message.
    assert set(explained) == {code.value for code in FailureCode} - {"import_refused"}
