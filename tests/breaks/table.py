"""The changes of docs/invariants.md that its tests must notice, each as text that is replaced in one file or more."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Edit:
    """One replacement. ``was`` occurs exactly once in ``file``, a path below the project."""

    file: str
    was: str
    becomes: str


_SUBMISSION = "controller/rules/submission.py"
_MACHINE = "controller/rules/machine.py"
_NOTIFICATIONS = "database/migrations/versions/0036_captions_event.sql"
_ADMISSION = "charts/video-uploads/templates/admission.yaml"
_READER = "controller/sources/reader.py"
_FETCH = "controller/actions/source_fetch.py"
_NO_UNIQUE_KEY = Edit(
    _NOTIFICATIONS,
    "CREATE UNIQUE INDEX CONCURRENTLY notifications_once",
    "CREATE INDEX CONCURRENTLY notifications_once",
)

# By the words of the page.
BREAKS: dict[str, tuple[Edit, ...]] = {
    "count a submission as lost without waiting for it": (
        Edit(_SUBMISSION, "if now < window_ends or (snapshot.is_incomplete and not is_over(row, now)):", "if False:"),
    ),
    "remove the deadline of `processing`": (
        Edit(
            "domain/schedule.py",
            "return phase_since + timing.scaled(timing.processing_deadline_seconds)",
            "return None",
        ),
    ),
    "start another edition of every ready video": (
        Edit(
            "controller/rules/situation.py",
            "wants_edition = desired.edition > observed.edition",
            "wants_edition = desired.edition > observed.edition or observed.phase is Phase.READY",
        ),
    ),
    "believe a callback that names a job": (
        Edit(
            "controller/loop/look.py",
            "        job = _job(job_id, deps)\n        if job is not None:\n"
            "            return replace(partial, job=job)\n",
            "        return replace(partial, job=_job(job_id, deps) or Job(job_id, JobState.RUNNING, 0))\n",
        ),
    ),
    "ignore missing segments when outputs are verified": (
        Edit(
            "storage/verify/outputs.py",
            '    if missing:\n        raise UnreadableError(f"{missing} of its',
            '    if False:\n        raise UnreadableError(f"{missing} of its',
        ),
    ),
    "remove the revision from the condition of the commit": (
        Edit(
            "database/observations.py",
            "WHERE video_id = %(video_id)s AND observed_revision = %(before)s\n  AND (revision",
            "WHERE video_id = %(video_id)s AND %(before)s::bigint IS NOT NULL\n  AND (revision",
        ),
    ),
    "ignore that a resource was deleted": (
        Edit("controller/loop/handlers.py", 'if event_type == "DELETED":', 'if event_type == "GONE":'),
    ),
    "leave out the comparison of owners": (
        Edit("webapi/http/authorization.py", "if row.desired.owner != caller_of(req).owner:", "if False:"),
    ),
    "log the request's parsed parameters": (
        Edit(
            "webapi/http/request_log.py",
            "            route=route,\n            status",
            "            route=route,\n            parameters=dict(req.params),\n            status",
        ),
    ),
    "leave out the redaction by value": (
        Edit(
            "runtime/logs.py",
            "    if _known is not None:\n        text = _known",
            "    if False:\n        text = _known",
        ),
    ),
    "let a start take any `DATABASE_URL`": (
        Edit("database/settings.py", "Field(min_length=1), AfterValidator(_readable)]", "Field(min_length=1)]"),
    ),
    "keep the URLs in Coconut's messages": (
        Edit("controller/coconut/client.py", '_CONTROL.sub(" ", _URL.sub("[url]", text))', '_CONTROL.sub(" ", text)'),
    ),
    "remove the unique key in Postgres": (_NO_UNIQUE_KEY,),
    "remove it, and give each notification a random id": (
        _NO_UNIQUE_KEY,
        Edit(
            "database/notifications.py",
            "SELECT notification_id(video_id, observed_edition, 'video.' || phase),\n       video_id, observed_edition,"
            " 'video.' || phase, owner, observed_revision, title, metadata,\n       CASE",
            "SELECT gen_random_uuid(),\n       video_id, observed_edition,"
            " 'video.' || phase, owner, observed_revision, title, metadata,\n       CASE",
        ),
    ),
    "record a delivery before it is sent": (
        Edit(
            "controller/notify/deliver.py",
            "    response = _send(delivery, channels)\n    now = clock()\n",
            "    sent = DeliveryResponse(Disposition.ACCEPTED, 200, '')\n"
            "    channels.outbox.record_result(delivery, result_of(sent, delivery, backoff, now), now=now)\n"
            "    response = _send(delivery, channels)\n    now = clock()\n",
        ),
        Edit(
            "controller/notify/deliver.py",
            "\nlog = structlog",
            "\nfrom controller.notify.outcome import Disposition  # noqa\n\nlog = structlog",
        ),
    ),
    "remove only the stable files of a deleted video": (
        Edit(_MACHINE, "if snapshot.is_readable or not snapshot.is_marked:", "if False:"),
    ),
    "sign the job's input for the upload instead of its copy": (
        Edit(
            "controller/actions/submission.py",
            "presign_source(row.original_key,",
            "presign_source(row.desired.storage_key,",
        ),
    ),
    "copy it twice": (
        Edit(
            "controller/actions/index.py",
            "    ctx.deps.storage.keep_original(desired.storage_key, key, etag=source.etag,"
            " file_bytes=source.file_bytes)\n",
            "    ctx.deps.storage.keep_original(desired.storage_key, key, etag=source.etag,"
            " file_bytes=source.file_bytes)\n" * 2,
        ),
    ),
    "keep the upload after its acceptance": (
        Edit(
            "controller/actions/submission.py",
            "    if row.original_key != row.desired.storage_key:\n        with suppress",
            "    if False:\n        with suppress",
        ),
    ),
    "count submissions for no owner": (
        Edit(
            "domain/records.py",
            "return None if self.desired.origin is Origin.KUBERNETES or self.is_of_administrators"
            " else self.desired.owner",
            "return None",
        ),
    ),
    "let a permanent verdict on outputs lead to another attempt": (
        Edit(_SUBMISSION, "if isinstance(outputs, OutputsProblem) and outputs.is_permanent:", "if False:"),
    ),
    "let Coconut's failure on a thumbnail pass for chance": (
        Edit(
            "controller/coconut/client.py",
            "return bool(_PERMANENT.search(problem)) or any(",
            "return bool(_PERMANENT.search(problem)) and any(",
        ),
    ),
    "let a row at rest only retire": (Edit(_MACHINE, "if is_file_due(row, now, timing):", "if False:"),),
    "let the policy's rules on status and spec hold for everyone": (
        Edit(
            _ADMISSION,
            "variables.writesStatus || request.?subResource.orValue('') != 'status'",
            "variables.writesStatus || true",
        ),
    ),
    "let them hold only for what the API wrote": (
        Edit(
            _ADMISSION,
            "(!variables.wasOurs && (oldObject == null || variables.mayApply))",
            "!variables.wasOurs",
        ),
    ),
    "never see that a resource is terminating": (
        Edit("crds/resource.py", "return self.deletion_timestamp is not None", "return False"),
    ),
    "create without looking at the bytes": (
        Edit(
            "database/creation.py",
            "OR counted.used_bytes + coalesce(%(declared_bytes)s::bigint, 1) <= %(bytes_per_day)s::bigint)\n"
            "    RETURNING",
            "OR %(bytes_per_day)s::bigint IS NOT NULL)\n    RETURNING",
        ),
    ),
    "count an undeclared file for nothing as long as it is waited for": (
        Edit(
            "database/migrations/versions/0030_undeclared.sql",
            "AND created_at > (SELECT clock_timestamp() - interval '1 hour'), largest",
            ", largest",
        ),
    ),
    "put all keys into one line": (
        Edit(
            "controller/loop/queue.py",
            "self._due.setdefault(self._owner_of(key), deque())",
            "self._due.setdefault(None, deque())",
        ),
    ),
    "forget which texts were replaced": (
        Edit(
            "controller/actions/captions.py", "gone = names_of(row.captions.replaced) | names_of(", "gone = names_of("
        ),
    ),
    "serve the copies before all are there": (
        Edit(
            "controller/actions/relocation.py",
            "if not storage.copy_stream(video_id, is_private=is_private, at_most=_FILES_IN_A_PASS):",
            "if storage.copy_stream(video_id, is_private=is_private, at_most=_FILES_IN_A_PASS) is None:",
        ),
    ),
    "publish the poster without looking at the visibility": (
        Edit(
            "controller/actions/publication.py",
            "step.outputs.poster_key, is_private=observed.is_private\n",
            "step.outputs.poster_key, is_private=False\n",
        ),
    ),
    "verify a token without comparing its video": (
        Edit(
            "webapi/http/playback_tokens.py",
            "if (grant.video_id, grant.use) != (video_id, use):",
            "if grant.use != use:",
        ),
    ),
    "keep the public playlist until its other files are gone": (
        Edit(
            "controller/actions/relocation.py",
            "    if storage.read_playlist(video_id, is_private=is_private) is not None:\n",
            "    if False:\n",
        ),
    ),
    "never continue a move that was begun": (
        Edit("controller/rules/situation.py", "if observed.is_relocating and observed.phase in AT_REST:", "if False:"),
    ),
    "leave out the exception for what a plan has started": (
        Edit(
            "database/rollouts.py",
            "\n    AND NOT EXISTS (SELECT FROM rollout_videos WHERE plan = %(plan)s AND rollout_videos.video_id ="
            ' videos.video_id)"""',
            '"""',
        ),
    ),
    "compare approvals by hash alone": (
        Edit(
            "database/rollouts.py",
            "%(approved_plan)s::text = plan || '-' || hash",
            "split_part(%(approved_plan)s::text, '-', 2) = hash",
        ),
    ),
    "start without an approval": (Edit("domain/rollouts.py", "if not facts.is_approved:", "if False:"),),
    "request it whatever the revision is by then": (
        Edit("database/commands.py", "if only_at not in (None, before.desired.revision):", "if False:"),
    ),
    "forget that the number was reached": (
        Edit("webapi/admin/bulk.py", "if number_of(row, plan.action) >= one.number:", "if False:"),
    ),
    "apply whatever the price is by then": (
        Edit(
            "webapi/admin/bulk.py",
            "if terms.get(row.desired.profile) != plan.terms.get(row.desired.profile):",
            "if False:",
        ),
    ),
    "take a part of another version for the rest": (
        Edit(
            _READER,
            "_extent(response)[0] == offset and _version(response) == version",
            "_extent(response)[0] == offset",
        ),
    ),
    "believe a part without a length that ends early": (
        Edit(_READER, "if len(piece) < at_most and is_cut:", "if False:"),
    ),
    "fetch a joined file again": (
        Edit(_FETCH, "if self._deps.storage.head(self.row.desired.storage_key) is not None:", "if False:"),
    ),
    "let a late process record its upload": (
        Edit(
            "database/source_fetches.py",
            "upload_id IS NOT DISTINCT FROM %(before)s",
            "(%(before)s::text IS NULL OR true)",
        ),
    ),
    "look at the size only at the end": (Edit(_FETCH, "self._refuse_size(fetched, is_whole=False)", "pass"),),
    "connect to whatever a name leads to": (
        Edit(
            "runtime/ssrf_guard.py",
            "if not are_inside and not all(is_public",
            "if not are_inside and not any(is_public",
        ),
    ),
    "remove the others before the row shows the new one": (
        Edit(
            "controller/actions/posters.py",
            "        shown = ctx.deps.posters.show(row)\n",
            "        for name in sorted(ctx.deps.storage.poster_files(video_id, is_private=is_private)):\n"
            "            if digest is None or name != file_name(digest):\n"
            "                ctx.deps.storage.remove_poster_file(video_id, name, is_private=is_private)\n"
            "        shown = ctx.deps.posters.show(row)\n",
        ),
    ),
    "compare digests instead of choices": (
        Edit(
            "domain/records.py",
            "self.poster != self.poster_published",
            "self.poster.digest != self.poster_published.digest",
        ),
    ),
    "keep EXIF": (
        Edit(
            "domain/poster_picture.py",
            "                _read_application(read, marker, content)\n                continue\n",
            "                _read_application(read, marker, content)\n",
        ),
    ),
}
