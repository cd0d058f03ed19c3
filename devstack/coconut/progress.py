"""How far a job is, as the percentage that Coconut shows."""

from devstack.coconut.job import Job
from devstack.coconut.outputs import Output, StreamPlan
from devstack.coconut.request import JobRequest
from devstack.coconut.store import Store


class Meter:
    """Writes the progress of an encoding down, once for each percent."""

    def __init__(self, store: Store, job: Job, request: JobRequest) -> None:
        self.job = job
        self._store = store
        self._request = request

    def show(self, output: Output, fraction: float) -> None:
        percent = progress(self.job, self._request, working=output.key, fraction=fraction)
        if percent > self.job.progress_percent:
            self.job = self.job.model_copy(update={"progress_percent": percent})
            self._store.save(self.job)


def progress(job: Job, request: JobRequest, *, working: str = "", fraction: float = 0) -> int:
    """Return the percentage done; each variant of a stream weighs as much as any other output."""
    weights = {
        output.key: len(output.plan.variants) if isinstance(output.plan, StreamPlan) else 1
        for output in request.outputs
        if job.output(output.key).stage != "skipped"
    }
    done = sum(weight for key, weight in weights.items() if job.output(key).is_final)
    total = sum(weights.values())
    return min(99, int(100 * (done + fraction * weights.get(working, 0)) / total)) if total else 99
