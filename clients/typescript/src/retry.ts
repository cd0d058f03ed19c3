// How long to wait before a call is made again. Pure.

const FIRST_MS = 1_000;
const LONGEST_MS = 30_000;

/** Double the wait each time, up to half a minute, and never wait less than the service asked for. */
export function waitBeforeTry(failures: number, retryAfterSeconds: number | null): number {
  const growing = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.max(0, failures - 1));
  return Math.max(growing, (retryAfterSeconds ?? 0) * 1_000);
}

/** Return the seconds of a `Retry-After` header, or null if it has none. */
export function retryAfterSeconds(header: string | null): number | null {
  if (header === null || !/^\d{1,6}$/.test(header)) return null;
  return Number(header);
}
