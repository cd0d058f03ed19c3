"""A circuit breaker for an upstream whose calls cost nothing: while it fails, one call at a time tries it again.

All other calls end at once, so that no thread waits for a service that is known to be away. The breaker for calls that
cost money is controller/coconut/breaker.py.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from functools import wraps
from typing import ParamSpec, TypeVar

import structlog

from domain.errors import KeyRefusedError, UnavailableError, UpstreamError
from runtime.bulkhead import Bulkhead, BulkheadFullError
from runtime.time_budget import BudgetSpentError

log = structlog.get_logger(__name__)

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")

# One or two may be chance, and the upload at hand is looked at again soon.
FAILURES_TO_OPEN = 3
FIRST_PAUSE_SECONDS = 5.0
LONGEST_PAUSE_SECONDS = 30.0


class UpstreamHealth(StrEnum):
    """What the last calls to an upstream showed."""

    AVAILABLE = "available"
    AWAY = "away"
    REFUSES_KEY = "refuses-key"


class UpstreamBreaker:
    """Opens after three calls in a row without an answer, or when our key is refused. Thread-safe.

    Any other answer closes it, a refusal of one object too: the upstream is there. ``bulkhead``: what the calls that it
    lets through pass next.
    """

    def __init__(
        self, name: str, *, bulkhead: Bulkhead | None = None, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._name = name
        self._bulkhead = bulkhead
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._health = UpstreamHealth.AVAILABLE
        self._failures = 0
        self._error = ""
        self._pause_seconds = FIRST_PAUSE_SECONDS
        self._try_again_at = 0.0
        self._is_trying = False

    def health(self) -> UpstreamHealth:
        """Return what the last calls showed."""
        with self._lock:
            return self._health

    @contextmanager
    def call(self) -> Iterator[None]:
        """Make one call to the upstream inside. Raises UnavailableError at once while the upstream keeps failing."""
        is_trying = self._enter()
        try:
            yield
        except (BulkheadFullError, BudgetSpentError):
            raise  # the upstream was not called
        except KeyRefusedError as error:
            self._record_failure(UpstreamHealth.REFUSES_KEY, str(error))
            raise
        except UnavailableError as error:
            self._record_failure(UpstreamHealth.AWAY, str(error))
            raise
        except UpstreamError:
            self._record_answer()
            raise
        else:
            self._record_answer()
        finally:
            if is_trying:
                with self._lock:
                    self._is_trying = False

    def limit(self, call: Callable[_Arguments, _Result]) -> Callable[_Arguments, _Result]:
        """Return ``call`` so that each call of it goes through the breaker, and then through the bulkhead."""
        inner = call if self._bulkhead is None else self._bulkhead.limit(call)

        @wraps(call)
        def limited(*args: _Arguments.args, **kwargs: _Arguments.kwargs) -> _Result:
            with self.call():
                return inner(*args, **kwargs)

        return limited

    def _enter(self) -> bool:
        """Return whether this call is the one that tries a failing upstream."""
        with self._lock:
            if self._health is UpstreamHealth.AVAILABLE:
                return False
            if self._is_trying or self._monotonic() < self._try_again_at:
                raise UnavailableError(f"{self._name} keeps failing and is tried again soon; {self._error}")
            self._is_trying = True
            return True

    def _record_failure(self, health: UpstreamHealth, message: str) -> None:
        with self._lock:
            self._failures += 1
            self._error = message
            before = self._health
            may_be_chance = health is UpstreamHealth.AWAY and self._failures < FAILURES_TO_OPEN
            if before is UpstreamHealth.AVAILABLE and may_be_chance:
                return
            self._health = health
            self._try_again_at = self._monotonic() + self._pause_seconds
            self._pause_seconds = min(LONGEST_PAUSE_SECONDS, 2 * self._pause_seconds)
        if before is not health:
            log.warning("upstream_failing", upstream=self._name, health=str(health), error=message)

    def _record_answer(self) -> None:
        with self._lock:
            before, self._health = self._health, UpstreamHealth.AVAILABLE
            self._failures, self._pause_seconds = 0, FIRST_PAUSE_SECONDS
        if before is not UpstreamHealth.AVAILABLE:
            log.info("upstream_recovered", upstream=self._name)
