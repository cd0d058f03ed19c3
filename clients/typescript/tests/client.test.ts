import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import type { Answer } from "../src/api.js";
import { Client } from "../src/client.js";
import { follow } from "../src/following.js";
import { NoAnswerError, ProblemError } from "../src/problems.js";
import { TokenRefusedError, tokensFrom } from "../src/tokens.js";
import type { Video } from "../src/types.js";

const VIDEO = { id: "v", is_playable: true, deleted_at: null, waiting_for: null, what_to_do: null, reason: "" };
const NOT_FOUND = { status: 404, code: "not_found", title: "", detail: "", retryable: false, what_to_do: "" };

const video = (status: string) => ({ ...VIDEO, status, edition_status: status, revision: status }) as unknown as Video;

describe("following a video", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  function over(...outcomes: (Video | Error)[]) {
    return {
      video: async (): Promise<Answer<Video>> => {
        const next = outcomes.length > 1 ? outcomes.shift() : outcomes[0];
        if (next instanceof Error) throw next;
        return { body: next ?? null, isUnchanged: false, etag: null, retryAfterSeconds: null };
      },
    };
  }

  it("ends when the video is ready, and shows each change once", async () => {
    const shown: string[] = [];
    const calls = over(video("uploading"), new NoAnswerError(), video("processing"), video("ready"));
    const followed = follow(calls, "v", { onChange: ({ status }) => shown.push(status) });
    await vi.advanceTimersByTimeAsync(120_000);

    expect((await followed).status).toBe("ready");
    expect(shown).toEqual(["uploading", "processing", "ready"]);
  });

  it("ends at a refusal", async () => {
    await expect(follow(over(new ProblemError(NOT_FOUND)), "v")).rejects.toBeInstanceOf(ProblemError);
  });

  it("ends when it is aborted", async () => {
    const stop = new AbortController();
    const followed = follow(over(video("processing")), "v", { signal: stop.signal });
    stop.abort(new Error("stopped"));

    await expect(followed).rejects.toThrow("stopped");
    await expect(follow(over(video("processing")), "v", { signal: stop.signal })).rejects.toThrow("stopped");
  });
});

describe("a token", () => {
  it("is asked for again after a refusal", async () => {
    const tokens = ["first", "second"];
    const source = tokensFrom(() => tokens.shift() ?? "none");
    source.refused(await source.token());

    expect(await source.token()).toBe("second");
  });

  it("that was refused is not sent again", async () => {
    const source = tokensFrom("fixed");
    source.refused(await source.token());

    await expect(source.token()).rejects.toThrow(TokenRefusedError);
  });
});

describe("the client", () => {
  afterEach(() => void vi.unstubAllGlobals());

  it("calls the address that it was given, with the token", async () => {
    const sent: [string, unknown][] = [];
    vi.stubGlobal("fetch", async (url: string, { headers }: RequestInit) => {
      sent.push([url, (headers as Record<string, string>)["Authorization"]]);
      return new Response(JSON.stringify({ videos: [], next_page_token: null }));
    });
    await new Client({ url: "https://video.example.com/", token: async () => "t" }).calls.list({});

    expect(sent).toEqual([["https://video.example.com/api/v1/videos?page_size=12", "Bearer t"]]);
  });

  it("has a file fetched under the name of its URL", async () => {
    const sent: unknown[] = [];
    vi.stubGlobal("fetch", async (url: string, { method, headers, body }: RequestInit) => {
      sent.push([method, url, (headers as Record<string, string>)["Idempotency-Key"], JSON.parse(body as string)]);
      return new Response(JSON.stringify({ video_id: "v" }), { status: 202 });
    });
    const client = new Client({ url: "https://video.example.com", token: "t" });
    const source_url = "https://files.example.com/2026/my%20cats.webm?key=secret";
    const options = { profile: "modern", visibility: "private", idempotencyKey: "k" } as const;

    expect(await client.fetch(source_url, options)).toBe("v");
    expect(sent).toEqual([
      [
        "POST",
        "https://video.example.com/api/v1/videos",
        "k",
        {
          title: "my cats",
          filename: "my cats.webm",
          content_type: "application/octet-stream",
          source_url,
          profile: "modern",
          visibility: "private",
        },
      ],
    ]);
  });

  it("changes what is named, and nothing else", async () => {
    const sent: unknown[] = [];
    vi.stubGlobal("fetch", async (url: string, { method, body }: RequestInit) => {
      sent.push([method, url, body]);
      return new Response(JSON.stringify({ id: "v", title: "Dogs" }));
    });
    const client = new Client({ token: "t" });

    expect((await client.calls.describe("v", { title: "Dogs", metadata: { album: null } })).title).toBe("Dogs");
    expect(sent).toEqual([["PATCH", "/api/v1/videos/v", '{"title":"Dogs","metadata":{"album":null}}']]);
  });
});
