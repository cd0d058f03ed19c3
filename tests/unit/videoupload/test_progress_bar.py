"""How progress is shown: bars that are drawn over in a terminal, plain lines in a pipe."""

import io

from tests.support.world.clock import ManualClock
from videoupload.progress_bar import Screen


def test_in_a_pipe_a_bar_is_one_line_for_each_quarter() -> None:
    out = io.StringIO()
    screen = Screen(out, is_terminal=False)
    for percent in range(101):
        screen.bar("sending", percent, f"{percent} MB")
    screen.end_bar()
    assert out.getvalue().splitlines() == [
        "sending      25 %  25 MB",
        "sending      50 %  50 MB",
        "sending      75 %  75 MB",
        "sending     100 %  100 MB",
    ]


def test_in_a_pipe_a_bar_that_jumps_says_only_where_it_is() -> None:
    out = io.StringIO()
    screen = Screen(out, is_terminal=False)
    screen.bar("transcoding", 0)
    screen.bar("transcoding", 100)
    assert out.getvalue() == "transcoding 100 %\n"


def test_in_a_terminal_a_bar_is_drawn_over() -> None:
    out, clock = io.StringIO(), ManualClock()
    screen = Screen(out, is_terminal=True, clock=clock)
    screen.bar("sending", 50)
    clock.now = 1
    screen.bar("sending", 75)
    assert out.getvalue() == (
        "\r\x1b[Ksending     [############............]  50 %\r\x1b[Ksending     [##################......]  75 %"
    )


def test_in_a_terminal_a_bar_is_not_drawn_more_often_than_eyes_can_see() -> None:
    out, clock = io.StringIO(), ManualClock()
    screen = Screen(out, is_terminal=True, clock=clock)
    for percent in range(100):
        screen.bar("sending", percent)
    assert out.getvalue().count("\r") == 1


def test_a_line_goes_above_the_bar() -> None:
    out = io.StringIO()
    screen = Screen(out, is_terminal=True, clock=ManualClock())
    screen.bar("transcoding", 0)
    out.truncate(0)
    out.seek(0)
    screen.line("something happened")
    assert out.getvalue() == "\r\x1b[Ksomething happened\n\r\x1b[Ktranscoding [........................]   0 %"


def test_an_ended_bar_stays_as_it_was_last() -> None:
    out = io.StringIO()
    screen = Screen(out, is_terminal=True, clock=ManualClock())
    screen.bar("sending", 0)
    screen.bar("sending", 100)
    screen.end_bar()
    screen.line("next")
    assert out.getvalue().endswith("\r\x1b[Ksending     [########################] 100 %\nnext\n")
