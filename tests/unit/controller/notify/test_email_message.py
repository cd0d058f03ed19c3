"""A title is text in a subject and nothing else, whatever it looks like to a mail program."""

from dataclasses import replace
from email import message_from_bytes
from email.policy import default

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from controller.notify.email_message import build_email
from tests.support.builders.notifications import BASE, a_notification

READY = a_notification(email="ann@example.com")
HEADERS = {
    "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted",
    "Content-Type", "Content-Transfer-Encoding", "MIME-Version",
}  # fmt: skip
INJECTION = "x =?utf-8?q?=0D=0AReply-To=3A_evil=40evil.example=0D=0A=0D=0A=3Ch1=3EPay_here=3C/h1=3E?= y"

titles = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=200),
    st.text(st.sampled_from(list("=?utf-8bqQB_ \r\n\tÉ😀\u200b:@<>\"'")), max_size=80),
)


@given(title=titles)
@example(title=INJECTION)
@example(title="Café =?utf-8?q?=FF?=")
@example(title="=?unknown-charset?b?AAAA?=")
@example(title="=?utf-8?b?!!!!?= =?utf-8?q?a?==?utf-8?q?b?=")
@example(title="a\r\nBcc: everyone@example.com")
@example(title="😀" * 200)
def test_no_title_adds_a_header_or_a_body(title: str) -> None:
    raw = build_email(replace(READY, title=title), sender="videos@example.net", playback_base=BASE).as_bytes()
    mail = message_from_bytes(raw, policy=default)

    assert set(mail.keys()) == HEADERS
    assert len(mail.keys()) == len(HEADERS)
    assert mail["To"] == "ann@example.com"
    assert mail.get_content_type() == "text/plain"
    assert mail.get_content().startswith("It can be played now:")


@pytest.mark.parametrize("title", ["Cats", "Grüße 😀", 'a "b" c', "日本語の題名", "50 % = half? yes"])
def test_a_title_reads_as_it_was_written(title: str) -> None:
    raw = build_email(replace(READY, title=title), sender="videos@example.net", playback_base=BASE).as_bytes()

    assert message_from_bytes(raw, policy=default)["Subject"] == f'Your video "{title}" is ready'
