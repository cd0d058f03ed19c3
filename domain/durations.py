"""The durations of an upload's life that an installation sets, and the bounds that keep its promises.

This is their one list: the settings of both processes, the chart's values and schema, and the table in
docs/operations.md are made of it. The rules that use them are in domain/schedule.py.
"""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

_MINUTE, _HOUR, _DAY = 60, 3600, 24 * 3600
# S3's signatures are valid for a week at most (AWS Signature Version 4, X-Amz-Expires).
_LONGEST_SIGNATURE = 7 * _DAY
# The job's input URL must outlive the deadline of the job, which may wait in the provider's queue.
SOURCE_URL_MARGIN_SECONDS = _HOUR


def _seconds(default: float, at_least: float, at_most: float, description: str) -> float:
    """Declare a duration. The description is its comment in the chart and its line in the docs."""
    field: float = Field(default=default, ge=at_least, le=at_most, description=description)
    return field


class Durations(BaseModel):
    """Each field is a setting of both processes, by its name in upper case."""

    model_config = ConfigDict(frozen=True)

    pending_deadline_seconds: float = _seconds(
        _HOUR, _MINUTE, 7 * _DAY, "How long an upload may wait for its upload URL."
    )
    uploading_deadline_seconds: float = _seconds(
        _DAY, 10 * _MINUTE, 7 * _DAY, "How long an upload may wait for its file, or for the next part of it."
    )
    # A week for a phone on a train. Abandoned parts are aborted a day later, and Spaces removes them after 30 days.
    uploading_longest_seconds: float = _seconds(
        7 * _DAY, 10 * _MINUTE, 28 * _DAY, "How long an upload in parts may take in total."
    )
    uploaded_deadline_seconds: float = _seconds(
        7 * _DAY,
        _HOUR,
        30 * _DAY,
        "How long a verified file may wait for a job, such as while the provider is away.",
    )
    processing_deadline_seconds: float = _seconds(
        6 * _HOUR, 10 * _MINUTE, _LONGEST_SIGNATURE - SOURCE_URL_MARGIN_SECONDS, "How long one job may take."
    )
    # Early at first, for quick uploads, then rarely: a confirmation nudges, so a check finds only the file of a client
    # that vanished after sending it.
    uploading_first_check_seconds: float = _seconds(
        5, 1, 10 * _MINUTE, "Interval between checks of a new upload that waits for its file."
    )
    uploading_last_check_seconds: float = _seconds(
        15 * _MINUTE, 1, _HOUR, "Longest interval between checks of an older one."
    )
    # A confirmed file is about to be verified; nothing but an outage of storage delays that.
    confirmed_last_check_seconds: float = _seconds(
        _MINUTE, 1, _HOUR, "Longest interval between checks of one whose file was confirmed."
    )
    uploaded_first_check_seconds: float = _seconds(
        5, 1, 10 * _MINUTE, "Interval between checks of a new upload that waits for a job."
    )
    # A limit that holds an upload back wakes it when it can go on. This is as long as the breaker may stay open, since
    # one upload has to try the provider then.
    uploaded_last_check_seconds: float = _seconds(
        10 * _MINUTE, 1, _HOUR, "Longest interval between checks of an older one."
    )
    # Coconut bills by output, not by request. Its rate limit is unpublished, so ask at most every 15 s.
    processing_first_check_seconds: float = _seconds(
        15, 5, 10 * _MINUTE, "Interval between requests to the provider about a new job, besides its callbacks."
    )
    processing_last_check_seconds: float = _seconds(
        2 * _MINUTE, 5, _HOUR, "Longest interval between requests about an older one."
    )
    # The job's first callback names it. Longer than a submission may take to be sent and answered.
    resolve_window_seconds: float = _seconds(
        15 * _MINUTE, 2 * _MINUTE, _DAY, "After this time a submission that no job has claimed counts as lost."
    )
    job_lost_seconds: float = _seconds(
        15 * _MINUTE, 15 * _MINUTE, _DAY, "After this time a job that the provider no longer knows counts as lost."
    )
    retry_first_delay_seconds: float = _seconds(30, 1, _HOUR, "Pause before the second attempt; it doubles with each.")
    retry_last_delay_seconds: float = _seconds(15 * _MINUTE, 1, _DAY, "Longest pause between two attempts.")
    upload_url_seconds: float = _seconds(
        15 * _MINUTE, _MINUTE, _LONGEST_SIGNATURE, "How long a signed URL for a file, or for a part of it, is valid."
    )
    # A download must begin within this time; it may take longer.
    download_url_seconds: float = _seconds(
        5 * _MINUTE, _MINUTE, _LONGEST_SIGNATURE, "How long a signed URL for an original is valid."
    )
    retire_ready_seconds: float = _seconds(
        _HOUR,
        _MINUTE,
        365 * _DAY,
        "A ready or deleted upload's resource leaves Kubernetes after this time; its row stays.",
    )
    retire_errored_seconds: float = _seconds(14 * _DAY, _MINUTE, 365 * _DAY, "The same for an errored upload.")
    # Until then a retry needs no other file. A day at least, so that a person can look at it.
    errored_file_seconds: float = _seconds(
        14 * _DAY, _DAY, 3650 * _DAY, "The file of a failed upload, rejected or accepted, is removed after this time."
    )
    # A week at least: the limits of a day count its rows, and its owner may be on holiday.
    errored_row_seconds: float = _seconds(
        90 * _DAY, 7 * _DAY, 3650 * _DAY, "A failed upload that is not retried is deleted after this time."
    )
    # A day at least: the limits of a day count rows, and a purge must not give back what was used.
    delete_grace_seconds: float = _seconds(
        7 * _DAY, _DAY, 365 * _DAY, "How long a deleted video can be restored before its files are removed."
    )

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        values = {name: getattr(self, name) for name in Durations.model_fields}
        for shorter, longer in BELOW:
            if not values[shorter] < values[longer]:
                raise ValueError(f"{shorter.upper()} must be below {longer.upper()}")
        for shorter, longer in AT_MOST:
            if not values[shorter] <= values[longer]:
                raise ValueError(f"{shorter.upper()} must be at most {longer.upper()}")
        return self


# Otherwise the phase would end before a lost submission or job is noticed and another one follows.
BELOW = (
    ("resolve_window_seconds", "uploaded_deadline_seconds"),
    ("retry_last_delay_seconds", "uploaded_deadline_seconds"),
    ("job_lost_seconds", "processing_deadline_seconds"),
)
AT_MOST = (
    ("uploading_deadline_seconds", "uploading_longest_seconds"),
    # A URL that outlives its upload would accept a file that no pass looks for.
    ("upload_url_seconds", "uploading_deadline_seconds"),
    ("uploading_first_check_seconds", "uploading_last_check_seconds"),
    ("uploading_first_check_seconds", "confirmed_last_check_seconds"),
    ("uploaded_first_check_seconds", "uploaded_last_check_seconds"),
    ("processing_first_check_seconds", "processing_last_check_seconds"),
    ("retry_first_delay_seconds", "retry_last_delay_seconds"),
    ("errored_file_seconds", "errored_row_seconds"),
)
