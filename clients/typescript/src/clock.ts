// The time of the service. A device's clock can be minutes or years wrong, and must not be compared with the service's times.

let aheadMs: number | null = null;

/** Take the time that a response states (RFC 9110, 6.6.1), if it states one. */
export function learnTime(date: string | null): void {
  const stated = Date.parse(date ?? "");
  if (!Number.isNaN(stated)) aheadMs = Date.now() - stated;
}

/** Return the service's time in milliseconds since the epoch, and `otherwise` until the service has answered. */
export function serverNow(otherwise: number = Date.now()): number {
  return aheadMs === null ? otherwise : Date.now() - aheadMs;
}
