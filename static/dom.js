// Elements from code. Text becomes text nodes and nothing else: no data is ever parsed as markup.

/** Makes an element. `on<event>` attributes are listeners, `true` is an empty attribute, `false`, `null`
 *  and `undefined` are left out; so are such children. */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  put(element, ...children);
  return element;
}

/** Replaces what an element holds. */
export function put(element, ...children) {
  const real = children.flat().filter((child) => child !== null && child !== undefined && child !== false);
  element.replaceChildren(...real.map((child) => (child instanceof Node ? child : String(child))));
}

/** A sentence that matters. `kind`: `bad`, `warn`, `good` or `info`. */
export function notice(kind, ...children) {
  return el("div", { class: `notice ${kind}`, role: kind === "bad" ? "alert" : "note" }, ...children);
}

/** What an API call or the network said, in its own words. */
export function failure(error) {
  return notice("bad", el("p", {}, error.message));
}

/**
 * A table. `columns`: `{title, cell(row), numeric?, wide?}`; `cell` answers text, an element or a list.
 * The roles are written out because the phone layout shows rows as blocks, which takes them away.
 */
export function table(caption, columns, rows) {
  const head = columns.map((column) =>
    el("th", { scope: "col", role: "columnheader", class: column.numeric && "number" }, column.title));
  const body = rows.map((row) => el("tr", { role: "row", class: row.class ?? null }, ...columns.map((column) =>
    el("td", { role: "cell", "data-label": column.title,
      class: [column.numeric && "number", column.wide && "wide"].filter(Boolean).join(" ") || null },
    el("div", {}, column.cell(row))))));
  return el("table", { role: "table" },
    el("caption", { class: "visually-hidden" }, caption),
    el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, ...head)),
    el("tbody", { role: "rowgroup" }, ...body));
}

/** Says a sentence to a screen reader without moving the focus. */
export function announce(sentence) {
  document.getElementById("announcer").textContent = sentence;
}
