import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import type { Answer } from "../src/api/client";
import { NoAnswerError, ProblemError } from "../src/api/problems";
import type { Original, Video } from "../src/api/types";
import { downloadable } from "../src/watch/original";
import { VideoPoller } from "../src/watch/video-poller";

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

describe("the original", () => {
  const ORIGINAL: Original = { url: "https://storage.test/signed", filename: "cats.mp4", size_bytes: 9 };
  const calls = { original: async () => ORIGINAL };

  it("is handed to the browser after storage has answered with one byte", async () => {
    const requests: unknown[] = [];
    const send = (async (url: string, init: RequestInit) => {
      requests.push(url, init.headers);
      return new Response("v", { status: 206 });
    }) as typeof fetch;

    expect(await downloadable("v", calls, send)).toBe(ORIGINAL);
    expect(requests).toEqual([ORIGINAL.url, { Range: "bytes=0-0" }]);
  });

  it.each<[string, typeof fetch, string]>([
    ["refuses", async () => new Response("", { status: 403 }), "Storage refused the file (403)"],
    ["does not answer", async () => Promise.reject(new TypeError("Failed to fetch")), "Storage did not answer"],
  ])("stays and says so when storage %s", async (_name, send, words) => {
    await expect(downloadable("v", calls, send)).rejects.toThrow(words);
  });
});
