"""Captions from the command to the files that players read, on a real Postgres and a real S3 server."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from controller.actions.context import Result
from controller.dependencies import Dependencies
from controller.loop.reconcile import reconcile
from database.captions import CaptionRows
from database.commands import VideoCommands
from database.observations import Observations
from database.pool import Database
from database.profiles import Profiles
from database.retention import Retention
from devstack.s3 import S3Access
from domain import object_keys
from domain.captions import CaptionTrack, digest_of
from domain.records import Cause
from domain.schedule import Timing
from storage.object_store import Storage
from tests.integration.audited import AuditedWorld
from tests.integration.storage.reach import settings_for
from tests.support.world.world import InMemoryWorld

FILM = "captioncaptioncaptioncapti"
FOLDER = object_keys.captions_prefix(FILM)
TEXT = "WEBVTT\n\n00:00:01.000 --> 00:00:02.000\nHello\n"
ENGLISH = CaptionTrack("en", "English", True, digest_of(TEXT))


class CaptionedWorld(AuditedWorld):
    """One ready video, the commands of the API, and the operator's passes."""

    @property
    def commands(self) -> VideoCommands:
        return VideoCommands(self.database, Timing())

    @property
    def deps(self) -> Dependencies:
        """Return the dependencies of a pass: what captions need is real."""
        return replace(
            InMemoryWorld().deps,
            observations=Observations(self.database),
            retention=Retention(self.database),
            captions=CaptionRows(self.database),
            profiles=Profiles(self.database),
            storage=Storage(settings_for(self.s3)),
            for_step=lambda deps, _step: deps,
        )

    def make_a_pass(self) -> Result:
        return reconcile(self.row(FILM).row, None, self.deps, Cause.PERSON, datetime.now(UTC))

    def names(self) -> set[str]:
        """Return the names of the files of captions."""
        return {key.removeprefix(FOLDER) for key in self.objects() if key.startswith(FOLDER)}

    def playlist(self) -> str:
        return self.body(object_keys.stable_playlist_key(FILM)).decode()

    def behind(self) -> bool:
        """Return whether the resync would ask for a pass."""
        (row,) = Observations(self.database).working(after="", at_most=2)
        return row.is_behind


@pytest.fixture
def world(database_url: str, s3: S3Access) -> Iterator[CaptionedWorld]:
    """One video is ready."""
    database = Database(database_url, max_size=2)
    world = CaptionedWorld(database, database_url, s3)
    world.ready(FILM)
    yield world
    database.close()


def test_captions_are_published_replaced_and_removed(world: CaptionedWorld) -> None:
    before = world.playlist()
    assert not world.behind()
    row = world.commands.put_captions(FILM, ENGLISH, TEXT)
    assert (row.captions.tracks, row.desired.revision, world.behind()) == ((ENGLISH,), 2, True)

    assert world.make_a_pass().step == "PublishCaptions"
    assert not world.behind()
    assert 'LANGUAGE="en",NAME="English",DEFAULT=YES' in world.playlist()
    assert world.names() == {"en.m3u8", f"en-{ENGLISH.digest}.vtt"}
    assert world.body(f"{FOLDER}en-{ENGLISH.digest}.vtt").decode() == TEXT
    assert world.make_a_pass().step is None

    newer = TEXT.replace("Hello", "Good day")
    world.commands.put_captions(FILM, replace(ENGLISH, digest=digest_of(newer)), newer)
    world.make_a_pass()
    assert world.names() == {"en.m3u8", f"en-{digest_of(newer)}.vtt"}

    world.commands.remove_captions(FILM, "en")
    world.make_a_pass()
    assert (world.names(), world.playlist()) == (set(), before)


def test_a_command_that_changes_nothing_writes_nothing(world: CaptionedWorld) -> None:
    row = world.commands.put_captions(FILM, ENGLISH, TEXT)
    assert world.commands.put_captions(FILM, ENGLISH, TEXT) == row
    assert world.commands.remove_captions(FILM, "de") == row


def test_a_deleted_video_takes_no_captions(world: CaptionedWorld) -> None:
    deleted = world.commands.delete(FILM)
    assert world.commands.put_captions(FILM, ENGLISH, TEXT) == deleted
    assert CaptionRows(world.database).text(FILM, "en", digest=ENGLISH.digest) is None


def test_what_a_pass_wrote_for_an_older_wish_is_not_stored(world: CaptionedWorld) -> None:
    older = world.commands.put_captions(FILM, ENGLISH, TEXT)
    world.commands.put_captions(FILM, replace(ENGLISH, label="CC"), TEXT)
    assert CaptionRows(world.database).publish(older, older.captions_published) is None


def test_the_audit_has_lost_captions_written_again(world: CaptionedWorld) -> None:
    world.commands.put_captions(FILM, ENGLISH, TEXT)
    world.make_a_pass()
    world.remove(f"{FOLDER}en.m3u8")

    assert world.audit().as_json()["applied"] == {"captions_missing": 1}
    world.make_a_pass()
    assert world.names() == {"en.m3u8", f"en-{ENGLISH.digest}.vtt"}
    assert world.audit().is_clean()


def test_a_purge_removes_the_texts(world: CaptionedWorld) -> None:
    world.commands.put_captions(FILM, ENGLISH, TEXT)
    assert Retention(world.database).purge(world.commands.delete(FILM))
    assert CaptionRows(world.database).text(FILM, "en", digest=ENGLISH.digest) is None
