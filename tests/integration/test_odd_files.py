"""Files that real people have and tests forget: each becomes a stream with one job, or fails once for good.

Each goes the operator's way: its bytes are judged, a job is submitted to the stand-in, and its outputs are verified.
"""

import random
import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from controller.coconut.client import Coconut
from devstack.coconut_server import CoconutAccess
from devstack.s3 import S3Access
from domain.failures import FailureCode
from domain.jobs import Job, JobOrder, JobState
from domain.objects import ObjectFacts, OutputsProblem, SourceProblem, VerifiedOutputs
from domain.video import SourceFacts
from storage.object_store import Storage
from storage.verify.source import judge_source
from tests.integration.devstack.coconut.server import put
from tests.integration.storage.reach import settings_for
from tests.support.clips import ffmpeg
from tests.support.eventually import eventually

X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")
VP8 = ("-c:v", "libvpx", "-deadline", "realtime")
ONE_FRAME = ("-frames:v", "1")
# An encoder's frames and a lingering last picture make a short stream a little longer than its source.
ABOUT_SECONDS = 0.75


def picture(size: str = "320x180", *, seconds: float = 2, rate: str = "25", kind: str = "testsrc2") -> tuple[str, ...]:
    return ("-f", "lavfi", "-i", f"{kind}=s={size}:d={seconds}:r={rate}")


def tone(seconds: float = 2, *, rate: int = 44_100) -> tuple[str, ...]:
    return ("-f", "lavfi", "-i", f"sine=d={seconds}:r={rate}")


def cover() -> tuple[str, ...]:
    return picture("300x300", seconds=0.04, kind="color")


@dataclass(frozen=True)
class Odd:
    """A file by ffmpeg's arguments, perhaps damaged afterwards, and the stream that it becomes."""

    name: str
    arguments: Sequence[str]
    seconds: float = 2
    sizes: Sequence[tuple[int, int]] = ((320, 180),)
    damage: Callable[[bytes], bytes] = bytes

    def make(self, folder: Path) -> Path:
        path = folder / self.name
        ffmpeg(*self.arguments, path.name, folder=folder)
        path.write_bytes(self.damage(path.read_bytes()))
        return path


def with_noise_for_media(whole: bytes) -> bytes:
    """Return an MP4 whose tracks are announced and hold noise."""
    start, end = whole.index(b"mdat") + 4, whole.index(b"moov") - 4
    return whole[:start] + random.Random(1).randbytes(end - start) + whole[end:]


def with_noise_for_sound(whole: bytes) -> bytes:
    """Return a Matroska file in which the blocks of the second track hold noise."""
    damaged, noise = bytearray(whole), random.Random(1)
    for block in re.finditer(rb"\xa3.{1,8}?\x82..[\x80\x00]", whole, re.DOTALL):
        damaged[block.end() + 2 : block.end() + 60] = noise.randbytes(58)
    return bytes(damaged)


