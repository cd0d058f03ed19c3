"""The OpenAPI document describes what the application does, and `/docs` leads to it."""

import re
from typing import Any

import pytest

from tests.support.api import Api
from tests.support.hostile.calls import CALLS, routes_of
from webapi.app import create_app
from webapi.http.problems import PROBLEM_TYPES, ProblemCode
from webapi.openapi.document import openapi_document
from webapi.schemas.requests import CreateVideo, ListVideos
from webapi.schemas.responses import VideoBody


@pytest.fixture
def document(api: Api) -> Any:
    """The document as clients get it."""
    return api.client.simulate_get("/openapi.json").json


def _operations(document: Any) -> dict[tuple[str, str], Any]:
    return {
        (method.upper(), path): described
        for path, methods in document["paths"].items()
        for method, described in methods.items()
    }


def test_the_document_has_exactly_the_calls_of_the_application(api: Api, document: Any) -> None:
    assert document["openapi"].startswith("3.1.")
    assert set(_operations(document)) == routes_of(create_app(api.deps))


def test_every_call_needs_a_token_unless_it_is_public(document: Any) -> None:
    needed = {key: bool(described["security"]) for key, described in _operations(document).items()}

    assert needed == {(call.method, call.template): call.is_private for call in CALLS}
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"


def test_every_call_names_its_success_and_its_scope(document: Any) -> None:
    for call in CALLS:
        described = _operations(document)[call.method, call.template]
        assert str(call.success) in described["responses"]
        if call.is_private:
            assert described["security"] == [{"bearer": [call.scope] if call.scope else []}]


def test_every_problem_is_named_with_its_status(document: Any) -> None:
    named = {
        (code, status)
        for described in _operations(document).values()
        for status, answer in described["responses"].items()
        for code in _codes(answer)
    }

    # Another method is no call, so its problem belongs to none.
    assert named == {
        (code.value, kind.status[:3]) for code, kind in PROBLEM_TYPES.items() if code != ProblemCode.METHOD_NOT_ALLOWED
    }
    assert set(document["components"]["schemas"]["ProblemCode"]["enum"]) == {code.value for code in ProblemCode}


def test_requests_and_responses_are_the_models_that_validate(document: Any) -> None:
    schemas = document["components"]["schemas"]

    assert set(schemas["CreateVideo"]["properties"]) == set(CreateVideo.model_fields)
    assert schemas["CreateVideo"]["additionalProperties"] is False
    assert set(schemas["VideoBody"]["required"]) == set(VideoBody.model_fields)
    listed = _operations(document)["GET", "/api/v1/videos"]
    assert [parameter["name"] for parameter in listed["parameters"]] == list(ListVideos.model_fields)
    assert all(parameter["description"] for parameter in listed["parameters"])


def test_creating_documents_its_idempotency_key_and_headers(document: Any) -> None:
    described = _operations(document)["POST", "/api/v1/videos"]

    assert {"$ref": "#/components/parameters/IdempotencyKey"} in described["parameters"]
    for status in ("201", "429"):
        assert {"RateLimit", "RateLimit-Policy"} <= set(described["responses"][status]["headers"])


def test_a_problem_that_says_how_long_to_wait_documents_the_header(document: Any) -> None:
    for described in _operations(document).values():
        for answer in described["responses"].values():
            if any("Retry-After" in PROBLEM_TYPES[ProblemCode(code)].what_to_do for code in _codes(answer)):
                assert "Retry-After" in answer["headers"]


def test_every_reference_resolves(document: Any) -> None:
    for reference in re.findall(r'"\$ref": ?"#/([^"]+)"', str(document).replace("'", '"')):
        found = document
        for part in reference.split("/"):
            found = found[part]


def test_every_call_belongs_to_a_group_that_is_described(document: Any) -> None:
    groups = [group["name"] for group in document["tags"]]
    used = {tag for described in _operations(document).values() for tag in described["tags"]}

    assert used == set(groups)
    assert _operations(document)["PUT", "/api/v1/videos/{video_id}/captions/{language}"]["tags"] == ["captions"]
    assert _operations(document)["POST", "/api/v1/admin/webhooks"]["tags"] == ["administration"]


def test_without_a_built_page_the_docs_say_so_and_lead_to_the_document(api: Api) -> None:
    answer = api.client.simulate_get("/docs")

    assert answer.headers["Content-Type"].startswith("text/html")
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none';")
    assert "runs without its page" in answer.text
    assert re.findall(r'(?:href|src)="([^"]*)"', answer.text) == ["/openapi.json"]


def test_the_document_is_built_once() -> None:
    assert openapi_document() is openapi_document()


def _codes(answer: Any) -> list[str]:
    schema = answer.get("content", {}).get("application/problem+json", {}).get("schema", {})
    return list(schema.get("properties", {}).get("code", {}).get("enum", ()))
