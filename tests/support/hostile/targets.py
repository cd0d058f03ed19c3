"""Paths and queries that lead nowhere: wrong methods, unknown ids, invalid signatures."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from urllib.parse import parse_qsl, urlencode

import jwt

from domain.callback_url import callback_url
from tests.support.hostile.calls import Call, methods_of
from tests.support.hostile.requests import Defect, Facts, Sent
from webapi.http.playback_tokens import Use
from webapi.http.problems import ProblemCode

UNKNOWN = "abcdefghijklmnopqrstuvwxy2"
METHODS = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT", "TRACE")

_IDS = {
    "unknown": UNKNOWN,
    "short": "a",
    "long": "a" * 3000,
    "dot": ".",
    "dots": "..",
    "encoded-dots": "%2e%2e",
    "encoded-traversal": "..%2f..%2f..%2fetc%2fpasswd",
    "encoded-backslashes": "..%5c..%5cwindows",
    "encoded-twice": "..%252f..%252fadmin",
    "nul": "%00",
    "line-break": "%0d%0aX-Evil:%201",
    "not-utf-8": "%ff%fe",
    "half-an-escape": "%zz%",
    "direction-override": "%e2%80%ae",
    "other-digits": "%ef%bc%91" * 26,
    "quotes": "'%20OR%20'1'='1",
    "template": "%7Bvideo_id%7D",
    "star": "*",
    "matrix-parameter": ";jsessionid=1",
}
_AROUND = {
    "trailing-slash": "{own}/",
    "trailing-encoded-slash": "{own}%2f",
    "leading-slash": "/{own}",
    "trailing-nul": "{own}%00",
    "trailing-line-break": "{own}%0a",
    "trailing-blank": "{own}%20",
    "trailing-dot": "{own}.",
    "twice": "{own}{own}",
    "matrix-parameter-after": "{own};a=b",
}


def method_faults(call: Call) -> Iterator[Defect]:
    """Yield the methods that the call's path is not known with."""
    for method in METHODS:
        if method not in methods_of(call.template):
            yield Defect(f"method-{method}", _by(method), ProblemCode.METHOD_NOT_ALLOWED)
    yield Defect("method-unknown", _by("FROB"), ProblemCode.MALFORMED_REQUEST)


def id_faults(call: Call) -> Iterator[Defect]:
    """Yield ids that are not the caller's; administrators may name anyone's."""
    for name, video_id in _IDS.items():
        yield Defect(f"id-{name}", _about(video_id), ProblemCode.NOT_FOUND)
    for name, shape in _AROUND.items():
        yield Defect(f"id-{name}", _about(shape), ProblemCode.NOT_FOUND)
    if call.scope is None:
        yield Defect("id-foreign", lambda sent, facts: _swapped(sent, facts, facts.foreign), ProblemCode.NOT_FOUND)
    if call.about == "endpoint":
        yield Defect("id-of-a-video", lambda sent, facts: _swapped(sent, facts, UNKNOWN), ProblemCode.NOT_FOUND)
    yield Defect(
        "id-in-upper-case", lambda sent, facts: _swapped(sent, facts, facts.own.upper()), ProblemCode.NOT_FOUND
    )


def signature_faults() -> Iterator[Defect]:
    """Yield queries that no key of ours signed."""
    queries: dict[str, Callable[[dict[str, str], Facts], str]] = {
        "no-query": lambda _query, _facts: "",
        "foreign-key": lambda _query, facts: _query_by("a key that an attacker guessed.....", facts),
        "other-video": lambda query, facts: urlencode({**query, "video": facts.foreign}),
        "other-attempt": lambda query, _: urlencode({**query, "attempt": "2"}),
        "attempt-with-zero": lambda query, _: urlencode({**query, "attempt": "01"}),
        "attempt-with-plus": lambda query, _: urlencode({**query, "attempt": "+1"}),
        "attempt-with-blank": lambda query, _: urlencode({**query, "attempt": "1 "}),
        "attempt-as-fraction": lambda query, _: urlencode({**query, "attempt": "1.0"}),
        "attempt-in-hex": lambda query, _: urlencode({**query, "attempt": "0x1"}),
        "attempt-in-other-digits": lambda query, _: urlencode({**query, "attempt": "\uff11"}),
        "attempt-huge": lambda query, _: urlencode({**query, "attempt": "9" * 1000}),
        "attempt-negative": lambda query, _: urlencode({**query, "attempt": "-1"}),
        "attempt-list": lambda query, _: urlencode({**query, "attempt": "1,1"}),
        "signature-cut-off": lambda query, _: urlencode({**query, "sig": query["sig"][:-1]}),
        "signature-longer": lambda query, _: urlencode({**query, "sig": query["sig"] + "0"}),
        "signature-in-upper-case": lambda query, _: urlencode({**query, "sig": query["sig"].upper()}),
        "signature-not-ascii": lambda query, _: urlencode({**query, "sig": "\u00e9" * 64}),
        "signature-not-utf-8": lambda query, _: urlencode({**query, "sig": ""}) + "%ff",
        "signature-with-nul": lambda query, _: urlencode({**query, "sig": query["sig"] + "\x00"}),
        "names-in-upper-case": lambda query, _: urlencode({name.upper(): value for name, value in query.items()}),
        "names-as-list": lambda query, _: urlencode({f"{name}[]": value for name, value in query.items()}),
        "cut-by-semicolons": lambda query, _: urlencode(query).replace("&", ";"),
    }
    for name in ("video", "attempt", "sig"):
        queries[f"without-{name}"] = _without(name)
        queries[f"{name}-twice"] = _twice(name, in_front=False)
        queries[f"{name}-twice-the-good-one-last"] = _twice(name, in_front=True)
        queries[f"{name}-empty"] = _emptied(name)
    for name, query_of in queries.items():
        yield Defect(f"callback-{name}", _asking(query_of), ProblemCode.INVALID_SIGNATURE)
    yield Defect("callback-signature-in-a-header", _signed_in_a_header, ProblemCode.INVALID_SIGNATURE)


