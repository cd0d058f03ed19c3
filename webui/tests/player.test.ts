import { beforeEach, describe, expect, it, vi } from "vitest";

import { native, recover } from "../src/watch/player";

const Hls = {
  Events: { FRAG_BUFFERED: "buffered", ERROR: "error", MANIFEST_PARSED: "parsed" },
  ErrorTypes: { MEDIA_ERROR: "media", NETWORK_ERROR: "network" },
};

/** Stands in for hls.js: what it was told, and a way to let it report. */
class FakeHls {
  config = { startPosition: -1 };
  levels = [{}];
  loaded: string[] = [];
  restarts = 0;
  private listeners = new Map<string, ((event: string, data: unknown) => void)[]>();

  on(event: string, listener: (event: string, data: unknown) => void) {
    this.listeners.set(event, [...(this.listeners.get(event) ?? []), listener]);
  }
  once = this.on.bind(this);
  report(event: string, data: unknown = {}) {
    for (const listener of this.listeners.get(event) ?? []) listener(event, data);
  }
  loadSource(url: string) {
    this.loaded.push(url);
  }
  startLoad() {
    this.restarts += 1;
  }
}

function closed(code: number) {
  return { fatal: true, type: "network", response: { code } };
}

describe("a private video whose URLs end while it plays", () => {
  let hls: FakeHls;
  let plays: number;
  let video: HTMLVideoElement;

  beforeEach(() => {
    vi.useFakeTimers();
    vi.stubGlobal("navigator", { onLine: true });
    vi.stubGlobal("addEventListener", () => undefined);
    vi.stubGlobal("removeEventListener", () => undefined);
    hls = new FakeHls();
    plays = 0;
    video = { currentTime: 3600, paused: false, play: () => Promise.resolve((plays += 1)) } as unknown as HTMLVideoElement;
  });

  function watch(renew: () => Promise<string | null>): (string | null)[] {
    const said: (string | null)[] = [];
    recover(hls as never, Hls as never, { url: "old", video, renew }, (error) => said.push(error));
    return said;
  }

  it.each([401, 403, 404])("continues at the same position under a new URL after %i, and says nothing", async (code) => {
    const said = watch(() => Promise.resolve("new"));
    hls.report("error", closed(code));
    await vi.runAllTimersAsync();
    expect(hls.loaded).toEqual(["new"]);
    expect(hls.config.startPosition).toBe(3600);
    hls.report("parsed");
    expect(plays).toBe(1);
    expect(said).toEqual([]);
  });

  it("stays paused if it was", async () => {
    (video as { paused: boolean }).paused = true;
    watch(() => Promise.resolve("new"));
    hls.report("error", closed(403));
    await vi.runAllTimersAsync();
    hls.report("parsed");
    expect(plays).toBe(0);
  });

  it("tries the same again if there is no other URL, and gives a reason in the end", async () => {
    const said = watch(() => Promise.reject(new Error("offline")));
    for (let failure = 0; failure < 6; failure += 1) {
      hls.report("error", closed(403));
      await vi.runAllTimersAsync();
    }
    expect(hls.loaded).toEqual([]);
    expect(hls.restarts).toBe(5);
    expect(said).toEqual([expect.stringContaining("cannot be loaded")]);
  });

  it("keeps its URL through other failures", async () => {
    watch(() => Promise.resolve("new"));
    hls.report("error", closed(500));
    await vi.runAllTimersAsync();
    expect(hls.loaded).toEqual([]);
    expect(hls.restarts).toBe(1);
  });

  it("asks for a new URL if storage gives no answer again, as one that lets no page read its refusals", async () => {
    watch(() => Promise.resolve("new"));
    hls.report("error", closed(0));
    await vi.runAllTimersAsync();
    expect(hls.loaded).toEqual([]);
    hls.report("error", closed(0));
    await vi.runAllTimersAsync();
    expect(hls.loaded).toEqual(["new"]);
  });

  it("asks for none while the browser is offline", async () => {
    vi.stubGlobal("navigator", { onLine: false });
    watch(() => Promise.resolve("new"));
    for (let failure = 0; failure < 3; failure += 1) {
      hls.report("error", closed(0));
      await vi.runAllTimersAsync();
    }
    expect(hls.loaded).toEqual([]);
    expect(hls.restarts).toBe(3);
  });

  it("continues in the browser's own player too", async () => {
    const target = new EventTarget();
    const element = Object.assign(target, {
      src: "",
      currentTime: 1800,
      paused: false,
      canPlayType: () => "maybe",
      play: () => Promise.resolve((plays += 1)),
      removeAttribute: () => undefined,
    }) as unknown as HTMLVideoElement;
    native(element, "old", () => Promise.resolve("new"));
    element.dispatchEvent(new Event("error"));
    await vi.runAllTimersAsync();
    expect(element.src).toBe("new");
    element.currentTime = 0;
    element.dispatchEvent(new Event("loadedmetadata"));
    expect(element.currentTime).toBe(1800);
    expect(plays).toBe(1);
  });
});
