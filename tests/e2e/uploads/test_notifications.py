"""Integrators and owners are notified by webhook and by mail, each under one id even if the operator is killed."""

import secrets
from collections.abc import Iterator
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.uploads.operators import operators
from tests.e2e.uploads.world import Person, World, in_phase, uploaded
from tests.support.eventually import eventually
from tests.support.webhook_receiver import Received, Receiver
from videoupload import Client


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """An integrator's server."""
    with Receiver("127.0.0.1").serving() as running:
        yield running


@pytest.fixture
def registered(world: World, receiver: Receiver) -> Iterator[dict[str, Any]]:
    """The receiver as an administrator registered it."""
    admin = world.person(is_admin=True)
    made = admin.call("POST", "/admin/webhooks", expected=201, json={"url": receiver.url()})
    yield made
    admin.call("DELETE", f"/admin/webhooks/{made['id']}", expected=204)


def about(receiver: Receiver, secret: str, video_id: str) -> list[tuple[Received, Any]]:
    """Return the verified webhooks about a video."""
    verified = [(received, received.verified(secret)) for received in receiver.received]
    return [(received, message) for received, message in verified if message["data"].get("video_id") == video_id]


def mails(world: World, user: str) -> list[Any]:
    """Return the mails to a user."""
    directory = world.stack.paths.data("mail")
    stored = [message_from_bytes(file.read_bytes()) for file in sorted(directory.glob("*.eml"))]
    return [mail for mail in stored if mail["To"] == f"{user}@users.example"]


def a_user(world: World) -> tuple[str, Client]:
    """Return the name and the client of a new user."""
    user = f"user-{secrets.token_hex(4)}"
    token = world.stack.token(user=user, uploads_per_hour=100, is_admin=False)
    return user, Client(world.described.api_url, token)


def test_integrator_and_owner_are_notified_once_of_a_real_video(
    world: World, clip: Path, receiver: Receiver, registered: dict[str, Any]
) -> None:
    user, client = a_user(world)
    video_id = uploaded(client, clip)
    video = eventually(lambda: in_phase(client, video_id, "ready"), within_seconds=60)
    ((_, message),) = eventually(lambda: about(receiver, registered["secret"], video_id))
    (mail,) = eventually(lambda: mails(world, user))

    assert message["type"] == "video.ready"
    assert message["data"]["playback_url"] == video.playback_url
    assert message["data"]["sequence"] > 0
    assert "is ready" in mail["Subject"]
    log = Person(client, world.described.api_url, world.described.tokens.admin).call(
        "GET", f"/admin/deliveries?video_id={video_id}", expected=200
    )["deliveries"]
    assert {(row["kind"], row["endpoint_id"]) for row in log} == {
        ("video.ready", registered["id"]),
        ("video.ready", None),
    }
    assert len(about(receiver, registered["secret"], video_id)) == 1


def test_a_delivery_whose_record_was_lost_is_sent_again_with_the_same_id(
    world: World, clip: Path, receiver: Receiver, registered: dict[str, Any]
) -> None:
    world.faults(canned=1)
    client = world.client()
    with operators(world) as others:
        doomed = others.start_once("doomed", CRASH_AT="Deliver.webhooks.send.1:after")
        video_id = uploaded(client, clip)
        eventually(lambda: not doomed.process.is_alive(), within_seconds=60)
        others.start("successor")
        # The delivery is leased to the killed operator until the lease expires.
        eventually(lambda: len(about(receiver, registered["secret"], video_id)) == 2, within_seconds=120)
        sent = about(receiver, registered["secret"], video_id)

    assert len({received.message_id for received, _ in sent}) == 1
    assert len({received.body for received, _ in sent}) == 1
