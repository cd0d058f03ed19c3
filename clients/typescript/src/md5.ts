// Computes the Content-MD5 header, which storage compares with the bytes it received. Browsers have no MD5 of their own,
// and WebAssembly would need a weaker Content-Security-Policy.

import { md5 } from "@noble/hashes/legacy.js";

// Bytes of a file in memory at a time; a slow phone digests as much within one frame.
const CHUNK_BYTES = 256 * 1024;

/** Return the digest in base64. Throws what the browser throws if it can no longer read the file. */
export async function contentMd5(bytes: Blob): Promise<string> {
  const digest = md5.create();
  for (let start = 0; start < bytes.size; start += CHUNK_BYTES) {
    digest.update(new Uint8Array(await bytes.slice(start, start + CHUNK_BYTES).arrayBuffer()));
  }
  return btoa(String.fromCharCode(...digest.digest()));
}
