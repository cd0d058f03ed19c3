"""What `Wishes` and `Claims` of desired/ and their fakes have in common, as the API uses them."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from crds.trouble import UnavailableError
from crds.videoupload import Origin, Phase, UploadMode
from desired.wishes import LimitReachedError, NewVideo
from webapi.ports import Claims, Wishes

VIDEO = "contractcontractcontractco"
OTHER_VIDEO = "contractcontractcontractx2"


@dataclass(frozen=True)
class Rows:
    """What is under test, and the hands of the operator and of whoever stops Postgres."""

    wishes: Wishes
    claims: Claims
    reject: Callable[[str, int], None]
    accept: Callable[[str], None]
    intend: Callable[[str, int], None]
    claimed: Callable[[], set[tuple[str, int, str]]]
    stop: Callable[[], None]


def a_new_video(video_id: str = VIDEO, *, owner: str = "ann", declared_bytes: int | None = 9000) -> NewVideo:
    """Return what a client asks for."""
    return NewVideo(
        video_id=video_id,
        owner=owner,
        title="Cats",
        filename="cats.mp4",
        content_type="video/mp4",
        declared_bytes=declared_bytes,
        region="tor1",
        storage_key=f"uploads/{video_id}/original.mp4",
    )


class ClientRowsContract:
    """Subclasses give the fixture ``rows``: empty, of this test's own."""

    def test_a_created_row_holds_the_wish_and_waits_for_the_file(self, rows: Rows) -> None:
        row = rows.wishes.create(a_new_video(), per_hour=10)

        wish = row.wish
        assert {name: getattr(wish, name) for name in vars(a_new_video())} == vars(a_new_video())
        assert (wish.revision, wish.origin, wish.upload_mode) == (1, Origin.API, UploadMode.SINGLE)
        assert (row.observed.phase, row.observed.revision, row.retired) == (Phase.UPLOADING, 1, False)
        assert row.observed.deadline_at is not None
        assert rows.wishes.get(VIDEO) == row

    def test_a_row_that_was_never_created_is_none(self, rows: Rows) -> None:
        assert rows.wishes.get(VIDEO) is None

    def test_the_limit_counts_one_owner_and_leaves_no_row(self, rows: Rows) -> None:
        rows.wishes.create(a_new_video(), per_hour=1)
        with pytest.raises(LimitReachedError) as reached:
            rows.wishes.create(a_new_video(OTHER_VIDEO), per_hour=1)

        assert reached.value.per_hour == 1
        assert 0 < reached.value.retry_after_seconds <= 3600
        assert rows.wishes.get(OTHER_VIDEO) is None
        rows.wishes.create(a_new_video(OTHER_VIDEO, owner="bob"), per_hour=1)

    def test_a_confirmation_counts_once(self, rows: Rows) -> None:
        rows.wishes.create(a_new_video(), per_hour=10)
        first = rows.wishes.confirm(VIDEO)

        assert (first.wish.confirmations, first.wish.revision) == (1, 2)
        assert rows.wishes.confirm(VIDEO) == first

    def test_after_a_rejection_the_next_confirmation_counts(self, rows: Rows) -> None:
        rows.wishes.create(a_new_video(), per_hour=10)
        rows.wishes.confirm(VIDEO)
        rows.reject(VIDEO, 1)

        assert rows.wishes.confirm(VIDEO).wish.confirmations == 2

    def test_past_uploading_a_confirmation_changes_nothing(self, rows: Rows) -> None:
        rows.wishes.create(a_new_video(), per_hour=10)
        rows.accept(VIDEO)
        before = rows.wishes.get(VIDEO)

        assert rows.wishes.confirm(VIDEO) == before

    def test_claims_are_kept_once_and_only_for_attempts_that_were_made(self, rows: Rows) -> None:
        rows.wishes.create(a_new_video(), per_hour=10)
        rows.intend(VIDEO, 1)
        for video_id, attempt in [(VIDEO, 1), (VIDEO, 1), (VIDEO, 2), (OTHER_VIDEO, 1)]:
            rows.claims.record(video_id=video_id, attempt=attempt, job_id="S9BkOufdntiPR9")

        assert rows.claimed() == {(VIDEO, 1, "S9BkOufdntiPR9")}

    def test_without_postgres_everything_is_unavailable(self, rows: Rows) -> None:
        rows.wishes.create(a_new_video(), per_hour=10)
        rows.stop()

        with pytest.raises(UnavailableError):
            rows.wishes.create(a_new_video(OTHER_VIDEO), per_hour=10)
        with pytest.raises(UnavailableError):
            rows.wishes.get(VIDEO)
        with pytest.raises(UnavailableError):
            rows.wishes.confirm(VIDEO)
        with pytest.raises(UnavailableError):
            rows.claims.record(video_id=VIDEO, attempt=1, job_id="S9BkOufdntiPR9")
