// What to do when sending a file failed: retry automatically, or ask the person. Pure.

import { waitBeforeTry } from "./retry.js";
import { NoAnswerError, ProblemError } from "./problems.js";

export type After = { kind: "again"; inMs: number } | { kind: "done" } | { kind: "person"; sentence: string };

// Storage may refuse an expired URL or bytes damaged in transit: sending again helps once or twice, not more.
const REFUSALS_AT_MOST = 3;

export interface Failed {
  error: unknown;
  /** The status of storage’s response; 0 or undefined without one. */
  status: number | undefined;
  /** Failures in a row, including this one. */
  failures: number;
}

export function afterFailure({ error, status, failures }: Failed): After {
  if (error instanceof ProblemError) {
    if (error.problem.code === "parts_missing" || error.problem.code === "object_missing") return again(failures);
    // The answer to the last part was lost and the parts are joined already, or the video was deleted elsewhere.
    if (error.problem.code === "upload_closed") return { kind: "done" };
    return { kind: "person", sentence: error.message };
  }
  if (error instanceof NoAnswerError || !status || status >= 500 || status === 429) return again(failures);
  if (failures < REFUSALS_AT_MOST) return again(failures);
  return {
    kind: "person",
    sentence: `Storage refused the file (${status}). Try again later. If this happens again, contact the administrator.`,
  };
}

function again(failures: number): After {
  return { kind: "again", inMs: waitBeforeTry(failures, null) };
}
