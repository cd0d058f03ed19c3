// What can go wrong with a call, in words for people: what happened, and what to do.

import type { Problem } from "./types";

/** The service answered that it cannot do this. */
export class ProblemError extends Error {
  constructor(
    readonly problem: Problem,
    readonly retryAfterSeconds: number | null = null,
  ) {
    super(sentenceFor(problem, retryAfterSeconds));
  }
}

/** Nothing answered: the line is down, or the service is. */
export class NoAnswerError extends Error {
  constructor() {
    super("No answer from the service. Check your connection; this page tries again by itself.");
  }
}

/** Say what happened and what to do, without words of programs. */
export function sentenceFor(problem: Problem, retryAfter: number | null): string {
  switch (problem.code) {
    case "upload_limit_reached":
      return `You have started as many uploads as an hour allows. The next one is possible in ${formatSpan(retryAfter ?? 60)}.`;
    case "file_too_large":
      return `This file is too large. ${sizeDetail(problem)} Choose a smaller one.`;
    case "insufficient_scope":
      return "Your sign-in does not allow this. Use one with the scope “admin”.";
    case "not_found":
      return "This video does not exist, or it is not yours.";
    case "upload_closed":
      return "This video waits for no file any more. Look at it in the list below.";
    case "not_restorable":
      return "It is too late to bring this video back. Upload the file again as a new video.";
    case "not_retryable":
      return "There is nothing to try again here: look at what the video says now.";
    case "retranscode_limit_reached":
      return `You have had videos converted again as often as a day allows. The next time is possible in ${formatSpan(retryAfter ?? 3600)}.`;
    case "not_retranscodable":
      return "This video cannot be converted again right now: it is in work, has failed, or was deleted. Look at it in the list.";
    case "original_unavailable":
      return "The original cannot be had: storage does not have the file that was sent any more, or the video was deleted.";
    case "managed_by_kubernetes":
      return "This video was imported by an administrator and can only be changed there.";
    case "temporarily_unavailable":
    case "internal_error":
      return "The service is in trouble at the moment; nothing is lost. Try again in a moment.";
    case "invalid_request":
      return `The service refused this: ${fieldDetails(problem)}.`;
    default:
      return `${problem.title}: ${problem.detail}. ${problem.what_to_do}`;
  }
}

/** A span of time as people say it. */
export function formatSpan(seconds: number): string {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} seconds`;
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} minutes`;
  if (seconds < 36 * 3600) return `${Math.round(seconds / 3600)} hours`;
  return `${Math.round(seconds / 86400)} days`;
}

function sizeDetail(problem: Problem): string {
  const detail = problem.errors?.[0]?.detail ?? problem.detail;
  const bytes = /(\d{6,})/.exec(detail)?.[1];
  return bytes ? `At most ${Math.round(Number(bytes) / 2 ** 30)} GB are taken.` : "";
}

function fieldDetails(problem: Problem): string {
  return (problem.errors ?? []).map(({ field, detail }) => `${field} ${detail}`).join("; ") || problem.detail;
}
