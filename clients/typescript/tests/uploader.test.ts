import { describe, expect, it } from "vitest";

import { Api } from "../src/api.js";
import { Calls } from "../src/calls.js";
import { contentMd5 } from "../src/md5.js";
import { ProblemError } from "../src/problems.js";
import { Records } from "../src/records.js";
import type { Send } from "../src/sending.js";
import type { Problem } from "../src/types.js";
import { Uploader, type UploadOptions, UploadRefusedError } from "../src/uploader.js";

const PART_SIZE = 5;
const LARGE = 17 * 1024 * 1024;

/** A service and a storage with one video, as far as an upload needs them. */
class Service {
  readonly parts = new Map<number, string>();
  readonly calls: string[] = [];
  readonly digests: string[] = [];
  readonly waits: number[] = [];
  whole: string | null = null;
  /** The real digest takes a second for a large file. */
  digest = async (bytes: Blob): Promise<string> => `of ${bytes.size} bytes`;
  status = "uploading";
  created = 0;
  createdWith: Record<string, unknown> = {};
  size = 0;
  /** What the next calls or transfers end in, by their first words. */
  readonly faults = new Map<string, (Partial<Problem> | number)[]>();

  fail(what: string, ...faults: (Partial<Problem> | number)[]): void {
    this.faults.set(what, faults);
  }

  readonly fetch = (async (url: string, init: RequestInit) => {
    const what = `${init.method} ${url.replace("/api/v1/videos", "")}`;
    this.calls.push(what);
    const fault = this.faults.get(what)?.shift();
    if (fault !== undefined) {
      const body = typeof fault === "number" ? { status: fault } : fault;
      return new Response(JSON.stringify(body), { status: body.status ?? 409 });
    }
    const body = init.body ? (JSON.parse(init.body as string) as Record<string, unknown>) : {};
    return new Response(JSON.stringify(this.answered(what, body, init.headers as Record<string, string>)));
  }) as typeof fetch;

  readonly send: Send = async (url, { headers, body }, onSent) => {
    const fault = this.faults.get(`PUT ${url}`)?.shift();
    if (typeof fault === "number") return fault;
    const text = (await body.text()).slice(0, 20);
    this.digests.push(headers["Content-MD5"] ?? "");
    onSent(body.size);
    if (url === "whole") this.whole = text;
    else this.parts.set(Number(url), text);
    return 200;
  };

  uploader(storage: Storage = memory()): Uploader {
    const api = new Api({ token: async () => "t", refused: () => undefined }, this.fetch, async () => Promise.reject(new Error("no call may be repeated here")));
    const steps = { send: this.send, digest: this.digest, wait: async (ms: number) => void this.waits.push(ms) };
    return new Uploader(new Calls(api), new Records(storage), "ann", steps);
  }

  private answered(what: string, body: Record<string, unknown>, headers: Record<string, string>): object {
    const target = { upload_url: "whole", method: "PUT", headers: {}, expires_at: "2999-01-01T00:00:00Z" };
    switch (what) {
      case "POST ":
        this.created += 1;
        this.createdWith = body;
        this.size = Number(body["size_bytes"]);
        expect(headers["Idempotency-Key"]).toMatch(/^[\w-]{36}$/);
        return { ...target, video_id: "v", upload: { mode: body["upload_mode"] } };
      case "POST /v/upload_url":
        return target;
      case "GET /v":
        return { id: "v", status: this.status, deleted_at: null };
      case "GET /v/parts":
        return this.list();
      case "POST /v/parts": {
        const [part_number] = body["part_numbers"] as number[];
        return { parts: [{ ...target, part_number, upload_url: `${part_number}` }] };
      }
      case "POST /v/upload_complete":
        this.status = "uploaded";
        return { status: "processing_queued" };
      default:
        return { status: 500, code: "unknown", title: what };
    }
  }

  private list(): object {
    const part_size = Math.ceil(this.size / 4);
    const numbers = [1, 2, 3, 4];
    const parts = numbers.filter((part) => this.parts.has(part));
    return {
      size_bytes: this.size,
      part_size,
      part_count: 4,
      parts: parts.map((part_number) => ({ part_number, size_bytes: part_size, etag: "e" })),
      missing: numbers.filter((part) => !this.parts.has(part)),
    };
  }
}

function memory(): Storage {
  const kept = new Map<string, string>();
  return { getItem: (key: string) => kept.get(key) ?? null, setItem: (key: string, value: string) => void kept.set(key, value) } as Storage;
}

const file = (bytes = PART_SIZE, changes: FilePropertyBag = {}) =>
  new File(["c".repeat(bytes)], "cats.mp4", { type: "video/mp4", lastModified: 7, ...changes });

const problem = (code: string, status = 409): Partial<Problem> => ({ status, code, title: "", detail: "", what_to_do: "" });

