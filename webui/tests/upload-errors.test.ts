import { describe, expect, it } from "vitest";

import { UploadErrors } from "../src/upload/upload-errors";

type Heard = (file: { id: string; name: string } | undefined, error?: Error) => void;

/** UploadErrors of an Uppy that says what the test lets it say. */
function troubled() {
  const heard = new Map<string, Heard>();
  const on = (event: string, hear: Heard) => void heard.set(event, hear);
  const errors = new UploadErrors({ on } as never);
  return { errors, say: (event: string, ...words: Parameters<Heard>) => heard.get(event)?.(...words) };
}

const FILE = { id: "f", name: "cats.mp4" };
const LIMIT = { id: "f", title: "cats", sentence: "Not now.", isTaken: true };

describe("what stands in the way of a file", () => {
  it.each(["file-removed", "upload-retry"])("is said until it is settled: %s", (event) => {
    const { errors, say } = troubled();
    errors.put({ ...LIMIT, sentence: "Not yet." });
    errors.put(LIMIT);
    expect(errors.value).toEqual([LIMIT]);
    say(event, { ...FILE, id: "another" });
    expect(errors.value).toEqual([LIMIT]);
    say(event, FILE);

    expect(errors.value).toEqual([]);
  });

  it("is said of a file that was not taken, once for each name", () => {
    const { errors, say } = troubled();
    for (const file of [FILE, FILE, undefined]) say("restriction-failed", file, new Error("Only videos can be uploaded"));

    expect(errors.value.map(({ title }) => title)).toEqual(["cats.mp4", "This file"]);
    expect(errors.value[0]).toMatchObject({ sentence: "Only videos can be uploaded.", isTaken: false });
  });
});
