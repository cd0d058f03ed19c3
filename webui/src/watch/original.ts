// Downloads the original: gets its URL, checks it, and only then hands it to the browser.

import type { Calls, Original } from "video-uploads-client";

/** Return an original whose URL storage serves. Throws an Error with a sentence for people. */
export async function downloadable(
  id: string,
  calls: Pick<Calls, "original">,
  send: typeof fetch = (...args) => fetch(...args),
): Promise<Original> {
  const original = await calls.original(id);
  // A failing link would replace the page and stop its uploads, so the first byte is read before.
  const answer = await send(original.url, { headers: { Range: "bytes=0-0" }, cache: "no-store" }).catch(() => {
    throw new Error("Storage did not answer. Check your connection and try again.");
  });
  await answer.body?.cancel();
  if (!answer.ok) {
    throw new Error(`Storage refused the file (${answer.status}). Try again in a moment.`);
  }
  return original;
}

/** Let the browser save it. The response is an attachment, so the page stays. */
export function save({ url, filename }: Original): void {
  const link = document.createElement("a");
  link.href = url;
  link.download = filename;
  link.click();
}
