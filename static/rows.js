// The rows of a run that there is something to say about.

import { path } from "./api.js";
import { el, notice } from "./dom.js";
import { count, number } from "./format.js";
import { list } from "./list.js";

const KINDS = [["error", "Rejected"], ["warning", "With a warning"], ["skipped", "Skipped"]];
const EMPTY = { error: "No row was rejected.", warning: "No row was loaded with a warning.",
  skipped: "No row was skipped.", updated: "No record would be updated." };

function columns({ status }) {
  const place = [
    { title: "Line", numeric: true, cell: ({ row }) => row.line === null ? "–" : number(row.line) },
    { title: "Row", numeric: true, cell: ({ row }) => number(row.row) },
    { title: "Output", cell: ({ row }) => [row.scope, row.table && el("span", { class: "sub" }, `from ${row.table}`)] },
  ];
  if (status === "updated") {
    return [...place,
      { title: "Field", cell: ({ change }) => change?.field ?? "–" },
      { title: "Before", wide: true, cell: ({ change }) => value(change?.old) },
      { title: "After", wide: true, cell: ({ change }) => value(change?.new) }];
  }
  return [...place,
    { title: "Column", cell: ({ message }) => message?.column ?? message?.variable ?? "–" },
    { title: "Value", wide: true, cell: ({ message }) => value(message?.value) },
    { title: "Reason", wide: true, cell: ({ message }) => message?.message ?? "No reason was kept." }];
}

/** A cell as it was found; spaces show. */
function value(text) {
  if (text === null || text === undefined) return el("span", { class: "hint" }, "blank");
  return el("code", { class: "cell" }, text);
}

/** One line of the table per thing said about a row: of an update that is also warned of, what the list is about. */
function lines(row, { status }) {
  const said = status === "updated" ? row.changes.map((change) => ({ row, change })) : row.messages.map((message) => ({ row, message }));
  return said.length === 0 ? [{ row }] : said;
}

/** The list for an execution that has ended: its rows no longer change. */
export function rows(connector, run, signal) {
  const kinds = run.is_dry_run ? [...KINDS, ["updated", "To be updated"]] : KINDS;
  const address = path`/api/smart-connectors/${connector}/executions/${run.id}/rows`;
  const before = () => run.rows_not_kept > 0 && notice("warn", el("p", {},
    `${count(run.rows_not_kept, "more row was", "more rows were")} only counted. The report lists rejected rows first, as many as its sheets hold.`));
  const all = list({ address, filters: ["status"], initial: { status: "error" }, caption: "Rows", columns, lines, before,
    empty: ({ status }) => el("p", { class: "empty" }, EMPTY[status] ?? "No such rows."), signal });
  const buttons = kinds.map(([kind, label]) => el("button", { type: "button", "aria-pressed": String(all.value("status") === kind),
    onclick: () => {
      for (const [i, button] of buttons.entries()) button.setAttribute("aria-pressed", String(kinds[i][0] === kind));
      all.filter({ status: kind });
    } }, label));
  return el("section", { "aria-labelledby": "rows" },
    el("h2", { id: "rows" }, "Rows to look at"),
    el("div", { class: "choices", role: "group", "aria-label": "Which rows" }, buttons), all.node);
}
