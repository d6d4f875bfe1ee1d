// Parses the subset of Markdown that answers use: paragraphs, line breaks, links, strong text, code.
// The result is data; the components make elements of it, so nothing in a message can become markup.

export type Block = { kind: "paragraph"; lines: Inline[][] } | { kind: "code"; language: string; text: string };

export type Inline =
  | { kind: "text"; text: string }
  | { kind: "strong"; text: string }
  | { kind: "code"; text: string }
  | { kind: "link"; text: string; href: string };

const fence = /^\s{0,3}```\s*([\w+#.-]*)\s*$/;

export function parse(source: string): Block[] {
  const blocks: Block[] = [];
  let paragraph: Inline[][] = [];
  let code: { language: string; lines: string[] } | null = null;

  const endParagraph = () => {
    if (paragraph.length > 0) blocks.push({ kind: "paragraph", lines: paragraph });
    paragraph = [];
  };
  const endCode = () => {
    if (code) blocks.push({ kind: "code", language: code.language, text: code.lines.join("\n") });
    code = null;
  };

  for (const line of source.split(/\r\n|\r|\n/)) {
    const mark = fence.exec(line);
    if (code) {
      if (mark && !mark[1]) endCode();
      else code.lines.push(line);
    } else if (mark) {
      endParagraph();
      code = { language: mark[1] ?? "", lines: [] };
    } else if (line.trim() === "") {
      endParagraph();
    } else {
      paragraph.push(parseInline(line));
    }
  }
  // An answer that is still being written may end inside a code block.
  endCode();
  endParagraph();
  return blocks;
}

// Each alternative either fails at once or reads up to a character that it may not contain, so that the time is
// linear in the length of the line. 1 code, 2 strong, 3 and 4 named link, 5 bare link.
const inline = /`([^`]+)`|\*\*(?=[^\s*])([^*]+)\*\*|\[([^[\]]{1,200})\]\((https?:\/\/[^\s()<>]{1,2000})\)|(https?:\/\/[^\s<>"`]+)/g;

function parseInline(line: string): Inline[] {
  const parts: Inline[] = [];
  let end = 0;
  for (const match of line.matchAll(inline)) {
    const [whole, code, strong, label, target, bare] = match;
    if (match.index > end) parts.push({ kind: "text", text: line.slice(end, match.index) });
    end = match.index + whole.length;
    if (code !== undefined) parts.push({ kind: "code", text: code });
    else if (strong !== undefined) parts.push({ kind: "strong", text: strong });
    else if (label !== undefined && target !== undefined) parts.push({ kind: "link", text: label, href: target });
    else if (bare !== undefined) {
      const href = trimLink(bare);
      end -= bare.length - href.length;
      parts.push({ kind: "link", text: href, href });
    }
  }
  if (end < line.length) parts.push({ kind: "text", text: line.slice(end) });
  return parts;
}

/** Strips the punctuation of the sentence around a link, and a closing bracket that the link did not open. */
function trimLink(url: string): string {
  const around = url.includes("(") ? ".,;:!?'*]}" : ".,;:!?'*]})";
  let end = url.length;
  while (end > 0 && around.includes(url[end - 1]!)) end--;
  return url.slice(0, end);
}
