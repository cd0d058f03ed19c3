"""The arguments of the command."""

from pathlib import Path

import pytest

from videoupload.arguments import Access, UsageError, access, parser

ENVIRONMENT = {"VIDEOUPLOAD_API": "https://api.example.com/", "VIDEOUPLOAD_TOKEN": "secret"}


def test_the_environment_says_where_and_who() -> None:
    assert access(parser().parse_args(["list"]), ENVIRONMENT) == Access("https://api.example.com", "secret")


def test_arguments_go_before_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("another\n")
    arguments = parser().parse_args(["list", "--api=http://127.0.0.1:1", f"--token-file={file}"])
    assert access(arguments, ENVIRONMENT) == Access("http://127.0.0.1:1", "another")


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"VIDEOUPLOAD_API": ""}, "VIDEOUPLOAD_API"),
        ({"VIDEOUPLOAD_API": "api.example.com"}, "not the address"),
        ({"VIDEOUPLOAD_API": "ftp://api.example.com"}, "not the address"),
        ({"VIDEOUPLOAD_API": "https://api.example.com?x=1"}, "not the address"),
        ({"VIDEOUPLOAD_TOKEN": " "}, "VIDEOUPLOAD_TOKEN"),
        ({"VIDEOUPLOAD_TOKEN": "two words"}, "characters"),
        ({"VIDEOUPLOAD_TOKEN": "two\nlines"}, "characters"),
    ],
    ids=str,
)
def test_a_missing_or_misspelt_argument_is_named(changes: dict[str, str], names: str) -> None:
    with pytest.raises(UsageError, match=names) as error:
        access(parser().parse_args(["list"]), ENVIRONMENT | changes)
    assert "two words" not in str(error.value)


def test_a_token_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="missing-file"):
        access(parser().parse_args(["list", f"--token-file={tmp_path / 'missing-file'}"]), ENVIRONMENT)


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["dance"],
        ["upload"],
        ["upload", "a.mp4", "--metadata", "novalue"],
        ["upload", "a.mp4", "--metadata", "=novalue"],
        ["upload", "a.mp4", "--parallel", "0"],
        ["upload", "a.mp4", "--parallel", "9"],
        ["list", "--status", "lost"],
        ["get"],
        ["get", "../admin/videos"],
        ["delete", "a?b"],
        ["list", "--token", "secret"],
        ["captions"],
        ["poster", "put", "cats"],
        ["poster", "delete", ".."],
        ["captions", "put", "cats", "en"],
        ["captions", "delete", "cats", ".."],
    ],
    ids=" ".join,
)
def test_wrong_usage_exits_with_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parser().parse_args(words)
    assert ended.value.code == 2
    assert "usage: videoupload" in capsys.readouterr().err


def test_metadata_may_hold_equal_signs() -> None:
    assert parser().parse_args(["upload", "a.mp4", "--metadata", "a=b=c"]).metadata == [("a", "b=c")]
