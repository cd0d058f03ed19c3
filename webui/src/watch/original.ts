// The file as it was sent: asked for, tried, and only then handed to the browser.

import type { Calls } from "../api/calls";
import type { Original } from "../api/types";

/** A URL that storage answers. Throws with words for people. */
export async function downloadable(
  id: string,
  calls: Pick<Calls, "original">,
  send: typeof fetch = (...args) => fetch(...args),
): Promise<Original> {
  const original = await calls.original(id);
  // A link that fails takes the page away, and with it what is being sent: its first byte is read before.
  const answer = await send(original.url, { headers: { Range: "bytes=0-0" }, cache: "no-store" }).catch(() => {
    throw new Error("No answer from storage. Check your connection and try again.");
  });
  await answer.body?.cancel();
  if (!answer.ok) {
    throw new Error(`Storage does not hand the file out (${answer.status}). Try again in a moment.`);
  }
  return original;
}

/** Let the browser save it. The answer names it as an attachment, so the page stays. */
export function save({ url, filename }: Original): void {
  const link = document.createElement("a");
  link.href = url;
  link.download = filename;
  link.click();
}
