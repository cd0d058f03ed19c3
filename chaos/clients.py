"""Clients that retry, leave and make mistakes as real ones do. Each runs in its own thread until its time is over.

They repeat a call that was not answered, as apps do, and accept a refusal that is final.
"""

import json
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import requests

from chaos.files import Files
from chaos.installation import Installation
from chaos.journal import Journal
from chaos.schedule import Behaviour, ClientPlan
from devstack.server import PartFailedError

_ANSWER_WITHIN_SECONDS = 12
_AGAIN_AFTER_SECONDS = 0.7
_LOOK_EVERY_SECONDS = 1.5
_APPLIED_EVERY_SECONDS = 15
_NO_ANSWER = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)
_IMPORTS = "imports/{namespace}/chaos/{name}.mp4"

Json = dict[str, Any]


class EndedError(Exception):
    """The client leaves: its time is over, or an answer refused for good what it wanted."""


@dataclass
class Surroundings:
    """What all clients share. ``until``: when they leave, by the monotonic clock; it may be moved."""

    installed: Installation
    journal: Journal
    files: Files
    until: float


class Client:
    """One client with one upload."""

    def __init__(self, plan: ClientPlan, around: Surroundings) -> None:
        self._plan = plan
        self._around = around
        self._name = f"client-{plan.number}"
        self._draw = random.Random(plan.seed)
        self._api = around.installed.described.api_url + "/api/v1"
        self._token = around.installed.token(self._name)
        self._video_id = ""

    def run(self, began: float) -> None:
        """Do what the plan says, from its time on."""
        _wait(began + self._plan.at - time.monotonic())
        try:
            self._ways()[self._plan.behaviour]()
        except EndedError:
            self._did("left")

    def _ways(self) -> Mapping[Behaviour, Callable[[], None]]:
        video, parts = self._around.files.video, self._around.files.in_parts
        return {
            Behaviour.PLAIN: lambda: self._upload(video),
            Behaviour.REPEATED: lambda: self._upload(video, times=3),
            Behaviour.MULTIPART: lambda: self._upload_in_parts(parts),
            Behaviour.VANISH_CREATED: lambda: self._vanish_after(lambda: self._create(video)),
            Behaviour.VANISH_SENT: lambda: self._vanish_after(lambda: self._send(self._create(video), video)),
            Behaviour.VANISH_PARTS: lambda: self._vanish_after(lambda: self._send_parts(parts, count=1)),
            Behaviour.BAD_ONCE: self._bad_once,
            Behaviour.BAD_TWICE: self._bad_twice,
            Behaviour.SWAP: self._swap,
            Behaviour.DELETE: self._delete,
            Behaviour.RESTORE: self._restore,
            Behaviour.RETRANSCODE: self._retranscode,
            Behaviour.IMPORT: self._import,
        }

    # What clients do

    def _upload(self, content: bytes, *, times: int = 1) -> None:
        upload = self._create(content)
        for _ in range(times - 1):
            upload = self._create(content)
        self._send(upload, content)
        for _ in range(times):
            self._confirm()

    def _upload_in_parts(self, content: bytes) -> None:
        self._send_parts(content, count=2)
        self._confirm()

    def _vanish_after(self, act: Callable[[], object]) -> None:
        act()
        self._did("vanished")

    def _bad_once(self) -> None:
        self._send(self._create(None), self._around.files.no_video)
        self._confirm()
        self._wait_for(lambda shown: shown["error"] is not None)
        self._send(self._new_url(), self._around.files.video)
        self._confirm()

    def _bad_twice(self) -> None:
        self._send(self._create(None), self._around.files.no_video)
        self._confirm()
        self._wait_for(lambda shown: shown["error"] is not None)
        self._send(self._new_url(), self._around.files.no_video)
        self._confirm()
        self._wait_for(lambda shown: shown["status"] == "errored")
        self._act("retry", "retried")
        self._wait_for(lambda shown: shown["status"] == "uploading")
        self._send(self._new_url(), self._around.files.video)
        self._confirm()

    def _swap(self) -> None:
        upload = self._create(None)
        self._send(upload, self._around.files.video)
        self._confirm()
        self._put(upload, self._around.files.other_video)
        self._did("swapped")

    def _delete(self) -> None:
        self._upload(self._around.files.video)
        _wait(self._draw.uniform(0, 8))
        self._delete_video()

    def _restore(self) -> None:
        self._delete()
        _wait(self._draw.uniform(0, 6))
        self._act("restore", "restored")

    def _retranscode(self) -> None:
        self._upload(self._around.files.video)
        self._wait_for(lambda shown: shown["status"] == "ready" and shown["is_playable"])
        self._act("retranscode", "retranscoded")

    def _import(self) -> None:
        """Apply a manifest, and again from time to time: what a GitOps controller does."""
        installed, name = self._around.installed, f"import-{self._plan.number}"
        key = _IMPORTS.format(namespace=installed.described.namespace, name=name)
        manifest = {
            "apiVersion": "video.uploads.dev/v1alpha1",
            "kind": "VideoUpload",
            "metadata": {"name": name, "namespace": installed.described.namespace},
            "spec": {"source": {"storageKey": key}, "title": f"Import {self._plan.number}"},
        }
        installed.put_object(key, self._around.files.video)
        was_imported = False
        while True:
            try:
                installed.kubectl("apply", "--filename=-", stdin=json.dumps(manifest))
            except PartFailedError:
                self._pause(_LOOK_EVERY_SECONDS)
                continue
            if not was_imported:
                self._around.journal.did(self._name, "imported", name=name)
                was_imported = True
            if time.monotonic() > self._around.until - _LOOK_EVERY_SECONDS:
                return
            _wait(min(_APPLIED_EVERY_SECONDS, self._around.until - time.monotonic()))

    # Single steps

    def _create(self, content: bytes | None, *, mode: str = "single") -> Json:
        """Create the upload. The key makes a repetition the same upload."""
        body: Json = {"title": self._name, "filename": f"{self._name}.mp4", "content_type": "video/mp4"}
        body |= {"upload_mode": mode} | ({"size_bytes": len(content)} if content is not None else {})
        created = self._call("POST", "/videos", body, key=f"{self._name}-{self._plan.seed}", accepted=(201,))
        if self._video_id != created["video_id"]:
            self._video_id = created["video_id"]
            self._did("created")
        return created

    def _new_url(self) -> Json:
        return self._call("POST", f"{self._path}/upload_url", accepted=(200,), patient=("upload_closed",))

    def _send(self, upload: Json, content: bytes) -> None:
        while not self._put(upload, content):
            # Too late for this URL, or storage refuses at the moment.
            self._pause(_AGAIN_AFTER_SECONDS)
            upload = self._new_url()
        self._did("put")

    def _send_parts(self, content: bytes, *, count: int) -> None:
        created = self._create(content, mode="multipart")
        size = created["upload"]["part_size"]
        for number in range(1, count + 1):
            while True:
                wanted = {"part_numbers": [number]}
                (part,) = self._call("POST", f"{self._path}/parts", wanted, accepted=(200,))["parts"]
                if self._put(part, content[(number - 1) * size : number * size]):
                    break
                self._pause(_AGAIN_AFTER_SECONDS)
        self._did("put")

    def _put(self, upload: Json, content: bytes) -> bool:
        try:
            answer = requests.put(
                upload["upload_url"], data=content, headers=upload["headers"], timeout=_ANSWER_WITHIN_SECONDS
            )
        except _NO_ANSWER:
            return False
        return answer.ok

    def _confirm(self) -> None:
        self._call(
            "POST", f"{self._path}/upload_complete", accepted=(202,), patient=("object_missing", "parts_missing")
        )
        self._did("confirmed")

    def _delete_video(self) -> None:
        self._call("DELETE", self._path, accepted=(204,))
        self._did("deleted")

    def _act(self, call: str, did: str) -> None:
        self._call("POST", f"{self._path}/{call}", accepted=(200, 202))
        self._did(did)

    def _wait_for(self, is_so: Callable[[Json], bool]) -> None:
        while not is_so(self._call("GET", self._path, accepted=(200,))):
            self._pause(_LOOK_EVERY_SECONDS)

    @property
    def _path(self) -> str:
        return f"/videos/{self._video_id}"

    def _call(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        *,
        key: str | None = None,
        accepted: tuple[int, ...],
        patient: tuple[str, ...] = (),
    ) -> Json:
        """Call until there is an answer that is final. ``patient``: problems that pass with time."""
        headers = {"Authorization": f"Bearer {self._token}"} | ({"Idempotency-Key": key} if key else {})
        while True:
            status, code, shown = self._once(method, path, body, headers)
            if status in accepted:
                return shown
            if code == "invalid_request":
                raise RuntimeError(f"{method} {path}: no client of ours may send what the API calls invalid: {shown}")
            if 400 <= status < 500 and status != 429 and code not in {"idempotency_key_in_use", *patient}:
                raise EndedError(f"{method} {path}: {code}")
            self._pause(_AGAIN_AFTER_SECONDS)

    # Without an answer the status is 0.
    def _once(self, method: str, path: str, body: Json | None, headers: Mapping[str, str]) -> tuple[int, str, Json]:
        try:
            answer = requests.request(
                method, self._api + path, json=body, headers=headers, timeout=_ANSWER_WITHIN_SECONDS
            )
        except _NO_ANSWER as error:
            self._around.journal.answer(self._name, method, path, None, type(error).__name__)
            return 0, "", {}
        shown = answer.json() if answer.content else {}
        self._around.journal.answer(self._name, method, path, answer.status_code, shown.get("code"))
        return answer.status_code, shown.get("code") or "", shown

    def _did(self, did: str) -> None:
        self._around.journal.did(self._name, did, video_id=self._video_id)

    def _pause(self, seconds: float) -> None:
        """Wait before the same again. Raises EndedError when the client's time is over."""
        if time.monotonic() + seconds > self._around.until:
            raise EndedError("its time is over")
        _wait(seconds)


def _wait(seconds: float) -> None:
    threading.Event().wait(max(0, seconds))
