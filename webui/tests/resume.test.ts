import { describe, expect, it } from "vitest";
import { newRecord, type PartList, Records, type UploadRecord } from "video-uploads-client";

import { claim } from "../src/upload/claim";
import { type UploadFacts, mismatch, nextStep } from "../src/upload/resume";
import { memory } from "./memory-storage";

const MIB = 1024 * 1024;
const FILE = { name: "cats.mp4", size: 40 * MIB, type: "video/mp4", lastModified: 1000 };
const RECORD: UploadRecord = { ...newRecord(FILE, "ann", "key-1", 5), videoId: "video1" };
const WAITING = { status: "uploading", deleted_at: null } as const;

function parts(stored: number[], missing: number[]): PartList {
  const storedParts = stored.map((part_number) => ({ part_number, size_bytes: 16 * MIB, etag: "e" }));
  return { size_bytes: FILE.size, part_size: 16 * MIB, part_count: 3, parts: storedParts, missing };
}

function facts(changes: Partial<UploadFacts>): UploadFacts {
  return { record: RECORD, video: WAITING, parts: parts([1], [2, 3]), hasFile: false, isSentElsewhere: false, ...changes };
}

describe("what follows after a reload", () => {
  it.each<[string, Partial<UploadFacts>, string]>([
    ["a file that is still available is sent on", { hasFile: true }, "send"],
    ["without the file the person is asked for it", {}, "ask"],
    ["when every part is stored, only the confirmation is missing", { parts: parts([1, 2, 3], []) }, "confirm"],
    ["that holds without the file too", { parts: parts([1, 2, 3], []), hasFile: false }, "confirm"],
    ["a video past its upload needs nothing", { video: { status: "processing", deleted_at: null } }, "forget"],
    ["a deleted video needs nothing", { video: { status: "uploading", deleted_at: "2026-01-01T00:00:00Z" } }, "forget"],
    ["a purged video needs nothing", { video: null }, "forget"],
    ["an upload of another tab is left alone", { isSentElsewhere: true, hasFile: true }, "elsewhere"],
    ["an unanswered first call is made again", { record: { ...RECORD, videoId: null }, video: null, parts: null, hasFile: true }, "send"],
    ["an unanswered first call without the file asks for the file", { record: { ...RECORD, videoId: null }, video: null, parts: null }, "ask"],
    ["an empty plan without parts is not complete", { parts: parts([], []) }, "ask"],
  ])("%s", (_name, changes, kind) => {
    expect(nextStep(facts(changes)).kind).toBe(kind);
  });

  it("says how much is saved, why the file is needed, and which file", () => {
    const next = nextStep(facts({}));

    expect(next).toMatchObject({ kind: "ask", storedBytes: 16 * MIB });
    expect(next.kind === "ask" && next.sentence).toBe(
      "16 MB of 40 MB are saved. The browser does not allow this page to reopen your file. " +
        "Choose “cats.mp4” again to continue from there.",
    );
  });

  it("says that a file in one piece starts over", () => {
    const next = nextStep(facts({ record: { ...RECORD, mode: "single" }, parts: null }));

    expect(next.kind === "ask" && next.sentence).toContain("will start over");
  });
});

describe("a file that was chosen again", () => {
  it("is accepted if it is the same", () => {
    expect(mismatch(RECORD, FILE)).toBeNull();
  });

  it.each([
    [{ size: 7 }, "This is a different file: it has 7 bytes instead of 40 MB"],
    [{ size: 41_943_039 }, "it has 41943039 bytes instead of 41943040 bytes"],
    [{ name: "dogs.mp4" }, "This file is called “dogs.mp4”"],
    [{ lastModified: 1001 }, "was changed after the upload began"],
  ])("is refused with the difference: %o", (changes, sentence) => {
    expect(mismatch(RECORD, { ...FILE, ...changes })).toContain(sentence);
  });
});

describe("a new record", () => {
  it.each([
    [16 * MIB, "single"],
    [16 * MIB + 1, "multipart"],
  ])("a file of %d bytes is sent as %s", (size, mode) => {
    expect(newRecord({ ...FILE, size }, "ann", "k", 0).mode).toBe(mode);
  });

  it.each([
    ["cats.mp4", "cats"],
    [".mp4", "Video"],
    ["a/b\u202ecats.tar.mp4", "a_bcats.tar"],
    ["no ending", "no ending"],
    ["   .mp4", "Video"],
  ])("the name %j gives the title %j", (name, title) => {
    expect(newRecord({ ...FILE, name }, "ann", "k", 0).title).toBe(title);
  });

  it.each([
    ["", "application/octet-stream"],
    ["text/plain", "application/octet-stream"],
    ["video/webm;codecs=vp9,opus", "video/webm"],
    ["Video/MP4", "video/mp4"],
    ["application/mxf", "application/mxf"],
  ])("a file of type %j is sent as %s", (type, sent) => {
    expect(newRecord({ ...FILE, type }, "ann", "k", 0).type).toBe(sent);
  });
});

describe("records", () => {
  it("belong to their owner", () => {
    const records = new Records(memory(), () => 10);
    records.put(RECORD);

    expect(records.of("ann")).toEqual([RECORD]);
    expect(records.of("bob")).toEqual([]);
  });

  it("are replaced by key, and forgotten", () => {
    const records = new Records(memory(), () => 10);
    records.put(RECORD);
    records.put({ ...RECORD, videoId: "video2" });
    expect(records.get("key-1")?.videoId).toBe("video2");

    records.forget("key-1");
    expect(records.of("ann")).toEqual([]);
  });

  it("are bounded in number and age", () => {
    let now = 10;
    const records = new Records(memory(), () => now);
    for (let number = 0; number < 60; number += 1) records.put({ ...RECORD, key: `key-${number}` });
    expect(records.of("ann")).toHaveLength(50);
    expect(records.get("key-59")).not.toBeNull();

    now += 9 * 24 * 3600 * 1000;
    expect(records.of("ann")).toEqual([]);
  });

  it("survive a store that is corrupt or full", () => {
    const broken = memory({ uploads: "{" });
    broken.setItem = () => {
      throw new Error("no room");
    };
    const records = new Records(broken, () => 10);
    records.put(RECORD);

    expect(records.of("ann")).toEqual([]);
  });
});

describe("the lock on an upload", () => {
  const locks = (isFree: boolean) =>
    ({ request: async (_name: string, _how: object, callback: (lock: object | null) => unknown) => callback(isFree ? {} : null) }) as unknown as LockManager;

  it("is refused while another tab has it", async () => {
    expect(await claim("theirs", locks(false))).toBe(false);
  });

  it("stays with this tab when it is requested again", async () => {
    expect(await claim("ours", locks(true))).toBe(true);
    expect(await claim("ours", locks(false))).toBe(true);
  });

  it("is granted if the browser has no locks", async () => {
    expect(await claim("any", undefined)).toBe(true);
  });
});
