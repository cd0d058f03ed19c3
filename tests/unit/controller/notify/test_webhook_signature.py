"""What we sign, an independent library verifies."""

import base64
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from controller.notify.webhook_signature import signed_headers

keys = st.binary(min_size=24, max_size=64).map(lambda raw: "whsec_" + base64.b64encode(raw).decode())


@given(secrets=st.lists(keys, min_size=1, max_size=3, unique=True), text=st.text())
def test_every_secret_verifies_and_no_other(secrets: list[str], text: str) -> None:
    body = b'{"text": "' + base64.b64encode(text.encode()) + b'"}'
    headers = dict(signed_headers("an-id", body, secrets=secrets, at=datetime.now(UTC)))

    for secret in secrets:
        Webhook(secret).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_" + base64.b64encode(b"an unrelated secret...24").decode()).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(secrets[0]).verify(body + b" ", headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(secrets[0]).verify(body, {**headers, "webhook-id": "another"})


def test_an_old_timestamp_is_refused() -> None:
    secret = "whsec_" + base64.b64encode(b"s" * 32).decode()
    headers = dict(signed_headers("an-id", b"{}", secrets=[secret], at=datetime(2026, 1, 1, tzinfo=UTC)))

    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(b"{}", headers)
