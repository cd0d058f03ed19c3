// What follows when sending a file failed: try again by itself, or leave it to the person. Pure decisions.

import { waitBeforeTry } from "../api/retry";
import { NoAnswerError, ProblemError } from "../api/problems";

export type After = { kind: "again"; inMs: number } | { kind: "done" } | { kind: "person"; sentence: string };

// A refusal by storage may be a URL that expired, or bytes that were damaged on the way: sending anew helps once or
// twice, not for ever.
const REFUSALS_AT_MOST = 3;

export interface Failed {
  error: unknown;
  /** What storage answered; 0 or undefined when nothing did. */
  status: number | undefined;
  /** How often it has failed in a row, this time included. */
  failures: number;
}

export function afterFailure({ error, status, failures }: Failed): After {
  if (error instanceof ProblemError) {
    if (error.problem.code === "parts_missing" || error.problem.code === "object_missing") return again(failures);
    // The answer to the last part was lost, and the service has joined them meanwhile; or the video was deleted elsewhere.
    if (error.problem.code === "upload_closed") return { kind: "done" };
    return { kind: "person", sentence: error.message };
  }
  if (error instanceof NoAnswerError || !status || status >= 500 || status === 429) return again(failures);
  if (failures < REFUSALS_AT_MOST) return again(failures);
  return {
    kind: "person",
    sentence: `Storage refuses the file (${status}). Try again later; if it stays like this, tell whoever runs the service.`,
  };
}

function again(failures: number): After {
  return { kind: "again", inMs: waitBeforeTry(failures, null) };
}
