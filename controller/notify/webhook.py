"""Sending one webhook: to the very address that was checked, signed with every secret of the endpoint."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import requests
import urllib3

from controller.notify.deadline import BoundedAdapter, within
from controller.notify.outcome import DeliveryResponse, Disposition, one_line
from controller.notify.webhook_payload import build_payload
from controller.notify.webhook_signature import signed_headers
from domain.notifications import ANSWER_MAX, Endpoint, Notification
from runtime.outbound import Resolve, Target, TargetError, resolve_public
from runtime.retry_after import retry_after_seconds

# Connecting, and each wait for bytes after that.
_TIMEOUT_SECONDS = (5.0, 15.0)
# All of it together, and less than the lease of a delivery: after that somebody else would make it too.
_LONGEST_SECONDS = 30.0
_TOO_LONG = "no answer: it takes too long"
_GONE = 410
# As Standard Webhooks says: whoever answers one of these has too much to do.
_FULL = frozenset({429, 502, 503, 504})


class WebhookSender:
    """The way to everybody's endpoints."""

    def __init__(
        self,
        *,
        playback_base: str,
        allow_private: bool,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        resolve: Resolve | None = None,
        trusted: str | bool = True,
        longest_seconds: float = _LONGEST_SECONDS,
    ) -> None:
        """``trusted``: whose certificates are believed, as requests names it. ``longest_seconds``: of one exchange."""
        self._playback_base = playback_base
        self._allow_private = allow_private
        self._clock = clock
        self._resolve = resolve
        self._trusted = trusted
        self._longest_seconds = longest_seconds

    def send(self, told: Notification, endpoint: Endpoint) -> DeliveryResponse:
        """Send once and return what came back. No answer is an answer too."""
        body = build_payload(told, playback_base=self._playback_base)
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "video-uploads",
            **signed_headers(str(told.notification_id), body, secrets=endpoint.secrets, at=self._clock()),
        }
        try:
            target = Target.parse(endpoint.url, allow_private=self._allow_private)
            address = resolve_public(target, allow_private=self._allow_private, resolve=self._resolve)
            return self._post(target, address, headers, body)
        except TargetError as error:
            return DeliveryResponse(Disposition.AGAIN, None, f"not sent: {error}")
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            # The message of the error may quote the URL, which is the receiver's secret.
            return DeliveryResponse(Disposition.AGAIN, None, f"no answer: {type(error).__name__}")

    def _post(self, target: Target, address: str, headers: dict[str, str], body: bytes) -> DeliveryResponse:
        place = f"[{address}]" if ":" in address else address
        with within(self._longest_seconds) as deadline, requests.Session() as session:
            session.trust_env = False  # neither proxies nor passwords of this machine's owner
            session.mount(f"{target.scheme}://", _Pinned(target.host))
            answer = session.post(
                f"{target.scheme}://{place}:{target.port}{target.path}",
                data=body,
                headers={**headers, "Host": target.authority},
                timeout=_TIMEOUT_SECONDS,
                verify=self._trusted,
                allow_redirects=False,
                stream=True,
            )
            with answer:
                # The library takes the end of a line that was cut off for the end of the headers.
                return DeliveryResponse(Disposition.AGAIN, None, _TOO_LONG) if deadline.is_over else self._read(answer)

    def _read(self, answer: requests.Response) -> DeliveryResponse:
        text = ""
        with suppress(urllib3.exceptions.HTTPError, OSError):
            # What has come so far is enough for a log: nobody may keep us reading.
            text = one_line(answer.raw.read1(ANSWER_MAX))
        status = answer.status_code
        if answer.ok and status < 300:
            return DeliveryResponse(Disposition.ACCEPTED, status, text)
        if status == _GONE:
            return DeliveryResponse(Disposition.GONE, status, text)
        desired = retry_after_seconds(answer.headers, self._clock)
        return DeliveryResponse(Disposition.AGAIN, status, text, retry_after_seconds=desired, is_full=status in _FULL)


class _Pinned(BoundedAdapter):
    """Connects to the address in the URL, and believes only a certificate for ``host``."""

    def __init__(self, host: str) -> None:
        self._host = host
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the pool with the name that TLS is about."""
        super().init_poolmanager(*args, server_hostname=self._host, assert_hostname=self._host, **kwargs)
