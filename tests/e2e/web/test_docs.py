"""`/docs` shows the OpenAPI document in a browser."""

from tests.e2e.web.pages import Visitor
from tests.support.hostile.calls import CALLS
from webapi.http.problems import ProblemCode
from webapi.schemas.requests import CreateVideo


def test_the_docs_show_every_call_every_problem_and_every_field(visitor: Visitor) -> None:
    page = visitor.page
    page.goto(f"{visitor.web_url}/docs")
    page.locator("#schema-VideoBody").wait_for()
    text = page.locator("body").inner_text()

    for call in CALLS:
        assert f"{call.method} {call.template}" in text
    for code in (code for code in ProblemCode if code != ProblemCode.METHOD_NOT_ALLOWED):
        assert code in text
    for field in CreateVideo.model_fields:
        assert field in text
    assert page.evaluate("[...document.links].every(it => !it.hash || document.getElementById(it.hash.slice(1)))")
