"""Invalid queries of a list: parameters that are unknown, out of bounds, or repeated."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlencode

from database.queries import Cursor
from tests.support.hostile.calls import Query
from tests.support.hostile.requests import Defect, Facts, Sent
from webapi.http.paging import Paging
from webapi.http.problems import ProblemCode

_SOMEWHERE = Cursor(datetime(2026, 1, 1, tzinfo=UTC), "a")
_BAD: dict[str, tuple[str, ...]] = {
    "status": ("", "READY", "ready ", "ready,errored", "*", "deleted", "errored\x00", "\u202e", "' OR '1'='1", "[]"),
    "deleted": ("", "True", "1", "yes", "only", "true,false", "true\x00"),
    "page_size": (
        "",
        "0",
        "-1",
        "-0",
        "1.0",
        "1e2",
        "0x9",
        " 5",
        "5 ",
        "+5",
        "1_0",
        "\uff15",
        "\u0665",
        "five",
        "9" * 1001,
    ),
    "page_token": (
        "x",
        "..",
        "%",
        "null",
        "AAAA",
        "bnVsbA",
        "W10",
        "W251bGwsbnVsbCxudWxsXQ",
        "A" * 513,
        "\x00",
        "\u00e9",
    ),
}
_BAD["wait"] = (*(value for value in _BAD["page_size"] if value not in {"0", "5"}), "51")
_BAD["since"] = ("", "4", "4.1.2", "4.x", "-4.1", "4.1 ", '"4.1"', "\u0664.1", "4.1\x00", "1" * 63 + ".1")
_BAD["token"] = ("", "a" * 2049)
_BAD["label"] = ("", " ", "a" * 1000, '"', "a\x00", "\u202e", "\u200b")
_BAD["default"] = ("", "True", "1", "yes", "on", "true,false", "true\x00")
_BAD["state"] = ("", "PENDING", "pending ", "pending,failed", "*", "gone", "failed\x00", "[]")
_BAD["video_id"] = ("", "A", "a b", "-a", "a-", "a" * 64, "a\x00", "\u202e", "' OR '1'='1", "*")
_BAD["endpoint_id"] = (
    "",
    "1",
    "{00000000-0000-0000-0000-000000000001}",
    "0" * 32,
    "urn:uuid:" + "0" * 32,
    "*",
    "a\x00",
)
_BAD["owner"] = ("", "a" * 256, "a\x00", "a\nb", "\u202e")
_BAD["profile"] = ("", "HLS", "a b", "-a", "a" * 64, "a\x00", "*", "\u202e")
_BAD["region"] = ("", " ", "a" * 64, "a\x00", "a\nb", "\u202e")
_BAD["error_code"] = ("", "JOB_LOST", "job_lost ", "job_lost,limit_reached", "*", "job_lost\x00", "\u202e")
_BAD["title"] = ("", "a" * 101, "a\x00", "a\nb", "\u202e")
_BAD["created_after"] = (
    "",
    "yesterday",
    "2026-01-01",
    "2026-01-01T00:00:00",
    "2026-13-01T00:00:00Z",
    "1767225600",
    "0",
    "infinity",
    "now",
    "2026-01-01T00:00:00Z\x00",
    "9999-12-31T23:59:59-01:00",
    "0001-01-01T00:00:00+01:00",
    "9" * 400,
)
_BAD["created_before"] = (*_BAD["created_after"], "2025-01-01T00:00:00Z", "2026-01-01T00:00:00Z")
_UNKNOWN = (
    "stauts",
    "Status",
    "page_size[]",
    "owner",
    "video_id",
    "limit",
    "offset",
    "__proto__",
    "x" * 65,
    "\u202e",
    "",
)


def query_faults(query: Query) -> Iterator[Defect]:
    """Yield every fault of the parameters that a call takes."""
    for field in query.model.model_fields:
        for value in _BAD[field]:
            yield _refused(f"{field}={value[:40]!r}", _set(field, value), field)
        for order in ("first", "last"):
            yield _refused(f"{field}-twice-{order}", _twice(field, query.sample.get(field, "x"), order), field)
        if query.model.model_fields[field].is_required():
            yield _refused(f"{field}-missing", _without(field), field)
    for name in _UNKNOWN:
        if name in query.model.model_fields:
            continue
        yield _refused(f"unknown-{name[:12]!r}", _set(name, "ann"), name[:64])
    if "deleted" not in query.model.model_fields:
        yield _refused("unknown-deleted", _set("deleted", "true"), "deleted")
    for owner in ("ann", "eve", "") if "page_token" in query.model.model_fields else ():
        token = Paging("another list", owner).token(_SOMEWHERE)
        yield _refused(f"page_token-of-another-list-of-{owner}", _set("page_token", str(token)), "page_token")


def _refused(name: str, change: Callable[[dict[str, str]], list[tuple[str, str]]], field: str) -> Defect:
    def changed(sent: Sent, _facts: Facts) -> Sent:
        path, _, query = sent.target.partition("?")
        return replace(sent, target=f"{path}?{urlencode(change(dict(parse_qsl(query))))}")

    return Defect(f"query-{name}", changed, ProblemCode.INVALID_REQUEST, (field,))


def _set(name: str, value: str) -> Callable[[dict[str, str]], list[tuple[str, str]]]:
    return lambda query: [*{**query, name: value}.items()]


def _without(name: str) -> Callable[[dict[str, str]], list[tuple[str, str]]]:
    return lambda query: [(known, value) for known, value in query.items() if known != name]


def _twice(name: str, value: str, order: str) -> Callable[[dict[str, str]], list[tuple[str, str]]]:
    """The same value twice: no two servers agree on which one counts."""
    if order == "first":
        return lambda query: [(name, value), (name, value), *_without(name)(query)]
    return lambda query: [*_without(name)(query), (name, value), (name, value)]
