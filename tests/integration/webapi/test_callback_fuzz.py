"""Callbacks of every shape: none is recorded without a valid signature, and none breaks the API."""

import json
from collections.abc import Iterator
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.callback_url import callback_url
from tests.integration.databases import clocked_database
from tests.support.api import CALLBACK_KEYS, Api

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def submitted(postgres_url: str) -> Iterator[tuple[Api, str]]:
    """An API with one submitted video, in a database for this module."""
    with clocked_database(postgres_url) as database:
        api = Api(database)
        video_id = api.create()
        api.submit(video_id)
        yield api, video_id


queries = st.lists(st.tuples(st.sampled_from(["video", "attempt", "sig", "x"]), st.text(max_size=80)), max_size=5)


@given(query=queries, body=st.binary(max_size=200) | json_values.map(lambda value: json.dumps(value).encode()))
def test_no_callback_without_a_valid_signature_makes_a_claim(
    submitted: tuple[Api, str], query: list[tuple[str, str]], body: bytes
) -> None:
    api, video_id = submitted
    for more in ([], [("video", video_id), ("attempt", "1")]):
        sent = api.client.simulate_post("/webhooks/coconut", query_string=urlencode([*more, *query]), body=body)
        assert sent.status_code in (400, 401)
    assert api.claims() == set()


@given(body=st.binary(max_size=500) | json_values.map(lambda value: json.dumps(value).encode()))
def test_a_signed_callback_with_any_body_is_a_claim_or_a_problem(submitted: tuple[Api, str], body: bytes) -> None:
    api, video_id = submitted
    url = urlsplit(callback_url("", CALLBACK_KEYS, video_id=video_id, attempt=1))
    sent = api.client.simulate_post(url.path, query_string=urlencode(parse_qsl(url.query)), body=body)
    assert sent.status_code in (204, 400, 422)
    if sent.status_code != 204:
        assert sent.headers["content-type"] == "application/problem+json"
    api.sql("DELETE FROM job_claims RETURNING job_id")
