"""What people are told while Go tools are being built."""

from typing import ClassVar

import pytest

from devstack.build_progress import BuildProgress, Expected, rounded


class Clock:
    """A clock that a test sets."""

    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


class TestBuildProgress:
    expected: ClassVar = {"server": Expected(300, packages=1000), "tool": Expected(100)}

    @pytest.fixture
    def clock(self) -> Clock:
        return Clock()

    @pytest.fixture
    def progress(self, clock: Clock) -> BuildProgress:
        return BuildProgress(self.expected, clock=clock)

    def compile(self, progress: BuildProgress, packages: int) -> None:
        progress.started("server")
        for _ in range(packages):
            progress.compiled("server")

    def test_at_first_the_usual_times_are_left(self, progress: BuildProgress) -> None:
        assert (progress.fraction(), progress.left_seconds()) == (0, 400)

    def test_compiled_packages_count_as_part_of_their_build(self, progress: BuildProgress) -> None:
        self.compile(progress, 500)
        assert progress.fraction() == 150 / 400

    def test_the_rest_is_estimated_by_the_pace_of_this_machine(self, progress: BuildProgress, clock: Clock) -> None:
        clock.seconds = 300  # half as fast as usual
        self.compile(progress, 500)
        assert progress.left_seconds() == 500

    def test_a_slow_start_says_nothing_about_the_pace(self, progress: BuildProgress, clock: Clock) -> None:
        clock.seconds = 60  # spent on downloads
        self.compile(progress, 10)
        assert progress.left_seconds() == 397

    def test_after_the_last_package_linking_is_left(self, progress: BuildProgress) -> None:
        self.compile(progress, 1200)
        assert progress.fraction() == pytest.approx(0.95 * 300 / 400)

    def test_nothing_is_left_at_the_end(self, progress: BuildProgress) -> None:
        for name in self.expected:
            progress.started(name)
            progress.finished(name)
        assert (progress.fraction(), progress.left_seconds()) == (1, 0)

    def test_the_line_says_how_much_is_left_and_what_is_being_built(
        self, progress: BuildProgress, clock: Clock
    ) -> None:
        clock.seconds = 150
        self.compile(progress, 500)
        progress.started("tool")
        assert progress.line() == ("[#########...............] about 4 min left: server (500 of 1000 packages), tool")

    def test_a_build_of_another_process_is_waited_for(self, progress: BuildProgress) -> None:
        assert progress.line().endswith(": waiting")


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(424, "about 7 min"), (90, "about 2 min"), (84, "about 80 s"), (3, "about 10 s")],
)
def test_an_estimate_is_not_more_precise_than_it_can_be(seconds: float, shown: str) -> None:
    assert rounded(seconds) == shown
