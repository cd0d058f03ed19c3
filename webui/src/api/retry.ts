// How long to wait before a call is made again: pure decisions, no clocks.

const FIRST_MS = 1_000;
const LONGEST_MS = 30_000;

/** Twice as long each time, up to half a minute; never sooner than the service asked for. */
export function waitBeforeTry(failures: number, retryAfterSeconds: number | null): number {
  const growing = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.max(0, failures - 1));
  return Math.max(growing, (retryAfterSeconds ?? 0) * 1_000);
}

/** The seconds of a `Retry-After` header; null if it is none. */
export function retryAfterSeconds(header: string | null): number | null {
  if (header === null || !/^\d{1,6}$/.test(header)) return null;
  return Number(header);
}