def playback_faults(use: Use) -> Iterator[Defect]:
    """Yield tokens that open nothing here: forged, cut off, expired, of users, or for something else."""

    def with_token(token_of: Callable[[str, Facts], str]) -> Callable[[Sent, Facts], Sent]:
        def change(sent: Sent, facts: Facts) -> Sent:
            path, _, query = sent.target.partition("?")
            return replace(sent, target=f"{path}?{urlencode({'token': token_of(parse_qsl(query)[0][1], facts)})}")

        return change

    def claims(token: str) -> dict[str, object]:
        decoded: dict[str, object] = jwt.decode(token, options={"verify_signature": False})
        return decoded

    def forged(key: str | None, algorithm: str = "HS256", **changes: object) -> Callable[[str, Facts], str]:
        def make(token: str, facts: Facts) -> str:
            changed = {name: value for name, value in {**claims(token), **changes}.items() if value is not None}
            return jwt.encode(changed, facts.playback_key if key is None else key, algorithm=algorithm)

        return make

    refused: dict[str, Callable[[str, Facts], str]] = {
        "no-token": lambda _token, _facts: "x",
        "not-ascii": lambda _token, _facts: "\u00e9.\u00e9.\u00e9",
        "nul": lambda token, _: f"{token}\x00",
        "cut-off": lambda token, _: token[:-2],
        "without-signature": lambda token, _: token.rpartition(".")[0] + ".",
        "of-a-user": lambda _, facts: facts.token,
        "foreign-key": forged("a key that an attacker guessed, long enough"),
        "unsigned": forged("", "none"),
        "other-algorithm": forged(None, "HS512"),
        "expired": forged(None, exp=1_000_000_000),
        "expiry-as-text": forged(None, exp="never"),
        "expiry-huge": forged(None, exp=10**300),
        "without-expiry": forged(None, exp=None),
        "without-audience": forged(None, aud=None),
        "other-audience": forged(None, aud="video-uploads"),
        "unknown-use": forged(None, use="everything"),
    }
    for name, token_of in refused.items():
        yield Defect(f"playback-{name}", with_token(token_of), ProblemCode.PLAYBACK_DENIED)
    for other in (one for one in Use if one is not use):
        yield Defect(f"playback-to-{other}", with_token(forged(None, use=other)), ProblemCode.NOT_FOUND)
    yield Defect("playback-of-another-video", with_token(forged(None, sub=UNKNOWN)), ProblemCode.NOT_FOUND)


def _by(method: str) -> Callable[[Sent, Facts], Sent]:
    return lambda sent, _: replace(sent, method=method)


def _about(shape: str) -> Callable[[Sent, Facts], Sent]:
    return lambda sent, facts: _swapped(sent, facts, shape.replace("{own}", facts.own))


def _swapped(sent: Sent, facts: Facts, video_id: str) -> Sent:
    return replace(sent, target=sent.target.replace(facts.own, video_id, 1))


def _asking(query_of: Callable[[dict[str, str], Facts], str]) -> Callable[[Sent, Facts], Sent]:
    def change(sent: Sent, facts: Facts) -> Sent:
        path, _, query = sent.target.partition("?")
        return replace(sent, target=f"{path}?{query_of(dict(parse_qsl(query)), facts)}")

    return change


def _query_by(key: str, facts: Facts) -> str:
    return callback_url("", [key], video_id=facts.own, attempt=1).partition("?")[2]


def _without(left_out: str) -> Callable[[dict[str, str], Facts], str]:
    return lambda query, _: urlencode({name: value for name, value in query.items() if name != left_out})


def _emptied(name: str) -> Callable[[dict[str, str], Facts], str]:
    return lambda query, _: urlencode({**query, name: ""})


def _twice(name: str, *, in_front: bool) -> Callable[[dict[str, str], Facts], str]:
    """Two values for one name: which one counts differs from server to server, so neither does."""
    other = {"video": UNKNOWN, "attempt": "2", "sig": "0" * 64}[name]
    added = urlencode({name: other})
    return lambda query, _: f"{added}&{urlencode(query)}" if in_front else f"{urlencode(query)}&{added}"


def _signed_in_a_header(sent: Sent, _facts: Facts) -> Sent:
    unsigned, _, signature = sent.target.partition("&sig=")
    named = ("sig", "X-Signature", "X-Coconut-Signature", "Authorization")
    return replace(sent, target=unsigned, headers=(*sent.headers, *((name, signature) for name in named)))
