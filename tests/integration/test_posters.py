"""A poster from the command to the file that viewers see, on a real Postgres and a real S3 server."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests

from controller.actions.context import Result
from controller.dependencies import Dependencies
from controller.loop.reconcile import reconcile
from database.commands import VideoCommands
from database.observations import Observations
from database.pool import Database
from database.posters import PosterRows
from database.profiles import Profiles
from database.retention import Retention
from devstack.s3 import S3Access
from domain import object_keys
from domain.poster_picture import poster_of
from domain.posters import digest_of, file_name
from domain.records import Cause
from domain.schedule import Timing
from storage.object_store import Storage
from tests.integration.audited import AuditedWorld
from tests.integration.storage.reach import settings_for
from tests.support.builders.pictures import PICTURE, exif
from tests.support.clips import ffmpeg
from tests.support.world.world import InMemoryWorld

FILM = "posterposterposterposterpo"
FOLDER = object_keys.posters_prefix(FILM)
OTHER = PICTURE[:2] + exif(orientation=3) + PICTURE[2:]


class PosterWorld(AuditedWorld):
    """One ready video, the commands of the API, and the operator's passes."""

    @property
    def commands(self) -> VideoCommands:
        return VideoCommands(self.database, Timing())

    @property
    def deps(self) -> Dependencies:
        """Return the dependencies of a pass: what posters need is real."""
        return replace(
            InMemoryWorld().deps,
            observations=Observations(self.database),
            retention=Retention(self.database),
            posters=PosterRows(self.database),
            profiles=Profiles(self.database),
            storage=Storage(settings_for(self.s3)),
            for_step=lambda deps, _step: deps,
        )

    def make_a_pass(self) -> Result:
        return reconcile(self.row(FILM).row, None, self.deps, Cause.PERSON, datetime.now(UTC))

    def names(self) -> set[str]:
        """Return the names of the owner's posters in the bucket."""
        return {key.removeprefix(FOLDER) for key in self.objects() if key.startswith(FOLDER)}

    def behind(self) -> bool:
        """Return whether the resync would ask for a pass."""
        (row,) = Observations(self.database).working(after="", at_most=2)
        return row.is_behind


@pytest.fixture
def world(database_url: str, s3: S3Access) -> Iterator[PosterWorld]:
    """One video is ready."""
    database = Database(database_url, max_size=2)
    world = PosterWorld(database, database_url, s3)
    world.ready(FILM)
    yield world
    database.close()


def test_a_poster_is_published_replaced_and_taken_back(world: PosterWorld) -> None:
    assert not world.behind()
    row = world.commands.choose_poster(FILM, PICTURE)
    assert (row.poster.digest, row.shown_poster, row.desired.revision) == (digest_of(PICTURE), None, 2)
    assert world.behind()

    made = world.make_a_pass()
    assert (made.step, made.row.shown_poster, world.behind()) == ("PublishPoster", digest_of(PICTURE), False)
    assert world.names() == {file_name(digest_of(PICTURE))}
    assert world.body(FOLDER + file_name(digest_of(PICTURE))) == PICTURE
    assert world.make_a_pass().step is None

    world.commands.choose_poster(FILM, OTHER)
    assert world.make_a_pass().row.observed.revision == made.row.observed.revision + 1
    assert world.names() == {file_name(digest_of(OTHER))}

    world.commands.choose_poster(FILM, None)
    assert world.row(FILM).row.shown_poster is None
    world.make_a_pass()
    assert (world.names(), world.behind()) == (set(), False)
    assert PosterRows(world.database).picture(FILM, digest=digest_of(OTHER)) is None


def test_browsers_get_a_jpeg_that_caches_may_keep(world: PosterWorld) -> None:
    world.commands.choose_poster(FILM, PICTURE)
    world.make_a_pass()
    base = settings_for(world.s3).public_base_url
    answer = requests.get(f"{base}/{FOLDER}{file_name(digest_of(PICTURE))}", timeout=10)
    assert (answer.status_code, answer.headers["Content-Type"], answer.content) == (200, "image/jpeg", PICTURE)


def test_a_command_that_changes_nothing_writes_nothing(world: PosterWorld) -> None:
    row = world.commands.choose_poster(FILM, PICTURE)
    assert world.commands.choose_poster(FILM, PICTURE) == row
    deleted = world.commands.delete(FILM)
    assert world.commands.choose_poster(FILM, None) == deleted


def test_what_a_pass_did_for_an_older_wish_is_not_stored(world: PosterWorld) -> None:
    older = world.commands.choose_poster(FILM, PICTURE)
    world.commands.choose_poster(FILM, OTHER)
    assert PosterRows(world.database).show(older) is None
    assert PosterRows(world.database).settle(older) is None


def test_the_audit_has_a_lost_poster_written_again(world: PosterWorld) -> None:
    world.commands.choose_poster(FILM, PICTURE)
    world.make_a_pass()
    world.remove(FOLDER + file_name(digest_of(PICTURE)))

    assert world.audit().as_json()["applied"] == {"poster_missing": 1}
    world.make_a_pass()
    assert world.names() == {file_name(digest_of(PICTURE))}
    assert world.audit().is_clean()


def test_a_purge_removes_the_picture(world: PosterWorld) -> None:
    world.commands.choose_poster(FILM, PICTURE)
    assert Retention(world.database).purge(world.commands.delete(FILM))
    assert PosterRows(world.database).picture(FILM, digest=digest_of(PICTURE)) is None


@pytest.mark.parametrize("size", ["320x180", "181x319"])
def test_a_picture_of_an_encoder_shows_the_same_afterwards(tmp_path: Path, size: str) -> None:
    ffmpeg("-f", "lavfi", "-i", f"testsrc2=size={size}", "-frames:v", "1", "sent.jpg", folder=tmp_path)
    (tmp_path / "made.jpg").write_bytes(poster_of((tmp_path / "sent.jpg").read_bytes()))
    for name in ("sent", "made"):
        ffmpeg("-i", f"{name}.jpg", "-f", "rawvideo", f"{name}.raw", folder=tmp_path)
    assert (tmp_path / "sent.raw").read_bytes() == (tmp_path / "made.raw").read_bytes()
