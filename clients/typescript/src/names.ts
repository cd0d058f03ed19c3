// The title and the file name of a video, made from a file's name. The command has the same rule (videoupload/names.py).
// The service refuses characters that break lines or reverse text, paths, and names without a visible character. It
// counts code points.

const TITLE_MAX = 200;
const FILENAME_MAX = 255;
const NOT_UNICODE = /\p{Surrogate}/gu;
const REVERSING = /[\u202a-\u202e\u2066-\u2069]/g;
const BREAKING = /[/\\\u0000-\u001f\u007f-\u009f\u2028\u2029]/g;
const EXTENSION = /\.[A-Za-z0-9]{1,5}$/;
const VISIBLE_BESIDE_DOTS = /[^.\s\u00ad\u200b-\u200f\u2060-\u2064\ufeff]/;
// Marks, joiners, skin tones, and the letters of flags such as that of Wales.
const CONTINUES = /[\p{M}\u200d\u{1f3fb}-\u{1f3ff}\u{e0020}-\u{e007f}]/u;
const HALF_FLAG = /[\u{1f1e6}-\u{1f1ff}]/u;

export function fileName(name: string): string {
  const clean = cleaned(name);
  if (!VISIBLE_BESIDE_DOTS.test(clean)) return "video";
  const extension = EXTENSION.exec(clean)?.[0] ?? "";
  return cut(clean.slice(0, clean.length - extension.length), FILENAME_MAX - extension.length) + extension;
}

export function titleOf(name: string): string {
  const title = cut(cleaned(name).replace(EXTENSION, "").trim(), TITLE_MAX).trimEnd();
  return VISIBLE_BESIDE_DOTS.test(title) ? title : "Video";
}

/** Return the file's name in a URL: its last part. */
export function nameInUrl(url: string): string {
  const last = new URL(url).pathname.split("/").pop() ?? "";
  try {
    return decodeURIComponent(last) || "video";
  } catch {
    return last; // a % that encodes nothing
  }
}

function cleaned(name: string): string {
  return name.replace(NOT_UNICODE, "\ufffd").replace(REVERSING, "").replace(BREAKING, "_");
}

/** Cut a text to this many code points, between two characters as people see them. */
function cut(text: string, atMost: number): string {
  const points = [...text];
  let end = Math.min(points.length, atMost);
  while (end > 0 && end < points.length && isInside(points, end)) end -= 1;
  return points.slice(0, end || atMost).join("");
}

/** Return whether an emoji or an accented letter continues at this index. */
function isInside(points: readonly string[], index: number): boolean {
  const after = points[index] ?? "";
  if (CONTINUES.test(after) || points[index - 1] === "\u200d") return true;
  let halves = 0;
  while (HALF_FLAG.test(points[index - 1 - halves] ?? "")) halves += 1;
  return HALF_FLAG.test(after) && halves % 2 === 1;
}
