// Errors of a call, with a sentence for people: what happened, and what to do.

import type { Problem } from "./types.js";

/** The service answered with a problem. */
export class ProblemError extends Error {
  constructor(
    readonly problem: Problem,
    readonly retryAfterSeconds: number | null = null,
  ) {
    super(sentenceFor(problem, retryAfterSeconds));
  }
}

/** The service did not answer, or the connection is lost. */
export class NoAnswerError extends Error {
  constructor() {
    super("The service did not answer. Check your connection; this page will try again.");
  }
}

/** Say what happened and what to do, without technical terms. */
export function sentenceFor(problem: Problem, retryAfter: number | null): string {
  switch (problem.code) {
    case "upload_limit_reached":
      return `You have reached your hourly upload limit. You can start the next upload in ${formatSpan(retryAfter ?? 60)}.`;
    case "byte_limit_reached":
      return `You have reached your daily limit of bytes. There is room for this file in ${formatSpan(retryAfter ?? 3600)}.`;
    case "file_too_large":
      return `This file is too large. ${sizeDetail(problem)} Choose a smaller one.`;
    case "insufficient_scope":
      return "Your token does not allow this. Sign in with one that has the scope “admin”.";
    case "not_found":
      return "This video does not exist, or it is not yours.";
    case "upload_closed":
      return "This video no longer needs a file. See its state in the list below.";
    case "not_restorable":
      return "It is too late to restore this video. Upload the file again as a new video.";
    case "not_retryable":
      return "There is nothing to retry. See the video’s current state.";
    case "retranscode_limit_reached":
      return `You have reached your daily conversion limit. You can convert again in ${formatSpan(retryAfter ?? 3600)}.`;
    case "request_limit_reached":
      return `The service is asked too often. This page will try again in ${formatSpan(retryAfter ?? 60)}.`;
    case "change_limit_reached":
      return `You have made too many changes at once. Try again in ${formatSpan(retryAfter ?? 60)}.`;
    case "retry_limit_reached":
      return `You have reached your daily retry limit. You can try again in ${formatSpan(retryAfter ?? 3600)}.`;
    case "not_retranscodable":
      return "This video cannot be converted again now: it is being converted, has failed, or was deleted. See its state in the list.";
    case "original_unavailable":
      return "The original is not available: storage no longer has the file, or the video was deleted.";
    case "invalid_captions":
      return `These captions cannot be used: ${problem.detail}. Correct the file and add it again.`;
    case "invalid_poster":
      return `This picture cannot be the poster: ${problem.detail}.`;
    case "too_many":
      return "This video has captions in as many languages as it may have. Remove one first.";
    case "managed_by_kubernetes":
      return "This video was imported by an administrator and can only be changed there.";
    case "temporarily_unavailable":
    case "internal_error":
      return "The service has a temporary problem. Nothing is lost; try again in a moment.";
    case "invalid_request":
      return `The service refused this: ${fieldDetails(problem)}.`;
    default:
      return `${problem.title}: ${problem.detail}. ${problem.what_to_do}`;
  }
}

/** Format a span of time. */
export function formatSpan(seconds: number): string {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} seconds`;
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} minutes`;
  if (seconds < 36 * 3600) return `${Math.round(seconds / 3600)} hours`;
  return `${Math.round(seconds / 86400)} days`;
}

function sizeDetail(problem: Problem): string {
  const detail = problem.errors?.[0]?.detail ?? problem.detail;
  const bytes = /(\d{6,})/.exec(detail)?.[1];
  return bytes ? `The limit is ${Math.round(Number(bytes) / 2 ** 30)} GB.` : "";
}

// What people fill in; other fields are a program's.
const FIELDS: Record<string, string> = { title: "the title", source_url: "the address" };

function fieldDetails(problem: Problem): string {
  return (problem.errors ?? []).map(({ field, detail }) => `${FIELDS[field] ?? field} ${detail}`).join("; ") || problem.detail;
}
