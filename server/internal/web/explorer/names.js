// Adds what Swagger UI lacks for screen readers: the names of fields and regions, and what scrolls can be
// reached by the keyboard.

/** Fixes an explorer now and whenever it changes. */
export function nameFields(root) {
  let due = 0;
  const mendSoon = () => {
    due ||= requestAnimationFrame(() => {
      due = 0;
      mend(root);
    });
  };
  new MutationObserver(mendSoon).observe(root, { childList: true, subtree: true });
  mendSoon();
}

function mend(root) {
  const unnamed = (selector, name) => {
    for (const element of root.querySelectorAll(selector)) {
      if (!element.hasAttribute("aria-label")) element.setAttribute("aria-label", name(element));
    }
  };
  unnamed(".body-param textarea", () => "Request body");
  unnamed("[data-param-name] :is(input, select, textarea)", (field) => field.closest("[data-param-name]").dataset.paramName);
  unnamed(".responses-table, .live-responses-table", (table) => {
    const operation = table.closest(".opblock")?.querySelector(".opblock-summary-path")?.textContent ?? "";
    return `${table.matches(".live-responses-table") ? "Answer" : "Answers"} of ${operation} (${table.closest(".opblock")?.id ?? ""})`;
  });
  for (const example of root.querySelectorAll("pre.microlight:not([tabindex])")) example.tabIndex = 0;
}

/** A Swagger UI plugin: the heading of an operation is a button, in which there must be no link. Opening it sets the address. */
export function withoutLinksInButtons({ React }) {
  return { components: { DeepLink: ({ text }) => React.createElement("span", null, text) } };
}
