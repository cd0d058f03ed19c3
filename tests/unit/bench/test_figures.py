"""The arithmetic of the benchmarks. No test asserts a speed."""

import pytest

from bench.figures import Round, in_milliseconds, percentile


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        pytest.param([3.0], 0.5, 3.0, id="one"),
        pytest.param([1.0, 2.0], 0.5, 1.0, id="two"),
        pytest.param([3.0, 1.0, 2.0], 0.5, 2.0, id="not-sorted"),
        pytest.param([float(n) for n in range(1, 101)], 0.99, 99.0, id="a-hundred"),
        pytest.param([float(n) for n in range(1, 101)], 1.0, 100.0, id="all"),
    ],
)
def test_a_percentile_is_one_of_the_values(values: list[float], share: float, expected: float) -> None:
    assert percentile(values, share) == expected


@pytest.mark.parametrize(("values", "share"), [([], 0.5), ([1.0], 0.0), ([1.0], 1.1)])
def test_no_values_have_no_percentile(values: list[float], share: float) -> None:
    with pytest.raises(ValueError, match="percentile"):
        percentile(values, share)


def test_a_rate_is_over_the_whole_round() -> None:
    assert Round((0.001,) * 100, 2.0).per_second == 50


def test_seconds_become_milliseconds_under_their_name() -> None:
    assert in_milliseconds("latency", [0.004, 0.002, 0.008]) == {"latency, p50 ms": 4.0, "latency, p99 ms": 8.0}


def test_no_measurement_makes_no_figure() -> None:
    assert in_milliseconds("latency", []) == {}
