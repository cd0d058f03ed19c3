import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import type { Answer } from "../src/api.js";
import type { Wait } from "../src/calls.js";
import { NoAnswerError, ProblemError } from "../src/problems.js";
import type { Video } from "../src/types.js";
import { VideoPoller } from "../src/video-poller.js";

const READY = { id: "v", status: "ready", edition: 1, edition_status: "ready", is_playable: true, deleted_at: null };
const IN_WORK = { ...READY, edition: 2, edition_status: "processing" };
const REQUESTED = { ...READY, waiting_for: "the operator", what_to_do: null };
const NOT_FOUND = { status: 404, code: "not_found", title: "", detail: "", retryable: false, what_to_do: "" };

type Outcome = object | "unchanged" | Error;

/** A poller over these answers, in this order; the last one repeats. */
function pollerOver(outcomes: Outcome[], isHidden = () => false) {
  const tags: (string | null | undefined)[] = [];
  const video = async (_id: string, etag?: string | null): Promise<Answer<Video>> => {
    tags.push(etag);
    const next = outcomes.length > 1 ? outcomes.shift() : outcomes[0];
    if (next instanceof Error) throw next;
    const body = next === "unchanged" ? null : ({ waiting_for: null, what_to_do: null, ...next } as Video);
    return { body, isUnchanged: body === null, etag: `"${tags.length}"`, retryAfterSeconds: null };
  };
  return { watched: new VideoPoller("v", { video }, isHidden), tags };
}

describe("the poller of a video", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("polls once when nothing is in progress", async () => {
    const { watched, tags } = pollerOver([READY]);
    await watched.look();
    await vi.advanceTimersByTimeAsync(600_000);

    expect(tags).toEqual([null]);
  });

  it("polls from the request of another edition until that is ready, with the last ETag", async () => {
    const { watched, tags } = pollerOver([REQUESTED, "unchanged", IN_WORK, { ...READY, edition: 2 }]);
    await watched.look();
    await vi.advanceTimersByTimeAsync(600_000);

    expect(tags).toEqual([null, '"1"', '"2"', '"3"']);
    expect(watched.state.value).toMatchObject({ video: { edition: 2, edition_status: "ready" }, error: null });
  });

  it("keeps the video while the service does not answer, and polls again", async () => {
    const { watched } = pollerOver([READY, new NoAnswerError(), READY]);
    await watched.look();
    await watched.look();
    expect(watched.state.value).toMatchObject({ video: { id: "v" }, error: new NoAnswerError().message });
    await vi.advanceTimersByTimeAsync(60_000);

    expect(watched.state.value.error).toBeNull();
  });

  it("stops when the video does not exist", async () => {
    const { watched, tags } = pollerOver([new ProblemError(NOT_FOUND)]);
    await watched.look();
    await vi.advanceTimersByTimeAsync(600_000);

    expect(tags).toHaveLength(1);
    expect(watched.state.value.error).toContain("does not exist");
  });

  it("waits while the page is hidden, and polls when it is visible", async () => {
    let isHidden = true;
    const { watched, tags } = pollerOver([IN_WORK], () => isHidden);
    await watched.look();
    await vi.advanceTimersByTimeAsync(600_000);
    expect(tags).toHaveLength(1);
    isHidden = false;
    watched.wake();
    await vi.advanceTimersByTimeAsync(1_500);

    expect(tags).toHaveLength(3);
  });

  it("stops when the view is left", async () => {
    const { watched, tags } = pollerOver([IN_WORK]);
    await watched.look();
    watched.end();
    await vi.advanceTimersByTimeAsync(600_000);

    expect(tags).toHaveLength(1);
  });
});

describe("the poller of a video at a service that lets it wait", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  /** A service that answers each call with the next video, after so many seconds; then it lets the call wait. */
  function waitingOver(answers: [string, string, number][]) {
    const asked: (string | null)[] = [];
    const signals: AbortSignal[] = [];
    const video = (_id: string, _etag?: string | null, wait?: Wait | null): Promise<Answer<Video>> => {
      asked.push(wait?.since ?? null);
      if (wait) signals.push(wait.signal);
      const next = answers.shift();
      if (!next) return new Promise(() => {});
      const [revision, edition_status, seconds] = next;
      const body = { ...READY, waiting_for: null, what_to_do: null, edition_status, revision } as unknown as Video;
      const answer = { body, isUnchanged: false, etag: null, retryAfterSeconds: 7 };
      return new Promise((resolve) => setTimeout(() => resolve(answer), seconds * 1000));
    };
    return { watched: new VideoPoller("v", { video }, () => false), asked, signals };
  }

  it("waits for one change after the other", async () => {
    const answers: [string, string, number][] = [
      ["1.1", "processing", 0],
      ["1.1", "processing", 25],
      ["1.2", "processing", 3],
      ["1.3", "ready", 3],
    ];
    const { watched, asked } = waitingOver(answers);
    void watched.look();
    await vi.advanceTimersByTimeAsync(31_500);

    expect(asked).toEqual([null, "1.1", "1.1", "1.2"]);
    expect(watched.state.value.video?.edition_status).toBe("ready");
  });

  it("polls when the service answers early without a change", async () => {
    const { watched, asked } = waitingOver([["1.1", "processing", 0], ["1.1", "processing", 0], ["1.1", "ready", 0]]);
    void watched.look();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(asked).toEqual([null, "1.1"]);
    await vi.advanceTimersByTimeAsync(30_000);

    expect(asked).toEqual([null, "1.1", null]);
  });

  it("ends the wait when the view is left", async () => {
    const { watched, signals } = waitingOver([["1.1", "processing", 0]]);
    void watched.look();
    await vi.advanceTimersByTimeAsync(1_000);
    watched.end();

    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
  });
});
