// The choice of qualities and their names. Pure.

export interface Level {
  height: number;
  width: number;
  bitrate: number;
}

export interface Choice {
  /** Index of the level; -1 lets the player choose by bandwidth. */
  level: number;
  label: string;
}

export const AUTOMATIC = -1;

/** Return the choices, best first. The shorter side names a level, in portrait videos too. */
export function choices(levels: readonly Level[]): Choice[] {
  const named = levels.map((level, index) => ({ level: index, label: nameOf(level), bitrate: level.bitrate }));
  named.sort((a, b) => b.bitrate - a.bitrate);
  return [{ level: AUTOMATIC, label: "Automatic" }, ...named.map(({ level, label }) => ({ level, label }))];
}

export function nameOf({ width, height, bitrate }: Level): string {
  const lines = Math.min(width, height);
  return lines > 0 ? `${lines}p` : `${Math.round(bitrate / 1000)} kbit/s`;
}
