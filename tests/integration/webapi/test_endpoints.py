"""Webhook endpoints, their secrets and the delivery log, as administrators see them."""

import base64
from datetime import timedelta
from typing import Any

import pytest

from domain.video import Phase
from tests.support.api import Api, token

WEBHOOKS = "/api/v1/admin/webhooks"
DELIVERIES = "/api/v1/admin/deliveries"


def notify(api: Api) -> dict[str, Any]:
    """Let a video become ready, and address its notification to the endpoints there are; return the notification."""
    api.now += timedelta(seconds=1)
    video_id = api.create(user=f"owner-of-{api.now:%S}")
    api.observe(video_id, phase=Phase.READY)
    assert api.outbox.dispatch(with_mail=True, now=api.now, at_most=9) == 1
    (notification,) = api.sql("SELECT * FROM notifications WHERE video_id = %s", video_id)
    return notification


def test_an_endpoint_is_registered_and_its_secret_is_shown_once(api: Api) -> None:
    made = api.webhook(description="ours")
    secret = made.pop("secret")
    shown = api.admin("GET", f"{WEBHOOKS}/{made['id']}")

    assert secret.startswith("whsec_")
    assert 24 <= len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) <= 64
    assert shown.json == made
    assert api.admin("GET", WEBHOOKS).json == {"webhooks": [made]}
    assert secret not in shown.text + api.admin("GET", WEBHOOKS).text
    assert made["enabled"] is True
    assert made["kinds"] == ["video.ready", "video.errored", "video.deleted"]


def test_secrets_are_unique_and_never_cached(api: Api) -> None:
    answers = [api.admin("POST", WEBHOOKS, json={"url": "https://hooks.example.com"}) for _ in range(3)]
    made = answers[0].json["id"]
    answers.append(api.admin("POST", f"{WEBHOOKS}/{made}/secrets"))

    assert len({answer.json["secret"] for answer in answers}) == 4
    assert {answer.headers["Cache-Control"] for answer in answers} == {"no-store"}


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://10.0.0.1/",
        "https://inside.example.com/",
        "https://mixed.example.com/",
        "https://nowhere.example.com/",
        "https://user:secret@hooks.example.com/",
        "https://hooks.example.com:0/",
        "http://hooks.example.com/",
    ],
)
def test_a_forbidden_target_is_refused_by_name(api: Api, url: str) -> None:
    api.names |= {"inside.example.com": ["10.1.2.3"], "mixed.example.com": ["93.184.216.34", "127.0.0.1"]}
    made = api.webhook()
    for answer in (
        api.admin("POST", WEBHOOKS, json={"url": url}),
        api.admin("PATCH", f"{WEBHOOKS}/{made['id']}", json={"url": url}),
    ):
        assert (answer.status_code, answer.json["code"]) == (422, "invalid_request")
        assert [error["field"] for error in answer.json["errors"]] == ["url"]
        assert "secret" not in answer.text
    assert [row.url for row in api.endpoints.all()] == [made["url"]]


def test_an_endpoint_can_be_disabled_and_enabled_again(api: Api) -> None:
    path = f"{WEBHOOKS}/{api.webhook()['id']}"
    closed = api.admin("PATCH", path, json={"enabled": False}).json
    assert (closed["enabled"], closed["disabled_reason"]) == (False, "person")
    opened = api.admin("PATCH", path, json={"enabled": True, "kinds": ["video.errored"]}).json
    assert (opened["enabled"], opened["disabled_at"], opened["kinds"]) == (True, None, ["video.errored"])


def test_a_secret_is_replaced_without_a_gap(api: Api) -> None:
    made = api.webhook()
    path = f"{WEBHOOKS}/{made['id']}"
    api.now += timedelta(seconds=1)
    added = api.admin("POST", f"{path}/secrets").json
    assert [secret["secret_id"] for secret in api.admin("GET", path).json["secrets"]] == [
        made["secrets"][0]["secret_id"],
        added["secret_id"],
    ]
    old = f"{path}/secrets/{made['secrets'][0]['secret_id']}"
    assert [api.admin("DELETE", old).status_code for _ in range(2)] == [204, 404]
    assert api.admin("DELETE", f"{path}/secrets/{added['secret_id']}").json["code"] == "last_secret"