BECOME_STREAMS = [
    Odd("one-picture.mp4", (*picture(seconds=0.04, kind="color"), *tone(6), *X264), seconds=0.04),
    Odd("one-picture.mkv", (*picture(seconds=0.04, kind="color"), *tone(6), *X264), seconds=0.04),
    Odd(
        "one-picture-fragmented.mp4",
        (*picture(seconds=0.04), *tone(6), *X264, "-movflags", "+frag_keyframe+empty_moov"),
        seconds=0.04,
    ),
    Odd("one-frame.mp4", (*picture(), *ONE_FRAME, *X264), seconds=0.04),
    Odd("two-frames.mp4", (*picture(), "-frames:v", "2", *X264), seconds=0.08),
    Odd("one-frame.webm", (*picture(), *ONE_FRAME, *VP8), seconds=0.04),
    Odd("one-frame.ts", (*picture(), *ONE_FRAME, *X264), seconds=0.04),
    Odd("a-fifth.mp4", (*picture(seconds=0.2), *tone(0.2), *X264), seconds=0.2),
    Odd("raw.h264", (*picture(), *X264)),
    Odd("clip.dv", (*picture("640x360"), *tone(), "-target", "pal-dv"), sizes=[(640, 360), (854, 480)]),
    Odd("clip.m4v", (*picture(), "-c:v", "mpeg4", "-f", "m4v")),
    Odd("clip.ivf", (*picture(), *VP8)),
    Odd("no-sound.mp4", (*picture(), *X264)),
    Odd("sound-begins-later.mp4", ("-itsoffset", "4", *tone(), *picture(), *X264)),
    Odd("mono.mov", (*picture(), *tone(rate=8000), *X264, "-c:a", "pcm_mulaw", "-ac", "1", "-ar", "8000")),
    Odd("surround-7.1.mkv", (*picture(), *tone(), *X264, "-c:a", "libopus", "-ac", "8")),
    Odd("sixteen-channels.mkv", (*picture(), *tone(rate=48_000), *X264, "-c:a", "pcm_s16le", "-ac", "16")),
    Odd("noise-for-sound.mkv", (*picture(), *tone(), *X264, "-c:a", "flac"), damage=with_noise_for_sound),
    Odd(
        "variable-rate.mp4",
        (*picture(seconds=8), "-vf", "select='lt(t,3)+not(mod(n,37))'", "-fps_mode", "vfr", *X264),
        seconds=7.5,
    ),
    Odd("slides.mp4", (*picture(seconds=9, rate="1"), *tone(9), *X264), seconds=9),
    Odd("slow-slides.mp4", (*picture(seconds=40, rate="1/20"), *tone(40), *X264), seconds=40),
    Odd("odd-sides.mp4", (*picture("63x47"), "-c:v", "libx264", "-pix_fmt", "yuv444p"), sizes=[(62, 46)]),
    Odd("dot.avi", (*picture("1x1", kind="color"), "-c:v", "rawvideo", "-pix_fmt", "bgr24"), sizes=[(2, 2)]),
    Odd("ribbon.mp4", (*picture("5000x200"), *X264), sizes=[(5000, 200)]),
    Odd("too-wide.mkv", (*picture("20000x100", seconds=0.2), "-c:v", "ffv1"), seconds=0.2, sizes=[(16384, 82)]),
    Odd("too-high.mkv", (*picture("100x20000", seconds=0.2), "-c:v", "ffv1"), seconds=0.2, sizes=[(82, 16384)]),
    Odd(
        "hdr.mp4",
        (
            *picture(),
            *("-c:v", "libx265", "-preset", "ultrafast", "-pix_fmt", "yuv420p10le", "-tag:v", "hvc1"),
            *("-color_primaries", "bt2020", "-color_trc", "smpte2084", "-colorspace", "bt2020nc"),
        ),
    ),
    Odd("4-4-4.mp4", (*picture(), "-c:v", "libx264", "-pix_fmt", "yuv444p")),
    Odd("alpha.mov", (*picture(), "-vf", "format=yuva444p10le", "-c:v", "prores_ks", "-profile:v", "4444")),
    Odd("alpha.webm", (*picture(), "-vf", "format=yuva420p", "-c:v", "libvpx-vp9", "-deadline", "realtime")),
    Odd("sixteen-bit.mkv", (*picture(), "-c:v", "ffv1", "-pix_fmt", "gray16le")),
    Odd(
        "many-tracks.mkv",
        (
            *(*tone(), *tone(), *picture(), *picture("160x120")),
            *("-map", "0", "-map", "1", "-map", "2", "-map", "3", *X264),
        ),
    ),
    Odd(
        "cover-before-the-video.mp4",
        (
            *(*cover(), *tone(), *picture(), "-map", "0", "-map", "1", "-map", "2"),
            *("-c:v:0", "png", "-disposition:v:0", "attached_pic", "-c:v:1", "libx264", "-pix_fmt:v:1", "yuv420p"),
        ),
    ),
    Odd("wide-pixels.mp4", (*picture("720x576"), "-vf", "setsar=64/45", *X264), sizes=[(640, 360), (854, 480)]),
    Odd("strange-pixels.mp4", (*picture("640x360"), "-vf", "setsar=1/9", *X264), sizes=[(72, 360)]),
    Odd(
        "interlaced.ts",
        (*picture("720x576"), "-vf", "setsar=64/45,setfield=tff", "-c:v", "mpeg2video", "-flags", "+ildct+ilme"),
        sizes=[(640, 360), (854, 480)],
    ),
    Odd("time-code.mov", (*picture(), *X264, "-timecode", "01:00:00:00")),
]

