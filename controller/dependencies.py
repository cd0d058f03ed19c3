"""Everything a pass may touch, handed to it as one value. Wiring makes the real one, tests make small ones."""

from collections.abc import Callable
from dataclasses import dataclass

from controller.coconut.limiter import SubmissionLimiter
from controller.ports import Adoption, Attempts, Claims, Observations, Parts, Resources, Retention, Storage, Transcoder
from domain.policy import LifecyclePolicy


@dataclass(frozen=True)
class Dependencies:
    """The neighbours and the rules. ``monotonic``: seconds of a clock that nobody sets.

    ``for_step``: what the step of this name sees of the world; all of it, but for tests (failpoints.py).
    """

    observations: Observations
    attempts: Attempts
    claims: Claims
    retention: Retention
    adoption: Adoption
    storage: Storage
    parts: Parts
    transcoder: Transcoder
    limiter: SubmissionLimiter
    resources: Resources
    rules: LifecyclePolicy
    max_file_bytes: int
    callback_url: Callable[[str, int], str]
    monotonic: Callable[[], float]
    for_step: Callable[["Dependencies", str], "Dependencies"] = lambda deps, _step: deps
