import { useMemo } from "preact/hooks";
import { type Block, type Inline, parse } from "../text";

/** The text of a message as elements, which are kept until the text changes. */
export function RichText({ text }: { text: string }) {
  return useMemo(() => <>{parse(text).map(block)}</>, [text]);
}

function block(item: Block, index: number) {
  if (item.kind === "code") {
    return (
      <pre key={index} tabIndex={0} data-language={item.language || undefined}>
        <code>{item.text}</code>
      </pre>
    );
  }
  return (
    <p key={index}>
      {item.lines.map((line, n) => (
        <>
          {n > 0 && <br />}
          {line.map(part)}
        </>
      ))}
    </p>
  );
}

function part(item: Inline) {
  switch (item.kind) {
    case "text":
      return item.text;
    case "strong":
      return <strong>{item.text}</strong>;
    case "code":
      return <code>{item.text}</code>;
    case "link":
      return (
        <a href={item.href} target="_blank" rel="noopener noreferrer">
          {item.text}
        </a>
      );
  }
}
