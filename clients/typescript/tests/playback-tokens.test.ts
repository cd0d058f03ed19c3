// @ts-expect-error The package has no types of Node.
import { readFileSync } from "node:fs";

import { describe, expect, it } from "vitest";

import { signPlaybackToken } from "../src/playback-tokens.js";

const KEY = "0123456789abcdef0123456789abcdef";

describe("a playback token", () => {
  it("is the same as that of the Python client, which the service accepts", async () => {
    // tests/unit/videoupload/test_playback_tokens.py verifies this one as the service does.
    const token = await signPlaybackToken("cats", {
      key: KEY,
      keyName: "app",
      networks: ["192.0.2.0/24"],
      origins: ["https://www.example.com"],
      now: new Date("2026-06-01T12:00:00Z"),
    });
    expect(token).toBe(
      "eyJhbGciOiJIUzI1NiIsImtpZCI6ImFwcCIsInR5cCI6IkpXVCJ9." +
        "eyJhdWQiOiJ2aWRlby11cGxvYWRzL3ZpZXdlciIsInN1YiI6ImNhdHMiLCJpYXQiOjE3ODAzMTUyMDAsImV4cCI6MTc4MDMxODgwMCwiaXAiOlsi" +
        "MTkyLjAuMi4wLzI0Il0sIm9yaWdpbiI6WyJodHRwczovL3d3dy5leGFtcGxlLmNvbSJdfQ." +
        "Xjw1fG6aS5QsyQqq-7W6iZWhA2MTUmO6xU-JwCz8r1Y",
    );
  });

  it("is made as the documented example does it", async () => {
    const page = readFileSync(new URL("../../../docs/clients.md", import.meta.url), "utf8") as string;
    const [, example = ""] = /^```js\nimport \{ signPlaybackToken \} .*\n([^`]*(?:`[^`\n]*`[^`]*)*?)^```$/m.exec(page) ?? [];
    const printed: string[] = [];
    // eslint-disable-next-line @typescript-eslint/no-implied-eval -- it is ours
    const run = new Function("signPlaybackToken", "process", "console", `return (async () => {${example}})()`) as (
      ...given: unknown[]
    ) => Promise<void>;
    const env = { API: "https://api.example.com", VIDEO_ID: "cats", VIEWER_KEY: KEY };
    await run(signPlaybackToken, { env }, { log: (text: string) => printed.push(text) });
    const [url, token = ""] = printed[0]?.split("?token=") ?? [];
    expect(url).toBe("https://api.example.com/api/v1/playback/cats/playlist.m3u8");
    const claims = JSON.parse(atob(token.split(".")[1] ?? "")) as Record<string, unknown>;
    expect(claims).toMatchObject({ sub: "cats", aud: "video-uploads/viewer", origin: ["https://www.example.com"] });
    expect(Number(claims["exp"]) - Number(claims["iat"])).toBe(600);
  });

  it("is not signed with a short key", async () => {
    await expect(signPlaybackToken("cats", { key: "short", keyName: "app" })).rejects.toThrow("32 bytes");
  });
});
