"""The stand-in speaks Coconut's wire format: what it refuses, and the JSON of its responses and callbacks."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devstack.coconut.fields import Json, RefusedJobError
from devstack.coconut.job import UP_TO_WORK, Event, JobRecord, OutputStage, OutputState, new_job_id
from devstack.coconut.outputs import ImagePlan, Resolution, StreamPlan, Variant, parse_variant
from devstack.coconut.request import parse_request
from tests.support.builders.coconut_jobs import a_job, a_storage, a_stream

NOON = datetime(2026, 2, 16, 12, 0, 0, tzinfo=UTC)
OUR_JOB = json.loads((Path(__file__).parents[2] / "controller" / "coconut" / "job.json").read_text())
THUMBNAILS, *STREAMS = parse_request(OUR_JOB).outputs
IMAGES = OutputState(key="thumbs", kind="image", format_text="jpg:640x")
STREAM = OutputState(key="hls", kind="httpstream", format_text="httpstream", weight=2)
MASTER = "http://b/master.m3u8"


def refused(part: str, value: Any, name: str, code: str = "") -> Any:
    code = code or {"input": "input_not_valid", "notification": "notification_not_valid"}.get(part, "")
    return pytest.param(a_job(**{part: value}), code or "output_param_not_valid", id=f"{part}: {name}")


def image(**settings: Any) -> dict[str, Any]:
    return {"jpg": {"path": "/o%d.jpg", **settings}}


def stream(**settings: Any) -> dict[str, Any]:
    return {"httpstream": {**a_stream(["mp4"]), **settings}}


SERVICE, CREDENTIALS = "storage_service_not_valid", "storage_credentials_not_valid"


@pytest.mark.parametrize(
    ("job", "code"),
    [
        pytest.param([], "job_not_valid", id="not-a-hash"),
        refused("input", None, "missing"),
        refused("input", {"url": "file:///etc/passwd"}, "not http"),
        refused("input", {"url": "http://[::1"}, "not a URL"),
        refused("input", {"url": ["http://127.0.0.1/"]}, "not text"),
        refused("storage", None, "missing", SERVICE),
        refused("storage", {"service": "floppy"}, "unknown service", SERVICE),
        refused("storage", a_storage(service="gcs"), "not of this stand-in", SERVICE),
        refused("storage", a_storage(bucket=None), "no bucket", SERVICE),
        refused("storage", a_storage(endpoint=None), "no endpoint", SERVICE),
        refused("storage", a_storage(service="dospaces"), "no region", SERVICE),
        refused("storage", a_storage(credentials=None), "no credentials", CREDENTIALS),
        refused("storage", a_storage(credentials={"access_key_id": "a"}), "no secret", CREDENTIALS),
        refused("notification", None, "missing"),
        refused("notification", {"type": "sns"}, "not http"),
        refused("notification", {"type": "http"}, "no url"),
        refused("notification", {"type": "http", "url": "http://h/", "events": "yes"}, "events not a flag"),
        refused("notification", {"type": "http", "url": "http://h/", "metadata": True}, "metadata not sent"),
        refused("outputs", None, "missing"),
        refused("outputs", {}, "empty"),
        refused("outputs", {"jpg": []}, "empty list"),
        refused("outputs", {"jpg": {}}, "no path"),
        refused("outputs", image(path="/o/"), "path without a file name"),
        refused("outputs", image(path="/../o.jpg"), "path that climbs"),
        refused("outputs", image(path="/o.jpg", number=2), "images without a counter"),
        refused("outputs", image(number=101), "too many images"),
        refused("outputs", image(blur=3), "unknown parameter"),
        refused("outputs", image(**{"if": "wide"}), "bad condition"),
        refused("outputs", {"webm": {"path": "/o.webm"}}, "another container"),
        refused("outputs", {"mp4:0x720": {"path": "/o/"}}, "a file without a name"),
        refused("outputs", {"mp4:0x720:loud": {"path": "/o.mp4"}}, "bad sound"),
        refused("outputs", {"mp4:0x720_0x360": {"path": "/o.mp4"}}, "two sizes"),
        refused("outputs", image(number=2, offsets=[1]), "offsets beside a number"),
        refused("outputs", {"jpg": {"path": "/o.jpg", "interval": 2}}, "an interval without a sprite"),
        refused("outputs", {"jpg": {"path": "/o.jpg", "sprite": {}, "vtt": {"filename": "o.vtt"}}}, "a lone sprite"),
        refused("outputs", stream(hls=None, dash={"path": "/d"}), "dash without HLS"),
        refused("outputs", {"jpg:wide": {"path": "/o.jpg"}}, "bad size"),
        refused("outputs", stream(hls=None), "stream without hls"),
        refused("outputs", stream(dash={"path": "/d"}), "dash"),
        refused("outputs", stream(variants=[]), "no variant"),
        refused("outputs", stream(variants=["webm:0x360"]), "variant not mp4"),
        refused("outputs", stream(variants=["mp4:0x360::quality=6"]), "quality out of range"),
        refused("outputs", {"jpg": [{"path": "/a.jpg"}, {"path": "/b.jpg"}]}, "one key twice"),
        refused(
            "outputs",
            {"jpg": [{"key": f"k{n}", "path": f"/{n}.jpg"} for n in range(31)]},
            "too many outputs",
            "outputs_out_of_range",
        ),
    ],
)
def test_a_job_that_is_not_valid_is_refused_with_coconuts_code(job: object, code: str) -> None:
    with pytest.raises(RefusedJobError) as raised:
        parse_request(job)
    assert raised.value.code == code


def test_a_valid_job_is_parsed() -> None:
    request = parse_request(a_job())
    assert request.input_url == "http://127.0.0.1:1/input.mp4?signature=s"
    assert (request.storage.endpoint_url, request.storage.uses_path_style) == ("http://127.0.0.1:2", True)
    assert request.notification.reference() == {"video": "v1", "attempt": "2", "sig": "0abc"}
    assert [(output.key, output.kind) for output in request.outputs] == [
        ("thumbs", "image"),
        ("hd", "httpstream"),
        ("sd", "httpstream"),
    ]
    images = request.outputs[0].plan
    assert isinstance(images, ImagePlan)
    assert (images.resolution, images.path_of(1)) == (Resolution(640, 0), "/o/thumb_01.jpg")


def test_secrets_are_not_in_the_representation() -> None:
    storage = a_storage(credentials={"access_key_id": "KEY", "secret_access_key": "HUSH"})
    text = repr(parse_request(a_job(storage=storage)))
    assert not [secret for secret in ("KEY", "HUSH", "signature=s", "sig=0abc") if secret in text]


@pytest.mark.parametrize(
    ("text", "variant"),
    [
        ("mp4", Variant(Resolution(), 4, None)),
        ("mp4:0x360", Variant(Resolution(0, 360), 4, None)),
        ("mp4:360x0::quality=5,maxrate=1000k", Variant(Resolution(360, 0), 5, 1000)),
        ("mp4:::quality=4,maxrate=1000k", Variant(Resolution(), 4, 1000)),
    ],
)
def test_a_variant_is_parsed(text: str, variant: Variant) -> None:
    assert parse_variant(text) == variant


@given(st.integers(1, 8192), st.integers(1, 8192))
def test_our_job_makes_exactly_one_stream_of_every_source_and_scales_none_up(width: int, height: int) -> None:
    assert THUMBNAILS.condition is None
    source = {"input.width": float(width), "input.height": float(height), "input.duration": 1.0}
    (made,) = [stream.plan for stream in STREAMS if stream.condition and stream.condition(source)]
    assert isinstance(made, StreamPlan)
    for variant in made.variants:
        assert variant.resolution.width <= width
        assert variant.resolution.height <= height


def test_an_acl_is_sent_to_s3_and_spaces_only() -> None:
    services = {"s3": "public-read", "dospaces": None, "s3other": None}
    for service, default in services.items():
        storage = a_storage(service=service, region="tor1")
        assert parse_request(a_job(storage=storage)).storage.acl == default
        private = parse_request(a_job(storage={**storage, "acl": "private"})).storage.acl
        assert private == (None if service == "s3other" else "private")


def a_state(**changes: Any) -> JobRecord:
    return replace(JobRecord(id="DQbYa9WvYQYiLN", created_at=NOON, outputs=(IMAGES, STREAM)), **changes)


def a_completed_job() -> JobRecord:
    images = replace(IMAGES, stage="done", urls=("http://b/1.jpg", "http://b/2.jpg"))
    return a_state(
        input_status="input.transferred", outputs=(images, replace(STREAM, stage="done", urls=(MASTER,)))
    ).ended(NOON)


def test_the_response_to_a_new_job() -> None:
    assert a_state().body() == {
        "id": "DQbYa9WvYQYiLN",
        "created_at": "2026-02-16 12:00:00 +0000",
        "completed_at": None,
        "status": "job.starting",
        "progress": "0%",
        "input": {"status": "input.starting"},
        "outputs": [
            {"key": "thumbs", "type": "image", "format": "jpg:640x", "status": "image.waiting"},
            {"key": "hls", "type": "httpstream", "format": "httpstream", "status": "httpstream.waiting"},
        ],
    }


STREAM_DATA: Json = {
    "type": "httpstream",
    "status": "httpstream.packaged",
    "progress": "100%",
    "key": "hls",
    "urls": [{"format": "hls", "url": MASTER}],
}
FAILED = a_state().with_output(replace(STREAM, stage="failed", error="It broke."))


@pytest.mark.parametrize(
    ("job", "event", "data"),
    [
        (a_completed_job(), "input.transferred", {"status": "input.transferred", "progress": "100%"}),
        (a_completed_job(), "output.completed", STREAM_DATA),
        (
            FAILED,
            "output.failed",
            {
                "type": "httpstream",
                "status": "httpstream.failed",
                "progress": "0%",
                "key": "hls",
                "error": "It broke.",
            },
        ),
        (a_completed_job(), "job.completed", {"type": "job", **a_completed_job().body()}),
        (FAILED.ended(NOON), "job.failed", {"type": "job", **FAILED.ended(NOON).body()}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_payload_of_a_callback(job: JobRecord, event: Event, data: Json) -> None:
    expected = {"job_id": "DQbYa9WvYQYiLN", "event": event, "metadata": False, "data": data}
    assert job.callback(event, key="hls") == expected


@pytest.mark.parametrize(
    ("stage", "image_status", "stream_status"),
    [
        ("waiting", "image.waiting", "httpstream.waiting"),
        ("queued", "image.queued", "httpstream.queued"),
        ("working", "image.processing", "httpstream.variants.encoding"),
        ("packaging", "image.processing", "httpstream.packaging"),
        ("done", "image.created", "httpstream.packaged"),
        ("failed", "image.failed", "httpstream.failed"),
        ("skipped", "image.skipped", "httpstream.skipped"),
        ("aborted", "image.aborted", "httpstream.aborted"),
    ],
)
def test_each_kind_of_output_has_its_own_statuses(stage: OutputStage, image_status: str, stream_status: str) -> None:
    assert replace(IMAGES, stage=stage).status == image_status
    assert replace(STREAM, stage=stage).status == stream_status


def test_a_stream_prepares_its_variants_before_it_encodes_them() -> None:
    assert [replace(STREAM, stage=stage).status for stage in UP_TO_WORK["httpstream"]] == [
        "httpstream.variants.waiting",
        "httpstream.variants.queued",
        "httpstream.variants.encoding",
    ]


@pytest.mark.parametrize(
    ("stages", "fraction", "percent"),
    [
        pytest.param(("waiting", "waiting"), 0, 0, id="nothing-made"),
        pytest.param(("done", "working"), 0, 33, id="each-variant-weighs-like-an-image"),
        pytest.param(("done", "working"), 0.5, 66, id="half-of-the-stream"),
        pytest.param(("skipped", "working"), 0.5, 50, id="skipped-outputs-do-not-count"),
        pytest.param(("failed", "done"), 0, 99, id="only-the-end-of-the-job-is-100"),
        pytest.param(("skipped", "skipped"), 0, 99, id="all-skipped"),
    ],
)
def test_progress(stages: tuple[OutputStage, OutputStage], fraction: float, percent: int) -> None:
    job = a_state(outputs=(replace(IMAGES, stage=stages[0]), replace(STREAM, stage=stages[1])))
    assert job.with_progress("hls", fraction).progress_percent == percent


@pytest.mark.parametrize(
    ("stages", "status", "ended"),
    [
        (("done", "skipped"), "job.completed", ["done", "skipped"]),
        (("done", "failed"), "job.failed", ["done", "failed"]),
        (("waiting", "waiting"), "job.failed", ["aborted", "aborted"]),
    ],
)
def test_a_job_completes_when_no_output_is_missing(
    stages: tuple[OutputStage, OutputStage], status: str, ended: list[str]
) -> None:
    job = a_state(outputs=(replace(IMAGES, stage=stages[0]), replace(STREAM, stage=stages[1]))).ended(NOON)
    assert (job.status, job.progress_percent) == (status, 100)
    assert [output.stage for output in job.outputs] == ended


def test_a_job_id_has_fourteen_letters_and_digits() -> None:
    ids = {new_job_id() for _ in range(100)}
    assert len(ids) == 100
    assert all(len(job_id) == 14 and job_id.isalnum() for job_id in ids)