FAIL_ONCE = [
    Odd("noise.mp4", (*picture(), *tone(), *X264), damage=with_noise_for_media),
    Odd("shown-before-its-beginning.mp4", (*picture(), *X264, "-output_ts_offset", "-5")),
    Odd(
        "unknown-codec.mkv",
        (*picture(), *tone(), *X264),
        damage=lambda whole: whole.replace(b"V_MPEG4/ISO/AVC", b"V_MPEG9/ISO/ZZZ"),
    ),
    Odd("sound.rm", (*tone(), "-c:a", "ac3", "-f", "rm")),
]

REFUSED = [
    Odd("cover.mp4", (*tone(), *cover(), "-map", "0", "-map", "1", "-c:v", "png", "-disposition:v", "attached_pic")),
    Odd("cover.m4a", (*tone(), *cover(), "-map", "0", "-map", "1", "-c:v", "mjpeg", "-disposition:v", "attached_pic")),
    Odd(
        "cover.flac",
        (
            *tone(),
            *cover(),
            "-map",
            "0",
            "-map",
            "1",
            "-c:v",
            "png",
            "-frames:v",
            "1",
            "-disposition:v",
            "attached_pic",
        ),
    ),
    Odd("moving.gif", picture()),
]


@dataclass(frozen=True)
class CannedProvider:
    """A Coconut account and its storage, as the operator uses them."""

    transcoder: Coconut
    storage: Storage
    s3: S3Access

    def transcode(self, path: Path, facts: SourceFacts) -> tuple[Job, VerifiedOutputs | OutputsProblem | None]:
        """Buy one job for a file and return its end, with what became of it if it completed."""
        order = JobOrder(
            secrets.token_hex(13), 1, "1-word", put(self.s3, path), "http://127.0.0.1:9/hook", facts.orientation
        )
        job_id = self.transcoder.start(order)

        def ended() -> Job | None:
            job = self.transcoder.job(job_id)
            return None if job is None or job.state is JobState.IN_PROGRESS else job

        job = eventually(ended, within_seconds=120)
        assert job is not None
        if job.state is not JobState.COMPLETED:
            return job, None
        seconds = self.transcoder.picture_seconds(job_id)
        return job, self.storage.verify_outputs(order.video_id, order.folder, input_seconds=seconds)


@pytest.fixture
def provider(coconut: CoconutAccess, s3: S3Access) -> CannedProvider:
    settings = settings_for(s3, coconut_service="s3other")
    key = SecretStr(coconut.api_key)
    return CannedProvider(Coconut(coconut.url, key, settings.output_target, timeout_seconds=10), Storage(settings), s3)


def judged(path: Path) -> SourceFacts | SourceProblem:
    body = path.read_bytes()
    facts = ObjectFacts("etag", datetime(2026, 1, 1, tzinfo=UTC), len(body), "video/mp4")
    return judge_source(lambda at, length: body[at : at + length], facts, declared_bytes=len(body), max_bytes=2**30)


@pytest.mark.parametrize("odd", BECOME_STREAMS, ids=lambda odd: odd.name)
def test_an_odd_file_becomes_a_stream_with_one_job(odd: Odd, provider: CannedProvider, tmp_path: Path) -> None:
    path = odd.make(tmp_path)
    facts = judged(path)
    assert isinstance(facts, SourceFacts)
    job, outputs = provider.transcode(path, facts)
    assert (job.state, job.problem) == (JobState.COMPLETED, "")
    assert isinstance(outputs, VerifiedOutputs), outputs
    assert [(each.width, each.height) for each in outputs.renditions] == list(odd.sizes)
    assert outputs.duration_seconds == pytest.approx(odd.seconds, abs=ABOUT_SECONDS)


@pytest.mark.parametrize("odd", FAIL_ONCE, ids=lambda odd: odd.name)
def test_a_file_whose_picture_cannot_be_decoded_fails_for_good(
    odd: Odd, provider: CannedProvider, tmp_path: Path
) -> None:
    path = odd.make(tmp_path)
    facts = judged(path)
    assert isinstance(facts, SourceFacts)
    job, _ = provider.transcode(path, facts)
    assert job.state is JobState.FAILED
    assert job.is_undecodable, job.problem


@pytest.mark.parametrize("odd", REFUSED, ids=lambda odd: odd.name)
def test_music_with_a_cover_and_animated_images_are_refused_before_a_job_is_bought(odd: Odd, tmp_path: Path) -> None:
    problem = judged(odd.make(tmp_path))
    assert isinstance(problem, SourceProblem)
    assert problem.code is FailureCode.NOT_A_VIDEO
