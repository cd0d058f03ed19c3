// Descriptions are plain text with code in backquotes. Swagger UI would make HTML of them, which Trusted Types forbid.

interface React {
  createElement(tag: string, properties: object | null, ...children: unknown[]): unknown;
}

/** Split a text into words and code, which one or two backquotes enclose. */
export function textAndCode(source: string): { text: string; isCode: boolean }[] {
  return source
    .split(/`+/)
    .map((text, index) => ({ text, isCode: index % 2 === 1 }))
    .filter(({ text }) => text !== "");
}

/** A plugin of Swagger UI that replaces its Markdown. */
export function plainText({ React }: { React: React }) {
  const Text = ({ source }: { source?: unknown }) =>
    typeof source === "string" && source !== ""
      ? React.createElement(
          "div",
          { className: "markdown" },
          React.createElement(
            "p",
            null,
            ...textAndCode(source).map(({ text, isCode }) => (isCode ? React.createElement("code", null, text) : text)),
          ),
        )
      : null;
  return { wrapComponents: { Markdown: () => Text } };
}
