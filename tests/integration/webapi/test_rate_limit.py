"""The headers with the rest of an owner's hourly limit."""

from dataclasses import replace

from falcon.testing import Result

from database.creation import Quota
from tests.support.api import A_VIDEO, Api, token
from webapi.http.rate_limit import rate_limit_headers

VIDEOS = "/api/v1/videos"


def _of_uploads(answer: Result) -> tuple[str, str]:
    """Return what the headers say of uploads and bytes; what they say of calls comes behind."""
    policy, limit = (answer.headers[name].partition(', "changes"')[0] for name in ("RateLimit-Policy", "RateLimit"))
    return policy, limit


def test_each_upload_uses_one_of_the_limit(api: Api) -> None:
    left = [_of_uploads(api.call("POST", VIDEOS, json=A_VIDEO)) for _ in range(3)]

    assert left == [('"uploads";q=10;w=3600', f'"uploads";r={n};t=3600') for n in (9, 8, 7)]


def test_a_repeated_request_uses_none_of_the_limit(api: Api) -> None:
    answers = [api.call("POST", VIDEOS, json=A_VIDEO, headers={"Idempotency-Key": "k"}) for _ in range(3)]

    assert {_of_uploads(answer)[1] for answer in answers} == {'"uploads";r=9;t=3600'}


def test_beyond_the_limit_the_headers_agree_with_retry_after(api: Api) -> None:
    for _ in range(10):
        api.create()
    answer = api.call("POST", VIDEOS, json=A_VIDEO)

    assert answer.status_code == 429
    assert _of_uploads(answer) == ('"uploads";q=10;w=3600', f'"uploads";r=0;t={answer.headers["Retry-After"]}')


def test_the_headers_show_the_tokens_own_limit(api: Api) -> None:
    answer = api.client.simulate_post(
        VIDEOS, json=A_VIDEO, headers={"Authorization": f"Bearer {token(uploads_per_hour=50)}"}
    )

    assert _of_uploads(answer) == ('"uploads";q=50;w=3600', '"uploads";r=49;t=3600')


def test_the_headers_show_the_bytes_of_the_day(api: Api) -> None:
    client = api.rebuilt(policy=replace(api.deps.policy, upload_bytes_per_day=20_000))

    def create(size: int) -> Result:
        body = {**A_VIDEO, "size_bytes": size}
        return client.simulate_post(VIDEOS, json=body, headers={"Authorization": api.bearer()})

    first, second = create(9_000), create(9_000)
    assert _of_uploads(first) == (
        '"uploads";q=10;w=3600, "bytes";q=20000;qu="content-bytes";w=86400',
        '"uploads";r=9;t=3600, "bytes";r=11000',
    )
    assert _of_uploads(second)[1] == '"uploads";r=8;t=3600, "bytes";r=2000'

    refused = create(2_001)
    assert (refused.status_code, refused.json["code"], refused.json["retryable"]) == (429, "byte_limit_reached", True)
    assert refused.headers["Retry-After"] == "86400"
    assert "20000 bytes in a day are allowed and 2000 are left" in refused.json["detail"]
    assert create(2_000).status_code == 201


def test_seconds_until_the_reset_are_rounded_up() -> None:
    assert rate_limit_headers(Quota(10, 0, 59.01))["RateLimit"] == '"uploads";r=0;t=60'
