"""What the client refuses before it calls."""

import pytest

from videoupload import Client, SettingError


@pytest.mark.parametrize("language", ["", "..", ".", "en/..", "en?x=1", "de\n"])
def test_a_language_that_would_be_another_path_is_refused(language: str) -> None:
    client = Client("https://api.invalid", "token")

    with pytest.raises(SettingError, match="language tag"):
        client.remove_captions("cats", language)
    with pytest.raises(SettingError, match="language tag"):
        client.put_captions("cats", language, b"WEBVTT\n")
