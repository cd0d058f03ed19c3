"""The rollout of a changed profile on the operations page: approved by the very command that it shows."""

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from playwright.sync_api import Browser

from crds.spec import API_VERSION
from tests.e2e.uploads.world import Person, World, in_phase
from tests.e2e.web.accessibility import violations
from tests.e2e.web.pages import DESKTOP, PATIENCE_MS, PHONE, Visitor
from tests.support.eventually import eventually

PROFILE = "modern"


@pytest.fixture
def visitor(browser: Browser, world: World, pictures: Path) -> Iterator[Visitor]:
    """An administrator on a desktop."""
    with Visitor.arrived(browser, world, pictures, viewport=DESKTOP, is_admin=True) as arrived:
        yield arrived


@pytest.fixture(autouse=True)
def no_profile_is_left(world: World) -> Iterator[None]:
    """Later tests of this session have no rollout."""
    yield
    world.stack.cluster.kubectl("delete", "tp", PROFILE, "--ignore-not-found")


def applied(world: World, rate: int, **spec: object) -> None:
    """Apply the profile, as GitOps would."""
    manifest = {
        "apiVersion": API_VERSION,
        "kind": "TranscodeProfile",
        "metadata": {"name": PROFILE},
        "spec": {"renditions": [{"height": 360, "maxRateKbps": rate}], **spec},
    }
    world.stack.cluster.kubectl("apply", "--filename=-", stdin=yaml.safe_dump(manifest))


def a_ready_video(person: Person, clip: Path) -> str:
    """Upload a video that names the profile, once the service offers it."""
    new = {"title": "Cats", "filename": "cats.mp4", "content_type": "video/mp4", "size_bytes": clip.stat().st_size}
    made = eventually(lambda: created(person, {**new, "profile": PROFILE}), within_seconds=60)
    sent = requests.put(made["upload_url"], data=clip.read_bytes(), headers=made["headers"], timeout=30)
    sent.raise_for_status()
    video_id = str(made["video_id"])
    person.client.confirm(video_id)
    eventually(lambda: in_phase(person.client, video_id, "ready"), within_seconds=60)
    return video_id


def created(person: Person, new: dict[str, object]) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {person.token}"}
    answer = requests.post(f"{person.api_url}/api/v1/videos", json=new, headers=headers, timeout=30)
    body: dict[str, Any] = answer.json()
    return body if answer.status_code == 201 else {}


def test_a_plan_is_approved_by_the_command_that_is_shown(visitor: Visitor, clip: Path) -> None:
    world, page = visitor.world, visitor.page
    applied(world, rate=800)
    video_id = a_ready_video(visitor.person, clip)
    applied(world, rate=700, rollout={})
    page.get_by_role("link", name="Operations").click()
    row = page.locator(f"[data-rollout='{PROFILE}']")
    row.get_by_text("Awaiting approval", exact=True).wait_for(timeout=PATIENCE_MS)

    bar = row.get_by_role("progressbar", name=f"Videos of {PROFILE} that are finished")
    assert (bar.get_attribute("value"), bar.get_attribute("max")) == ("0", "1")
    row.get_by_text("1 outdated · plan: one video").wait_for()
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert violations(page) == []
    page.set_viewport_size(PHONE)
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the command makes the page wider"
    visitor.picture("1-awaiting-approval")

    tool, *arguments = shlex.split(row.locator("pre").inner_text())
    assert tool == "kubectl"
    world.stack.cluster.kubectl(*arguments)
    row.get_by_text("Up to date", exact=True).wait_for(timeout=PATIENCE_MS)
    assert row.locator("pre").count() == 0
    row.get_by_text("0 running · 1 done · 0 failed").wait_for()
    assert (bar.get_attribute("value"), bar.get_attribute("max")) == ("1", "1")
    assert visitor.person.call("GET", f"/videos/{video_id}", expected=200)["edition"] == 2
    visitor.picture("2-up-to-date")
