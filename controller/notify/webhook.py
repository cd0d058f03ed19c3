"""Sends one webhook: to exactly the address that was checked, signed with every secret of the endpoint."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

import requests
import urllib3

from controller.notify.outcome import DeliveryResponse, Disposition, one_line
from controller.notify.webhook_payload import MEDIA_TYPES, build_payload
from controller.notify.webhook_signature import signed_headers
from domain.notifications import ANSWER_MAX, Endpoint, Notification
from runtime.deadline import PinnedAdapter, within
from runtime.retry_after import retry_after_seconds
from runtime.ssrf_guard import Resolve, Target, TargetError, resolve_public

# For connecting, and for each wait for bytes after that.
_TIMEOUT_SECONDS = (5.0, 15.0)
# For the whole exchange. Below the lease of a delivery, which another process may take after that.
_TOTAL_SECONDS = 30.0
_TOO_LONG = "no answer: it takes too long"
_GONE = 410
# Standard Webhooks: a receiver that answers one of these is overloaded.
_OVERLOADED = frozenset({429, 502, 503, 504})


class WebhookSender:
    """Sends webhooks to endpoints."""

    def __init__(
        self,
        *,
        playback_base: str,
        allow_private: bool,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        resolve: Resolve | None = None,
        verify: str | bool = True,
        total_seconds: float = _TOTAL_SECONDS,
    ) -> None:
        """``verify``: the trusted certificates, as in requests. ``total_seconds``: the limit of one exchange."""
        self._playback_base = playback_base
        self._allow_private = allow_private
        self._clock = clock
        self._resolve = resolve
        self._verify = verify
        self._total_seconds = total_seconds

    def send(self, notification: Notification, endpoint: Endpoint) -> DeliveryResponse:
        """Send once and return the response, or why there is none."""
        body = build_payload(notification, playback_base=self._playback_base, form=endpoint.format)
        headers = {
            "Content-Type": MEDIA_TYPES[endpoint.format],
            "User-Agent": "video-uploads",
            **signed_headers(str(notification.notification_id), body, secrets=endpoint.secrets, at=self._clock()),
        }
        try:
            target = Target.parse(endpoint.url, allow_private=self._allow_private)
            address = resolve_public(target, allow_private=self._allow_private, resolve=self._resolve)
            return self._post(target, address, headers, body)
        except TargetError as error:
            return DeliveryResponse(Disposition.RETRY, None, f"not sent: {error}")
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            # The error's message may quote the URL, which is the receiver's secret.
            return DeliveryResponse(Disposition.RETRY, None, f"no answer: {type(error).__name__}")

    def _post(self, target: Target, address: str, headers: dict[str, str], body: bytes) -> DeliveryResponse:
        host = f"[{address}]" if ":" in address else address
        with within(self._total_seconds) as deadline, requests.Session() as session:
            session.trust_env = False  # neither proxies nor credentials from the environment
            session.mount(f"{target.scheme}://", PinnedAdapter(target.host))
            answer = session.post(
                f"{target.scheme}://{host}:{target.port}{target.path}",
                data=body,
                headers={**headers, "Host": target.authority},
                timeout=_TIMEOUT_SECONDS,
                verify=self._verify,
                allow_redirects=False,
                stream=True,
            )
            with answer:
                # urllib3 takes a connection that was shut down in the middle of a line for the end of the headers.
                return DeliveryResponse(Disposition.RETRY, None, _TOO_LONG) if deadline.is_over else self._read(answer)

    def _read(self, answer: requests.Response) -> DeliveryResponse:
        text = ""
        with suppress(urllib3.exceptions.HTTPError, OSError):
            # One read is enough for a log: the receiver must not keep us reading.
            text = one_line(answer.raw.read1(ANSWER_MAX))
        status = answer.status_code
        if answer.ok and status < 300:
            return DeliveryResponse(Disposition.ACCEPTED, status, text)
        if status == _GONE:
            return DeliveryResponse(Disposition.GONE, status, text)
        return DeliveryResponse(
            Disposition.RETRY,
            status,
            text,
            retry_after_seconds=retry_after_seconds(answer.headers, self._clock),
            is_overloaded=status in _OVERLOADED,
        )
