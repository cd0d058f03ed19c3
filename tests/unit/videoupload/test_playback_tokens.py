"""What the client signs, the service accepts: the tests of the TypeScript package have the same token."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from videoupload import SettingError, sign_playback_token
from webapi.http.playback_tokens import Grant, Limits, Use
from webapi.http.viewer_tokens import ViewerTokens

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
KEY = "0123456789abcdef0123456789abcdef"
TOKEN = (
    "eyJhbGciOiJIUzI1NiIsImtpZCI6ImFwcCIsInR5cCI6IkpXVCJ9."
    "eyJhdWQiOiJ2aWRlby11cGxvYWRzL3ZpZXdlciIsInN1YiI6ImNhdHMiLCJpYXQiOjE3ODAzMTUyMDAsImV4cCI6MTc4MDMxODgwMCwiaXAiOlsi"
    "MTkyLjAuMi4wLzI0Il0sIm9yaWdpbiI6WyJodHRwczovL3d3dy5leGFtcGxlLmNvbSJdfQ."
    "Xjw1fG6aS5QsyQqq-7W6iZWhA2MTUmO6xU-JwCz8r1Y"
)


def test_a_token_is_accepted_by_the_service() -> None:
    token = sign_playback_token(
        "cats", KEY, key_name="app", networks=["192.0.2.0/24"], origins=["https://www.example.com"], now=NOON
    )
    viewers = ViewerTokens({"app": KEY}, lambda: NOON, lifetime_max=timedelta(hours=1))

    assert token == TOKEN
    assert viewers.verify(token, video_id="cats", use=Use.WATCH) == Grant(
        "cats",
        Use.WATCH,
        NOON + timedelta(hours=1),
        limits=Limits(("192.0.2.0/24",), ("https://www.example.com",)),
    )


def test_a_short_key_is_refused_before_anything_is_signed() -> None:
    with pytest.raises(SettingError, match="32 bytes"):
        sign_playback_token("cats", "short", key_name="app")


def test_the_documented_example_prints_a_url_that_opens_the_video(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = (Path(__file__).parents[3] / "docs" / "clients.md").read_text()
    (example,) = re.findall(r"^```python\n([^`]*sign_playback_token.*?)^```$", page, re.MULTILINE | re.DOTALL)
    for name, value in {"API": "https://api.example.com", "VIDEO_ID": "cats", "VIEWER_KEY": KEY}.items():
        monkeypatch.setenv(name, value)
    exec(example, {})  # noqa: S102 - it is ours

    url, _, token = capsys.readouterr().out.strip().partition("?token=")
    viewers = ViewerTokens({"app": KEY}, lambda: datetime.now(UTC), lifetime_max=timedelta(minutes=10))
    assert url == "https://api.example.com/api/v1/playback/cats/playlist.m3u8"
    assert viewers.verify(token, video_id="cats", use=Use.WATCH).limits == Limits(origins=("https://www.example.com",))
