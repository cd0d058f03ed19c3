"""Where everything lies."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import object_keys


@pytest.mark.parametrize(
    ("filename", "key"),
    [
        pytest.param("clip.mp4", "uploads/v1/original.mp4", id="plain"),
        pytest.param("Clip.Final.MOV", "uploads/v1/original.mov", id="lower-case"),
        pytest.param("clip", "uploads/v1/original.bin", id="no-extension"),
        pytest.param("clip.", "uploads/v1/original.bin", id="empty-extension"),
        pytest.param("mp4", "uploads/v1/original.bin", id="no-dot"),
        pytest.param("clip.mp4/../../x", "uploads/v1/original.bin", id="path"),
        pytest.param("clip.extension", "uploads/v1/original.bin", id="nine-letters"),
        pytest.param("clip.mp4\n", "uploads/v1/original.bin", id="line-end"),
        pytest.param("clip.mp٤", "uploads/v1/original.bin", id="foreign-digit"),
    ],
)
def test_only_a_harmless_extension_of_a_filename_is_kept(filename: str, key: str) -> None:
    assert object_keys.original_key("v1", filename) == key


@given(st.text())
def test_no_filename_leads_out_of_the_videos_own_folder(filename: str) -> None:
    folder, name = object_keys.original_key("v1", filename).rsplit("/", 1)
    assert folder == "uploads/v1"
    assert name.removeprefix("original.").isalnum()


@pytest.mark.parametrize(
    ("key", "is_so"),
    [
        pytest.param("imports/films/a.mov", True, id="a-file"),
        pytest.param("imports/films/2026/a film.mov", True, id="a-file-in-a-folder"),
        pytest.param("imports/films/..mov", True, id="dots-in-a-name"),
        pytest.param("imports/others/a.mov", False, id="of-another-namespace"),
        pytest.param("imports/films2/a.mov", False, id="of-a-namespace-that-begins-alike"),
        pytest.param("imports/films", False, id="the-folder"),
        pytest.param("imports/films/", False, id="nothing-in-the-folder"),
        pytest.param("imports/films/../others/a.mov", False, id="up-and-down"),
        pytest.param("imports/films/./a.mov", False, id="a-dot"),
        pytest.param("imports/films//a.mov", False, id="an-empty-name"),
        pytest.param("uploads/films/a.mov", False, id="an-upload"),
    ],
)
def test_a_namespace_imports_its_own_files_only(key: str, is_so: bool) -> None:
    assert object_keys.is_import_of("films", key) is is_so


def test_all_that_is_public_lies_under_one_prefix_and_originals_do_not() -> None:
    public = [
        object_keys.outputs_prefix("v1", "2"),
        object_keys.master_key("v1", "2"),
        object_keys.thumbnails_prefix("v1", "2"),
        object_keys.stable_playlist_key("v1"),
        object_keys.stable_poster_key("v1"),
    ]
    assert all(key.startswith("processed/v1/") for key in public)
    assert not object_keys.original_key("v1", "processed.mp4").startswith("processed/")


def test_the_attempts_of_a_video_do_not_contain_each_other() -> None:
    assert not object_keys.outputs_prefix("v1", "11").startswith(object_keys.outputs_prefix("v1", "1"))


def test_people_get_urls_below_the_public_base() -> None:
    assert (
        object_keys.playback_url("https://cdn.example.com", "v1")
        == "https://cdn.example.com/processed/v1/playlist.m3u8"
    )
    assert object_keys.thumbnail_url("https://cdn.example.com/b", "v1") == (
        "https://cdn.example.com/b/processed/v1/thumbnail.jpg"
    )


@pytest.mark.parametrize(
    ("key", "video_id"),
    [
        pytest.param(object_keys.original_key("v1", "clip.mp4"), "v1", id="original"),
        pytest.param(object_keys.stable_playlist_key("v1"), "v1", id="playlist"),
        pytest.param(object_keys.master_key("v1", "3"), "v1", id="output"),
        pytest.param("processed/v1/", "v1", id="mark-of-a-folder"),
        pytest.param("processed/v1", None, id="beside-the-folders"),
        pytest.param("processed//v1", None, id="no-name"),
        pytest.param("imports/v1/film.mp4", None, id="elsewhere"),
        pytest.param("v1/processed/", None, id="inside-out"),
    ],
)
def test_a_key_lies_in_the_folder_of_one_video_or_beside_all(key: str, video_id: str | None) -> None:
    assert object_keys.video_id_of(key) == video_id
