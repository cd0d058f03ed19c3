// When a video is asked for again: pure decisions.

const SOONEST_MS = 1_500;
const LONGEST_MS = 15_000;
const NO_ANSWER_LONGEST_MS = 30_000;

export interface PollState {
  isMoving: boolean;
  isHidden: boolean;
  /** How often in a row nothing had changed. */
  unchanged: number;
  /** What the service asked for; null when it said nothing. */
  retryAfterSeconds: number | null;
  /** How often in a row nobody answered. */
  unanswered: number;
}

/**
 * Milliseconds until the next look; null: none, until something else happens.
 *
 * Changes usually come before `Retry-After`, which tells when the service looks by itself without any word from
 * others. So the first looks are sooner, and those that find nothing new are further and further apart.
 */
export function nextPoll({ isMoving, isHidden, unchanged, retryAfterSeconds, unanswered }: PollState): number | null {
  if (!isMoving || isHidden) return null;
  if (unanswered > 0) return Math.min(NO_ANSWER_LONGEST_MS, SOONEST_MS * 2 ** unanswered);
  const growing = SOONEST_MS * 1.5 ** unchanged;
  const requested = Math.max((retryAfterSeconds ?? 0) * 1000, SOONEST_MS);
  return Math.round(Math.min(LONGEST_MS, growing, Math.max(requested, SOONEST_MS * 2)));
}
