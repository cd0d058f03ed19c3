import { describe, expect, it } from "vitest";

import { tiles, verdict } from "../src/admin/health";
import { isMoving, nextPoll, type Overview, PHASES, type Video } from "video-uploads-client";

import { canConvertAgain, canRetry, needsFile, describeState } from "../src/videos/states";
import { duration, fileSize, relative } from "../src/ui/format";
import { commandFor } from "../src/watch/keys";
import { choices } from "../src/watch/quality";

const VIDEO: Video = {
  id: "v",
  title: "Cats",
  status: "processing",
  revision: "1.1",
  playback_url: null,
  thumbnail_url: null,
  poster: null,
  visibility: "public",
  embed_origins: null,
  profile: "hls-1080p",
  region: "tor1",
  source_url: null,
  metadata: {},
  is_playable: false,
  progress: 40,
  reason: "Transcoding",
  waiting_for: "the transcoding job to finish",
  what_to_do: null,
  phase_since: "2026-01-01T00:00:00Z",
  next_check_at: null,
  deadline_at: null,
  attempt: 1,
  submissions_left: 2,
  edition: 1,
  edition_status: "processing",
  error: null,
  renditions: [],
  duration_seconds: null,
  filename: "cats.mp4",
  size_bytes: 9,
  created_at: "2026-01-01T00:00:00Z",
  deleted_at: null,
  restorable_until: null,
};
const READY: Partial<Video> = {
  ...{ status: "ready", edition_status: "ready", is_playable: true, reason: "Published" },
  ...{ waiting_for: null, what_to_do: null },
};
const ERROR = { code: "transcode_failed", message: "the job failed", stage: "transcode", retryable: true, what_to_do: "Retry." };
const FAILED: Partial<Video> = {
  ...{ status: "errored", edition_status: "errored", reason: "TranscodeFailed", error: ERROR },
  ...{ waiting_for: "a person", what_to_do: "Retry." },
};
const BEHIND: Partial<Video> = { waiting_for: "the operator to start the requested work", what_to_do: null };
const DELETED: Partial<Video> = { deleted_at: "2026-01-02T00:00:00Z", reason: "Deleted" };

const video = (changes: Partial<Video>): Video => ({ ...VIDEO, ...changes });

describe("the description of a video's state", () => {
  it.each<[string, Partial<Video>, number | undefined, string, number | null]>([
    ["an upload in this tab outranks the service's state", { status: "uploading" }, 12, "Sending", 12],
    ["a job shows its progress", {}, undefined, "Converting", 40],
    ["an expected file shows no progress", { status: "uploading", reason: "WaitingForFile" }, undefined, "Waiting for file", null],
    ["a refused file", { status: "uploading", reason: "FileRejected" }, undefined, "Refused", null],
    ["queued", { status: "uploaded", reason: "WaitingForCapacity" }, undefined, "Queued", null],
    ["paused by an administrator", { reason: "Paused", waiting_for: "a person" }, undefined, "Paused", 40],
    ["ready", READY, undefined, "Ready", null],
    ["ready, but not yet playable", { ...READY, is_playable: false }, undefined, "Restoring", null],
    ["failed", FAILED, undefined, "Failed", null],
    ["deleted, whatever its phase", { ...READY, ...DELETED }, undefined, "Deleted", null],
  ])("%s", (_name, changes, sent, label, progress) => {
    expect(describeState(video(changes), sent)).toMatchObject({ label, progress });
  });

  it("a failure says what happened and what to do", () => {
    const { sentence, advice, detail } = describeState(video(FAILED), undefined);

    expect(sentence).toBe("The video could not be converted.");
    expect(advice).toContain("Try again. If it fails once more");
    expect(detail).toBe("the job failed.");
  });

  it("an unknown failure is shown with the service's message, once", () => {
    const state = describeState(video({ ...FAILED, error: { ...ERROR, code: "new" } }), undefined);

    expect(state).toMatchObject({ sentence: "The job failed.", advice: "Retry.", detail: null });
  });

  it("an unknown reason is shown with the service's sentences", () => {
    const state = describeState(video({ status: "uploaded", reason: "New", waiting_for: "the moon", what_to_do: "Look up." }), undefined);

    expect(state).toMatchObject({ sentence: "Waiting for the moon.", advice: "Look up." });
  });

  it.each<[string, Partial<Video>, string | null]>([
    ["while the service works", {}, "You can close this page"],
    ["while the file is expected", { status: "uploading", reason: "WaitingForFile" }, "where the upload started"],
    ["before anything can be sent", { status: "pending", reason: "WaitingForUploadUrl" }, null],
  ])("%s it says what the owner has to do", (_name, changes, words) => {
    const { advice } = describeState(video(changes), undefined);

    if (words === null) expect(advice).toBeNull();
    else expect(advice).toContain(words);
  });

  it.each<[string, Partial<Video>, string, number | null]>([
    ["requested", BEHIND, "A newer conversion starts in a moment.", null],
    ["queued", { edition_status: "uploaded", reason: "WaitingForSubmission" }, "You can watch it while a newer conversion is made.", null],
    ["waiting for capacity", { edition_status: "uploaded", reason: "WaitingForCapacity" }, "is made. In the queue", null],
    ["in work", { edition_status: "processing", reason: "Transcoding" }, "You can watch it while a newer conversion is made.", 40],
  ])("a newer conversion that is %s leaves it ready, and says so", (_name, changes, words, progress) => {
    const state = describeState(video({ ...READY, ...changes }), undefined);

    expect(state).toMatchObject({ label: "Ready", progress });
    expect(state.sentence).toContain(words);
  });

  it("a requested retry is no longer shown as a failure", () => {
    expect(describeState(video({ ...FAILED, ...BEHIND }), undefined)).toMatchObject({ label: "Waiting", advice: null });
  });

  it("a newer conversion that failed leaves it ready, and says so", () => {
    const state = describeState(video({ ...READY, edition_status: "errored", error: ERROR }), undefined);

    expect(state.label).toBe("Ready");
    expect(state.sentence).toContain("a newer conversion failed. The video could not be converted.");
  });
});

