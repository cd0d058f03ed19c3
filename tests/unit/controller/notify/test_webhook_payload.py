"""The content of webhooks and emails."""

import json

import pytest

from controller.notify.email_message import build_email
from controller.notify.webhook_payload import build_payload
from domain.notifications import VIDEO_NOTIFICATION_KINDS, NotificationKind, WebhookFormat
from tests.support.builders.notifications import BASE, a_notification

PLAYLIST = f"{BASE}/processed/mfrggzdfmztwq2lknnwg23tpoa/playlist.m3u8"


def test_a_ready_video_is_sent_with_all_that_a_receiver_needs() -> None:
    assert json.loads(build_payload(a_notification(), playback_base=BASE)) == {
        "type": "video.ready",
        "timestamp": "2026-06-01T12:00:00Z",
        "data": {
            "video_id": "mfrggzdfmztwq2lknnwg23tpoa",
            "sequence": 9,
            "edition": 1,
            "owner": "ann",
            "title": "Cats",
            "metadata": {"album": "7"},
            "is_playable": True,
            "playback_url": PLAYLIST,
            "error": None,
        },
    }


def test_a_failure_is_sent_with_what_to_do() -> None:
    body = json.loads(build_payload(a_notification(NotificationKind.ERRORED), playback_base=BASE))

    assert body["data"]["playback_url"] is None
    assert body["data"]["error"] == {
        "code": "not_a_video",
        "message": "the file is a text",
        "stage": "upload",
        "retryable": False,
        "what_to_do": "Upload a playable video file, or correct the file at its source URL, then retry.",
    }


def test_a_failed_edition_of_a_video_that_plays_on_says_both() -> None:
    body = json.loads(build_payload(a_notification(NotificationKind.ERRORED, is_playable=True), playback_base=BASE))

    assert body["data"]["playback_url"] == PLAYLIST


def test_a_test_notification_has_no_video() -> None:
    assert json.loads(build_payload(a_notification(NotificationKind.TEST), playback_base=BASE))["data"] == {}


def test_the_largest_payload_is_below_what_receivers_accept() -> None:
    large = a_notification(
        NotificationKind.ERRORED, title="\U0001f431" * 500, metadata={"a": "x" * 2040}, owner="o" * 255
    )

    assert len(build_payload(large, playback_base=BASE)) < 20_000


@pytest.mark.parametrize("kind", VIDEO_NOTIFICATION_KINDS)
def test_repeated_emails_are_identical_with_one_message_id(kind: NotificationKind) -> None:
    body = a_notification(kind, email="ann@example.com")
    first, second = (build_email(body, sender="videos@example.net", playback_base=BASE) for _ in range(2))

    assert first.as_bytes() == second.as_bytes()
    assert first["Message-ID"] == "<00000000-0000-0000-0000-000000000007@example.net>"
    assert (first["To"], first["From"]) == ("ann@example.com", "videos@example.net")
    assert "Cats" in first["Subject"]
    assert body.video_id in first.get_content()


def test_an_email_says_where_to_play_and_what_to_do() -> None:
    ready, failed = (
        build_email(a_notification(kind, email="ann@example.com"), sender="v@example.net", playback_base=BASE)
        for kind in (NotificationKind.READY, NotificationKind.ERRORED)
    )

    assert PLAYLIST in ready.get_content()
    assert "the file is a text" in failed.get_content()
    assert "Upload a playable video file" in failed.get_content()


def test_no_title_becomes_a_header() -> None:
    body = a_notification(title="Cats\r\nBcc: eve@example.com", email="ann@example.com")
    made = build_email(body, sender="videos@example.net", playback_base=BASE)

    assert made["Bcc"] is None
    assert b"\nBcc:" not in made.as_bytes()


def test_a_cloud_event_has_the_data_and_the_id_of_the_message() -> None:
    notification = a_notification()
    standard = json.loads(build_payload(notification, playback_base=BASE))
    event = json.loads(build_payload(notification, playback_base=BASE, form=WebhookFormat.CLOUDEVENTS))

    assert event == {
        "specversion": "1.0",
        "id": str(notification.notification_id),
        "source": BASE,
        "type": "dev.uploads.video.ready",
        "time": standard["timestamp"],
        "datacontenttype": "application/json",
        "subject": notification.video_id,
        "data": standard["data"],
    }


def test_a_test_as_a_cloud_event_names_no_video() -> None:
    test = a_notification(NotificationKind.TEST)
    event = json.loads(build_payload(test, playback_base=BASE, form=WebhookFormat.CLOUDEVENTS))
    assert (event["type"], event["data"], "subject" in event) == ("dev.uploads.webhook.test", {}, False)
