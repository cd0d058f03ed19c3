"""For each alert, series that make it fire and similar ones that do not, in promtool's notation."""

from collections.abc import Mapping
from dataclasses import dataclass

Series = Mapping[str, str]

LEADER = 'leader_election_master_status{name="videoupload",pod="a"}'
STANDBY = 'leader_election_master_status{name="videoupload",pod="b"}'
IN_TORONTO = 'leader_election_master_status{name="videoupload",namespace="video",region="tor1",pod="a"}'
IN_FRANKFURT = 'leader_election_master_status{name="videoupload",namespace="video",region="fra1",pod="b"}'
EXPECTED_IN_FRANKFURT = 'video_uploads_operator_expected{namespace="video",region="fra1",pod="api"}'
PASSES = 'controller_runtime_reconcile_total{controller="videoupload",result="success"}'
FAILED = 'controller_runtime_reconcile_errors_total{controller="videoupload"}'
BROKEN = 'controller_runtime_reconcile_panics_total{controller="videoupload"}'
DEPTH = 'workqueue_depth{name="videoupload"}'
WORKERS = 'controller_runtime_max_concurrent_reconciles{controller="videoupload"}'
OLDEST = "video_uploads_queue_oldest_seconds"
BEAT = 'video_uploads_heartbeat_age_seconds{part="resync"}'
BEAT_LIMIT = 'video_uploads_heartbeat_limit_seconds{part="resync"}'
BEHIND = 'video_uploads_clock_skew_seconds{pod="a",against="postgres"}'
RIGHT = 'video_uploads_clock_skew_seconds{pod="b",against="storage"}'
LONGEST = 'workqueue_longest_running_processor_seconds{name="videoupload"}'
LISTED = "video_uploads_resources_listed_timestamp_seconds"
OK = 'video_uploads_http_request_seconds_count{method="GET",route="/livez",status="200"}'
BAD = 'video_uploads_http_request_seconds_count{method="POST",route="/api/v1/videos",status="503"}'
NOT_READY = 'video_uploads_http_request_seconds_count{method="GET",route="/readyz",status="503"}'
READY = 'video_uploads_ended_total{result="ready",stage="",code=""}'
LOST = 'video_uploads_ended_total{result="errored",stage="transcode",code="job_lost"}'
DAMAGED = 'video_uploads_ended_total{result="errored",stage="file",code="video_undecodable"}'
NO_VIDEO = 'video_uploads_ended_total{result="errored",stage="upload",code="not_a_video"}'
QUICK = 'video_uploads_overhead_seconds_bucket{handover="publication",le="5"}'
ALL = 'video_uploads_overhead_seconds_bucket{handover="publication",le="7.5"}'
INFINITE = 'video_uploads_overhead_seconds_bucket{handover="publication",le="+Inf"}'
CLOSED = 'video_uploads_breaker{state="closed"}'
STORAGE = 'video_uploads_storage{state="available"}'
SPEND = 'video_uploads_spend_dollars_total{variant="hd"}'
LIMIT = "video_uploads_spend_limit_dollars"
MINUTES = "video_uploads_day_billed_seconds"
ROLLOUT = 'video_uploads_rollout_stopped{profile="modern"}'
DAY = "video_uploads_day_billed_seconds_limit"
APPLIED = 'video_uploads_publish_total{result="applied"}'
NOT_APPLIED = 'video_uploads_publish_total{result="unavailable"}'
UNAPPLIED = "video_uploads_publish_waiting_seconds"
WITHOUT_PLACE = "video_uploads_without_place_seconds"
UNSENT = "video_uploads_outbox_overdue_seconds"
UNDELIVERED = 'video_uploads_deliveries_waiting_seconds{channel="webhook"}'
RECORDED = 'video_uploads_callbacks_total{result="recorded"}'
FORGED = 'video_uploads_callbacks_total{result="forged"}'
GIVEN_UP = 'video_uploads_deliveries_total{channel="webhook",result="failed"}'
PUT_OFF = 'video_uploads_deliveries_total{channel="webhook",result="deferred"}'
MISSING = "video_uploads_callbacks_missing_total"
FULL_TURN = 'video_uploads_audit_last_success_timestamp_seconds{mode="full"}'
TURN_BROKE = 'video_uploads_audit_runs_total{mode="full",result="panic"}'
REFUSED = 'video_uploads_coconut_requests_total{operation="start",code="401"}'
UP_AND_DOWN = " ".join(["40 0"] * 30)
BUSY = 'video_uploads_coconut_requests_total{operation="start",code="429"}'


