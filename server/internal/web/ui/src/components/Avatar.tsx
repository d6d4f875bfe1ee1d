/** The initials of a name on a colour that belongs to the id. */
export function Avatar({ id, name, size }: { id: string; name: string; size?: "small" }) {
  return (
    <span class={`avatar hue-${hueOf(id)}${size ? ` avatar-${size}` : ""}`} aria-hidden="true">
      {initials(name)}
    </span>
  );
}

const hues = 8;

function hueOf(id: string): number {
  let sum = 0;
  for (const char of id) sum = (sum * 31 + char.charCodeAt(0)) >>> 0;
  return sum % hues;
}

/** The first letters of the first and the last word. */
function initials(name: string): string {
  const words = name.trim().split(/\s+/);
  const picked = words.length > 1 ? [words[0], words.at(-1)] : words;
  return picked.map((word) => Array.from(word ?? "")[0] ?? "").join("").toUpperCase() || "?";
}
