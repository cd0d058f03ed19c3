"""What the service signs, a receiver accepts; anything else it refuses, and says why."""

import base64
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.notify.webhook_signature import signed_headers
from videoupload import SettingError, WebhookMessage, WebhookRefusedError, verify_webhook

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
BODY = b'{"type": "video.ready", "data": {"video_id": "cats", "sequence": 9}}'
OLD, NEW, OTHER = ("whsec_" + base64.b64encode(bytes([number]) * 24).decode() for number in (1, 2, 3))


def signed(body: bytes = BODY, *, secrets: tuple[str, ...] = (OLD,)) -> dict[str, str]:
    return dict(signed_headers("an-id", body, secrets=secrets, at=NOON))


def received(
    headers: Mapping[str, str], body: bytes = BODY, secrets: str | tuple[str, ...] = OLD, now: datetime = NOON
) -> WebhookMessage:
    return verify_webhook(headers, body, secrets, now=now)


def test_a_signed_message_says_what_happened_and_when() -> None:
    message = received(signed())

    assert (message.id, message.kind, message.sent_at) == ("an-id", "video.ready", NOON)
    assert message.data == {"video_id": "cats", "sequence": 9}


def test_a_cloud_event_reads_the_same() -> None:
    body = b'{"specversion": "1.0", "type": "dev.uploads.video.ready", "data": {"video_id": "cats"}}'
    message = received(signed(body), body)

    assert (message.kind, message.data) == ("video.ready", {"video_id": "cats"})


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        pytest.param((OLD,), (OLD, NEW), id="the-receiver-has-the-new-one-already"),
        pytest.param((OLD, NEW), (OLD,), id="the-receiver-has-only-the-old-one"),
        pytest.param((OLD, NEW), (NEW,), id="the-receiver-has-dropped-the-old-one"),
        pytest.param((NEW,), (OLD, NEW), id="the-old-one-is-deleted"),
    ],
)
def test_while_a_secret_is_replaced_every_message_is_accepted(ours: tuple[str, ...], theirs: tuple[str, ...]) -> None:
    assert received(signed(secrets=ours), secrets=theirs).id == "an-id"


def test_names_of_headers_are_read_in_any_case() -> None:
    assert received({name.title(): value for name, value in signed().items()}).id == "an-id"


@pytest.mark.parametrize("seconds", [-300, 300])
def test_five_minutes_are_tolerated_and_no_second_more(seconds: int) -> None:
    edge = NOON + timedelta(seconds=seconds)

    assert received(signed(), now=edge).id == "an-id"
    with pytest.raises(WebhookRefusedError, match="300 s away"):
        received(signed(), now=edge + timedelta(seconds=seconds / 300))


def test_the_tolerance_can_be_chosen() -> None:
    late = NOON + timedelta(hours=1)

    assert verify_webhook(signed(), BODY, OLD, now=late, tolerance=timedelta(hours=2)).id == "an-id"


def test_without_a_time_the_machines_clock_is_read() -> None:
    fresh = signed_headers("an-id", BODY, secrets=[OLD], at=datetime.now(UTC))

    assert verify_webhook(fresh, BODY, OLD).id == "an-id"
    with pytest.raises(WebhookRefusedError, match="away"):
        verify_webhook(signed(), BODY, OLD)


@pytest.mark.parametrize(
    ("changes", "body", "says"),
    [
        pytest.param({}, BODY + b" ", "for this body", id="another-body"),
        pytest.param({"webhook-id": "another"}, BODY, "for this body", id="another-id"),
        pytest.param({"webhook-timestamp": "1780315201"}, BODY, "for this body", id="another-time"),
        pytest.param({"webhook-signature": "v1,bm8="}, BODY, "for this body", id="another-signature"),
        pytest.param({"webhook-signature": "v1,Grüße"}, BODY, "for this body", id="not-ascii"),
        pytest.param({"webhook-signature": "v1"}, BODY, "for this body", id="no-signature"),
        pytest.param({"webhook-signature": ""}, BODY, "webhook-signature is missing", id="empty-signature"),
        pytest.param({"webhook-id": ""}, BODY, "webhook-id is missing", id="no-id"),
        pytest.param({"webhook-timestamp": ""}, BODY, "webhook-timestamp is missing", id="no-time"),
        pytest.param({"webhook-timestamp": "noon"}, BODY, "not a time", id="a-word-for-a-time"),
        pytest.param({"webhook-timestamp": "²"}, BODY, "not a time", id="a-digit-of-another-script"),
        pytest.param({"webhook-timestamp": "9" * 12}, BODY, "not a time", id="a-time-that-never-comes"),
        pytest.param({"webhook-timestamp": "9" * 5000}, BODY, "not a time", id="a-time-of-many-digits"),
    ],
)
def test_what_was_changed_on_its_way_is_refused(changes: dict[str, str], body: bytes, says: str) -> None:
    with pytest.raises(WebhookRefusedError, match=says):
        received(signed() | changes, body)


def test_a_signature_of_an_unknown_version_is_not_believed() -> None:
    headers = signed()

    with pytest.raises(WebhookRefusedError, match="for this body"):
        received(headers | {"webhook-signature": headers["webhook-signature"].replace("v1,", "v1a,")})


def test_a_signature_of_an_unknown_version_beside_ours_does_no_harm() -> None:
    headers = signed()

    assert received(headers | {"webhook-signature": f"v1a,bm8= {headers['webhook-signature']}"}).id == "an-id"


@pytest.mark.parametrize("body", [b"[]", b"", b"\xff", b"[" * 10**5], ids=["list", "empty", "not-utf-8", "deep"])
def test_a_signed_body_that_is_no_message_is_refused(body: bytes) -> None:
    with pytest.raises(WebhookRefusedError, match="no JSON object"):
        received(signed(body), body)


@pytest.mark.parametrize("text", ["", "no base64", "pässword", "c2VjcmV", "whsec_c2VjcmV0"])
def test_a_secret_that_is_none_is_a_mistake_of_the_receiver_and_is_not_shown(text: str) -> None:
    with pytest.raises(SettingError) as error:
        received(signed(), secrets=f"whsec_{text}")
    assert str(error.value) == "a webhook secret is not the base64 that follows whsec_"


def test_no_secret_accepts_nothing() -> None:
    with pytest.raises(SettingError, match="no secret"):
        received(signed(), secrets=())


@given(body=st.binary(), headers=st.dictionaries(st.sampled_from(list(signed())), st.text()))
def test_whatever_arrives_unsigned_is_refused(body: bytes, headers: dict[str, str]) -> None:
    with pytest.raises(WebhookRefusedError):
        received(headers, body)


def test_another_secret_is_refused() -> None:
    with pytest.raises(WebhookRefusedError):
        received(signed(secrets=(OTHER,)), secrets=(OLD, NEW))
