import { describe, expect, it } from "vitest";

import { Api, type TokenSource } from "../src/api.js";
import { retryAfterSeconds, waitBeforeTry } from "../src/retry.js";
import { NoAnswerError, ProblemError, sentenceFor } from "../src/problems.js";
import type { Problem } from "../src/types.js";
import { afterFailure } from "../src/failures.js";

const PROBLEM: Problem = {
  status: 404,
  code: "not_found",
  title: "There is no such thing",
  detail: "there is no such video",
  retryable: false,
  what_to_do: "Check the path and the id.",
};

/** An API over prepared answers; "down" is a lost connection. */
function over(answers: ("down" | Response)[], tokens = ["first", "second", "third"]) {
  const sent: { url: string; headers: Record<string, string> }[] = [];
  const waits: number[] = [];
  const refused: string[] = [];
  const source: TokenSource = {
    token: async () => tokens[refused.length] ?? "none",
    refused: (token) => void refused.push(token),
  };
  const send = (async (url: string, init: RequestInit) => {
    sent.push({ url, headers: init.headers as Record<string, string> });
    const answer = answers.shift();
    if (answer === undefined || answer === "down") throw new TypeError("Failed to fetch");
    return answer;
  }) as typeof fetch;
  const api = new Api(source, send, async (ms) => void waits.push(ms));
  return { api, sent, waits, refused };
}

function answer(status: number, body?: object, headers: Record<string, string> = {}): Response {
  return new Response(body === undefined ? null : JSON.stringify(body), { status, headers });
}

function problem(changes: Partial<Problem>, headers: Record<string, string> = {}): Response {
  const body = { ...PROBLEM, ...changes };
  return answer(body.status, body, headers);
}

describe("a call", () => {
  it("carries token, ETag and key, and returns the answer", async () => {
    const { api, sent } = over([answer(200, { id: "v" }, { ETag: '"a"', "Retry-After": "7" })]);
    const options = { body: { title: "Cats" }, etag: '"b"', idempotencyKey: "k" };

    expect(await api.call("POST", "/videos", options)).toEqual({
      body: { id: "v" },
      isUnchanged: false,
      etag: '"a"',
      retryAfterSeconds: 7,
    });
    expect(sent[0]?.url).toBe("/api/v1/videos");
    expect(sent[0]?.headers).toEqual({
      Authorization: "Bearer first",
      "Content-Type": "application/json",
      "If-None-Match": '"b"',
      "Idempotency-Key": "k",
    });
  });

  it("recognises an unchanged video", async () => {
    const { api } = over([answer(304, undefined, { ETag: '"a"' })]);

    expect(await api.call("GET", "/videos/v", { etag: '"a"' })).toMatchObject({ body: null, isUnchanged: true });
  });

  it("waits for another token when one is refused, and repeats the call", async () => {
    const { api, sent, refused } = over([problem({ status: 401 }), problem({ status: 401 }), answer(200, {})]);
    await api.call("GET", "/videos");

    expect(refused).toEqual(["first", "second"]);
    expect(sent.map(({ headers }) => headers["Authorization"])).toEqual(["Bearer first", "Bearer second", "Bearer third"]);
  });

  it("throws the service's problem", async () => {
    const { api } = over([problem({})]);

    await expect(api.call("GET", "/videos/v")).rejects.toMatchObject({ problem: { code: "not_found" } });
  });

  it("throws a problem of ours when a proxy answers", async () => {
    const { api } = over([new Response("<html>Bad gateway</html>", { status: 502 })]);

    await expect(api.call("GET", "/videos")).rejects.toThrow("The service has a temporary problem");
  });
});

describe("a call with retries", () => {
  it("is repeated through a lost connection and a restart of the service", async () => {
    const busy = problem({ status: 503, code: "temporarily_unavailable" }, { "Retry-After": "5" });
    const { api, waits, sent } = over(["down", "down", busy, answer(200, {})]);
    await api.callWithRetry("GET", "/videos");

    expect(sent).toHaveLength(4);
    expect(waits).toEqual([1000, 2000, 5000]);
  });

  it("waits until the service takes calls again", async () => {
    const busy = problem({ code: "request_limit_reached", status: 429 }, { "Retry-After": "20" });
    const { api, waits } = over([busy, answer(200, { id: "v" })]);

    expect((await api.callWithRetry("GET", "/videos/v")).body).toEqual({ id: "v" });
    expect(waits).toEqual([20_000]);
  });

  it("accepts a refusal", async () => {
    const { api, waits } = over([problem({ status: 409, code: "upload_closed" })]);

    await expect(api.callWithRetry("POST", "/videos/v/parts")).rejects.toBeInstanceOf(ProblemError);
    expect(waits).toEqual([]);
  });

  it("ends when it is aborted", async () => {
    const { api } = over(["down", answer(200, {})]);
    const signal = AbortSignal.abort();

    await expect(api.callWithRetry("GET", "/videos", { signal })).rejects.toThrow();
  });
});

