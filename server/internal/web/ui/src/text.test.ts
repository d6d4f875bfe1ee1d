import { describe, expect, it } from "vitest";
import { parse } from "./text";

const text = (t: string) => ({ kind: "text", text: t });
const link = (href: string, label = href) => ({ kind: "link", text: label, href });
const paragraph = (...lines: unknown[][]) => ({ kind: "paragraph", lines });

describe("blocks", () => {
  it.each([
    ["nothing", "", []],
    ["one line", "Hello", [paragraph([text("Hello")])]],
    ["line breaks", "a\nb\r\nc", [paragraph([text("a")], [text("b")], [text("c")])]],
    ["paragraphs", "a\n\n \nb", [paragraph([text("a")]), paragraph([text("b")])]],
    [
      "code between text",
      "see\n```go\nx := 1\n\ny := 2\n```\nend",
      [paragraph([text("see")]), { kind: "code", language: "go", text: "x := 1\n\ny := 2" }, paragraph([text("end")])],
    ],
    ["code that has not ended yet", "```\nx", [{ kind: "code", language: "", text: "x" }]],
    ["markup inside code", "```\n<b>`x`</b>\n```", [{ kind: "code", language: "", text: "<b>`x`</b>" }]],
  ])("%s", (_, source, want) => expect(parse(source)).toEqual(want));
});

describe("inside a line", () => {
  it.each([
    ["code", "use `a*b` here", [text("use "), { kind: "code", text: "a*b" }, text(" here")]],
    ["strong", "a **b c** d", [text("a "), { kind: "strong", text: "b c" }, text(" d")]],
    ["lone marks", "2 ** 3 * `4", [text("2 ** 3 * `4")]],
    ["a bare link", "at https://a.example/b?c=d#e.", [text("at "), link("https://a.example/b?c=d#e"), text(".")]],
    ["a link in brackets", "(https://a.example/)", [text("("), link("https://a.example/"), text(")")]],
    ["a link with brackets", "https://a.example/b_(c)", [link("https://a.example/b_(c)")]],
    ["a named link", "[here](http://a.example)", [link("http://a.example", "here")]],
    ["a link to a script", "[here](javascript:alert(1))", [text("[here](javascript:alert(1))")]],
    ["markup", "<img src=x onerror=alert(1)>", [text("<img src=x onerror=alert(1)>")]],
  ])("%s", (_, source, want) => expect(parse(source)).toEqual([paragraph(want)]));
});

it.each(["`", "**", "[", "[a](", "https://", "]("])("gets through a long line of %s", (piece) => {
  const line = piece.repeat(200_000 / piece.length);
  const parts = parse(line).flatMap((b) => (b.kind === "paragraph" ? b.lines.flat() : []));
  expect(parts.map((p) => p.text).join("")).toBe(line);
});

it("gets through a link with a long end of brackets", () => {
  const brackets = ")".repeat(200_000);
  expect(parse(`https://a.example/${brackets}`)).toEqual([paragraph([link("https://a.example/"), text(brackets)])]);
});
