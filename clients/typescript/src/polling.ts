// When a video is polled again. Pure.

const SOONEST_MS = 1_500;
const LONGEST_MS = 15_000;
const NO_ANSWER_LONGEST_MS = 30_000;

export interface PollState {
  isMoving: boolean;
  isHidden: boolean;
  /** Answers in a row without a change. */
  unchanged: number;
  /** The Retry-After of the last response; null without one. */
  retryAfterSeconds: number | null;
  /** Calls in a row without an answer. */
  unanswered: number;
}

/**
 * Return the milliseconds until the next poll, or null to stop until something else happens.
 *
 * `Retry-After` is when the service itself checks next; with nudges, changes usually come sooner. So the first polls
 * come early, and polls without a change grow further apart.
 */
export function nextPoll({ isMoving, isHidden, unchanged, retryAfterSeconds, unanswered }: PollState): number | null {
  if (!isMoving || isHidden) return null;
  if (unanswered > 0) {
    // That of a refused call is when the service takes calls again.
    return Math.max(Math.min(NO_ANSWER_LONGEST_MS, SOONEST_MS * 2 ** unanswered), (retryAfterSeconds ?? 0) * 1000);
  }
  const growing = SOONEST_MS * 1.5 ** unchanged;
  const requested = Math.max((retryAfterSeconds ?? 0) * 1000, SOONEST_MS);
  return Math.round(Math.min(LONGEST_MS, growing, Math.max(requested, SOONEST_MS * 2)));
}
