import { describe, expect, it } from "vitest";

import { verifyWebhook, WebhookRefusedError } from "../src/webhooks.js";

const NOON = new Date("2026-06-01T12:00:00Z");
const BODY = '{"type": "video.ready", "data": {"video_id": "cats", "sequence": 9}}';
const [OLD, NEW, OTHER] = [1, 2, 3].map((number) => `whsec_${btoa(String.fromCharCode(number).repeat(24))}`) as [
  string,
  string,
  string,
];

/** Sign as the service does (controller/notify/webhook_signature.py). */
async function signed(body = BODY, secrets = [OLD]): Promise<Record<string, string>> {
  const content = new TextEncoder().encode(`an-id.${NOON.getTime() / 1000}.${body}`);
  const signatures = secrets.map(async (secret) => {
    const raw = Uint8Array.from(atob(secret.slice("whsec_".length)), (letter) => letter.charCodeAt(0));
    const key = await crypto.subtle.importKey("raw", raw, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
    return `v1,${btoa(String.fromCharCode(...new Uint8Array(await crypto.subtle.sign("HMAC", key, content))))}`;
  });
  return {
    "webhook-id": "an-id",
    "webhook-timestamp": `${NOON.getTime() / 1000}`,
    "webhook-signature": (await Promise.all(signatures)).join(" "),
  };
}

const at = (now: Date) => ({ now });

describe("a webhook", () => {
  it("is verified as the documented example", async () => {
    // The same as the example of the Python client (videoupload/webhooks.py).
    const headers = {
      "webhook-id": "1",
      "webhook-timestamp": "1780315200",
      "webhook-signature": "v1,nOYFxXm9u07EkxVPwt0nAFL+6Vk9ikuiFHPbzknnJLk=",
    };
    const message = await verifyWebhook(headers, '{"type": "webhook.test", "data": {}}', `whsec_${"c2VjcmV0".repeat(4)}`, at(NOON));
    expect(message).toMatchObject({ id: "1", kind: "webhook.test", data: {} });
  });

  it("says what happened, in either format and whatever holds its headers", async () => {
    const event = '{"specversion": "1.0", "type": "dev.uploads.video.ready", "data": {"video_id": "cats"}}';
    const expected = { id: "an-id", sentAt: NOON, kind: "video.ready", data: { video_id: "cats" } };

    expect(await verifyWebhook(new Headers(await signed()), BODY, OLD, at(NOON))).toMatchObject(expected);
    expect(await verifyWebhook(await signed(event), event, OLD, at(NOON))).toMatchObject(expected);
    const { "webhook-id": id, ...others } = await signed();
    const bytes = new TextEncoder().encode(BODY);
    expect(await verifyWebhook({ "Webhook-Id": [id ?? ""], ...others }, bytes, OLD, at(NOON))).toMatchObject(expected);
  });

  it.each([
    [[OLD], [OLD, NEW]],
    [[OLD, NEW], [OLD]],
    [[OLD, NEW], [NEW]],
    [[NEW], [OLD, NEW]],
  ])("is accepted while a secret is replaced", async (ours, theirs) => {
    expect((await verifyWebhook(await signed(BODY, ours), BODY, theirs, at(NOON))).id).toBe("an-id");
  });

  it("is refused when another secret signed it", async () => {
    await expect(verifyWebhook(await signed(BODY, [OTHER]), BODY, [OLD, NEW], at(NOON))).rejects.toThrow(WebhookRefusedError);
  });

  it.each([-300, 300])("may be %d seconds away and no more", async (seconds) => {
    const headers = await signed();
    const edge = new Date(NOON.getTime() + seconds * 1000);
    const beyond = new Date(NOON.getTime() + seconds * 1001);

    expect((await verifyWebhook(headers, BODY, OLD, at(edge))).id).toBe("an-id");
    await expect(verifyWebhook(headers, BODY, OLD, at(beyond))).rejects.toThrow("300 s away");
    expect((await verifyWebhook(headers, BODY, OLD, { now: beyond, toleranceSeconds: 600 })).id).toBe("an-id");
  });

  it.each<[string, Record<string, string>, string, string]>([
    ["another body", {}, `${BODY} `, "for this body"],
    ["another id", { "webhook-id": "another" }, BODY, "for this body"],
    ["another time", { "webhook-timestamp": "1780315201" }, BODY, "for this body"],
    ["another signature", { "webhook-signature": "v1,bm8=" }, BODY, "for this body"],
    ["no base64", { "webhook-signature": "v1,Grüße" }, BODY, "for this body"],
    ["another version", { "webhook-signature": "v1a,bm8=" }, BODY, "for this body"],
    ["no signature", { "webhook-signature": "" }, BODY, "webhook-signature is missing"],
    ["no id", { "webhook-id": "" }, BODY, "webhook-id is missing"],
    ["a word for a time", { "webhook-timestamp": "noon" }, BODY, "not a time"],
    ["a time of many digits", { "webhook-timestamp": "9".repeat(5000) }, BODY, "not a time"],
  ])("with %s is refused", async (_name, changes, body, words) => {
    const refused = verifyWebhook({ ...(await signed()), ...changes }, body, OLD, at(NOON));
    await expect(refused).rejects.toThrow(WebhookRefusedError);
    await expect(refused).rejects.toThrow(words);
  });

  it.each(["[]", "", "null", '"text"'])("whose body is %j is refused", async (body) => {
    await expect(verifyWebhook(await signed(body), body, OLD, at(NOON))).rejects.toThrow("no JSON object");
  });

  it.each(["", "whsec_", "whsec_no base64"])("cannot be verified with the secret %j, which is not shown", async (secret) => {
    const refused = verifyWebhook(await signed(), BODY, secret, at(NOON));
    await expect(refused).rejects.toThrow(/^a webhook secret is not the base64 that follows whsec_$/);
  });

  it("cannot be verified without a secret", async () => {
    await expect(verifyWebhook(await signed(), BODY, [], at(NOON))).rejects.toThrow("no secret");
  });
});
