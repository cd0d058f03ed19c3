"""The bucket policy of docs/examples/ is the one that the local stack runs with."""

import json
from pathlib import Path
from typing import Any

from devstack.paths import PROJECT_DIR, Paths
from devstack.s3 import access, policy

EXAMPLE = PROJECT_DIR / "docs" / "examples" / "bucket-policy.json"


def test_the_policy_of_the_examples_grants_what_the_local_stack_grants(tmp_path: Path) -> None:
    local = policy(access(Paths(tmp_path), 1, bucket="films"))
    assert granted(json.loads(EXAMPLE.read_text())) == granted(local)


def granted(document: Any) -> list[tuple[str, list[str], list[str]]]:
    """Return who may do what with which objects; keys go by the last part of their names."""
    return [
        (_key(statement["Principal"]), sorted(statement["Action"]), sorted(statement["Resource"]))
        for statement in document["Statement"]
    ]


def _key(principal: Any) -> str:
    return principal if isinstance(principal, str) else principal["AWS"][0].rpartition("/")[2]
