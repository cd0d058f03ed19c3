import { describe, expect, it } from "vitest";

import cases from "../../tests/support/hostile/file_names.json?raw";
import { newRecord } from "video-uploads-client";

import { mismatch } from "../src/upload/resume";

interface Case {
  about: string;
  name: string;
  filename: string;
  title: string;
}

// The same cases hold for the command, and each result is accepted by the service (tests/unit/webapi).
const CASES = JSON.parse(cases) as Case[];

describe("a file's name", () => {
  it.each(CASES)("gives a title and a file name that the service accepts: $about", ({ name, filename, title }) => {
    const file = { name, size: 1, type: "video/mp4", lastModified: 1 };
    const record = newRecord(file, "ann", "k", 0);

    expect([record.name, record.title]).toEqual([filename, title]);
    expect(mismatch(record, file)).toBeNull();
  });
});
