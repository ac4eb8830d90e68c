// A list that the server pages, filters and counts. Its state is in the address bar.

import { get, withQuery } from "./api.js";
import { el, failure, put, table } from "./dom.js";
import { number } from "./format.js";
import { here, note } from "./route.js";

const PAGE_SIZE = 50;

/**
 * `address` answers the list, `fixed` is always asked for, `filters` are the names that the address bar may set.
 * `columns(filters)` describes the table, `empty(filters)` answers what to say when there is nothing, `before(page)`
 * what to say first, `lines(row, chosen)` the table's lines of one row, `initial` the filters of an address that has none.
 * The answer has `node`, `filter(changes)` and `reload()`.
 */
export function list({ address, fixed = {}, filters = [], initial = {}, caption, columns, empty, before, lines, signal }) {
  const state = { page: 1 };
  const { query } = here();
  for (const name of filters) state[name] = query.get(name) ?? initial[name] ?? "";
  if (/^[1-9][0-9]*$/.test(query.get("page") ?? "")) state.page = Number(query.get("page"));

  const body = el("div", { class: "list", "aria-busy": "true" }, el("p", { class: "hint" }, "Loading…"));
  const shown = el("span", { role: "status" });
  const previous = el("button", { type: "button", onclick: () => turn(-1) }, "Previous");
  const next = el("button", { type: "button", onclick: () => turn(1) }, "Next");
  const pager = el("nav", { class: "pager", "aria-label": `Pages of: ${caption}` }, shown, previous, next);
  let asked = 0;

  async function load() {
    const mine = ++asked;
    body.setAttribute("aria-busy", "true");
    try {
      const chosen = Object.fromEntries(filters.map((name) => [name, state[name]]));
      const page = await get(withQuery(address, { ...fixed, ...chosen, page: state.page, page_size: PAGE_SIZE }), signal);
      // An answer that a later question has overtaken.
      if (mine !== asked) return;
      show(page, chosen);
    } catch (error) {
      if (signal.aborted || mine !== asked) return;
      put(body, failure(error), el("button", { type: "button", onclick: load }, "Try again"));
      pager.hidden = true;
    }
    body.removeAttribute("aria-busy");
  }

  function show(page, chosen) {
    const from = (state.page - 1) * PAGE_SIZE + 1;
    const rows = page.results;
    if (page.count === 0) put(body, empty(chosen));
    else if (rows.length === 0) put(body, el("p", { class: "hint" }, "This page is past the end of the list."));
    else put(body, before?.(page), table(caption, columns(chosen), lines ? rows.flatMap((row) => lines(row, chosen)) : rows));
    shown.textContent = page.count === 0 ? "Nothing to show"
      : rows.length === 0 ? `0 of ${number(page.count)}`
      : `${number(from)} to ${number(from + rows.length - 1)} of ${number(page.count)}`;
    // Not `disabled`: a button that is disabled under the focus loses it.
    previous.setAttribute("aria-disabled", String(state.page === 1));
    next.setAttribute("aria-disabled", String(page.next === null));
    previous.hidden = next.hidden = state.page === 1 && page.next === null;
    pager.hidden = page.count === 0;
  }

  function turn(by) {
    if ((by < 0 ? previous : next).getAttribute("aria-disabled") === "true") return;
    state.page += by;
    note({ page: state.page === 1 ? "" : state.page }, true);
    load().then(() => body.scrollIntoView({ block: "nearest" }));
  }

  function filter(changes) {
    Object.assign(state, changes, { page: 1 });
    note({ ...changes, page: "" }, false);
    return load();
  }

  load();
  return { node: el("section", { class: "listing" }, body, pager), filter, reload: load, value: (name) => state[name] };
}

/** A labelled choice that filters a list. `options`: value and label pairs. */
export function choice(label, options, value, chosen) {
  const select = el("select", { onchange: () => chosen(select.value) },
    options.map(([option, text]) => el("option", { value: option, selected: option === value }, text)));
  return el("label", { class: "field" }, el("span", {}, label), select);
}

/** A labelled search field that filters a list once the typing pauses. */
export function search(label, value, changed) {
  let pause = null;
  const input = el("input", { type: "search", value, autocomplete: "off", spellcheck: "false", oninput: () => {
    clearTimeout(pause);
    pause = setTimeout(() => changed(input.value.trim()), 250);
  } });
  return el("label", { class: "field" }, el("span", {}, label), input);
}
