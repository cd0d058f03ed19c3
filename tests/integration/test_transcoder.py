"""The adapter keeps the contract of the port, against the stand-in and a real object store."""

import secrets
from pathlib import Path

import pytest
import requests
from pydantic import SecretStr

from controller.coconut.client import Coconut
from devstack.coconut_server import CoconutAccess
from devstack.s3 import S3Access
from domain.jobs import JobOrder
from storage.object_store import Storage
from tests.integration.devstack.coconut.server import StandInClient, put
from tests.integration.storage.reach import settings_for
from tests.support.clips import a_clip
from tests.support.contracts.transcoder_contract import Account, TranscoderContract
from tests.support.fakes.transcoder import Answer, JobEnd

NOWHERE = "http://127.0.0.1:9"
CLIP_SECONDS = 1.0
FAULT_OF_ANSWER = {
    Answer.BUSY: "http_429",
    Answer.LOST_BEFORE: "http_5xx_before",
    Answer.LOST_AFTER: "http_5xx_after",
}
FAULT_OF_END = {JobEnd.BREAKS: "fail", JobEnd.NEVER_ENDS: "stuck"}


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A video of one rendition: all that the contract needs to be encoded."""
    return a_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", size="320x180", seconds=CLIP_SECONDS)


class TestCoconut(TranscoderContract):
    @pytest.fixture
    def account(self, coconut: CoconutAccess, s3: S3Access, clip: Path, tmp_path: Path) -> Account:
        settings, key = settings_for(s3, coconut_service="s3other"), SecretStr(coconut.api_key)
        provider, video = StandInClient(coconut.url, coconut.api_key), secrets.token_hex(13)
        not_a_video = tmp_path / "letter.mp4"
        not_a_video.write_text("Dear diary")

        def prepare(answer: Answer, job_end: JobEnd) -> JobOrder:
            faults = [FAULT_OF_ANSWER.get(answer), FAULT_OF_END.get(job_end)]
            requests.delete(f"{provider.control_url}/_faults", timeout=10).raise_for_status()
            provider.set_faults(**{fault: True for fault in faults if fault is not None})
            source_url = put(s3, not_a_video if job_end is JobEnd.CANNOT_DECODE else clip)
            if answer is Answer.REFUSED:
                source_url = source_url.replace("http://", "ftp://")
            return JobOrder(video, 1, "1-word", source_url, f"{NOWHERE}/hook?video={video}&attempt=1&sig=s")

        return Account(
            transcoder=Coconut(coconut.url, key, settings.output_target, timeout_seconds=10),
            away=Coconut(f"{NOWHERE}/v2", key, settings.output_target, timeout_seconds=10),
            storage=Storage(settings),
            source_seconds=CLIP_SECONDS,
            prepare=prepare,
            jobs=lambda: [entry["job_id"] for entry in provider.ledger(video)],
            pass_time=lambda: None,
        )
