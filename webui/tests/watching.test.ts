import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import type { Answer } from "../src/api/client";
import { NoAnswerError, ProblemError } from "../src/api/problems";
import type { Original, Video } from "../src/api/types";
import { downloadable } from "../src/watch/original";
import { VideoPoller } from "../src/watch/video-poller";

const READY = { id: "v", status: "ready", edition: 1, edition_status: "ready", is_playable: true, deleted_at: null };
const IN_WORK = { ...READY, edition: 2, edition_status: "processing" };
const ASKED = { ...READY, waiting_for: "the operator", what_to_do: null };
const NOT_FOUND = { status: 404, code: "not_found", title: "", detail: "", retryable: false, what_to_do: "" };

type Told = object | "unchanged" | Error;

/** A video that the service tells about in this order; the last word stays. */
function pollerOver(told: Told[], isHidden = () => false) {
  const tags: (string | null | undefined)[] = [];
  const video = async (_id: string, etag?: string | null): Promise<Answer<Video>> => {
    tags.push(etag);
    const next = told.length > 1 ? told.shift() : told[0];
    if (next instanceof Error) throw next;
    const body = next === "unchanged" ? null : ({ waiting_for: null, what_to_do: null, ...next } as Video);
    return { body, isUnchanged: body === null, etag: `"${tags.length}"`, retryAfterSeconds: null };
  };
  return { watched: new VideoPoller("v", { video }, isHidden), tags };
}

describe("a video that somebody watches", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("is asked for once when nothing moves", async () => {
    const { watched, tags } = pollerOver([READY]);
    await watched.look();
    await vi.advanceTimersByTimeAsync(600_000);

    expect(tags).toEqual([null]);
  });

  it("is looked at from the wish for another edition until that is ready, with the tag of what is known", async () => {
    const { watched, tags } = pollerOver([ASKED, "unchanged", IN_WORK, { ...READY, edition: 2 }]);
    await watched.look();
    await vi.advanceTimersByTimeAsync(600_000);

    expect(tags).toEqual([null, '"1"', '"2"', '"3"']);
    expect(watched.state.value).toMatchObject({ video: { edition: 2, edition_status: "ready" }, error: null });
  });

  it("stays on the screen while nobody answers, and is asked for again", async () => {
    const { watched } = pollerOver([READY, new NoAnswerError(), READY]);
    await watched.look();
    await watched.look();
    expect(watched.state.value).toMatchObject({ video: { id: "v" }, error: new NoAnswerError().message });
    await vi.advanceTimersByTimeAsync(60_000);

    expect(watched.state.value.error).toBeNull();
  });

  it("that does not exist is not asked for again", async () => {
    const { watched, tags } = pollerOver([new ProblemError(NOT_FOUND)]);
    await watched.look();
    await vi.advanceTimersByTimeAsync(600_000);

    expect(tags).toHaveLength(1);
    expect(watched.state.value.error).toContain("does not exist");
  });

  it("waits while nobody sees the page, and is looked at when somebody does", async () => {
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

  it("is left alone when somebody goes elsewhere", async () => {
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

  it("is handed to the browser once storage has answered for it, with one byte", async () => {
    const asked: unknown[] = [];
    const send = (async (url: string, init: RequestInit) => {
      asked.push(url, init.headers);
      return new Response("v", { status: 206 });
    }) as typeof fetch;

    expect(await downloadable("v", calls, send)).toBe(ORIGINAL);
    expect(asked).toEqual([ORIGINAL.url, { Range: "bytes=0-0" }]);
  });

  it.each<[string, typeof fetch, string]>([
    ["refuses", async () => new Response("", { status: 403 }), "Storage does not hand the file out (403)"],
    ["does not answer", async () => Promise.reject(new TypeError("Failed to fetch")), "No answer from storage"],
  ])("that storage %s leaves the page where it is, with words", async (_name, send, words) => {
    await expect(downloadable("v", calls, send)).rejects.toThrow(words);
  });
});
