import { describe, expect, it } from "vitest";

import type { ProfileList, Rollout } from "video-uploads-client";
import { rolloutViews } from "../src/admin/rollout-views";

const NEW: Rollout = {
  plan: "7-3e1f09ab52c6d471",
  state: "AwaitingApproval",
  is_approved: false,
  counted_at: "2026-01-01T11:59:00Z",
  planned: 97_424,
  minutes: 366_265.2,
  dollars: 4120.5,
  outdated: 97_424,
  running: 0,
  done: 0,
  failed: 0,
  spent_dollars: 0,
  ends_at: null,
};
const BEGUN: Partial<Rollout> = { state: "InProgress", is_approved: true, outdated: 90_000, running: 10, done: 7402, failed: 12, spent_dollars: 312.4 };

function view(changes: Partial<Rollout> = {}) {
  const profile = { name: "modern", hash: "3e1f09ab52c6d471", is_offered: true, rollout: { ...NEW, ...changes } };
  const list: ProfileList = { at: "2026-01-01T12:00:00Z", namespace: "videos", profiles: [profile] };
  const [only] = rolloutViews(list);
  if (only === undefined) throw new Error("no view");
  return only;
}

describe("a rollout", () => {
  it("that waits for a person shows what it would cost, and the command that approves it", () => {
    const shown = view();

    expect(shown.state).toBe("Awaiting approval");
    expect(shown.progress).toEqual({ ended: 0, all: 97_424 });
    expect(shown.facts).toEqual(["97,424 outdated", "plan: 97,424 videos, 366,266 min, $4,120.50 at most"]);
    expect(shown.command).toBe(
      "kubectl -n videos annotate tp modern --overwrite video.uploads.dev/approved-plan=7-3e1f09ab52c6d471",
    );
  });

  it("in progress shows what ended of all, what it cost, and when it ends", () => {
    const shown = view({ ...BEGUN, ends_at: "2026-01-04T12:00:00Z" });

    expect(shown.progress).toEqual({ ended: 7414, all: 97_424 });
    expect(shown.facts).toEqual([
      "90,000 outdated",
      "10 running",
      "7,402 done",
      "12 failed",
      "$312.40 spent",
      "plan: 97,424 videos, 366,266 min, $4,120.50 at most",
      "ends in 3 days",
    ]);
    expect(shown.command).toBeNull();
  });

  it("that is being counted has no progress yet", () => {
    const shown = view({ state: "Planning", outdated: null, counted_at: null, planned: 0, minutes: 0, dollars: 0 });

    expect(shown.progress).toBeNull();
    expect(shown.facts).toEqual([]);
  });

  it("of a library that needs nothing says so", () => {
    const shown = view({ state: "UpToDate", outdated: 0, planned: 0, minutes: 0, dollars: 0 });

    expect(shown.tone).toBe("good");
    expect(shown.progress).toEqual({ ended: 0, all: 0 });
    expect(shown.facts).toEqual([]);
  });

  it.each<[Rollout["state"], string]>([
    ["FailureRateExceeded", 'kubectl -n videos annotate tp modern --overwrite video.uploads.dev/rollout-resumed-at="$(date -u +%FT%TZ)"'],
    ["Paused", `kubectl -n videos patch tp modern --type=merge -p '{"spec":{"rollout":{"pause":false}}}'`],
  ])("that stopped (%s) says how it goes on", (state, command) => {
    expect(view({ ...BEGUN, state }).command).toBe(command);
  });

  it.each<Rollout["state"]>(["Planning", "DaySpent", "UpToDate"])("that waits for no person (%s) has no command", (state) => {
    expect(view({ ...BEGUN, state }).command).toBeNull();
  });

  it("is shown for profiles that declare one, and no others", () => {
    const profile = { name: "hls-1080p", hash: "22eede1a7d238624", is_offered: true, rollout: null };

    expect(rolloutViews({ at: "2026-01-01T12:00:00Z", namespace: "videos", profiles: [profile] })).toEqual([]);
  });
});
