"""URLs from which the service fetches files: which are taken, and how they are shown.

The host is looked up by the operator, right before it connects (controller/sources/reader.py): a look-up here would
cost a thread for seconds, and prove nothing about the next one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit, urlunsplit

from runtime.ssrf_guard import Network, Target, TargetError, resolve_within
from webapi.http.problems import FieldProblem, HttpProblemError, ProblemCode
from webapi.schemas.requests import CreateVideo

_REST = "…"


@dataclass(frozen=True)
class SourceUrls:
    """Judges URLs. ``networks``: which addresses are allowed besides public ones. ``is_on``: whether any is fetched."""

    is_on: bool = True
    networks: Sequence[Network] = ()

    def check(self, body: CreateVideo) -> None:
        """Raise HttpProblemError unless the URL may be fetched, as far as that can be seen without a look-up."""
        if body.source_url is None:
            return
        if not self.is_on:
            raise _refused("source_url", "this service fetches no files")
        for name in ("upload_mode", "content_md5"):
            if getattr(body, name) is not None:
                raise _refused(name, "is for a file that the client sends; leave it out with source_url")
        try:
            target = Target.parse(body.source_url, allow_private=bool(self.networks))
            if _is_address(target.host):
                resolve_within(target, self.networks, resolve=lambda host, _port: [host])
        except TargetError as error:
            raise _refused("source_url", str(error)) from None


def redacted(url: str) -> str:
    """Return a URL without its path and query, either of which may be a password."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc, f"/{_REST}", "", ""))


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _refused(name: str, detail: str) -> HttpProblemError:
    return HttpProblemError(ProblemCode.INVALID_REQUEST, f"not accepted: {name}", errors=[FieldProblem(name, detail)])
