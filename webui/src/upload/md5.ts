// The digest that storage compares with what it received, as the header Content-MD5 wants it. Browsers have none of
// their own, and WebAssembly would need a weaker policy for the page.

import { md5 } from "@noble/hashes/legacy.js";

// What is in memory of a file at a time, and what a slow phone digests in the time of one picture.
const CHUNK_BYTES = 256 * 1024;

/** Throws what the browser throws when it cannot read the file any more. */
export async function contentMd5(bytes: Blob): Promise<string> {
  const digest = md5.create();
  for (let start = 0; start < bytes.size; start += CHUNK_BYTES) {
    digest.update(new Uint8Array(await bytes.slice(start, start + CHUNK_BYTES).arrayBuffer()));
  }
  return btoa(String.fromCharCode(...digest.digest()));
}
