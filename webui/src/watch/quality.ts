// Which qualities can be chosen, and what the choice is called: pure.

export interface Level {
  height: number;
  width: number;
  bitrate: number;
}

export interface Choice {
  /** Index of the level; -1: the player decides by the line. */
  level: number;
  label: string;
}

export const AUTOMATIC = -1;

/** The choices, best first. Portrait videos are named by their shorter side, like all others. */
export function choices(levels: readonly Level[]): Choice[] {
  const named = levels.map((level, index) => ({ level: index, label: nameOf(level), bitrate: level.bitrate }));
  named.sort((a, b) => b.bitrate - a.bitrate);
  return [{ level: AUTOMATIC, label: "Automatic" }, ...named.map(({ level, label }) => ({ level, label }))];
}

export function nameOf({ width, height, bitrate }: Level): string {
  const lines = Math.min(width, height);
  return lines > 0 ? `${lines}p` : `${Math.round(bitrate / 1000)} kbit/s`;
}