describe("actions", () => {
  it.each<[string, Partial<Video>, boolean, boolean, boolean]>([
    ["in work", {}, true, false, false],
    ["ready", READY, false, false, true],
    ["ready, another edition was requested", { ...READY, ...BEHIND }, true, false, false],
    ["ready, another edition is in progress", { ...READY, edition_status: "processing" }, true, false, false],
    ["ready, another edition has failed", { ...READY, ...FAILED, status: "ready" }, false, true, false],
    ["restoring", { ...READY, is_playable: false }, true, false, false],
    ["failed", FAILED, false, true, false],
    ["failed, a retry was requested", { ...FAILED, ...BEHIND }, true, false, false],
    ["failed and deleted", { ...FAILED, ...DELETED }, false, false, false],
    ["deleted", { ...READY, ...DELETED }, false, false, false],
    ["paused", { reason: "Paused" }, false, false, false],
    ["held for a person", { status: "uploaded", reason: "SubmissionHeld" }, true, true, false],
  ])("%s: moves, may be retried, may be converted again", (_name, changes, moves, retried, again) => {
    expect(isMoving(video(changes))).toBe(moves);
    expect(canRetry(video(changes))).toBe(retried);
    expect(canConvertAgain(video(changes))).toBe(again);
  });

  it("a refused file is needed again", () => {
    expect(needsFile(video({ ...FAILED, error: { ...ERROR, stage: "upload" } }))).toBe(true);
    expect(needsFile(video(FAILED))).toBe(false);
  });
});

describe("when a video is polled again", () => {
  const STATE = { isMoving: true, isHidden: false, unchanged: 0, retryAfterSeconds: null, unanswered: 0 };

  it("never, when it is at rest or the page is hidden", () => {
    expect(nextPoll({ ...STATE, isMoving: false })).toBeNull();
    expect(nextPoll({ ...STATE, isHidden: true })).toBeNull();
  });

  it("soon at first, then further apart", () => {
    const polls = [0, 1, 2, 5, 20].map((unchanged) => nextPoll({ ...STATE, unchanged, retryAfterSeconds: 600 }));

    expect(polls).toEqual([1500, 2250, 3375, 11_391, 15_000]);
  });

  it("no later than the service itself checks", () => {
    expect(nextPoll({ ...STATE, unchanged: 20, retryAfterSeconds: 4 })).toBe(4000);
    expect(nextPoll({ ...STATE, unchanged: 20, retryAfterSeconds: 0 })).toBe(3000);
  });

  it("less often while the service does not answer", () => {
    expect([1, 2, 9].map((unanswered) => nextPoll({ ...STATE, unanswered }))).toEqual([3000, 6000, 30_000]);
  });

  it("not before the service takes calls again", () => {
    expect(nextPoll({ ...STATE, unanswered: 1, retryAfterSeconds: 45 })).toBe(45_000);
    expect(nextPoll({ ...STATE, unanswered: 9, retryAfterSeconds: 1 })).toBe(30_000);
  });
});

