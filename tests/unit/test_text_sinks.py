"""A title and a file's name are text wherever they go: they add no line, no header, no tag and no field.

Any text that the API accepts goes through every place that writes one in another language: the resource (YAML), mail,
webhooks, logs, the pages for viewers (HTML), downloads (a header), keys of objects, and what the command prints.
"""

import json
import re
from email import message_from_bytes
from email.policy import default
from html.parser import HTMLParser
from typing import Any
from urllib.parse import unquote

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from controller.notify.email_message import build_email
from controller.notify.webhook_payload import build_payload
from crds.client import _as_yaml
from crds.models import Spec
from crds.spec import manifest_of
from domain.notifications import WebhookFormat
from domain.object_keys import original_key
from domain.policy import LifecyclePolicy
from domain.video import Phase
from runtime.logs import _json_line, redact_event
from storage.presign import attachment, safe_filename
from tests.support.builders.client import a_video
from tests.support.builders.notifications import BASE, a_notification
from tests.support.builders.resources import NAMESPACE, SIGNATURES
from tests.support.builders.rows import NOON, a_desired_state, an_observation, row_of
from videoupload.formatting import list_lines, video_lines
from webapi.schemas.requests import CreateVideo
from webapi.videos.embed_origins import EmbedOrigins
from webapi.videos.serializers import Serializer
from webapi.videos.watch import WatchOptions, _body, _head

VIDEO = "smallworldsmallworldsmallw"
CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")
NASTY = [
    "Cats \U0001f63a film",
    "x =?utf-8?q?=0D=0AReply-To=3A_evil=40evil.example=0D=0A=0D=0A=3Ch1=3EPay_here=3C/h1=3E?= y",
    "Café =?utf-8?q?=FF?=",
    "</title><script>alert(1)</script>",
    "\" onload='x' & &lt;",
    "- {a: b} # c: *d &e !f %g @h `i",
    "$(rm -rf ~) `id` ; ${IFS} \\n",
    "password=hunter2 https://a:b@example.com/?X-Amz-Signature=1",
    "null",
    "1e3",
    "\ufffe\uffff\U0010ffff",
]


def accepted(title: str, filename: str) -> bool:
    try:
        CreateVideo.model_validate({"title": title, "filename": filename, "content_type": "video/mp4"})
    except ValidationError:
        return False
    return True


any_character = st.characters(exclude_categories=["Cs"])
syntax = st.sampled_from(list("=?utf-8bqQ_ @<>\"'`$(){}&;#%!*|:,.~^[]+-é😀"))
texts = st.text(st.one_of(any_character, syntax), min_size=1, max_size=60)
titles = texts.filter(lambda text: accepted(text, "a.mp4"))
filenames = texts.filter(lambda text: accepted("a", text))


class Tags(HTMLParser):
    """The tags, the names and values of their attributes, and the text of a page."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.names: list[str] = []
        self.values: list[str | None] = []
        self.text = ""
        self.feed(content)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.names += [name for name, _ in attrs]
        self.values += [value for _, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data


def watch_page(title: str) -> str:
    row = row_of(a_desired_state(title=title), an_observation(Phase.READY))
    video = Serializer(lambda _: "https://cdn.example.com", LifecyclePolicy()).video(row, NOON)
    options = WatchOptions("https://videos.example.com", EmbedOrigins(), "", lambda _: ())
    return _head(video, options) + _body(video, is_embedded=False)


def with_examples(test: Any) -> Any:
    for text in NASTY:
        test = example(text=text)(test)
    return test


@pytest.mark.parametrize("name", ["title", "filename"])
def test_the_nasty_examples_are_accepted_by_the_api(name: str) -> None:
    refused = [text for text in NASTY if not accepted(**{"title": "a", "filename": "a", name: text})]
    assert refused == ([] if name == "title" else [text for text in NASTY if "/" in text or "\\" in text])


@with_examples
@given(text=titles)
@settings(deadline=None)
def test_a_resource_has_the_text_as_it_was_written(text: str) -> None:
    desired = a_desired_state(title=text, filename=text)
    manifest = manifest_of(desired, namespace=NAMESPACE, signatures=SIGNATURES)
    sent = _as_yaml(manifest)

    assert sent.isascii()
    assert yaml.safe_load(sent) == manifest
    Spec.model_validate(manifest["spec"])


@with_examples
@given(text=titles)
@settings(deadline=None)
def test_a_mail_has_its_own_headers_and_body(text: str) -> None:
    raw = build_email(
        a_notification(email="ann@example.com", title=text), sender="videos@example.net", playback_base=BASE
    ).as_bytes()
    plain = build_email(
        a_notification(email="ann@example.com", title="a"), sender="videos@example.net", playback_base=BASE
    ).as_bytes()
    mail, other = message_from_bytes(raw, policy=default), message_from_bytes(plain, policy=default)
    assert sorted(mail.keys()) == sorted(other.keys())
    assert mail.get_content_type() == "text/plain"


@with_examples
@given(text=titles)
@settings(deadline=None)
def test_a_line_of_the_log_is_one_line_of_json(text: str) -> None:
    line = _json_line(redact_event(None, "", {"event": "video_created", "title": text}))
    assert line.isascii()
    assert "\n" not in line
    assert json.loads(line).keys() == {"event", "title"}


@with_examples
@given(text=filenames)
@settings(deadline=None)
def test_a_download_has_one_header_that_names_the_file(text: str) -> None:
    header = attachment(text)
    assert re.fullmatch(r"attachment; filename=\"[ -~]*\"; filename\*=UTF-8''[A-Za-z0-9._~%-]+", header)
    assert '"' not in header.split('filename="')[1].split('"; filename*=')[0]
    assert unquote(header.rpartition("''")[2]) == safe_filename(text)


@with_examples
@given(text=filenames)
@settings(deadline=None)
def test_a_key_in_the_bucket_has_no_more_of_the_name_than_its_ending(text: str) -> None:
    assert re.fullmatch(rf"uploads/{VIDEO}/original(\.[a-z0-9]{{1,16}})?", original_key(VIDEO, text))


@with_examples
@given(text=titles)
@settings(deadline=None)
def test_a_webhook_has_the_title_in_its_field_and_no_line_of_its_own(text: str) -> None:
    for form in WebhookFormat:
        body = build_payload(a_notification(title=text), playback_base=BASE, form=form)
        assert b"\n" not in body
        assert json.loads(body)["data"]["title"] == text


@with_examples
@given(text=titles)
@settings(deadline=None)
def test_a_page_for_viewers_has_the_tags_of_any_other(text: str) -> None:
    page, other = Tags(watch_page(text)), Tags(watch_page("a"))
    assert page.tags == other.tags
    assert page.names == other.names
    assert {value for value in page.values if value not in other.values} <= {text, f"Play: {text}"}
    assert text in page.text


@with_examples
@given(text=titles)
@settings(deadline=None)
def test_the_command_prints_a_video_on_a_line(text: str) -> None:
    video = a_video("ready", title=text)
    assert len("\n".join(list_lines([video])).split("\n")) == 2
    assert not CONTROLS.search("".join(video_lines(video) + list_lines([video])))