describe("the uploader", () => {
  it("sends a small file in one piece with its digest, and confirms", async () => {
    const service = new Service();
    service.digest = contentMd5;
    const seen: string[] = [];
    const options: UploadOptions = { onVideo: (id) => seen.push(id), onProgress: (sent, all) => seen.push(`${sent}/${all}`) };

    expect(await service.uploader().upload(file(), options)).toBe("v");
    expect(service.whole).toBe("ccccc");
    expect(service.digests).toEqual([await contentMd5(file())]);
    expect(service.calls).toEqual(["POST ", "POST /v/upload_complete"]);
    expect(seen).toEqual(["v", "5/5"]);
  });

  it("creates the video as it was chosen, and leaves out the rest", async () => {
    const service = new Service();
    await service.uploader().upload(file(), { title: "Dogs", profile: "modern", visibility: "private" });

    expect(service.createdWith).toEqual({
      title: "Dogs",
      filename: "cats.mp4",
      content_type: "video/mp4",
      size_bytes: PART_SIZE,
      upload_mode: "single",
      profile: "modern",
      visibility: "private",
    });
  });

  it("sends a large file in parts and reports what has arrived", async () => {
    const service = new Service();
    let shown = 0;
    await service.uploader().upload(file(LARGE), { onProgress: (sent) => (shown = sent) });

    expect([...service.parts.keys()].sort()).toEqual([1, 2, 3, 4]);
    expect(shown).toBe(LARGE);
    expect(service.calls.at(-1)).toBe("POST /v/upload_complete");
  });

  it("waits out a lost connection and sends only what is missing", async () => {
    const service = new Service();
    service.fail("PUT 3", 0, 503);
    await service.uploader().upload(file(LARGE), { parallel: 1 });

    expect(service.parts.size).toBe(4);
    expect(service.waits).toEqual([1000, 2000]);
    expect(service.digests).toHaveLength(4);
  });

  it("gets a new URL when storage says that the first has expired", async () => {
    const service = new Service();
    service.fail("PUT whole", 403);
    await service.uploader().upload(file());

    expect(service.calls).toEqual(["POST ", "POST /v/upload_url", "POST /v/upload_complete"]);
  });

  it("ends after three refusals of storage, and says so", async () => {
    const service = new Service();
    service.fail("PUT whole", 403, 403, 403);

    await expect(service.uploader().upload(file())).rejects.toThrow(UploadRefusedError);
  });

  it("sends again what storage turns out not to have", async () => {
    const service = new Service();
    service.fail("POST /v/upload_complete", problem("object_missing"));
    await service.uploader().upload(file());

    expect(service.digests).toHaveLength(2);
    expect(service.calls.filter((call) => call === "POST /v/upload_complete")).toHaveLength(2);
  });

  it("is done when the upload is closed already", async () => {
    const service = new Service();
    service.fail("GET /v/parts", problem("upload_closed"));

    expect(await service.uploader().upload(file(LARGE))).toBe("v");
  });

  it("resumes in another page with the same file, and creates no second video", async () => {
    const [service, storage] = [new Service(), memory()];
    service.fail("PUT 3", 403, 403, 403);
    await expect(service.uploader(storage).upload(file(LARGE), { parallel: 1 })).rejects.toThrow("Storage refused");
    const before = service.digests.length;
    await service.uploader(storage).upload(file(LARGE));

    expect(service.created).toBe(1);
    expect(service.digests.length - before).toBe(2);
  });

  it.each([
    ["was changed", { lastModified: 8 }, "uploading"],
    ["was sent already", {}, "uploaded"],
  ])("starts over when the file %s", async (_name, changes, status) => {
    const [service, storage] = [new Service(), memory()];
    service.fail("PUT whole", 403, 403, 403);
    await expect(service.uploader(storage).upload(file())).rejects.toThrow("Storage refused");
    service.status = status;
    await service.uploader(storage).upload(file(PART_SIZE, changes));

    expect(service.created).toBe(2);
  });

  it("remembers nothing of an upload that the service refuses", async () => {
    const [service, storage] = [new Service(), memory()];
    service.fail("POST ", problem("upload_limit_reached", 429));

    await expect(service.uploader(storage).upload(file())).rejects.toBeInstanceOf(ProblemError);
    expect(new Records(storage).of("ann")).toEqual([]);
  });

  it("stops when it is aborted, and resumes later", async () => {
    const [service, storage, stop] = [new Service(), memory(), new AbortController()];
    const onProgress = (sent: number) => sent > LARGE / 4 && stop.abort(new Error("stopped"));
    service.fail("PUT 3", 0);
    const stopped = service.uploader(storage).upload(file(LARGE), { parallel: 1, signal: stop.signal, onProgress });
    await expect(stopped).rejects.toThrow("stopped");
    await service.uploader(storage).upload(file(LARGE));

    expect(service.created).toBe(1);
    expect(service.parts.size).toBe(4);
  });
});
