import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Api, type Target } from "video-uploads-client";

import { refusalOf } from "../src/session/claims";

const SERVICE = Date.parse("2026-03-01T12:00:00Z");
const HOUR = 3_600_000;

beforeEach(() => {
  vi.resetModules();
  vi.useFakeTimers({ now: SERVICE + HOUR });
});

afterEach(() => {
  vi.useRealTimers();
});

async function answered(date: string): Promise<void> {
  const { Api: Fresh } = (await import("video-uploads-client")) as { Api: typeof Api };
  const send = (async () => new Response("{}", { headers: { Date: date } })) as typeof fetch;
  await new Fresh({ token: async () => "t", refused: () => undefined }, send).call("GET", "/videos");
}

describe("on a device whose clock is an hour ahead", () => {
  it("the service's time is that of its answers", async () => {
    const { serverNow } = await import("video-uploads-client");
    expect(serverNow()).toBe(SERVICE + HOUR);
    await answered(new Date(SERVICE).toUTCString());
    expect(serverNow()).toBe(SERVICE);
    vi.advanceTimersByTime(60_000);
    expect(serverNow()).toBe(SERVICE + 60_000);
  });

  it("an answer without a time changes nothing", async () => {
    const { serverNow } = await import("video-uploads-client");
    await answered("soon");
    expect(serverNow()).toBe(SERVICE + HOUR);
  });

  it("an upload URL that is valid for a quarter of an hour is used", async () => {
    await answered(new Date(SERVICE).toUTCString());
    const { Targets } = await import("video-uploads-client");
    const targets = new Targets();
    const target = { expires_at: new Date(SERVICE + HOUR / 4).toISOString() } as Target;
    targets.put("video", target);
    expect(targets.take("video")).toBe(target);
  });

  it("a token is not called expired before the service has answered", async () => {
    const { serverNow } = await import("video-uploads-client");
    const claims = btoa(JSON.stringify({ sub: "ann", exp: (SERVICE + HOUR / 2) / 1000 }));
    const token = `e30.${claims}.s`;
    expect(refusalOf(token, null, serverNow(0))).toBeNull();
    await answered(new Date(SERVICE + HOUR).toUTCString());
    expect(refusalOf(token, null, serverNow(0))).not.toBeNull();
  });
});
