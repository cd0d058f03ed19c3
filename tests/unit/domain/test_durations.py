"""The durations of an installation: their bounds, their order, and that everything that shows them agrees."""

from typing import Any

import pytest
from pydantic import ValidationError

from controller.settings import OperatorSettings
from devstack.chart import OPERATIONS_PAGE, operations_page, values, values_text
from devstack.cluster import CHART
from domain.durations import AT_MOST, BELOW, SOURCE_URL_MARGIN_SECONDS, Durations
from domain.schedule import Timing
from runtime.setting_names import OURS
from webapi.settings import Settings as ApiSettings

NAMES = list(Durations.model_fields)
BOUNDS: dict[str, dict[str, Any]] = Durations.model_json_schema()["properties"]
WEEK = 7 * 24 * 3600
ORDER = [*BELOW, *AT_MOST]


def lengthened(name: str) -> dict[str, float]:
    """Return the longest value of a duration, with all that must not be shorter at theirs."""
    chosen = {name: float(BOUNDS[name]["maximum"])}
    for shorter, longer in ORDER:
        if shorter == name:
            chosen |= lengthened(longer)
    return chosen


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("bound", ["minimum", "maximum"])
def test_a_duration_out_of_its_bounds_is_refused_by_name(name: str, bound: str) -> None:
    beyond = BOUNDS[name][bound] + (1 if bound == "maximum" else -1)
    with pytest.raises(ValidationError) as refused:
        Durations.model_validate({name: beyond})
    (problem,) = refused.value.errors()
    assert problem["loc"] == (name,)
    assert problem["ctx"] == {"le" if bound == "maximum" else "ge": BOUNDS[name][bound]}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("text", ["nan", "inf", "-1", "0", "", "soon"])
def test_a_malformed_duration_is_refused(name: str, text: str) -> None:
    with pytest.raises(ValidationError):
        Durations.model_validate({name: text})


@pytest.mark.parametrize(("shorter", "longer"), BELOW)
def test_two_durations_that_are_equal_are_refused_where_one_must_end_first(shorter: str, longer: str) -> None:
    least = {shorter: BOUNDS[longer]["minimum"], longer: BOUNDS[longer]["minimum"]}
    if least[shorter] < BOUNDS[shorter]["minimum"]:
        least = dict.fromkeys(least, BOUNDS[shorter]["minimum"])
    with pytest.raises(ValidationError, match=f"{shorter.upper()} must be below {longer.upper()}"):
        Durations.model_validate({"uploading_deadline_seconds": 900, "retry_first_delay_seconds": 1, **least})


@pytest.mark.parametrize(("shorter", "longer"), AT_MOST)
def test_a_duration_that_exceeds_one_that_it_lies_in_is_refused(shorter: str, longer: str) -> None:
    longest = min(BOUNDS[shorter]["maximum"], BOUNDS[longer]["maximum"])
    given = lengthened(shorter) | {shorter: longest, longer: longest - 1}
    with pytest.raises(ValidationError, match=f"{shorter.upper()} must be at most {longer.upper()}"):
        Durations.model_validate(given)


@pytest.mark.parametrize("name", NAMES)
def test_each_duration_can_be_as_long_as_its_bound_says(name: str) -> None:
    durations = Durations.model_validate(lengthened(name))
    assert getattr(durations, name) == BOUNDS[name]["maximum"]


def test_no_signature_has_to_last_longer_than_a_week() -> None:
    longest = {name: about["maximum"] for name, about in BOUNDS.items()}
    assert longest["upload_url_seconds"] <= WEEK
    assert longest["download_url_seconds"] <= WEEK
    assert longest["processing_deadline_seconds"] + SOURCE_URL_MARGIN_SECONDS <= WEEK


def test_a_submission_is_answered_before_it_can_count_as_lost() -> None:
    bounds = OperatorSettings.model_json_schema()["properties"]
    slowest = bounds["coconut_timeout_seconds"]["maximum"] + Timing().submission_start_seconds
    assert BOUNDS["resolve_window_seconds"]["minimum"] > slowest


def test_a_restore_ends_before_the_removal_can_begin() -> None:
    assert BOUNDS["delete_grace_seconds"]["minimum"] > Timing().restore_margin_seconds


@pytest.mark.parametrize("process", [ApiSettings, OperatorSettings])
def test_each_duration_is_a_setting_of_both_processes(process: type[Durations]) -> None:
    shown = process.model_json_schema()["properties"]
    assert {name: shown[name] for name in NAMES} == BOUNDS
    assert {name.upper() for name in NAMES} <= OURS


def test_a_timing_has_the_durations_that_were_set() -> None:
    set_values = Durations(delete_grace_seconds=172800, job_lost_seconds=1800)
    timing = Timing.of(set_values, scale=0.5)
    assert (timing.scale, timing.delete_grace_seconds, timing.job_lost_seconds) == (0.5, 172800, 1800)
    assert Timing.of(Durations(), scale=1) == Timing()


def test_chart_and_page_show_the_durations_of_the_code() -> None:
    assert (CHART / "values.yaml").read_text() == values_text(), "python -m devstack.chart"
    assert OPERATIONS_PAGE.read_text() == operations_page(), "python -m devstack.chart"
    assert {name.upper() for name in NAMES} <= set(values()["settings"]["shared"])
