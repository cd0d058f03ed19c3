import { describe, expect, it } from "vitest";

import { Troubles } from "../src/upload/troubles";

type Heard = (file: { id: string; name: string } | undefined, error?: Error) => void;

/** Troubles of an Uppy that says what the test lets it say. */
function troubled() {
  const heard = new Map<string, Heard>();
  const on = (event: string, hear: Heard) => void heard.set(event, hear);
  const troubles = new Troubles({ on } as never);
  return { troubles, say: (event: string, ...words: Parameters<Heard>) => heard.get(event)?.(...words) };
}

const FILE = { id: "f", name: "cats.mp4" };
const LIMIT = { id: "f", title: "cats", sentence: "Not now.", isTaken: true };

describe("what stands in the way of a file", () => {
  it.each(["file-removed", "upload-retry"])("is said until it is settled: %s", (event) => {
    const { troubles, say } = troubled();
    troubles.put({ ...LIMIT, sentence: "Not yet." });
    troubles.put(LIMIT);
    expect(troubles.value).toEqual([LIMIT]);
    say(event, { ...FILE, id: "another" });
    expect(troubles.value).toEqual([LIMIT]);
    say(event, FILE);

    expect(troubles.value).toEqual([]);
  });

  it("is said of a file that was not taken, once for each name", () => {
    const { troubles, say } = troubled();
    for (const file of [FILE, FILE, undefined]) say("restriction-failed", file, new Error("Only videos can be uploaded"));

    expect(troubles.value.map(({ title }) => title)).toEqual(["cats.mp4", "This file"]);
    expect(troubles.value[0]).toMatchObject({ sentence: "Only videos can be uploaded.", isTaken: false });
  });
});
