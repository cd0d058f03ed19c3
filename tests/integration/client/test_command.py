"""The command `videoupload` as a process, without an operator: its exit codes and its output."""

import json
import signal
from pathlib import Path

from tests.integration.api_process import token
from tests.integration.client.service import EXPIRED, FILE_BYTES, RunningService, UploadCommand
from tests.support.builders.pictures import PICTURE


def test_an_interrupted_command_says_how_to_resume_and_resumes(
    service: RunningService, command: UploadCommand, file: Path
) -> None:
    service.lossy_proxy.hold_after_bytes = FILE_BYTES // 2
    with command.started("upload", file) as process:
        assert service.lossy_proxy.is_holding.wait(30)
        process.send_signal(signal.SIGINT)
        _out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "run the same command again to resume" in err

    service.lossy_proxy.hold_after_bytes = None
    service.lossy_proxy.released.set()
    code, out, err = command.ended("upload", file)
    assert code == 0
    assert "resuming video" in err
    assert service.stored(out.strip()) == file.read_bytes()


def test_an_unavailable_service_and_a_refusal_exit_with_different_codes(command: UploadCommand, file: Path) -> None:
    code, out, err = command.ended("list", VIDEOUPLOAD_API="http://127.0.0.1:1")
    assert (code, out) == (3, "")
    assert "cannot be reached" in err
    code, out, err = command.ended("list", VIDEOUPLOAD_TOKEN="nobody")
    assert (code, out) == (1, "")
    assert "[invalid_token]\nGet a new token" in err
    code, out, err = command.ended("upload", file, "--title=two\nlines")
    assert (code, out) == (1, "")
    assert "[invalid_request]" in err


def test_no_token_and_no_signed_url_is_ever_written(
    service: RunningService, command: UploadCommand, file: Path
) -> None:
    service.lossy_proxy.lose("PUT /", EXPIRED, times=3)
    code, out, err = command.ended("upload", file)
    assert code == 1
    assert "HTTP 403" in err
    assert not any(word in out + err for word in ("Signature", "Bearer", token(service.user)[:30]))


def test_answers_are_json_for_programs(command: UploadCommand, file: Path) -> None:
    video_id = json.loads(command.ended("upload", file, "--json", "--metadata=album=summer")[1])["video_id"]
    video = json.loads(command.ended("get", video_id, "--json")[1])
    assert (video["id"], video["metadata"], video["status"]) == (video_id, {"album": "summer"}, "uploading")
    assert [one["id"] for one in json.loads(command.ended("list", "--json")[1])] == [video_id]
    assert json.loads(command.ended("delete", video_id, "--json")[1]) == {"video_id": video_id}
    assert json.loads(command.ended("list", "--json")[1]) == []
    assert json.loads(command.ended("restore", video_id, "--json")[1])["deleted_at"] is None


def test_profile_region_and_visibility_are_chosen_at_creation(command: UploadCommand, file: Path) -> None:
    choices = ["--profile=hls-1080p", "--region=tor1", "--visibility=private"]
    shown = command.ended("get", command.ended("upload", file, *choices)[1].strip())[1]
    assert [line.split() for line in shown.splitlines() if line.startswith(("visibility", "profile", "region"))] == [
        ["visibility", "private"],
        ["profile", "hls-1080p"],
        ["region", "tor1"],
    ]
    code, out, err = command.ended("upload", file, "--region=elsewhere")
    assert (code, out) == (1, "")
    assert "region: must be one of" in err


def test_a_file_is_fetched_from_a_url(command: UploadCommand, service: RunningService) -> None:
    # The API alone runs here: what the operator then does is in tests/e2e/uploads/test_source_url.py.
    direct = {"VIDEOUPLOAD_API": service.api.url}
    url = "https://files.example.com/2026/my%20cats.webm?key=secret"
    code, out, err = command.ended("fetch", url, "--metadata=album=summer", **direct)
    assert (code, "the service fetches the file" in err) == (0, True)
    video = json.loads(command.ended("get", out.strip(), "--json", **direct)[1])
    assert (video["title"], video["source_url"], video["metadata"]) == ("my cats", url, {"album": "summer"})
    assert (video["status"], video["filename"]) == ("uploading", "my cats.webm")
    code, out, err = command.ended("fetch", url, "--profile=modern", **direct)
    assert (code, out) == (1, "")
    assert "profile: must be the name of a profile that there is" in err
    code, out, err = command.ended("fetch", "http://files.example.com/cats.mp4", **direct)
    assert (code, out) == (1, "")
    assert "[invalid_request]" in err
    assert "must begin with https://" in err


def test_captions_are_added_listed_and_removed(
    service: RunningService, command: UploadCommand, file: Path, tmp_path: Path
) -> None:
    video_id = command.ended("upload", file)[1].strip()
    subtitles = tmp_path / "de.SRT"
    subtitles.write_text("1\n00:00:01,000 --> 00:00:04,000\nDie Katze setzt sich.\n")
    # The proxy sends every PUT to storage.
    direct = {"VIDEOUPLOAD_API": service.api.url}
    code, out, err = command.ended(
        "captions", "put", video_id, "de", subtitles, "--label=Deutsch", "--default", **direct
    )
    assert (code, err) == (0, "")
    assert out.splitlines()[1].split() == ["de", "pending", "yes", "Deutsch"]
    (listed,) = json.loads(command.ended("captions", "list", video_id, "--json")[1])
    assert (listed["language"], listed["label"], listed["default"]) == ("de", "Deutsch", True)
    assert command.ended("captions", "delete", video_id, "de")[1] == "removed de\n"
    assert json.loads(command.ended("captions", "list", video_id, "--json")[1]) == []


def test_a_poster_is_chosen_and_taken_back(
    service: RunningService, command: UploadCommand, file: Path, tmp_path: Path
) -> None:
    video_id = command.ended("upload", file)[1].strip()
    (tmp_path / "cat.jpg").write_bytes(PICTURE)
    (tmp_path / "cat.png").write_bytes(b"\x89PNG")
    # The proxy sends every PUT to storage.
    direct = {"VIDEOUPLOAD_API": service.api.url}
    code, out, err = command.ended("poster", "put", video_id, tmp_path / "cat.jpg", "--json", **direct)
    assert (code, err, json.loads(out)["poster"]) == (0, "", "own")
    assert "[invalid_poster]" in command.ended("poster", "put", video_id, tmp_path / "cat.png", **direct)[2]
    assert command.ended("poster", "delete", video_id)[1] == "the poster is the automatic one\n"
    assert json.loads(command.ended("get", video_id, "--json")[1])["poster"] != "own"


def test_captions_that_cannot_be_used_are_refused_with_their_line(
    service: RunningService, command: UploadCommand, file: Path, tmp_path: Path
) -> None:
    video_id = command.ended("upload", file)[1].strip()
    (tmp_path / "en.vtt").write_text("no captions")
    code, out, err = command.ended(
        "captions", "put", video_id, "en", tmp_path / "en.vtt", VIDEOUPLOAD_API=service.api.url
    )
    assert (code, out) == (1, "")
    assert "[invalid_captions]" in err
    assert "line 1" in err
    code, out, err = command.ended("captions", "put", video_id, "en", tmp_path / "missing.vtt")
    assert (code, out) == (2, "")
    assert "missing.vtt: No such file" in err
