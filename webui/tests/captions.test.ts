import { describe, expect, it } from "vitest";
import { Api, Calls, type Caption, sentenceFor } from "video-uploads-client";

import { endonym, languageOf, languages, shown, typeOf } from "../src/watch/captions";

describe("captions", () => {
  it("offers languages by name, each once", () => {
    const offered = languages("en");
    expect(offered.find(({ tag }) => tag === "pt-BR")?.name).toContain("Portuguese");
    expect(new Set(offered.map(({ name }) => name)).size).toBe(offered.length);
    expect(offered.map(({ name }) => name)).toEqual([...offered].map(({ name }) => name).sort((a, b) => a.localeCompare(b, "en")));
  });

  it("names a language as its speakers do", () => {
    expect([endonym("de"), endonym("fr"), endonym("en")]).toEqual(["Deutsch", "Français", "English"]);
  });

  it("reads language and type from the name of a file", () => {
    expect(["holiday.de.srt", "a_pt-BR.vtt", "b.PT_br.vtt", "plain.vtt", "x.qq.vtt"].map(languageOf)).toEqual([
      "de",
      "pt-BR",
      "pt-BR",
      null,
      null,
    ]);
    expect([typeOf("a.SRT"), typeOf("a.vtt")]).toEqual(["application/x-subrip", "text/vtt"]);
  });

  it("loads the stream again only for what players show", () => {
    const caption: Caption = { language: "en", label: "English", default: false, status: "pending", url: null };
    expect(shown([caption])).toBe(shown([]));
    expect(shown([{ ...caption, status: "published", url: "u" }])).not.toBe(shown([]));
  });

  it("sends the file as it is, with its type", async () => {
    const sent: [string, RequestInit][] = [];
    const send = (async (url: string, init: RequestInit) => {
      sent.push([url, init]);
      return new Response("{}");
    }) as typeof fetch;
    const calls = new Calls(new Api({ token: async () => "t", refused: () => undefined }, send));
    const content = new Blob(["WEBVTT"]);
    await calls.putCaptions("v", { language: "en", label: "A & B", isDefault: true, content, type: "text/vtt" });
    expect(sent[0]?.[0]).toBe("/api/v1/videos/v/captions/en?label=A+%26+B&default=true");
    expect(sent[0]?.[1].body).toBe(content);
    expect((sent[0]?.[1].headers as Record<string, string>)["Content-Type"]).toBe("text/vtt");
  });

  it("says which line is wrong", () => {
    const problem = { status: 422, code: "invalid_captions", title: "", detail: "line 3: x", retryable: false, what_to_do: "" };
    expect(sentenceFor(problem, null)).toContain("line 3: x");
  });
});
