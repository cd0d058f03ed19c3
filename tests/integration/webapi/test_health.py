"""Probes and metrics."""

import pytest

from tests.support.api import Api


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics"])
def test_probes_need_no_token(api: Api, path: str) -> None:
    api.readiness.check()
    assert api.client.simulate_get(path).status_code == 200


def test_a_process_is_alive_without_any_upstream(api: Api) -> None:
    api.postgres.is_away = True
    api.readiness.drain()

    assert api.client.simulate_get("/livez").status_code == 200


def test_a_process_is_ready_when_postgres_answers(api: Api) -> None:
    api.readiness.check()
    api.monotonic += 1.5
    answer = api.client.simulate_get("/readyz")

    assert (answer.status_code, answer.json) == (200, {"status": "ready", "checked_seconds_ago": 1.5})


def test_a_process_is_not_ready_before_the_first_check(api: Api) -> None:
    assert api.client.simulate_get("/readyz").status_code == 503


def test_a_process_is_not_ready_while_postgres_is_unavailable(api: Api) -> None:
    for is_away, status in ((False, 200), (True, 503), (False, 200)):
        api.postgres.is_away = is_away
        api.readiness.check()
        assert api.client.simulate_get("/readyz").status_code == status


def test_a_probe_asks_no_question_to_postgres(api: Api) -> None:
    api.readiness.check()
    api.postgres.is_away = True

    assert api.client.simulate_get("/readyz").status_code == 200


def test_an_answer_that_is_old_counts_as_none(api: Api) -> None:
    api.readiness.check()
    api.monotonic += 5
    answer = api.client.simulate_get("/readyz")

    assert (answer.status_code, answer.json) == (503, {"status": "waiting for Postgres"})


def test_a_draining_process_is_not_ready_but_still_answers(api: Api) -> None:
    api.readiness.drain()
    answer = api.client.simulate_get("/readyz")

    assert (answer.status_code, answer.json) == (503, {"status": "draining"})
    api.create()


def test_requests_are_counted_by_route_and_status(api: Api) -> None:
    api.create()
    for _ in range(2):
        api.call("GET", "/api/v1/videos/unknown")
    api.call("GET", "/nowhere/7")
    answer = api.client.simulate_get("/metrics")

    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    count = "video_uploads_http_request_seconds_count"
    assert f'{count}{{method="POST",route="/api/v1/videos",status="201"}} 1.0' in answer.text
    assert f'{count}{{method="GET",route="/api/v1/videos/{{video_id}}",status="404"}} 2.0' in answer.text
    assert f'{count}{{method="GET",route="unmatched",status="404"}} 1.0' in answer.text
    assert "/nowhere" not in answer.text


@pytest.mark.filterwarnings("ignore:Unknown REQUEST_METHOD")
def test_an_unknown_method_makes_no_new_series(api: Api) -> None:
    for number in range(3):
        api.call(f"FROB{number}", "/api/v1/videos")

    page = api.client.simulate_get("/metrics").text
    assert "FROB" not in page
    assert 'method="other"' in page
