import { describe, expect, it } from "vitest";

import { plainText, textAndCode } from "../src/docs/plain-text";

describe("a description in the docs", () => {
  it.each([
    ["plain words", [["plain words", false]]],
    ["`code` first", [["code", true], [" first", false]]],
    ["units `r` and ``t``", [["units ", false], ["r", true], [" and ", false], ["t", true]]],
    ["", []],
  ])("%j", (source, parts) => {
    expect(textAndCode(source).map(({ text, isCode }) => [text, isCode])).toEqual(parts);
  });

  const React = { createElement: (tag: string, _properties: object | null, ...children: unknown[]) => [tag, ...children] };
  const Text = plainText({ React }).wrapComponents.Markdown();

  it("never becomes markup", () => {
    expect(Text({ source: "<img src=x onerror=alert(1)> `a`" })).toEqual([
      "div",
      ["p", "<img src=x onerror=alert(1)> ", ["code", "a"]],
    ]);
  });

  it.each([undefined, null, "", 7])("shows nothing for %j", (source) => {
    expect(Text({ source })).toBeNull();
  });
});
