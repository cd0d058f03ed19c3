"""The stand-in refuses what Coconut refuses, with Coconut's codes."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devstack.coconut.fields import RefusedJobError
from devstack.coconut.outputs import DEFAULT_VARIANTS, ImagePlan, StreamPlan
from devstack.coconut.request import parse_request
from tests.unit.devstack.coconut.jobs import a_job, a_storage, a_stream

OUR_JOB = json.loads((Path(__file__).parents[2] / "controller" / "coconut" / "job.json").read_text())
THUMBNAILS, *STREAMS = parse_request(OUR_JOB).outputs


def one_output(name: str, settings: Any) -> dict[str, Any]:
    return a_job(outputs={name: settings})


def test_a_valid_job_is_read_whole() -> None:
    request = parse_request(a_job())
    assert request.source.url == "http://127.0.0.1:1/input.mp4?signature=s"
    assert request.storage.bucket.endpoint_url == "http://127.0.0.1:2"
    assert request.storage.bucket.uses_path_style
    assert request.notification.reference() == {"video": "v1", "attempt": "2", "sig": "0abc"}
    assert [output.key for output in request.outputs] == ["thumbs", "hd", "sd"]
    assert [output.kind for output in request.outputs] == ["image", "httpstream", "httpstream"]


@pytest.mark.parametrize(
    ("job", "code"),
    [
        pytest.param([], "job_not_valid", id="not-a-hash"),
        pytest.param(a_job(settings={"fast": True}), "settings_not_valid", id="unknown-setting"),
        pytest.param(a_job(input=None), "input_not_valid", id="no-input"),
        pytest.param(a_job(input={"url": "file:///etc/passwd"}), "input_not_valid", id="input-not-http"),
        pytest.param(a_job(input={"url": "http://[::1"}), "input_not_valid", id="input-not-a-url"),
        pytest.param(a_job(input={"url": ["http://127.0.0.1/"]}), "input_not_valid", id="input-not-text"),
        pytest.param(a_job(storage=None), "storage_service_not_valid", id="no-storage"),
        pytest.param(a_job(storage=a_storage(service="floppy")), "storage_service_not_valid", id="service-unknown"),
        pytest.param(
            a_job(storage={"service": "floppy"}), "storage_service_not_valid", id="service-unknown-and-nothing-else"
        ),
        pytest.param(
            a_job(storage=a_storage(service="gcs")), "storage_service_not_valid", id="service-not-carried-out"
        ),
        pytest.param(a_job(storage={"url": "http://h/"}), "storage_service_not_valid", id="storage-by-form-post"),
        pytest.param(a_job(storage=a_storage(bucket=None)), "storage_service_not_valid", id="no-bucket"),
        pytest.param(a_job(storage=a_storage(endpoint=None)), "storage_service_not_valid", id="no-endpoint"),
        pytest.param(a_job(storage=a_storage(credentials=None)), "storage_credentials_not_valid", id="no-credentials"),
        pytest.param(
            a_job(storage=a_storage(credentials={"access_key_id": "a", "secret_access_key": ""})),
            "storage_credentials_not_valid",
            id="empty-secret",
        ),
        pytest.param(a_job(notification=None), "notification_not_valid", id="no-notification"),
        pytest.param(a_job(notification={"type": "pigeon"}), "notification_not_valid", id="notification-type"),
        pytest.param(a_job(notification={"type": "http"}), "notification_not_valid", id="notification-without-url"),
        pytest.param(
            a_job(notification={"type": "http", "url": "http://h/", "events": "yes"}),
            "notification_not_valid",
            id="events-not-a-bool",
        ),
        pytest.param(a_job(outputs=None), "output_param_not_valid", id="no-outputs"),
        pytest.param(a_job(outputs={}), "output_param_not_valid", id="empty-outputs"),
        pytest.param(one_output("mp4", []), "output_param_not_valid", id="empty-list"),
        pytest.param(one_output("mp4", {}), "output_param_not_valid", id="no-path"),
        pytest.param(one_output("mp4", {"path": "/o/"}), "output_param_not_valid", id="path-without-file-name"),
        pytest.param(one_output("mp4", {"path": "/../o.mp4"}), "output_param_not_valid", id="path-climbs"),
        pytest.param(one_output("mp4:big", {"path": "/o.mp4"}), "output_param_not_valid", id="format-unknown"),
        pytest.param(
            one_output("mp4", {"path": "/o", "notvalid": 1}), "output_param_not_valid", id="parameter-unknown"
        ),
        pytest.param(
            one_output("mp4", {"path": "/o.mp4", "video": {"codec": "h264"}}),
            "output_param_not_valid",
            id="nested-block-of-version-one",
        ),
        pytest.param(
            one_output("mp4", {"path": "/o.mp4", "vflip": True}), "output_param_not_valid", id="not-carried-out"
        ),
        pytest.param(one_output("mp4", {"path": "/o.mp4", "if": "wide"}), "output_param_not_valid", id="bad-condition"),
        pytest.param(one_output("mp4", {"path": "/o.mp4", "fit": "stretch"}), "output_param_not_valid", id="bad-fit"),
        pytest.param(
            one_output("jpg", {"path": "/o.jpg", "number": 2}), "output_param_not_valid", id="images-without-counter"
        ),
        pytest.param(
            one_output("jpg", {"path": "/o%d.jpg", "number": 101}), "output_param_not_valid", id="too-many-images"
        ),
        pytest.param(
            one_output("jpg", {"path": "/o%d.jpg", "number": 1, "interval": 5}),
            "output_param_not_valid",
            id="two-ways-of-counting-images",
        ),
        pytest.param(
            one_output("jpg", {"path": "/o%d.jpg", "offsets": [1, "2"]}),
            "output_param_not_valid",
            id="offset-not-a-number",
        ),
        pytest.param(one_output("httpstream", {"key": "hls"}), "output_param_not_valid", id="stream-without-hls"),
        pytest.param(
            one_output("httpstream", {**a_stream(["mp4"]), "dash": {"path": "/d"}}),
            "output_param_not_valid",
            id="dash-not-carried-out",
        ),
        pytest.param(one_output("httpstream", a_stream(["jpg:640x"])), "output_param_not_valid", id="variant-not-mp4"),
        pytest.param(one_output("httpstream", a_stream([])), "output_param_not_valid", id="no-variant"),
        pytest.param(
            one_output("mp4", [{"path": "/a.mp4"}, {"path": "/b.mp4"}]), "output_param_not_valid", id="same-key-twice"
        ),
        pytest.param(
            one_output("mp4", [{"key": f"k{n}", "path": f"/{n}.mp4"} for n in range(31)]),
            "outputs_out_of_range",
            id="too-many-outputs",
        ),
    ],
)
def test_a_job_that_is_not_valid_is_refused(job: object, code: str) -> None:
    with pytest.raises(RefusedJobError) as refused:
        parse_request(job)
    assert refused.value.code == code


@given(st.integers(1, 8192), st.integers(1, 8192))
def test_of_the_job_that_we_order_exactly_one_stream_is_made_of_every_source(width: int, height: int) -> None:
    assert THUMBNAILS.condition is None
    source = {"input.width": float(width), "input.height": float(height), "input.duration": 1.0}
    made = [stream for stream in STREAMS if stream.condition and stream.condition(source)]
    assert len(made) == 1
    assert isinstance(made[0].plan, StreamPlan)
    for variant in made[0].plan.variants:
        size = variant.video.resolution if variant.video else None
        assert size is None or (size.width <= width and size.height <= height), "a source is never scaled up"


def test_a_stream_without_variants_gets_the_seven_of_coconut() -> None:
    request = parse_request(one_output("httpstream", {"hls": {"path": "hls"}}))
    plan = request.outputs[0].plan
    assert isinstance(plan, StreamPlan)
    assert plan.variants[0].text == "mp4:x:64k"
    assert len(plan.variants) == len(DEFAULT_VARIANTS) == 7
    assert plan.playlist_name == "master"


def test_images_are_counted_from_one() -> None:
    request = parse_request(one_output("jpg:640x", {"path": "/t/100%/thumb_%.2d.jpg", "number": 2}))
    plan = request.outputs[0].plan
    assert isinstance(plan, ImagePlan)
    assert plan.path_of(1) == "/t/100%/thumb_01.jpg"


def test_params_become_part_of_the_query() -> None:
    notification = {"type": "http", "url": "http://h/hook?video=v1", "params": {"attempt": 3, "note": "a b"}}
    request = parse_request(a_job(notification=notification))
    assert request.notification.url == "http://h/hook?video=v1&attempt=3&note=a+b"
    assert not request.notification.wants_events


def test_an_acl_is_honoured_by_s3_and_spaces_only() -> None:
    services = {"s3": "public-read", "dospaces": None, "s3other": None}
    for service, default in services.items():
        storage = a_storage(service=service, region="tor1")
        assert parse_request(a_job(storage=storage)).storage.acl == default
        private = parse_request(a_job(storage={**storage, "acl": "private"})).storage.acl
        assert private == (None if service == "s3other" else "private")


def test_secrets_do_not_show_in_the_representation() -> None:
    shown = repr(
        parse_request(a_job(storage=a_storage(credentials={"access_key_id": "KEY", "secret_access_key": "HUSH"})))
    )
    assert "HUSH" not in shown
    assert "KEY" not in shown
    assert "signature=s" not in shown
    assert "sig=0abc" not in shown
