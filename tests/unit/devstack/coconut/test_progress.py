"""How far a job is, as a number."""

from datetime import UTC, datetime

import pytest

from devstack.coconut.job import Job, OutputState, Stage
from devstack.coconut.progress import progress
from devstack.coconut.request import parse_request
from tests.unit.devstack.coconut.jobs import a_job

REQUEST = parse_request(a_job())  # one set of images, a stream of two variants, a stream of one


@pytest.mark.parametrize(
    ("stages", "fraction", "percent"),
    [
        pytest.param(["waiting", "waiting", "waiting"], 0, 0, id="nothing-done"),
        pytest.param(["done", "working", "skipped"], 0, 33, id="skipped-outputs-do-not-count"),
        pytest.param(["done", "working", "skipped"], 0.5, 66, id="each-variant-weighs-like-an-output"),
        pytest.param(["failed", "waiting", "waiting"], 0, 25, id="a-failed-output-is-done-with"),
        pytest.param(["done", "done", "skipped"], 0, 99, id="the-last-percent-is-the-end-of-the-job"),
        pytest.param(["skipped", "skipped", "skipped"], 0, 99, id="all-skipped"),
    ],
)
def test_progress(stages: list[Stage], fraction: float, percent: int) -> None:
    outputs = [
        OutputState.of(output).model_copy(update={"stage": stage})
        for output, stage in zip(REQUEST.outputs, stages, strict=True)
    ]
    job = Job(id="a" * 14, created_at=datetime(2026, 2, 16, tzinfo=UTC), outputs=tuple(outputs))
    assert progress(job, REQUEST, working="hd", fraction=fraction) == percent
