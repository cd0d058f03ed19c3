// Receives the service's webhooks: checks who sent a message and when, before anything in it is read. Standard Webhooks
// 1.0.0; docs/notifications.md says what messages hold.

const TOLERANCE_SECONDS = 300;
const CLOUD_EVENT_PREFIX = "dev.uploads.";

/** A request that the service did not sign, or not just now. Answer it with 400. */
export class WebhookRefusedError extends Error {}

export interface WebhookMessage {
  /** The same each time that the message is sent: drop repetitions. */
  id: string;
  sentAt: Date;
  /** What happened, such as `video.ready`, in either format of messages. */
  kind: string;
  /** What the message says about the video; empty in a test. */
  data: Record<string, unknown>;
  content: Record<string, unknown>;
}

export interface VerifyOptions {
  now?: Date;
  toleranceSeconds?: number;
}

type SentHeaders = { get(name: string): string | null } | Record<string, string | string[] | undefined>;

/**
 * Return the message of a request. Throws WebhookRefusedError unless one of the secrets signed it just now.
 *
 * `body`: as it came, because another spelling of the same JSON has another signature. `secrets`: one, or all that are
 * valid while a secret is replaced. Throws TypeError if a secret is none of an endpoint.
 */
export async function verifyWebhook(
  headers: SentHeaders,
  body: string | Uint8Array<ArrayBuffer>,
  secrets: string | readonly string[],
  { now = new Date(), toleranceSeconds = TOLERANCE_SECONDS }: VerifyOptions = {},
): Promise<WebhookMessage> {
  const keys = await Promise.all((typeof secrets === "string" ? [secrets] : secrets).map(keyOf));
  if (keys.length === 0) throw new TypeError("no secret to verify webhooks with");
  const id = header(headers, "webhook-id");
  const timestamp = header(headers, "webhook-timestamp");
  if (!/^\d{1,12}$/.test(timestamp)) throw new WebhookRefusedError("webhook-timestamp is not a time in seconds");
  const sentAt = new Date(Number(timestamp) * 1000);
  if (Math.abs(now.getTime() - sentAt.getTime()) > toleranceSeconds * 1000) {
    throw new WebhookRefusedError(`webhook-timestamp is more than ${toleranceSeconds} s away`);
  }
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  const signed = joined(new TextEncoder().encode(`${id}.${timestamp}.`), bytes);
  const signatures = header(headers, "webhook-signature").split(" ").flatMap(signatureOf);
  for (const key of keys) {
    for (const signature of signatures) {
      // It compares in constant time.
      if (await crypto.subtle.verify("HMAC", key, signature, signed)) return messageOf(id, sentAt, bytes);
    }
  }
  throw new WebhookRefusedError("no secret of the endpoint made webhook-signature for this body");
}

function messageOf(id: string, sentAt: Date, bytes: Uint8Array): WebhookMessage {
  const content = parsed(bytes);
  const data = isObject(content["data"]) ? content["data"] : {};
  const type = typeof content["type"] === "string" ? content["type"] : "";
  const kind = type.startsWith(CLOUD_EVENT_PREFIX) ? type.slice(CLOUD_EVENT_PREFIX.length) : type;
  return { id, sentAt, kind, data, content };
}

function parsed(bytes: Uint8Array): Record<string, unknown> {
  try {
    const content: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    if (isObject(content)) return content;
  } catch {
    // Not JSON: refused below.
  }
  throw new WebhookRefusedError("the body is signed, but is no JSON object");
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function header(headers: SentHeaders, name: string): string {
  const value =
    typeof headers.get === "function"
      ? headers.get(name)
      : Object.entries(headers).find(([key]) => key.toLowerCase() === name)?.[1];
  const text = Array.isArray(value) ? value.join(" ") : value;
  if (typeof text !== "string" || text === "") throw new WebhookRefusedError(`the header ${name} is missing`);
  return text;
}

async function keyOf(secret: string): Promise<CryptoKey> {
  const key = decoded(secret.replace(/^whsec_/, ""));
  // Without the text, because it may be a secret that was mistyped.
  if (!key?.length) throw new TypeError("a webhook secret is not the base64 that follows whsec_");
  return crypto.subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, ["verify"]);
}

function signatureOf(word: string): Uint8Array<ArrayBuffer>[] {
  const signature = word.startsWith("v1,") ? decoded(word.slice("v1,".length)) : null;
  return signature === null ? [] : [signature];
}

function decoded(base64: string): Uint8Array<ArrayBuffer> | null {
  // atob skips spaces.
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(base64)) return null;
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}
