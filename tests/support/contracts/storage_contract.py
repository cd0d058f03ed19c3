"""What `storage.object_store.Storage` and `FakeStorage` have in common, seen from both sides of the store."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from domain import object_keys
from domain.captions import CaptionTrack
from domain.errors import UnavailableError
from domain.failures import FailureCode
from domain.marks import Marks
from domain.objects import ObjectFacts, OutputsProblem, SourceProblem, VerifiedOutputs
from domain.video import SourceFacts
from storage.object_store import Storage
from tests.support.fakes.storage import FakeStorage
from tests.support.fakes.videos import mp4, stream

VIDEO = "contractcontractcontractco"
ORIGINAL = object_keys.original_key(VIDEO, "clip.mp4")
MAX_BYTES = 10_000


@dataclass(frozen=True)
class Store:
    """A storage under test, as clients and jobs write to it."""

    storage: Storage | FakeStorage
    put_raw: Callable[[str, bytes], None]
    remove_raw: Callable[[str], None]
    put_processed: Callable[[str, bytes], None]

    def put_outputs(self, folder: str, files: dict[str, bytes], *, is_private: bool = False) -> None:
        """Write what a job writes."""
        for path, body in files.items():
            self.put_processed(object_keys.outputs_prefix(VIDEO, folder, is_private=is_private) + path, body)

    def facts(self) -> ObjectFacts:
        """Return the facts of an original that is there."""
        facts = self.storage.head(ORIGINAL)
        assert facts is not None
        return facts

    def verdict(self, *, declared_bytes: int | None = None) -> SourceFacts | SourceProblem:
        """Judge the original as it is now."""
        return self.storage.verify_source(ORIGINAL, self.facts(), declared_bytes=declared_bytes, max_bytes=MAX_BYTES)


class StorageContract:
    """Subclasses give the fixture ``store``: empty, of this test's own."""

    def test_a_missing_original_has_no_facts(self, store: Store) -> None:
        assert store.storage.head(ORIGINAL) is None

    def test_the_facts_describe_the_original(self, store: Store) -> None:
        before = datetime.now(UTC)
        store.put_raw(ORIGINAL, mp4())
        facts = store.facts()
        assert facts.file_bytes == len(mp4())
        assert facts.content_type == "video/mp4"
        assert facts.etag
        assert '"' not in facts.etag
        assert facts.last_modified.utcoffset() == timedelta(0)
        assert abs(facts.last_modified - before) < timedelta(minutes=1)

    def test_another_file_is_another_version(self, store: Store) -> None:
        store.put_raw(ORIGINAL, mp4(media_bytes=1))
        first = store.facts()
        store.put_raw(ORIGINAL, mp4(media_bytes=2))
        assert store.facts().version != first.version

    @pytest.mark.parametrize("is_fast_start", [True, False])
    def test_a_whole_video_is_accepted(self, store: Store, is_fast_start: bool) -> None:
        file = mp4(is_fast_start=is_fast_start, media_bytes=8_000)
        store.put_raw(ORIGINAL, file)
        facts = store.facts()
        assert store.verdict(declared_bytes=len(file)) == SourceFacts(
            etag=facts.etag, last_modified=facts.last_modified, file_bytes=len(file), container="mp4"
        )

    @pytest.mark.parametrize(
        ("body", "declared_bytes", "code"),
        [
            pytest.param(b"", None, FailureCode.FILE_EMPTY, id="empty"),
            pytest.param(mp4(media_bytes=MAX_BYTES), None, FailureCode.FILE_TOO_LARGE, id="too-large"),
            pytest.param(mp4(), 5, FailureCode.SIZE_MISMATCH, id="other-than-declared"),
            pytest.param(b"Dear diary", None, FailureCode.NOT_A_VIDEO, id="text"),
            pytest.param(mp4(is_fast_start=False)[:-5], None, FailureCode.VIDEO_INCOMPLETE, id="cut-off"),
        ],
    )
    def test_a_bad_original_is_refused_with_its_code(
        self, store: Store, body: bytes, declared_bytes: int | None, code: FailureCode
    ) -> None:
        store.put_raw(ORIGINAL, body)
        problem = store.verdict(declared_bytes=declared_bytes)
        assert isinstance(problem, SourceProblem)
        assert (problem.code, problem.version) == (code, store.facts().version)

    def test_an_original_replaced_meanwhile_is_not_judged(self, store: Store) -> None:
        store.put_raw(ORIGINAL, mp4())
        facts = store.facts()
        store.put_raw(ORIGINAL, mp4(media_bytes=65))
        with pytest.raises(UnavailableError):
            store.storage.verify_source(ORIGINAL, facts, declared_bytes=None, max_bytes=MAX_BYTES)

    def test_an_original_removed_meanwhile_is_not_judged(self, store: Store) -> None:
        store.put_raw(ORIGINAL, mp4())
        facts = store.facts()
        store.remove_raw(ORIGINAL)
        with pytest.raises(UnavailableError):
            store.storage.verify_source(ORIGINAL, facts, declared_bytes=None, max_bytes=MAX_BYTES)

    def test_a_signed_upload_has_a_method_and_an_expiry(self, store: Store) -> None:
        signed = store.storage.presign_upload(ORIGINAL, content_type="video/mp4", declared_bytes=5, expires_seconds=900)
        assert signed.method == "PUT"
        assert signed.headers == {"Content-Type": "video/mp4"}
        assert abs(signed.expires_at - datetime.now(UTC) - timedelta(seconds=900)) < timedelta(seconds=60)
        assert signed.url not in repr(signed)

    def test_an_upload_with_a_checksum_names_it(self, store: Store) -> None:
        checksum = "XUFAKrxLKna5cZ2REBfFkg=="
        signed = store.storage.presign_upload(
            ORIGINAL, content_type="video/mp4", declared_bytes=5, expires_seconds=900, content_md5=checksum
        )
        assert signed.headers == {"Content-Type": "video/mp4", "Content-MD5": checksum}

    def test_a_signed_download_has_an_expiry(self, store: Store) -> None:
        signed = store.storage.presign_download(ORIGINAL, filename="cats.mp4", expires_seconds=300)
        assert abs(signed.expires_at - datetime.now(UTC) - timedelta(seconds=300)) < timedelta(seconds=60)
        assert "cats.mp4" in signed.url
        assert signed.url not in repr(signed)

    def test_complete_outputs_are_verified(self, store: Store) -> None:
        store.put_outputs("3", stream(variants=("360p", "720p"), segments=2))
        outputs = store.storage.verify_outputs(VIDEO, "3", input_seconds=12)
        assert isinstance(outputs, VerifiedOutputs)
        assert [rendition.uri for rendition in outputs.renditions] == ["3/hls/360p/index.m3u8", "3/hls/720p/index.m3u8"]
        assert outputs.duration_seconds == 12
        assert outputs.poster_key == f"processed/{VIDEO}/3/thumbnails/thumb_02.jpg"

    def test_outputs_of_another_attempt_do_not_count(self, store: Store) -> None:
        store.put_outputs("1", stream())
        assert isinstance(store.storage.verify_outputs(VIDEO, "2", input_seconds=None), OutputsProblem)

    def test_a_missing_segment_is_found(self, store: Store) -> None:
        files = stream()
        del files["hls/720p/001.ts"]
        store.put_outputs("1", files)
        assert isinstance(store.storage.verify_outputs(VIDEO, "1", input_seconds=None), OutputsProblem)

    def test_an_original_can_be_removed_twice_and_nothing_else_goes(self, store: Store) -> None:
        store.put_raw(ORIGINAL, mp4())
        store.put_outputs("1", stream())
        store.storage.remove_original(ORIGINAL)
        store.storage.remove_original(ORIGINAL)
        assert store.storage.head(ORIGINAL) is None
        assert isinstance(store.storage.verify_outputs(VIDEO, "1", input_seconds=None), VerifiedOutputs)

    def test_the_playlist_reads_back_as_written(self, store: Store) -> None:
        assert store.storage.read_playlist(VIDEO) is None
        store.storage.write_playlist(VIDEO, "#EXTM3U\n", is_private=False)
        store.storage.write_playlist(VIDEO, "#EXTM3U\n# é\n", is_private=False)
        assert store.storage.read_playlist(VIDEO) == "#EXTM3U\n# é\n"

    def test_published_files_can_be_removed_twice(self, store: Store) -> None:
        store.put_outputs("1", stream())
        store.storage.write_playlist(VIDEO, "#EXTM3U\n", is_private=False)
        store.storage.publish_poster(
            VIDEO, f"{object_keys.thumbnails_prefix(VIDEO, '1')}thumb_01.jpg", is_private=False
        )
        store.storage.remove_published(VIDEO)
        store.storage.remove_published(VIDEO)
        assert store.storage.read_playlist(VIDEO) is None
        assert isinstance(store.storage.verify_outputs(VIDEO, "1", input_seconds=None), VerifiedOutputs)

    def test_an_upload_is_kept_as_it_was_judged(self, store: Store) -> None:
        store.put_raw(ORIGINAL, mp4())
        facts = store.facts()
        kept = object_keys.kept_original_key(VIDEO, ORIGINAL, facts.version)
        store.storage.keep_original(ORIGINAL, kept, etag=facts.etag, file_bytes=facts.file_bytes)
        store.put_raw(ORIGINAL, mp4(media_bytes=65))
        copy = store.storage.head(kept)
        assert copy is not None
        # Its ETag is another one where the file was sent in parts.
        assert copy.file_bytes == facts.file_bytes

    def test_an_upload_that_was_replaced_is_not_kept(self, store: Store) -> None:
        store.put_raw(ORIGINAL, mp4())
        facts = store.facts()
        kept = object_keys.kept_original_key(VIDEO, ORIGINAL, facts.version)
        store.put_raw(ORIGINAL, mp4(media_bytes=65))
        with pytest.raises(UnavailableError):
            store.storage.keep_original(ORIGINAL, kept, etag=facts.etag, file_bytes=facts.file_bytes)
        store.remove_raw(ORIGINAL)
        with pytest.raises(UnavailableError):
            store.storage.keep_original(ORIGINAL, kept, etag=facts.etag, file_bytes=facts.file_bytes)
        assert store.storage.head(kept) is None

    def test_kept_originals_are_listed_and_belong_to_one_video(self, store: Store) -> None:
        assert store.storage.kept_originals(VIDEO) == []
        store.put_raw(ORIGINAL, mp4())
        facts = store.facts()
        kept = object_keys.kept_original_key(VIDEO, ORIGINAL, facts.version)
        store.storage.keep_original(ORIGINAL, kept, etag=facts.etag, file_bytes=facts.file_bytes)
        assert store.storage.kept_originals(VIDEO) == [kept]
        assert store.storage.kept_originals(VIDEO[:-1]) == []

    def test_marks_read_back_and_belong_to_one_video(self, store: Store) -> None:
        assert store.storage.marks(VIDEO) == Marks({}, {}, None)
        store.storage.mark_attempt(VIDEO, "1-refused")
        store.storage.mark_attempt(VIDEO, "2-word")
        store.storage.mark_attempt(VIDEO, "10")
        store.storage.mark_job(VIDEO, 2, "a/job-1 é")
        store.storage.mark_deleted(VIDEO, 3)
        store.storage.mark_deleted(VIDEO, 12)
        store.storage.unmark_attempt(VIDEO, "1-refused")
        store.storage.unmark_attempt(VIDEO, "1-refused")
        assert store.storage.marks(VIDEO) == Marks({2: "2-word", 10: "10"}, {2: "a/job-1 é"}, 12)
        assert store.storage.marks(VIDEO[:-1]) == Marks({}, {}, None)

        store.storage.unmark_deleted(VIDEO)
        store.storage.unmark_deleted(VIDEO)
        assert store.storage.marks(VIDEO).deleted_revision is None
        assert store.storage.remove_video(VIDEO, at_most=100)
        assert store.storage.marks(VIDEO) == Marks({}, {}, None)

    def test_folders_of_outputs_are_listed(self, store: Store) -> None:
        assert store.storage.output_folders(VIDEO) == []
        store.put_outputs("2", stream())
        store.put_outputs("11-word", stream())
        store.storage.write_playlist(VIDEO, "#EXTM3U\n", is_private=False)
        assert sorted(store.storage.output_folders(VIDEO)) == ["11-word", "2"]

    def test_posters_are_listed_removed_and_withdrawn_with_the_video(self, store: Store) -> None:
        assert store.storage.poster_files(VIDEO) == set()
        for name in ("a.jpg", "b.jpg"):
            store.storage.write_poster(VIDEO, name, b"JPG", is_private=False)
        assert store.storage.poster_files(VIDEO) == {"a.jpg", "b.jpg"}
        assert store.storage.poster_files(VIDEO, is_private=True) == set()
        for _ in range(2):
            store.storage.remove_poster_file(VIDEO, "a.jpg")
        assert store.storage.poster_files(VIDEO) == {"b.jpg"}
        store.storage.withdraw(VIDEO, at_most=10)
        assert store.storage.poster_files(VIDEO) == set()
        store.storage.bring_back(VIDEO, at_most=10, is_private=False)
        assert store.storage.poster_files(VIDEO) == {"b.jpg"}

    def test_captions_are_listed_removed_and_withdrawn_with_the_video(self, store: Store) -> None:
        track = CaptionTrack("en", "English", True, "e" * 32)
        names = {"en.m3u8", f"en-{'e' * 32}.vtt"}
        assert store.storage.caption_files(VIDEO) == set()
        store.storage.write_captions(VIDEO, track, text="WEBVTT\n", playlist="#EXTM3U\n", is_private=False)
        assert store.storage.caption_files(VIDEO) == names
        assert store.storage.caption_files(VIDEO[:-1]) == set()

        assert store.storage.withdraw(VIDEO, at_most=9)
        assert store.storage.caption_files(VIDEO) == set()
        assert store.storage.bring_back(VIDEO, at_most=9, is_private=False)
        for _ in range(2):
            store.storage.remove_caption_file(VIDEO, "en.m3u8")
        assert store.storage.caption_files(VIDEO) == names - {"en.m3u8"}

    def test_withdrawn_files_are_private_until_they_are_brought_back(self, store: Store) -> None:
        files = stream(variants=("a",), segments=3)
        store.put_outputs("1-word", files)
        store.put_outputs("2", stream())
        passes = 1
        while not store.storage.withdraw(VIDEO, at_most=4):
            passes += 1
        assert passes > 1
        assert not store.storage.is_readable(VIDEO)
        assert isinstance(store.storage.verify_outputs(VIDEO, "1-word", input_seconds=None), OutputsProblem)
        assert store.storage.withdraw(VIDEO, at_most=4), "once more changes nothing"

        while not store.storage.bring_back(VIDEO, at_most=4, is_private=False):
            pass
        assert store.storage.is_readable(VIDEO)
        for folder in ("1-word", "2"):
            assert isinstance(store.storage.verify_outputs(VIDEO, folder, input_seconds=None), VerifiedOutputs)

    @pytest.mark.parametrize("is_private", [True, False])
    def test_files_are_copied_and_then_gathered_at_their_new_place(self, store: Store, is_private: bool) -> None:
        store.put_outputs("1-word", stream(), is_private=not is_private)
        store.storage.write_playlist(VIDEO, "#EXTM3U\n", is_private=not is_private)
        passes = 1
        while not store.storage.copy_stream(VIDEO, is_private=is_private, at_most=4):
            passes += 1
        assert passes > 2
        for one in (True, False):
            outputs = store.storage.verify_outputs(VIDEO, "1-word", input_seconds=None, is_private=one)
            assert isinstance(outputs, VerifiedOutputs), one
            assert store.storage.read_playlist(VIDEO, is_private=one) == "#EXTM3U\n"
        assert store.storage.copy_stream(VIDEO, is_private=is_private, at_most=4), "once more changes nothing"

        # What one lacks is moved, what differs is removed.
        store.put_outputs("2-late", stream(), is_private=not is_private)
        store.storage.write_playlist(VIDEO, "#EXTM3U\n#older\n", is_private=not is_private)
        while not store.storage.gather_stream(VIDEO, is_private=is_private, at_most=4):
            assert store.storage.has_stream(VIDEO, is_private=is_private)
        assert not store.storage.has_stream(VIDEO, is_private=not is_private)
        for folder in ("1-word", "2-late"):
            outputs = store.storage.verify_outputs(VIDEO, folder, input_seconds=None, is_private=is_private)
            assert isinstance(outputs, VerifiedOutputs), folder
        assert store.storage.read_playlist(VIDEO, is_private=is_private) == "#EXTM3U\n"

    def test_a_file_that_has_changed_is_copied_again(self, store: Store) -> None:
        for text in ("#EXTM3U\n", "#EXTM3U\n#longer\n"):
            store.storage.write_playlist(VIDEO, text, is_private=False)
            assert not store.storage.copy_stream(VIDEO, is_private=True, at_most=4)
            assert store.storage.copy_stream(VIDEO, is_private=True, at_most=4)
            assert store.storage.read_playlist(VIDEO, is_private=True) == text

    def test_a_purge_removes_withdrawn_files_too(self, store: Store) -> None:
        store.put_outputs("1", stream())
        store.storage.withdraw(VIDEO, at_most=100)
        store.put_outputs("2", stream())
        assert store.storage.remove_video(VIDEO, at_most=100)
        assert store.storage.bring_back(VIDEO, at_most=100, is_private=False)
        assert not store.storage.is_readable(VIDEO)

    def test_originals_are_removed_with_their_copies_and_nothing_else_is(self, store: Store) -> None:
        store.put_raw(ORIGINAL, mp4())
        facts = store.facts()
        kept = object_keys.kept_original_key(VIDEO, ORIGINAL, facts.version)
        store.storage.keep_original(ORIGINAL, kept, etag=facts.etag, file_bytes=facts.file_bytes)
        store.put_outputs("1", stream())
        now, long_ago = datetime.now(UTC) + timedelta(hours=1), datetime(2000, 1, 1, tzinfo=UTC)

        store.storage.remove_originals(VIDEO, before=long_ago, at_most=9)
        assert store.storage.head(ORIGINAL) is not None, "it came later"
        assert store.storage.head(kept) is not None
        passes = 1
        while not store.storage.remove_originals(VIDEO, before=now, at_most=1):
            passes += 1
        assert passes > 1
        assert (store.storage.head(ORIGINAL), store.storage.head(kept)) == (None, None)
        assert store.storage.remove_originals(VIDEO, before=now, at_most=9), "once more changes nothing"
        assert isinstance(store.storage.verify_outputs(VIDEO, "1", input_seconds=None), VerifiedOutputs)

    def test_publishing_a_poster_that_is_gone_is_unavailable(self, store: Store) -> None:
        with pytest.raises(UnavailableError):
            store.storage.publish_poster(
                VIDEO, f"{object_keys.thumbnails_prefix(VIDEO, '1')}thumb_01.jpg", is_private=False
            )