def test_deliveries_are_listed_and_repeated_under_their_id(api: Api) -> None:
    made, notification = api.webhook(), notify(api)
    (listed,) = api.admin(
        "GET", DELIVERIES, params={"video_id": notification["video_id"], "endpoint_id": made["id"]}
    ).json["deliveries"]
    assert (listed["message_id"], listed["state"], listed["sequence"]) == (
        str(notification["notification_id"]),
        "pending",
        2,
    )
    again = api.admin("POST", f"{DELIVERIES}/{listed['id']}/replay")
    assert (again.status_code, again.json["message_id"]) == (202, str(notification["notification_id"]))
    assert api.admin("GET", DELIVERIES, params={"state": "failed"}).json["deliveries"] == []


def test_the_delivery_log_is_paged_and_a_made_up_token_is_refused(api: Api) -> None:
    api.webhook()
    for _ in range(5):
        notify(api)
    seen, token_of_page = [], None
    while True:
        params = {"page_size": "2"} | ({"page_token": token_of_page} if token_of_page else {})
        page = api.admin("GET", DELIVERIES, params=params).json
        seen += [row["id"] for row in page["deliveries"]]
        token_of_page = page["next_page_token"]
        if token_of_page is None:
            break
    assert len(set(seen)) == len(seen) == 5


def test_a_period_can_be_replayed(api: Api) -> None:
    notify(api)
    made = api.webhook()
    since, until = api.now - timedelta(days=1), api.now + timedelta(days=1)
    period = {"since": since.isoformat(), "until": until.isoformat()}
    answer = api.admin("POST", f"{WEBHOOKS}/{made['id']}/replay", json=period)
    assert (answer.status_code, answer.json) == (202, {"replayed": 1, "next_since": None})
    for wrong in ({**period, "until": period["since"]}, {**period, "since": "2020-01-01T00:00:00Z"}):
        assert api.admin("POST", f"{WEBHOOKS}/{made['id']}/replay", json=wrong).status_code == 422


def test_a_test_is_a_delivery_without_a_video(api: Api) -> None:
    made = api.webhook()
    answer = api.admin("POST", f"{WEBHOOKS}/{made['id']}/test")
    assert (answer.status_code, answer.json["kind"], answer.json["video_id"]) == (202, "webhook.test", None)


@pytest.mark.parametrize(
    ("claims", "email"),
    [
        pytest.param({"email": "ann@example.com"}, None, id="not-called-verified"),
        pytest.param({"email": "ann@example.com", "email_verified": True}, "ann@example.com", id="verified"),
        pytest.param({"email": "ann@example.com", "email_verified": False}, None, id="not-verified"),
        pytest.param({"email": "ann@example.com", "email_verified": "true"}, None, id="verified-as-text"),
        pytest.param({"email": "ann@example.com", "email_verified": "false"}, None, id="not-verified-as-text"),
        pytest.param({"email": "ann@example.com", "email_verified": 1}, None, id="verified-as-number"),
        pytest.param({"email": "ann@example.com", "email_verified": None}, None, id="verified-null"),
        pytest.param({}, None, id="none"),
        pytest.param({"email": None, "email_verified": True}, None, id="null"),
        pytest.param({"email": ["ann@example.com"], "email_verified": True}, None, id="a-list"),
        pytest.param({"email": "ann@example.com, eve@example.com", "email_verified": True}, None, id="two"),
        pytest.param({"email": "Ann <ann@example.com>", "email_verified": True}, None, id="with-a-name"),
        pytest.param(
            {"email": "ann@example.com\nBcc: eve@example.com", "email_verified": True}, None, id="with-a-header"
        ),
        pytest.param({"email": "ann@example.com\n", "email_verified": True}, None, id="with-a-line-break"),
        pytest.param({"email": "ann@localhost", "email_verified": True}, None, id="of-this-machine"),
        pytest.param({"email": f"{'a' * 65}@example.com", "email_verified": True}, None, id="long"),
    ],
)
def test_an_owner_gets_email_at_the_tokens_address_if_it_is_a_single_one(
    api: Api, claims: dict[str, Any], email: str | None
) -> None:
    headers = {"Authorization": f"Bearer {token(**claims)}"}
    body = {"title": "Cats", "filename": "cats.mp4", "content_type": "video/mp4"}
    answer = api.call("POST", "/api/v1/videos", headers=headers, json=body)

    assert answer.status_code == 201
    assert api.sql("SELECT owner_email FROM videos") == [{"owner_email": email}]
