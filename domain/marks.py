"""Marks: small private objects in the bucket that outlive a restore of Postgres. Their keys say everything.

A mark is written before an attempt is paid for, when its job was accepted, and when a video is deleted. A row that is
older than its marks was restored from an older dump; controller/rules/ decides what follows.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from domain import object_keys
from domain.objects import StoredFile

_JOB = re.compile(r"([1-9][0-9]{0,8})-(.+)")


@dataclass(frozen=True)
class Marks:
    """The marks of one video. By the number of the attempt, ``folders``: where its job was to write; ``jobs``: its job.

    ``deleted_revision``: that of the newest desired state that deleted the video; None if none did, or a restore
    removed its mark.
    """

    folders: Mapping[int, str]
    jobs: Mapping[int, str]
    deleted_revision: int | None


def marks_of(video_id: str, files: Iterable[StoredFile]) -> Marks:
    """Return the marks of a video. Of two folders of one attempt the newer counts: the older submission was refused."""
    folders, jobs, deleted = dict[int, str](), dict[int, str](), list[int]()
    for file in sorted(files, key=lambda file: file.last_modified):
        kind, dash, text = file.key.removeprefix(object_keys.marks_prefix(video_id)).partition("-")
        attempt = object_keys.attempt_of_folder(text)
        if kind + dash == object_keys.ATTEMPT_MARK and attempt is not None:
            folders[attempt] = text
        elif kind + dash == object_keys.JOB_MARK and (job := _JOB.fullmatch(text)) is not None:
            jobs[int(job[1])] = unquote(job[2])
        elif kind + dash == object_keys.DELETION_MARK and text.isdecimal():
            deleted.append(int(text))
    return Marks(folders, jobs, max(deleted, default=None))
