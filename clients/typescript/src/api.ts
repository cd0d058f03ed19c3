// Calls with a bearer token. A refused token is not an error: the call waits for another one and is repeated.

import { learnTime } from "./clock.js";
import { retryAfterSeconds, waitBeforeTry } from "./retry.js";
import { NoAnswerError, ProblemError } from "./problems.js";
import type { Problem } from "./types.js";

export interface TokenSource {
  /** Return a token, waiting until there is one. */
  token(): Promise<string>;
  /** Report that this token was refused, so that `token` returns another one. */
  refused(token: string): void;
}

export interface CallOptions {
  body?: unknown;
  /** A body that is no JSON. */
  file?: { content: Blob; type: string };
  etag?: string | null;
  idempotencyKey?: string;
  signal?: AbortSignal | undefined;
}

export interface Answer<T> {
  /** Null if nothing has changed since `etag`, or if the answer has no body. */
  body: T | null;
  isUnchanged: boolean;
  etag: string | null;
  retryAfterSeconds: number | null;
}

export class Api {
  constructor(
    private readonly tokens: TokenSource,
    private readonly send: typeof fetch = (...args) => fetch(...args),
    private readonly wait: (ms: number, signal?: AbortSignal) => Promise<void> = untilLaterOrOnline,
    /** The address of the service; empty for that of the page. */
    private readonly url = "",
  ) {}

  /** Make a call once, waiting only for an expired token to be replaced. Throws ProblemError, NoAnswerError. */
  async call<T>(method: string, path: string, options: CallOptions = {}): Promise<Answer<T>> {
    for (;;) {
      const token = await this.tokens.token();
      const response = await this.sent(method, path, token, options);
      if (response.status === 401) {
        this.tokens.refused(token);
        continue;
      }
      return await answerOf<T>(response);
    }
  }

  /** Repeat a call until it is answered: through a lost connection, a restart of the service or an expired token. */
  async callWithRetry<T>(method: string, path: string, options: CallOptions = {}): Promise<Answer<T>> {
    for (let failures = 1; ; failures += 1) {
      try {
        return await this.call<T>(method, path, options);
      } catch (error) {
        if (options.signal?.aborted || !isTransient(error)) throw error;
        const asksFor = error instanceof ProblemError ? error.retryAfterSeconds : null;
        await this.wait(waitBeforeTry(failures, asksFor), options.signal);
      }
    }
  }

  private async sent(method: string, path: string, token: string, options: CallOptions): Promise<Response> {
    const headers: Record<string, string> = { Authorization: `Bearer ${token}` };
    if (options.body !== undefined) headers["Content-Type"] = "application/json";
    if (options.file) headers["Content-Type"] = options.file.type;
    if (options.etag) headers["If-None-Match"] = options.etag;
    if (options.idempotencyKey) headers["Idempotency-Key"] = options.idempotencyKey;
    try {
      const response = await this.send(`${this.url}/api/v1${path}`, {
        method,
        headers,
        // The page compares ETags itself: the browser's cache would turn a 304 into a 200.
        cache: "no-store",
        ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
        ...(options.file ? { body: options.file.content } : {}),
        ...(options.signal ? { signal: options.signal } : {}),
      });
      learnTime(response.headers.get("Date"));
      return response;
    } catch (error) {
      if (options.signal?.aborted) throw error;
      throw new NoAnswerError();
    }
  }
}

/** Return whether the same call may succeed later. */
export function isTransient(error: unknown): boolean {
  if (error instanceof NoAnswerError) return true;
  if (!(error instanceof ProblemError)) return false;
  return error.problem.status >= 500 || error.problem.code === "request_limit_reached";
}

async function answerOf<T>(response: Response): Promise<Answer<T>> {
  const after = retryAfterSeconds(response.headers.get("Retry-After"));
  if (response.status === 304) {
    return { body: null, isUnchanged: true, etag: response.headers.get("ETag"), retryAfterSeconds: after };
  }
  const text = await response.text().catch(() => {
    throw new NoAnswerError();
  });
  if (!response.ok) throw new ProblemError(problemOf(response, text), after);
  const body = text === "" ? null : (JSON.parse(text) as T);
  return { body, isUnchanged: false, etag: response.headers.get("ETag"), retryAfterSeconds: after };
}

function problemOf(response: Response, text: string): Problem {
  try {
    const problem = JSON.parse(text) as Problem;
    if (typeof problem.code === "string") return problem;
  } catch {
    // A proxy responded with a page of its own, which people should not see.
  }
  const title = "The response did not come from the service";
  const code = response.status >= 500 ? "temporarily_unavailable" : "unknown";
  return { status: response.status, code, title, detail: `status ${response.status}`, retryable: true, what_to_do: "" };
}

/** Wait for `ms`, or until the browser is online again, or the signal aborts. */
export function untilLaterOrOnline(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      globalThis.removeEventListener?.("online", done);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    // Node has no such events.
    globalThis.addEventListener?.("online", done);
    signal?.addEventListener("abort", done);
  });
}
