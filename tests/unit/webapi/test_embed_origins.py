"""Which sites may show a video: a list narrows what the installation allows, and never widens it."""

import pytest

from webapi.http.problems import HttpProblemError
from webapi.videos.embed_origins import EmbedOrigins

SHOP, BLOG, OTHER = "https://shop.example", "https://blog.example:8443", "https://other.example"
OURS = "https://videos.example"


@pytest.mark.parametrize(
    ("framing", "wanted", "ancestors"),
    [
        pytest.param([SHOP, BLOG], None, (SHOP, BLOG), id="left-to-the-installation"),
        pytest.param([SHOP, BLOG], ("*",), (SHOP, BLOG), id="any-that-the-installation-allows"),
        pytest.param([SHOP, BLOG], (BLOG,), (BLOG,), id="one-of-them"),
        pytest.param([SHOP], (BLOG, SHOP), (SHOP,), id="one-that-the-installation-no-longer-allows"),
        pytest.param([SHOP], (BLOG,), (), id="none-of-them"),
        pytest.param([SHOP], (), (), id="no-site"),
        pytest.param(["*"], (BLOG, SHOP), (BLOG, SHOP), id="where-all-are-allowed"),
        pytest.param(["*"], None, ("*",), id="all"),
        pytest.param(["*"], (), (), id="no-site-where-all-are-allowed"),
        pytest.param([], ("*",), (), id="all-where-none-is-allowed"),
        pytest.param([], None, (), id="none-is-allowed"),
    ],
)
def test_who_may_frame_a_player(framing: list[str], wanted: tuple[str, ...] | None, ancestors: tuple[str, ...]) -> None:
    assert EmbedOrigins(framing).frame_ancestors(wanted) == ancestors


@pytest.mark.parametrize(
    ("wanted", "page", "may_play"),
    [
        pytest.param(None, OTHER, True, id="no-list"),
        pytest.param((SHOP,), SHOP, True, id="a-listed-page"),
        pytest.param((SHOP,), OTHER, False, id="another-page"),
        pytest.param((SHOP,), f"{SHOP}.evil", False, id="longer-host"),
        pytest.param((SHOP,), "http://shop.example", False, id="another-scheme"),
        pytest.param((BLOG,), "https://blog.example", False, id="another-port"),
        pytest.param((SHOP,), "null", False, id="an-opaque-page"),
        pytest.param((SHOP,), OURS, True, id="our-own-page"),
        pytest.param((), OURS, True, id="our-own-page-without-other-sites"),
        pytest.param((), OTHER, False, id="no-site"),
        pytest.param(("*",), OTHER, True, id="every-page"),
        pytest.param((SHOP,), None, True, id="no-page-is-named"),
    ],
)
def test_on_which_pages_a_private_video_plays(wanted: tuple[str, ...] | None, page: str | None, may_play: bool) -> None:
    assert EmbedOrigins(calling=[SHOP, OTHER], own=[OURS]).may_play(wanted, page) is may_play


@pytest.mark.parametrize("wanted", [None, (), (SHOP,), (SHOP, BLOG)], ids=["null", "empty", "one", "of-both-settings"])
def test_what_the_installation_allows_can_be_wanted(wanted: tuple[str, ...] | None) -> None:
    EmbedOrigins([SHOP], [BLOG]).check(wanted)


@pytest.mark.parametrize(("wanted", "field"), [((SHOP, OTHER), 1), (("*",), 0)], ids=["another-site", "all"])
def test_what_it_does_not_allow_is_refused_by_its_place(wanted: tuple[str, ...], field: int) -> None:
    with pytest.raises(HttpProblemError) as refused:
        EmbedOrigins([SHOP], [BLOG]).check(wanted)
    assert [error.field for error in refused.value.errors] == [f"embed_origins.{field}"]
