"""Which release an upgrade begins from."""

import pytest

from tests.support.previous_release import NoReleaseError, Previous, newest_release

OLDER = ["b2 Count them", "a1 Release 0.1.0"]


@pytest.mark.parametrize(
    ("newer", "previous"),
    [
        pytest.param(["d4 Mend it", "c3 Release 0.2.0"], Previous("c3", "0.2.0"), id="work-after-a-release"),
        pytest.param(["c3 Release 0.2.0"], Previous("a1", "0.1.0"), id="a-release-itself"),
        pytest.param(["d4 Mend it", "c3 Release 0.2.0 notes"], Previous("a1", "0.1.0"), id="another-subject"),
    ],
)
def test_the_newest_release_before_the_checkout_is_found(newer: list[str], previous: Previous) -> None:
    assert newest_release("\n".join([*newer, *OLDER])) == previous


def test_a_history_without_a_release_says_what_to_do() -> None:
    with pytest.raises(NoReleaseError, match="git fetch --unshallow"):
        newest_release("c3 Release 0.2.0\nb2 Count them")
