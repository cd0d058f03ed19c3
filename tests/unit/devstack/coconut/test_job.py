"""The JSON of answers and callbacks, field by field as Coconut documents and others have recorded it."""

from datetime import UTC, datetime

from devstack.coconut.job import UP_TO_WORK, Job, OutputState, new_job_id

NOON = datetime(2026, 2, 16, 12, 0, 0, tzinfo=UTC)
OUTPUTS = (
    OutputState(key="mp4", kind="video", format_text="mp4:0x480"),
    OutputState(key="thumbs", kind="image", format_text="jpg:640x"),
    OutputState(key="hls", kind="httpstream", format_text="httpstream"),
)


def a_job(**changes: object) -> Job:
    return Job(id="DQbYa9WvYQYiLN", created_at=NOON, outputs=OUTPUTS).model_copy(update=changes)


def finished() -> Job:
    return a_job(
        status="job.completed",
        completed_at=NOON,
        progress_percent=100,
        input_status="input.transferred",
        input_metadata={"streams": [], "format": {"duration": "4.000000"}},
        outputs=(
            OUTPUTS[0].model_copy(update={"stage": "done", "urls": ("http://b/o.mp4",), "metadata": {"streams": []}}),
            OUTPUTS[1].model_copy(update={"stage": "done", "urls": ("http://b/1.jpg", "http://b/2.jpg")}),
            OUTPUTS[2].model_copy(update={"stage": "done", "urls": ("http://b/master.m3u8",)}),
        ),
    )


def test_a_new_job_is_shown_as_starting() -> None:
    assert a_job().body() == {
        "id": "DQbYa9WvYQYiLN",
        "created_at": "2026-02-16 12:00:00 +0000",
        "completed_at": None,
        "status": "job.starting",
        "progress": "0%",
        "input": {"status": "input.starting"},
        "outputs": [
            {"key": "mp4", "type": "video", "format": "mp4:0x480", "status": "video.waiting"},
            {"key": "thumbs", "type": "image", "format": "jpg:640x", "status": "image.waiting"},
            {"key": "hls", "type": "httpstream", "format": "httpstream", "status": "httpstream.waiting"},
        ],
    }


def test_each_type_of_output_shows_its_result_in_its_own_shape() -> None:
    assert [output.result() for output in finished().outputs] == [
        {"url": "http://b/o.mp4"},
        {"urls": ["http://b/1.jpg", "http://b/2.jpg"]},
        {"urls": [{"format": "hls", "url": "http://b/master.m3u8"}]},
    ]


def test_each_type_of_output_has_its_own_words_for_its_stages() -> None:
    words = {
        stage: [output.model_copy(update={"stage": stage}).status for output in OUTPUTS]
        for stage in ("queued", "working", "packaging", "done", "failed", "skipped", "aborted")
    }
    assert words == {
        "queued": ["video.queued", "image.queued", "httpstream.queued"],
        "working": ["video.encoding", "image.processing", "httpstream.variants.encoding"],
        "packaging": ["video.encoding", "image.processing", "httpstream.packaging"],
        "done": ["video.encoded", "image.created", "httpstream.packaged"],
        "failed": ["video.failed", "image.failed", "httpstream.failed"],
        "skipped": ["video.skipped", "image.skipped", "httpstream.skipped"],
        "aborted": ["video.aborted", "image.aborted", "httpstream.aborted"],
    }
    stream = OUTPUTS[2]
    assert [stream.model_copy(update={"stage": stage}).status for stage in UP_TO_WORK["httpstream"]] == [
        "httpstream.variants.waiting",
        "httpstream.variants.queued",
        "httpstream.variants.encoding",
    ]


def test_the_final_callback_carries_the_whole_job() -> None:
    job = finished()
    assert job.callback("job.completed") == {
        "job_id": "DQbYa9WvYQYiLN",
        "event": "job.completed",
        "metadata": False,
        "data": {"type": "job", **job.body()},
    }


def test_the_callback_of_an_output_carries_its_key_and_result() -> None:
    assert finished().callback("output.completed", key="hls") == {
        "job_id": "DQbYa9WvYQYiLN",
        "event": "output.completed",
        "metadata": False,
        "data": {
            "type": "httpstream",
            "status": "httpstream.packaged",
            "progress": "100%",
            "key": "hls",
            "urls": [{"format": "hls", "url": "http://b/master.m3u8"}],
        },
    }


def test_a_failed_output_carries_free_text_and_no_code() -> None:
    failed = a_job().with_output(OUTPUTS[0].model_copy(update={"stage": "failed", "error": "It broke."}))
    assert failed.callback("output.failed", key="mp4")["data"] == {
        "type": "video",
        "status": "video.failed",
        "progress": "0%",
        "key": "mp4",
        "error": "It broke.",
    }


def test_metadata_is_in_callbacks_only_when_asked_for() -> None:
    told = finished().callback("input.transferred", with_metadata=True)
    assert told["metadata"] is True
    assert told["data"] == {
        "status": "input.transferred",
        "progress": "100%",
        "metadata": {"streams": [], "format": {"duration": "4.000000"}},
    }
    assert "metadata" not in str(finished().callback("input.transferred")["data"])


def test_the_metadata_of_outputs_is_a_list_of_one_key_objects() -> None:
    assert finished().metadata_body() == {
        "job_id": "DQbYa9WvYQYiLN",
        "metadata": {
            "input": {"streams": [], "format": {"duration": "4.000000"}},
            "outputs": [{"mp4": {"streams": []}}],
        },
    }


def test_a_job_that_is_taken_up_again_starts_from_the_beginning() -> None:
    assert finished().restarted() == a_job()


def test_ids_have_fourteen_characters_and_differ() -> None:
    ids = {new_job_id() for _ in range(100)}
    assert len(ids) == 100
    assert all(len(job_id) == 14 and job_id.isalnum() for job_id in ids)
