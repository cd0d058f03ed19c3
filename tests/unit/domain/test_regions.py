"""Which region a new video gets, and what the countries of a setting mean."""

import pytest

from domain.regions import EVERYWHERE, RegionScope, countries_of, region_for, variable_prefix

REGIONS = ("tor1", "fra1", "sfo3")
COUNTRIES = {"CA": "tor1", "DE": "fra1", "US": "sfo3"}


@pytest.mark.parametrize(
    ("country", "down", "region"),
    [
        pytest.param(None, set(), "tor1", id="country-not-known"),
        pytest.param("JP", set(), "tor1", id="country-of-no-region"),
        pytest.param("DE", set(), "fra1", id="country-of-a-region"),
        pytest.param("DE", {"fra1"}, "tor1", id="its-region-is-down"),
        pytest.param("DE", {"fra1", "tor1"}, "sfo3", id="the-home-region-is-down-too"),
        pytest.param(None, {"tor1"}, "fra1", id="the-home-region-is-down"),
        pytest.param("US", {"tor1", "fra1"}, "sfo3", id="only-its-region-is-left"),
        pytest.param("US", set(REGIONS), None, id="all-are-down"),
    ],
)
def test_a_video_goes_to_the_region_of_its_country_or_to_the_next_that_takes_uploads(
    country: str | None, down: set[str], region: str | None
) -> None:
    assert region_for(country, REGIONS, COUNTRIES, lambda name: name not in down) == region


def test_countries_are_listed_by_region() -> None:
    assert countries_of("fra1=DE  FR , tor1 = CA,") == {"DE": "fra1", "FR": "fra1", "CA": "tor1"}
    assert countries_of("") == {}


@pytest.mark.parametrize("text", ["fra1", "fra1=", "=DE", "fra1=de", "fra1=DEU", "fra1=DE FR DE", "fra1=DE, tor1=DE"])
def test_countries_that_cannot_be_read_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be"):
        countries_of(text)


def test_variables_of_a_region_have_its_name() -> None:
    assert variable_prefix("eu-central-1") == "REGION_EU_CENTRAL_1_"


HOME = RegionScope("tor1", is_home=True, others=("fra1",))
AWAY = RegionScope("fra1", is_home=False, others=("fra1",))


@pytest.mark.parametrize(
    ("scope", "rows", "resources"),
    [
        pytest.param(EVERYWHERE, ["tor1", "fra1", "", "mars"], ["tor1", "fra1", "", "mars"], id="of-everything"),
        # It refuses imports of a region that does not exist; a row of one was in a bucket that it does not reach.
        pytest.param(HOME, ["tor1", ""], ["tor1", "", "mars"], id="of-the-home-region"),
        pytest.param(AWAY, ["fra1"], ["fra1"], id="of-another-region"),
    ],
)
def test_each_upload_has_one_operator(scope: RegionScope, rows: list[str], resources: list[str]) -> None:
    every = ["tor1", "fra1", "", "mars"]

    assert [region for region in every if scope.covers(region)] == rows
    assert [region for region in every if scope.claims(region)] == resources
    assert scope.names == (None if scope is EVERYWHERE else rows)


def test_what_has_no_row_is_listed_for_each_bucket() -> None:
    assert [scope.quarantine for scope in (EVERYWHERE, HOME, AWAY)] == ["", "", "fra1"]