describe("waiting before a retry", () => {
  it.each([
    [1, null, 1000],
    [2, null, 2000],
    [6, null, 30_000],
    [60, null, 30_000],
    [1, 12, 12_000],
    [6, 12, 30_000],
  ])("after %d failures, asked for %s seconds: %d ms", (failures, retryAfter, ms) => {
    expect(waitBeforeTry(failures, retryAfter)).toBe(ms);
  });

  it.each([
    ["7", 7],
    ["0", 0],
    [null, null],
    ["-1", null],
    ["soon", null],
    ["1e9", null],
    ["99999999999", null],
  ])("Retry-After %j is %s", (header, seconds) => {
    expect(retryAfterSeconds(header)).toBe(seconds);
  });
});

describe("after sending a file failed", () => {
  it.each<[string, Parameters<typeof afterFailure>[0], string]>([
    ["a lost connection is retried", { error: new Error("Unknown error"), status: 0, failures: 9 }, "again"],
    ["an error of storage is retried", { error: new Error("Non 2xx"), status: 503, failures: 9 }, "again"],
    ["busy storage is retried", { error: new Error("Non 2xx"), status: 429, failures: 9 }, "again"],
    ["a missing answer of the service is retried", { error: new NoAnswerError(), status: undefined, failures: 9 }, "again"],
    ["a refusal may be an expired URL and is retried", { error: new Error("Non 2xx"), status: 403, failures: 1 }, "again"],
    ["the third refusal is shown to the person", { error: new Error("Non 2xx"), status: 403, failures: 3 }, "person"],
    ["the upload limit is shown to the person", { error: limit(), status: undefined, failures: 1 }, "person"],
    ["a closed upload is done", { error: closed(), status: undefined, failures: 1 }, "done"],
    ["missing parts are sent again", { error: missing(), status: undefined, failures: 1 }, "again"],
  ])("%s", (_name, failed, kind) => {
    expect(afterFailure(failed).kind).toBe(kind);
  });
});

describe("problems as sentences for people", () => {
  it.each([
    ["upload_limit_reached", 1800, "You can start the next upload in 30 minutes."],
    ["upload_limit_reached", 40, "You can start the next upload in 40 seconds."],
    ["byte_limit_reached", 7200, "There is room for this file in 2 hours."],
    ["retranscode_limit_reached", 7200, "You can convert again in 2 hours."],
    ["not_retranscodable", null, "it is being converted, has failed, or was deleted"],
    ["original_unavailable", null, "storage no longer has the file"],
    ["insufficient_scope", null, "one that has the scope “admin”"],
    ["temporarily_unavailable", null, "Nothing is lost"],
    ["something_new", null, "There is no such thing: there is no such video. Check the path and the id."],
  ])("%s", (code, after, words) => {
    expect(sentenceFor({ ...PROBLEM, code }, after)).toContain(words);
  });

  it("gives the largest size", () => {
    const errors = [{ field: "size_bytes", detail: "files of at most 5368709120 bytes are taken" }];
    expect(sentenceFor({ ...PROBLEM, code: "file_too_large", errors }, null)).toContain("The limit is 5 GB.");
  });

  it("names the fields that people fill in by their own words", () => {
    const errors = [{ field: "source_url", detail: "must begin with https://" }, { field: "region", detail: "is unknown" }];
    const sentence = sentenceFor({ ...PROBLEM, code: "invalid_request", errors }, null);

    expect(sentence).toBe("The service refused this: the address must begin with https://; region is unknown.");
  });
});

function limit(): ProblemError {
  return new ProblemError({ ...PROBLEM, status: 429, code: "upload_limit_reached" }, 60);
}

function missing(): ProblemError {
  return new ProblemError({ ...PROBLEM, status: 409, code: "parts_missing" });
}

function closed(): ProblemError {
  return new ProblemError({ ...PROBLEM, status: 409, code: "upload_closed" });
}