describe("qualities", () => {
  it("are named by their lines, the best first", () => {
    const levels = [
      { width: 640, height: 360, bitrate: 1e6 },
      { width: 1080, height: 1920, bitrate: 4e6 },
      { width: 0, height: 0, bitrate: 64_000 },
    ];

    expect(choices(levels)).toEqual([
      { level: -1, label: "Automatic" },
      { level: 1, label: "1080p" },
      { level: 0, label: "360p" },
      { level: 2, label: "64 kbit/s" },
    ]);
  });
});

describe("keys", () => {
  it.each([
    ["k", { kind: "toggle" }],
    ["J", { kind: "seek", seconds: -10 }],
    ["l", { kind: "seek", seconds: 10 }],
    ["x", null],
    ["Tab", null],
  ])("%s", (key, command) => {
    expect(commandFor(key)).toEqual(command);
  });
});

describe("an overview", () => {
  const QUIET: Overview = {
    at: "2026-01-01T12:00:00Z",
    is_complete: true,
    phases: PHASES.map((phase) => ({ phase, uploads: 0, overdue: 0, oldest_since: null })),
    overdue: 0,
    waiting: [],
    held: 0,
    uncertain: 0,
    paused: 0,
    dead_letters: 0,
    breaker: { is_open: false, uploads: 0 },
    callbacks: { claims: 0, claims_by_five_minutes: [], last_claim_at: null, finished: 0, finished_unclaimed: 0 },
    spending: { since: "2026-01-01T00:00:00Z", submissions: 0, billed_minutes: 0, owners: [] },
  };

  it.each<[Partial<Overview>, string, string]>([
    [{}, "good", "All is well."],
    [{ overdue: 1 }, "bad", "past their deadline"],
    [{ held: 1 }, "bad", "wait for a person to decide"],
    [{ breaker: { is_open: true, uploads: 3 } }, "bad", "Submissions are paused"],
    [{ callbacks: { ...QUIET.callbacks, finished: 10, finished_unclaimed: 6 } }, "bad", "Callbacks are not arriving"],
    [{ callbacks: { ...QUIET.callbacks, finished: 3, finished_unclaimed: 3 } }, "good", "All is well."],
  ])("%#", (changes, tone, words) => {
    const judged = verdict({ ...QUIET, ...changes });
    expect(judged.tone).toBe(tone);
    expect(judged.sentence).toContain(words);
  });

  it.each<[Overview["spending"]["owners"], string, string]>([
    [[], "0 min", "Nothing was bought since midnight, UTC."],
    [[{ owner: "ann", submissions: 1, billed_minutes: 0.2 }], "1 min", "One job since midnight, UTC. The most for ann: 1 min."],
    [
      [
        { owner: null, submissions: 3, billed_minutes: 1200 },
        { owner: "ann", submissions: 1, billed_minutes: 34.5 },
      ],
      "1,235 min",
      "4 jobs since midnight, UTC. The most for imports: 1,200 min.",
    ],
  ])("counts what was bought in minutes: %#", (owners, value, note) => {
    const sum = (name: "submissions" | "billed_minutes") => owners.reduce((total, owner) => total + owner[name], 0);
    const spending = { ...QUIET.spending, submissions: sum("submissions"), billed_minutes: sum("billed_minutes"), owners };

    expect(tiles({ ...QUIET, spending }, 0).at(-1)).toEqual({ name: "Billed today", value, tone: "good", note });
  });

  it("shows six numbers, and says when the count is incomplete", () => {
    const phases = QUIET.phases.map((row) => (row.phase === "processing" ? { ...row, uploads: 20_000 } : row));
    const shown = tiles({ ...QUIET, phases, is_complete: false }, 0);

    expect(shown.map(({ name }) => name)).toEqual(["In progress", "Overdue", "Breaker", "Callbacks in an hour", "Dead letters", "Billed today"]);
    expect(shown[0]?.value).toBe("20,000 or more");
  });
});

describe("sizes and times", () => {
  it.each([
    [0, "0 bytes"],
    [1023, "1023 bytes"],
    [1536, "1.5 KB"],
    [200_000_000, "191 MB"],
    [5_368_709_120, "5.0 GB"],
  ])("%d bytes: %s", (bytes, text) => {
    expect(fileSize(bytes)).toBe(text);
  });

  it.each([
    [2, "0:02"],
    [65, "1:05"],
    [3725, "1:02:05"],
  ])("%d seconds: %s", (seconds, text) => {
    expect(duration(seconds)).toBe(text);
  });

  it.each([
    [10, "just now"],
    [180, "3 minutes ago"],
    [7200, "2 hours ago"],
    [86_400, "yesterday"],
    [-600, "in 10 minutes"],
  ])("%d seconds ago: %s", (seconds, text) => {
    expect(relative(new Date(1e12 - seconds * 1000).toISOString(), 1e12)).toBe(text);
  });
});
