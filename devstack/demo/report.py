"""The demo's output: the file, the result, and the time of each phase. Pure."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from devstack.demo.clip import Clip
from devstack.demo.player import DECODED_SECONDS, PlayedRendition
from videoupload import Video
from videoupload.formatting import megabytes


def clip_line(clip: Clip) -> str:
    """Describe the file."""
    width, height = clip.size
    sound = "sound" if clip.has_sound else "no sound"
    return f"{clip.path}: {clip.duration_seconds:.1f} s, {width}x{height}, {sound}, {megabytes(clip.file_bytes)}"


def played_line(played: PlayedRendition) -> str:
    """Describe one played rendition."""
    segments = f"{played.segments} segment{'s' if played.segments != 1 else ''}"
    return (
        f"{played.size:>9}: ENDLIST, {segments} ({megabytes(played.segment_bytes)}), {played.duration_seconds:.1f} s;"
        f" first {DECODED_SECONDS} s decoded: {played.pictures} pictures, {'with' if played.sounds else 'no'} sound"
    )


def result_lines(video: Video, seconds_by_phase: Mapping[str, float], kubectl: str) -> Sequence[str]:
    """Describe a ready video."""
    spent = " · ".join(f"{phase} {seconds:.1f} s" for phase, seconds in seconds_by_phase.items())
    renditions = [
        f"{rendition.width}x{rendition.height}, up to {rendition.bandwidth / 1e6:.1f} Mbit/s ({rendition.codecs})"
        for rendition in video.renditions
    ]
    return [
        f"playback     {video.playback_url}",
        f"thumbnail    {video.thumbnail_url}",
        *(f"{'renditions' if number == 0 else '':<12} {text}" for number, text in enumerate(renditions)),
        f"time         {spent}",
        f"look at it   {kubectl}",
    ]


def page_line(web_url: str, token: str) -> str:
    """Return the page's address with a token, which the page removes from the address at once."""
    return f"in a browser {web_url}/#token={token}"


def kubectl_line(kubectl: Path, *, kubeconfig: str, namespace: str, video_id: str) -> str:
    """Return a shell command that shows the resource, from any directory of this machine."""
    program = str(kubectl) if kubectl.exists() else "kubectl"
    words = [program, f"--kubeconfig={kubeconfig}", f"--namespace={namespace}", "get", "vu", video_id, "-o", "wide"]
    return shlex.join(words)
