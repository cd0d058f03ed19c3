"""POST /webhooks/coconut: callbacks are verified and recorded as claims, never believed."""

import json
from datetime import UTC, datetime

import pytest

from domain.callback_url import callback_url
from tests.support.api import CALLBACK_KEYS, Api
from webapi.coconut_callback import age_seconds

JOB = "S9BkOufdntiPR9"
COMPLETED = {
    "job_id": JOB,
    "event": "job.completed",
    "metadata": False,
    "data": {
        "type": "job",
        "status": "job.completed",
        "progress": "100%",
        "id": JOB,
        "outputs": [{"key": "hls", "type": "httpstream", "status": "httpstream.packaged", "urls": []}],
    },
}
SIMPLE = {
    "job_id": JOB,
    "status": "completed",
    "outputs": {"hls": "https://x/master.m3u8", "thumbnail": "https://x/t.jpg"},
}


def _url(video_id: str, attempt: int = 1, keys: list[str] | None = None) -> str:
    return callback_url("", keys or CALLBACK_KEYS, video_id=video_id, attempt=attempt)


def _submitted(api: Api) -> str:
    video_id = api.create()
    api.submit(video_id)
    return video_id


@pytest.mark.parametrize("body", [pytest.param(COMPLETED, id="v2"), pytest.param(SIMPLE, id="simple")])
def test_a_signed_callback_becomes_a_claim(api: Api, body: dict[str, object]) -> None:
    video_id = _submitted(api)
    answer = api.client.simulate_post(_url(video_id), json=body)

    assert (answer.status_code, answer.content) == (204, b"")
    assert api.claims() == {(video_id, 1, JOB)}


def test_a_callback_changes_nothing_but_the_claims(api: Api) -> None:
    video_id = _submitted(api)
    row = api.row(video_id)
    api.offers.commands.clear()
    for _ in range(3):
        api.client.simulate_post(_url(video_id), json=COMPLETED)

    assert api.row(video_id) == row
    assert not api.offers.commands
    assert len(api.claims()) == 1


def test_the_previous_key_is_still_valid(api: Api) -> None:
    video_id = _submitted(api)
    answer = api.client.simulate_post(_url(video_id, keys=CALLBACK_KEYS[1:]), json=COMPLETED)

    assert answer.status_code == 204
    assert api.claims()


def test_a_forged_callback_is_refused_and_changes_nothing(api: Api) -> None:
    video_id = _submitted(api)
    forged = [
        _url(video_id, keys=["a key that was guessed at random...."]),
        _url(video_id).replace("attempt=1", "attempt=2"),
        _url(video_id).replace(video_id, video_id[::-1]),
        _url(video_id)[:-1],
        f"/webhooks/coconut?video={video_id}&attempt=1",
        "/webhooks/coconut",
    ]
    for url in forged:
        answer = api.client.simulate_post(url, json=COMPLETED)
        assert (answer.status_code, answer.json["code"]) == (401, "invalid_signature"), url
    assert not api.claims()


def test_a_callback_about_an_unknown_attempt_is_accepted_silently(api: Api) -> None:
    answer = api.client.simulate_post(_url("abcdefghijklmnopqrstuvwxy2"), json=COMPLETED)

    assert answer.status_code == 204
    assert not api.claims()


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"{}", id="no-job"),
        pytest.param(b'{"job_id": null}', id="null"),
        pytest.param(b'{"job_id": 7}', id="a-number"),
        pytest.param(b'{"job_id": ""}', id="empty-id"),
        pytest.param(b'{"job_id": "../jobs"}', id="a-path"),
        pytest.param(b'{"job_id": "' + b"x" * 65 + b'"}', id="long-id"),
    ],
)
def test_a_callback_that_names_no_job_is_refused(api: Api, body: bytes) -> None:
    answer = api.client.simulate_post(_url(_submitted(api)), body=body)

    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "job_id")
    assert not api.claims()


def test_a_payload_with_metadata_is_within_the_size_limit(api: Api) -> None:
    body = json.dumps({**COMPLETED, "metadata": {"streams": "x" * 1_000_000}})

    assert api.client.simulate_post(_url(_submitted(api)), body=body).status_code == 204


@pytest.mark.parametrize(
    "data",
    [
        pytest.param('{"tags": 1, "tags": 2}', id="repeated-names-that-we-do-not-read"),
        pytest.param('{"job_id": "another"}', id="a-job-inside"),
        pytest.param('{"size": 1' + "0" * 4000 + "}", id="a-long-number"),
        pytest.param("[" * 100 + "]" * 100, id="many-levels"),
        pytest.param("NaN", id="no-number"),
    ],
)
def test_only_the_job_id_of_a_payload_is_read(api: Api, data: str) -> None:
    video_id = _submitted(api)
    answer = api.client.simulate_post(_url(video_id), body=f'{{"job_id": "{JOB}", "data": {data}}}')

    assert answer.status_code == 204
    assert api.claims() == {(video_id, 1, JOB)}


def test_an_endless_payload_is_refused(api: Api) -> None:
    body = json.dumps({**COMPLETED, "metadata": {"streams": "x" * 1_100_000}})
    answer = api.client.simulate_post(_url(_submitted(api)), body=body)

    assert (answer.status_code, answer.json["code"]) == (413, "body_too_large")
    assert not api.claims()


def test_without_postgres_the_sender_gets_503_with_retry_after(api: Api) -> None:
    video_id = _submitted(api)
    api.postgres.is_away = True
    answer = api.client.simulate_post(_url(video_id), json=COMPLETED)

    assert (answer.status_code, answer.json["code"]) == (503, "temporarily_unavailable")


def _counted(api: Api, name: str, **labels: str) -> float | None:
    return api.metrics.registry.get_sample_value(f"video_uploads_{name}", labels)


def test_callbacks_are_counted_by_result(api: Api) -> None:
    video_id = _submitted(api)
    api.client.simulate_post(_url(video_id), json=COMPLETED)
    api.client.simulate_post(_url(video_id, keys=["another key"]), json=COMPLETED)
    api.client.simulate_post(_url(video_id), body="no JSON")
    api.postgres.is_away = True
    api.client.simulate_post(_url(video_id), json=COMPLETED)

    found = {
        result: _counted(api, "callbacks_total", result=result)
        for result in ("recorded", "forged", "malformed", "unavailable", "failed")
    }
    assert found == {"recorded": 1, "forged": 1, "malformed": 1, "unavailable": 1, "failed": 0}
    assert _counted(api, "callback_last_timestamp_seconds") == api.now.timestamp()


@pytest.mark.parametrize(
    ("completed_at", "seconds"),
    [
        pytest.param("2026-05-01 10:00:00 +0000", 90.0, id="by-its-end"),
        pytest.param("2026-05-01 10:01:40 +0000", 0.0, id="clocks-that-differ"),
        pytest.param("2026-04-01 10:00:00 +0000", None, id="nonsense"),
        pytest.param("yesterday", None, id="another-spelling"),
        pytest.param(None, None, id="still-running"),
    ],
)
def test_the_age_of_a_callback_is_measured_from_the_end_of_its_job(
    completed_at: str | None, seconds: float | None
) -> None:
    body = json.dumps({"job_id": JOB, "data": {"completed_at": completed_at}}).encode()
    assert age_seconds(body, datetime(2026, 5, 1, 10, 1, 30, tzinfo=UTC)) == seconds
