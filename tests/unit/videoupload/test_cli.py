"""How the command ends when it does not reach the service."""

from pathlib import Path

import pytest

from videoupload.cli import UNREACHABLE, USAGE, main


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A service that is not there, and an empty home."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("VIDEOUPLOAD_API", "https://")
    monkeypatch.setenv("VIDEOUPLOAD_TOKEN", "secret")


def test_a_malformed_url_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == USAGE
    assert "an address looks like https://" in capsys.readouterr().err


def test_a_file_that_is_not_there_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VIDEOUPLOAD_API", "https://api.example.com")
    assert main(["upload", str(tmp_path / "missing.mp4")]) == USAGE
    assert "missing.mp4: No such file" in capsys.readouterr().err


def test_help_lists_the_environment_and_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    output = capsys.readouterr().out
    assert all(word in output for word in ("VIDEOUPLOAD_TOKEN", "VIDEOUPLOAD_API", f"{UNREACHABLE}  the service"))


@pytest.mark.parametrize(
    ("url", "is_warned"),
    [
        pytest.param("http://api.invalid", True, id="another-host"),
        pytest.param("HTTP://API.invalid", True, id="in-capitals"),
        pytest.param("http://127.0.0.1.invalid", True, id="a-name-like-loopback"),
        pytest.param("http://127.0.0.1:1", False, id="loopback"),
        pytest.param("http://[::1]:1", False, id="loopback-of-ipv6"),
        pytest.param("http://localhost:1", False, id="localhost"),
        pytest.param("https://127.0.0.1:1", False, id="encrypted"),
    ],
)
def test_before_a_token_leaves_this_machine_unencrypted_there_is_a_warning(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str], url: str, is_warned: bool
) -> None:
    monkeypatch.setenv("VIDEOUPLOAD_API", url)
    # The file is missing, so nothing is sent.
    main(["upload", str(tmp_path / "missing.mp4")])
    assert ("token unencrypted" in capsys.readouterr().err) is is_warned
