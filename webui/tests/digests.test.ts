import { describe, expect, it } from "vitest";

import { Digests, UnreadableFileError } from "../src/upload/digests";
import { contentMd5 } from "video-uploads-client";

const CHUNK = 256 * 1024;
const UNREADABLE = { size: 1, slice: () => ({ arrayBuffer: () => Promise.reject(new Error("NotReadableError")) }) };

function bytes(length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, index) => (index * 31) % 251);
}

// Computed with Python's hashlib.
const EXPECTED = new Map<number, string>([
  [0, "1B2M2Y8AsgTpgAmY7PhCfg=="],
  [1, "k7iFrf4NoInN9jSQT9WfcQ=="],
  [63, "JhSmne85dceKeZHmS07Q2Q=="],
  [64, "I2sPuRF1cFxXsd5pDO4/RA=="],
  [CHUNK - 1, "ejhrkrv/5nal182MnM4RYQ=="],
  [CHUNK, "JEmZzIP+7AqwAdv6ZgM1SA=="],
  [CHUNK + 1, "t28x557UyxzoEt5tIGyf6w=="],
  [3 * CHUNK + 7, "je0jKU3WJYVHytZy6ripFw=="],
]);

describe("a digest for storage", () => {
  it.each([...EXPECTED])("of %d bytes equals Python's", async (length, digest) => {
    expect(await contentMd5(new Blob([bytes(length)]))).toBe(digest);
  });

  it("comes from one worker, which answers several calls", async () => {
    let started = 0;
    const digests = new Digests(() => {
      started += 1;
      return answering((blob) => contentMd5(blob));
    });
    const lengths = [64, CHUNK + 1, 1];

    const results = await Promise.all(lengths.map((length) => digests.of(new Blob([bytes(length)]))));
    expect(results).toEqual(lengths.map((length) => EXPECTED.get(length)));
    expect(started).toBe(1);
  });

  it.each<[string, () => Worker]>([
    ["is forbidden", () => {
      throw new Error("SecurityError");
    }],
    ["does not load", broken],
  ])("is computed without a worker if it %s", async (_name, start) => {
    const digests = new Digests(start);
    const content = new Blob([bytes(CHUNK + 1)]);

    expect(await digests.of(content)).toBe(EXPECTED.get(CHUNK + 1));
    expect(await digests.of(content)).toBe(EXPECTED.get(CHUNK + 1));
  });

  it("of an unreadable file fails with a sentence", async () => {
    const digests = new Digests(() => answering(async () => null));

    await expect(digests.of(UNREADABLE as unknown as Blob)).rejects.toBeInstanceOf(UnreadableFileError);
  });
});

/** A worker in this thread. */
function answering(answer: (blob: Blob) => Promise<string | null>): Worker {
  const postMessage = (blob: Blob, [port]: MessagePort[]) => void answer(blob).then((digest) => port?.postMessage(digest));
  return Object.assign(new EventTarget(), { postMessage }) as unknown as Worker;
}

function broken(): Worker {
  const worker = new EventTarget();
  setTimeout(() => worker.dispatchEvent(new Event("error")), 5);
  return Object.assign(worker, { postMessage: () => undefined }) as unknown as Worker;
}
