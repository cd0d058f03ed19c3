"""The arithmetic of the benchmarks. No test asserts a speed."""

import pytest

from bench.figures import Round, Side, comparison, percentile, ratios


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


def side(name: str, *answered: int) -> Side:
    """Return a side with these numbers of requests of a millisecond, in rounds of two seconds."""
    return Side(name, tuple(Round((0.001,) * number, 2.0) for number in answered))


def test_a_rate_is_over_all_rounds() -> None:
    assert side("ours", 100, 300).per_second == 100


def test_adjacent_rounds_are_compared() -> None:
    assert ratios(side("ours", 80, 45), side("bare", 100, 50)) == [0.8, 0.9]


def test_sides_with_different_numbers_of_rounds_are_not_compared() -> None:
    with pytest.raises(ValueError, match="longer"):
        ratios(side("ours", 80), side("bare", 100, 50))


def test_the_table_shows_rates_latencies_and_the_ratio() -> None:
    assert comparison(side("ours", 80, 90, 60), side("bare", 100, 100, 100)).splitlines() == [
        "| | requests/s | p50 ms | p99 ms |",
        "|---|---|---|---|",
        "| ours | 38 | 1.0 | 1.0 |",
        "| bare | 50 | 1.0 | 1.0 |",
        "",
        "ratio 0.80 (0.60 to 0.90)",
    ]
