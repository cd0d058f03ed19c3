import { describe, expect, it } from "vitest";

import { UploadErrors } from "../src/upload/upload-errors";

type Listener = (file: { id: string; name: string } | undefined, error?: Error) => void;

/** Upload errors over an Uppy whose events the test emits. */
function observed() {
  const listeners = new Map<string, Listener>();
  const on = (event: string, listener: Listener) => void listeners.set(event, listener);
  const errors = new UploadErrors({ on } as never);
  return { errors, emit: (event: string, ...args: Parameters<Listener>) => listeners.get(event)?.(...args) };
}

const FILE = { id: "f", name: "cats.mp4" };
const LIMIT = { id: "f", title: "cats", sentence: "Not now.", isAccepted: true };

describe("an upload error", () => {
  it.each(["file-removed", "upload-retry"])("is shown until %s", (event) => {
    const { errors, emit } = observed();
    errors.put({ ...LIMIT, sentence: "Not yet." });
    errors.put(LIMIT);
    expect(errors.value).toEqual([LIMIT]);
    emit(event, { ...FILE, id: "another" });
    expect(errors.value).toEqual([LIMIT]);
    emit(event, FILE);

    expect(errors.value).toEqual([]);
  });

  it("is shown for a file that is not accepted, once per name", () => {
    const { errors, emit } = observed();
    for (const file of [FILE, FILE, undefined]) emit("restriction-failed", file, new Error("Only videos can be uploaded"));

    expect(errors.value.map(({ title }) => title)).toEqual(["cats.mp4", "This file"]);
    expect(errors.value[0]).toMatchObject({ sentence: "Only videos can be uploaded.", isAccepted: false });
  });
});
