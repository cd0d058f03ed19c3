"""The image is reproducible: who builds a commit again gets the same bytes."""

import pytest

from devstack.node.kind import KindNode
from devstack.paths import PROJECT_DIR
from tests.e2e.cluster.helm import CURRENT, AnyNode


def test_an_image_built_twice_is_the_same(node: AnyNode) -> None:
    if isinstance(node, KindNode):
        pytest.skip("Docker keeps the times of files unless it exports them by BuildKit, as the release workflow does")
    ids = [
        node.images.build_afresh(f"localhost/{name}:dev", PROJECT_DIR, arguments={"VERSION": CURRENT}, target="image")
        for name in ("once", "again")
    ]
    assert ids[0] == ids[1]
