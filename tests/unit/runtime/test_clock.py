"""The time of a server, as a process measures it whose own clock may be wrong."""

from datetime import UTC, datetime, timedelta

import pytest

from runtime.clock import Clocks, SharedClock

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
TEN_MINUTES = timedelta(minutes=10)


class Process:
    """A process whose own clock is ahead of the server's, on which time passes when the test says so."""

    def __init__(self, *, ahead: timedelta = TEN_MINUTES) -> None:
        self.passed = 0.0
        self.ahead = ahead
        self.clock = SharedClock(own=self.own, elapsed=lambda: 5000 + self.passed)

    def right(self) -> datetime:
        return NOON + timedelta(seconds=self.passed)

    def own(self) -> datetime:
        return self.right() + self.ahead

    def measure(self, *, there: float = 0.0, back: float = 0.0, wrong: float = 0.0) -> None:
        """Ask the server; ``there`` and ``back``: the seconds of both ways."""
        began = self.clock.begin()
        assert began is not None
        self.passed += there
        stated = self.right() + timedelta(seconds=wrong)
        self.passed += back
        self.clock.measured(stated, began=began)

    def error(self) -> float:
        return abs((self.clock() - self.right()).total_seconds())


@pytest.mark.parametrize("ahead", [TEN_MINUTES, -TEN_MINUTES, timedelta()], ids=["ahead", "behind", "right"])
def test_the_time_is_the_servers_whatever_the_own_clock_shows(ahead: timedelta) -> None:
    process = Process(ahead=ahead)
    process.measure()
    assert process.clock() == NOON
    process.passed += 3600
    assert process.clock() == NOON + timedelta(hours=1)
    assert process.clock.skew_seconds() == ahead.total_seconds()


def test_before_the_first_measurement_the_time_is_the_next_best() -> None:
    process = Process()
    other = SharedClock(process.clock, elapsed=lambda: 0.0)
    assert SharedClock(lambda: NOON)() == NOON
    process.measure()
    assert other() == process.clock() == NOON
    assert other.skew_seconds() is None


def test_a_clock_that_is_set_later_changes_the_skew_and_not_the_time() -> None:
    process = Process(ahead=timedelta())
    process.measure()
    process.ahead = -TEN_MINUTES
    assert process.clock() == NOON
    assert process.clock.skew_seconds() == -600


def test_a_measurement_is_due_once_a_minute() -> None:
    process = Process()
    process.measure()
    process.passed += 59
    assert process.clock.begin() is None
    process.passed += 2
    assert process.clock.begin() is not None
    assert process.clock.begin() is None


def test_while_the_time_is_not_known_a_measurement_is_due_every_two_seconds() -> None:
    process = Process()
    assert process.clock.begin() is not None
    assert process.clock.begin() is None
    process.passed += 3
    assert process.clock.begin() is not None


def test_the_error_is_at_most_half_of_the_round_trip() -> None:
    process = Process()
    process.measure(there=0.4, back=0.0)
    assert process.error() == pytest.approx(0.2)


def test_a_slow_measurement_does_not_replace_a_quick_one() -> None:
    process = Process()
    process.measure(there=0.001, back=0.001)
    process.passed += 61
    process.measure(there=3.0, back=0.0)
    assert process.error() < 0.001


def test_a_slow_measurement_that_contradicts_a_quick_one_replaces_it() -> None:
    """As after a pause of the whole machine, during which no clock of it went on."""
    process = Process()
    process.measure()
    process.passed += 61
    process.measure(there=1.0, back=1.0, wrong=300)
    assert process.error() == pytest.approx(300)


def test_an_old_measurement_gives_way_to_one_that_took_a_little_longer() -> None:
    process = Process()
    process.measure(there=0.001, back=0.001)
    process.passed += 3600
    process.measure(there=0.01, back=0.0, wrong=0.1)
    assert process.error() == pytest.approx(0.1, abs=0.006)


def test_storage_is_taken_to_have_the_time_of_postgres_until_it_answers() -> None:
    clocks = Clocks.make()
    began = clocks.postgres.begin()
    assert began is not None
    clocks.postgres.measured(NOON, began=began)
    assert abs(clocks.storage() - NOON) < timedelta(minutes=1)
    assert set(clocks.by_name()) == {"postgres", "storage"}
