"""The signature of callback URLs."""

from urllib.parse import parse_qs, urlsplit

import pytest

from domain.callback_url import SignedAttempt, callback_url, sign, verify

OLD_KEY = "an old key of thirty-two bytes.."
NEW_KEY = "a new key of thirty-two bytes..."
VIDEO = "abcdefghijklmnopqrstuvwxy2"


def test_the_signature_is_hmac_sha256_of_version_video_and_attempt() -> None:
    # Computed once with `openssl dgst -sha256 -hmac`.
    assert (
        sign([OLD_KEY], video_id=VIDEO, attempt=3) == "c66aa17bd2a0753136ee6d42fb6d3c84f38ec36be24a7f59ebfbc10e90742561"
    )


def test_a_callback_url_verifies_as_the_attempt_it_was_made_for() -> None:
    url = urlsplit(callback_url("https://api.example.com/", [NEW_KEY], video_id=VIDEO, attempt=12))
    query = {name: values[0] for name, values in parse_qs(url.query).items()}

    assert url.path == "/webhooks/coconut"
    assert set(query) == {"video", "attempt", "sig"}
    assert verify([NEW_KEY], video=query["video"], attempt=query["attempt"], signature=query["sig"]) == SignedAttempt(
        VIDEO, 12
    )


def test_the_first_key_signs_and_every_key_verifies() -> None:
    assert sign([NEW_KEY, OLD_KEY], video_id=VIDEO, attempt=1) == sign([NEW_KEY], video_id=VIDEO, attempt=1)
    old_signature = sign([OLD_KEY], video_id=VIDEO, attempt=1)
    assert verify([NEW_KEY, OLD_KEY], video=VIDEO, attempt="1", signature=old_signature) is not None
    assert verify([NEW_KEY], video=VIDEO, attempt="1", signature=old_signature) is None


@pytest.mark.parametrize(
    ("video", "attempt", "signature"),
    [
        pytest.param(VIDEO, "2", None, id="another-attempt"),
        pytest.param(VIDEO[::-1].replace("2", "a"), "1", None, id="another-video"),
        pytest.param(VIDEO, "01", None, id="another-spelling-of-the-attempt"),
        pytest.param(VIDEO, "\uff11", None, id="a-digit-of-another-script"),
        pytest.param(VIDEO, "1\n", None, id="a-line-break-after-the-attempt"),
        pytest.param(VIDEO, "", None, id="no-attempt"),
        pytest.param("", "1", None, id="no-video"),
        pytest.param(f"{VIDEO}\n", "1", None, id="a-line-break-after-the-video"),
        pytest.param(VIDEO, "1", "", id="no-signature"),
        pytest.param(VIDEO, "1", "é" * 64, id="a-signature-that-is-not-ascii"),
        pytest.param(VIDEO, "1", "0" * 64, id="a-guess"),
    ],
)
def test_a_url_that_no_key_signed_is_refused(video: str, attempt: str, signature: str | None) -> None:
    good = sign([NEW_KEY], video_id=VIDEO, attempt=1)
    assert verify([NEW_KEY], video=video, attempt=attempt, signature=good if signature is None else signature) is None


@pytest.mark.parametrize("name", ["a", "launch-film", "0" * 63])
def test_an_import_is_signed_by_its_resource_name(name: str) -> None:
    signature = sign([NEW_KEY], video_id=name, attempt=1)
    assert verify([NEW_KEY], video=name, attempt="1", signature=signature) == SignedAttempt(name, 1)


@pytest.mark.parametrize("name", ["-a", "a-", "a.b", "A", "a/b", "a|1", "0" * 64, "a\n"])
def test_an_invalid_name_is_never_verified(name: str) -> None:
    signature = sign([NEW_KEY], video_id=name, attempt=1)
    assert verify([NEW_KEY], video=name, attempt="1", signature=signature) is None


def test_an_upper_case_signature_is_another_text() -> None:
    good = sign([NEW_KEY], video_id=VIDEO, attempt=1)
    assert verify([NEW_KEY], video=VIDEO, attempt="1", signature=good.upper()) is None
