"""Time that passes only when a test says so."""

from datetime import UTC, datetime, timedelta

MORNING = datetime(2026, 7, 1, 8, tzinfo=UTC)


class FakeClock:
    """Both clocks of a process: the wall clock, which can be set, and the monotonic one."""

    def __init__(self, start: datetime = MORNING) -> None:
        self._start = start
        self._elapsed = timedelta(0)
        self._skew = timedelta(0)

    def now(self) -> datetime:
        """Return the time on the wall."""
        return self._start + self._elapsed + self._skew

    def set_wrong(self, seconds: float) -> None:
        """Set the wall clock ahead or back. The monotonic clock does not follow."""
        self._skew = timedelta(seconds=seconds)

    def monotonic(self) -> float:
        """Return the seconds since the clock was made."""
        return self._elapsed.total_seconds()

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._elapsed += timedelta(seconds=seconds)


class ManualClock:
    """A monotonic clock that a test moves."""

    def __init__(self, now: float = 0.0) -> None:
        self.now = now

    def __call__(self) -> float:
        """Return the time."""
        return self.now
