import { describe, expect, it } from "vitest";
import type { Original } from "video-uploads-client";

import { downloadable } from "../src/watch/original";

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
