"""docs/security.md names limits and tests that exist; docs/licences.md is what the packages say."""

import ast
import re
from pathlib import Path

import pytest
import yaml

from controller.settings import OperatorSettings
from crds.profiles import HEIGHT_MAX, RENDITIONS_MAX, STATIC_MP4S_MAX
from devstack.licences import PAGE as LICENCES
from devstack.licences import licence_of, locked, page_packages
from devstack.licences import page as licences_page
from domain.profiles import ORIGINAL, ProfileRendition, ProfileSpec
from domain.spending import VARIANTS_MAX, Prices
from storage.settings import StorageSettings
from webapi import coconut_callback
from webapi.http import auth, jwks, parsing
from webapi.schemas import requests
from webapi.server import connections

TESTS = Path(__file__).parents[1]
PAGE = (TESTS.parent / "docs" / "security.md").read_text()
NAMED = sorted(set(re.findall(r"`((?:unit|lives|integration|e2e)/[\w/.]+\.py)(?:::(\w+))?`", PAGE)))
# Licences allowed in a published image: permissive ones, and those of libraries used unmodified.
WELCOME = re.compile(r"Apache|MIT|BSD|PSF|Python Software Foundation|MPL|Mozilla|LGPL-3.0-only|ISC|Unlicense")


@pytest.mark.parametrize(("file", "name"), NAMED, ids=lambda word: str(word)[-40:])
def test_every_test_that_the_page_names_exists(file: str, name: str) -> None:
    tree = ast.parse((TESTS / file).read_text())
    assert not name or name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize(
    ("words", "limit"),
    [
        ("head of a request | 32 KiB", connections.HEAD_BYTES_MAX == 32 * 1024),
        ("body of a call | 64 KiB", parsing.JSON_BYTES_MAX == 64 * 1024),
        ("of a callback 1 MiB", coconut_callback.BODY_BYTES_MAX == 1024 * 1024),
        ("token | 4,096 characters", auth._TOKEN_CHARACTERS_MAX == 4096),
        ("metadata of a video | 2 KiB", requests.METADATA_BYTES_MAX == 2048),
        ("a page of a list | 100", requests.PAGE_SIZE_MAX == 100),
        ("parts signed at once | 100", requests.SIGNED_AT_ONCE_MAX == 100),
        ("keys of an issuer | 64 KiB, 32 keys", (jwks._BYTES_MAX, jwks._KEYS_MAX) == (64 * 1024, 32)),
        ("5 GiB", StorageSettings.model_fields["max_file_bytes"].default == 5 * 1024**3),
    ],
)
def test_limits_are_those_of_the_code(words: str, limit: bool) -> None:
    assert words in PAGE
    assert limit


DEFAULTS = {name: field.default for name, field in OperatorSettings.model_fields.items()}
PRICES = Prices(**{name: DEFAULTS[f"coconut_{name}_dollars_per_minute"] for name in ("hd", "sd", "uhd")})


def worst_day(profile: ProfileSpec) -> float:
    """Return what one user's longest videos cost in a day, in dollars, if all are made by this profile."""
    minutes = DEFAULTS["max_duration_seconds"] / 60 * profile.billed_outputs
    return float(DEFAULTS["submissions_per_owner_per_day"] * minutes * PRICES.per_minute(profile))


def test_the_page_shows_the_worst_day_of_one_user_by_defaults_and_prices() -> None:
    chart = yaml.safe_load((TESTS.parent / "charts" / "video-uploads" / "values.yaml").read_text())
    minutes = chart["settings"]["operator"]["MAX_MINUTES_PER_DAY"]
    words = " ".join(PAGE.split())
    assert f"the worst day of one user costs **${worst_day(ORIGINAL):,.2f}**" in words
    assert f"costs at most **${minutes * PRICES.hd:,.2f}**" in words
    assert len(ORIGINAL.renditions) == VARIANTS_MAX


def test_the_page_shows_the_worst_day_by_the_dearest_profile_that_can_be_applied() -> None:
    kind = (TESTS.parent / "crds" / "transcodeprofiles.yaml").read_text()
    assert "a job has at most 30 outputs: five, three for each rendition, five for each static MP4" in kind
    heights = [HEIGHT_MAX - 2 * number for number in reversed(range(RENDITIONS_MAX))]
    profiles = [
        ProfileSpec(tuple(ProfileRendition(height, 9_000) for height in heights[:count]), mp4_heights=mp4s)
        for count in range(1, RENDITIONS_MAX + 1)
        for mp4s in (tuple(heights[:number]) for number in range(min(count, STATIC_MP4S_MAX) + 1))
        if 5 + 3 * count + 5 * len(mp4s) <= 30
    ]
    dearest = max(profiles, key=worst_day)
    minutes = DEFAULTS["max_minutes_per_day"]
    words = " ".join(PAGE.split())
    assert f"with {dearest.billed_outputs} renditions and MP4 files, all above 1080p at ${PRICES.uhd:.2f}" in words
    assert f"the worst day of one user costs **${worst_day(dearest):,.2f}**" in words
    assert f"`MAX_MINUTES_PER_DAY` at most **${minutes * PRICES.uhd:,.2f}**" in words


def test_every_threat_names_a_test() -> None:
    rows = [line for line in PAGE.split("## Whom")[1].split("\n## ")[0].splitlines() if line.startswith("| ")]
    assert len(rows) > 10
    assert not [row for row in rows[1:] if not re.search(r"`(unit|lives|integration|e2e)/", row)]


def test_the_licences_page_matches_the_packages() -> None:
    assert LICENCES.read_text() == licences_page(), "python -m devstack.licences"


def test_every_licence_is_allowed() -> None:
    licences = {name: licence_of(name) for name, _ in locked()}
    licences |= {name: package["license"] for name, package in page_packages()}
    assert {name: licence for name, licence in licences.items() if not WELCOME.search(licence)} == {}