@dataclass(frozen=True)
class Case:
    """One alert at one moment: with ``fires`` it does, with ``quiet`` it does not."""

    alert: str
    fires: Series
    quiet: Series
    at: str = "30m"


CASES = (
    Case("VideoUploadsOperatorDown", {PASSES: "0x60"}, {LEADER: "0x60"}),
    Case(
        "VideoUploadsOperatorDown",
        {IN_TORONTO: "1x60", EXPECTED_IN_FRANKFURT: "1x60"},
        {IN_TORONTO: "1x60", IN_FRANKFURT: "0x60", EXPECTED_IN_FRANKFURT: "1x60"},
    ),
    Case("VideoUploadsNoLeader", {LEADER: "0x60", STANDBY: "0x60"}, {LEADER: "1x60", STANDBY: "0x60"}),
    Case("VideoUploadsTwoLeaders", {LEADER: "1x60", STANDBY: "1x60"}, {LEADER: "1x60", STANDBY: "0x60"}),
    Case("VideoUploadsApiDown", {LEADER: "1x60"}, {"video_uploads_publish_waiting": "0x60"}),
    Case("VideoUploadsApiErrors", {OK: "0+90x60", BAD: "0+10x60"}, {OK: "0+90x60", NOT_READY: "0+10x60"}),
    Case(
        "VideoUploadsReconcileErrors", {PASSES: "0+100x60", FAILED: "0+20x60"}, {PASSES: "0+100x60", FAILED: "0+5x60"}
    ),
    Case("VideoUploadsPassPanicked", {BROKEN: "0x20 1x40"}, {BROKEN: "1x60"}),
    Case("VideoUploadsQueueBacklog", {DEPTH: "40x60", WORKERS: "16x60"}, {DEPTH: UP_AND_DOWN, WORKERS: "16x60"}),
    Case("VideoUploadsQueueBacklog", {DEPTH: "1x60", WORKERS: "16x60", OLDEST: "400x60"}, {OLDEST: "200x60"}),
    Case("VideoUploadsPublisherBacklog", {UNAPPLIED: "90x60"}, {UNAPPLIED: "0x10 90x2 0x48"}),
    Case(
        "VideoUploadsPublisherBacklog",
        {APPLIED: "0+8x60", NOT_APPLIED: "0+2x60"},
        {APPLIED: "0+98x60", NOT_APPLIED: "0+2x60", UNAPPLIED: "1x60"},
    ),
    Case("VideoUploadsClockSkewed", {BEHIND: "-600x60", RIGHT: "0x60"}, {BEHIND: "-5x60", RIGHT: "0.5x60"}),
    Case(
        "VideoUploadsPartStuck",
        {BEAT: "0+60x60", BEAT_LIMIT: "120x60"},
        {BEAT: " ".join(["0 90"] * 30), BEAT_LIMIT: "120x60"},
    ),
    Case("VideoUploadsPassStuck", {LONGEST: "0+60x60"}, {LONGEST: "60x60"}),
    Case("VideoUploadsWatchStale", {LISTED: "1x60", LEADER: "1x60"}, {LISTED: "1+60x60", LEADER: "1x60"}),
    Case("VideoUploadsWatchStale", {LISTED: "1x60", LEADER: "1x60"}, {LISTED: "0x60", LEADER: "0x60"}),
    Case(
        "VideoUploadsNoStats",
        {LEADER: "1x60"},
        {LEADER: "1x60", 'video_uploads_in_phase{phase="ready"}': "0x60"},
    ),
    Case("VideoUploadsSuccessRateLow", {READY: "0+90x60", LOST: "0+10x60"}, {READY: "0+90x60", NO_VIDEO: "0+10x60"}),
    Case("VideoUploadsSuccessRateLow", {READY: "0+90x60", LOST: "0+10x60"}, {READY: "0+90x60", DAMAGED: "0+10x60"}),
    # A slow burn: 4 % for six hours.
    Case(
        "VideoUploadsSuccessRateLow",
        {READY: "0+96x400", LOST: "0+4x400"},
        {READY: "0+998x400", LOST: "0+2x400"},
        at="390m",
    ),
    # One failure in a quiet night is no burn.
    Case("VideoUploadsSuccessRateLow", {READY: "0+1x60", LOST: "0+1x60"}, {READY: "0+1x60", LOST: "0x20 1x40"}),
    Case(
        "VideoUploadsOverheadHigh",
        {QUICK: "0+80x60", ALL: "0+100x60", INFINITE: "0+100x60"},
        {QUICK: "0+99x60", ALL: "0+100x60", INFINITE: "0+100x60"},
        at="50m",
    ),
    Case("VideoUploadsOverdue", {"video_uploads_overdue": "2x60"}, {"video_uploads_overdue": "0x15 2x5 0x40"}),
    Case("VideoUploadsWaitingForCapacity", {WITHOUT_PLACE: "1801+60x60"}, {WITHOUT_PLACE: "0+60x20 0+60x40"}, at="50m"),
    Case(
        "VideoUploadsUncertainSubmissions",
        {"video_uploads_submissions_uncertain": "1x60"},
        {"video_uploads_submissions_uncertain": "0x30 1x30"},
        at="50m",
    ),
    Case(
        "VideoUploadsDuplicateSubmission",
        {'video_uploads_audit_findings{finding="doubled_job"}': "1x60"},
        {'video_uploads_audit_findings{finding="quarantine_due"}': "1x60"},
    ),
    Case("VideoUploadsCoconutRefusesUs", {REFUSED: "0+1x60"}, {BUSY: "0+1x60"}),
    Case("VideoUploadsSubmissionsPaused", {CLOSED: "0x60"}, {CLOSED: "0x5 1x5 0x5 1x45"}),
    Case("VideoUploadsStorageUnavailable", {STORAGE: "0x60"}, {STORAGE: "0x3 1x57"}),
    Case("VideoUploadsSpendHigh", {SPEND: "0+1x60", LIMIT: "20x60"}, {SPEND: "0+1x60", LIMIT: "0x60"}),
    Case("VideoUploadsRolloutStopped", {ROLLOUT: "0x10 1x50"}, {ROLLOUT: "0x60"}),
    Case("VideoUploadsDayMinutesSpent", {MINUTES: "91x60", DAY: "100x60"}, {MINUTES: "91x60", DAY: "0x60"}),
    Case(
        "VideoUploadsCallbacksFailing", {RECORDED: "0+9x60", FORGED: "0+2x60"}, {RECORDED: "0+99x60", FORGED: "0+1x60"}
    ),
    Case("VideoUploadsCallbacksMissing", {MISSING: "0+1x60"}, {MISSING: "0x10 1x50"}),
    Case("VideoUploadsDeliveriesFailed", {GIVEN_UP: "0x10 1x50"}, {GIVEN_UP: "1x60", PUT_OFF: "0+5x60"}),
    Case("VideoUploadsOutboxBacklog", {UNSENT: "0+60x60"}, {UNSENT: "0+60x4 0x56", UNDELIVERED: "20000x60"}),
    Case("VideoUploadsOutboxBacklog", {UNDELIVERED: "21601x60"}, {UNDELIVERED: "0+60x60"}),
    # At the start of a test the clock stands at 0.
    Case("VideoUploadsAuditFailed", {FULL_TURN: "-172000x60"}, {FULL_TURN: "-100000x60"}),
    Case("VideoUploadsAuditFailed", {TURN_BROKE: "0x10 1x50"}, {TURN_BROKE: "1x60"}),
    Case(
        "VideoUploadsAuditFindings",
        {'video_uploads_audit_findings{finding="outputs_broken"}': "1x500"},
        {'video_uploads_audit_findings{finding="outputs_broken"}': "1x360 0x140"},
        at="480m",
    ),
)
