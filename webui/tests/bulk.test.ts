import { describe, expect, it } from "vitest";

import type { BulkPlan, BulkResult } from "video-uploads-client";
import { actionsFor, bulkFiltersOf, EVERYTHING, filtersOf, planView, resultView } from "../src/admin/bulk-views";

const PLAN: BulkPlan = {
  action: "retry",
  at: "2026-01-01T12:00:00Z",
  matched: 1200,
  planned: 1,
  left_out: [{ reason: "permanent_failure", videos: 2, detail: "the same file fails again", first: ["a", "b"] }],
  minutes: 61.4,
  billed_minutes: 245.6,
  dollars: 3.684,
  without_estimate: 0,
  plan: "signed",
  expires_at: "2026-01-01T13:00:00Z",
  next_page_token: null,
};
const RESULT: BulkResult = { action: "retry", planned: 5, requested: 5, already_requested: 0, left_out: [], remaining: 0 };

describe("the search", () => {
  it("asks for nothing that was left empty, and trims what was typed", () => {
    expect(filtersOf(EVERYTHING)).toEqual({});
    expect(filtersOf({ ...EVERYTHING, owner: " ann ", title: "  ", status: "ready" })).toEqual({ owner: "ann", status: "ready" });
  });

  it("sends local times in UTC, and none that is not complete", () => {
    const local = new Date(2026, 2, 1, 12, 30);

    expect(filtersOf({ ...EVERYTHING, from: "2026-03-01T12:30", until: "soon" })).toEqual({ created_after: local.toISOString() });
  });

  it("filters a bulk request by everything but the status, and conversions by no failure", () => {
    const search = { ...EVERYTHING, owner: "ann", status: "errored", errorCode: "job_lost", profile: "small" };

    expect(bulkFiltersOf(search, "retry")).toEqual({ owner: "ann", profile: "small", error_code: "job_lost" });
    expect(bulkFiltersOf(search, "retranscode")).toEqual({ owner: "ann", profile: "small" });
  });

  it("offers the requests that are about what was searched", () => {
    expect(actionsFor(EVERYTHING)).toEqual(["retry", "retranscode"]);
    expect(actionsFor({ ...EVERYTHING, status: "errored" })).toEqual(["retry"]);
    expect(actionsFor({ ...EVERYTHING, status: "ready" })).toEqual(["retranscode"]);
    expect(actionsFor({ ...EVERYTHING, status: "processing" })).toEqual([]);
    // All ready ones would be converted, not those with the failure.
    expect(actionsFor({ ...EVERYTHING, errorCode: "job_lost" })).toEqual(["retry"]);
    expect(actionsFor({ ...EVERYTHING, status: "ready", errorCode: "job_lost" })).toEqual([]);
  });
});

describe("a plan", () => {
  it("says how many, how long, for how much, and what is left out", () => {
    const view = planView(PLAN);

    expect(view.sentence).toBe("1 of 1,200 videos that match will be retried.");
    expect(view.cost).toBe("61 min of video, $3.68 at most.");
    expect(view.leftOut).toEqual(["2 videos: the same file fails again"]);
    expect(view.more).toBeNull();
  });

  it("says what it does not know, and that more follow", () => {
    const view = planView({ ...PLAN, action: "retranscode", planned: 9, without_estimate: 1, next_page_token: "next" });

    expect(view.sentence).toBe("9 of 1,200 videos that match will be converted again.");
    expect(view.cost).toBe("61 min of video, $3.68 at most, and 1 video whose cost is not known beforehand.");
    expect(view.more).toBe("More match: they follow after these.");
  });

  it("does not call a short video free", () => {
    expect(planView({ ...PLAN, minutes: 0.13, dollars: 0 }).cost).toBe("0.1 min of video, less than a cent at most.");
  });

  it("costs nothing if nothing is planned", () => {
    expect(planView({ ...PLAN, planned: 0, plan: null, minutes: 0, dollars: 0 }).cost).toBeNull();
  });
});

describe("what became of it", () => {
  it("counts each video once, however many calls it took", () => {
    const calls = [
      { ...RESULT, requested: 2, remaining: 3 },
      { ...RESULT, requested: 3, already_requested: 2 },
    ];

    expect(resultView(calls)).toEqual({ sentence: "5 videos will be retried.", leftOut: [] });
  });

  it("says what was requested before, and what was left out", () => {
    const left = [{ reason: "changed", videos: 1, detail: "it was changed", first: ["a"] }];

    expect(resultView([{ ...RESULT, requested: 3, already_requested: 1, left_out: left }])).toEqual({
      sentence: "3 videos will be retried. 1 was requested before.",
      leftOut: ["1 video: it was changed"],
    });
  });

  it("with an answer that was lost counts the first call as before", () => {
    expect(resultView([{ ...RESULT, requested: 0, already_requested: 5 }]).sentence).toBe(
      "0 videos will be retried. 5 were requested before.",
    );
  });
});
