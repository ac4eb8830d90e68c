// What guards a connector's runs: the diff check and the guard's limits.

import { call, path } from "./api.js";
import { announce, el, failure, notice, put } from "./dom.js";
import { member } from "./session.js";

const LIMITS = [
  ["max_error_rows", "Rejected rows, at most", { min: 0, step: 1 }],
  ["max_error_percent", "Rejected rows in percent, at most", { min: 0, max: 100, step: "any" }],
  ["max_update_percent", "Rows that change a record in percent, at most", { min: 0, max: 100, step: "any" }],
  ["min_rows", "Rows in the file, at least", { min: 0, step: 1 }],
];

/** The section of a connector's page; `detail` is the connector as it was read. */
export function settings(name, detail) {
  const reads = !["editor", "admin"].includes(member()?.role);
  const diff = el("input", { type: "checkbox", id: "diff-check", "aria-describedby": "diff-check-hint", disabled: reads });
  const limits = LIMITS.map(([key, label, bounds]) => {
    const input = el("input", { type: "number", id: `guard-${key}`, inputmode: "decimal", disabled: reads, ...bounds });
    return { key, input, field: el("label", { class: "field" }, el("span", {}, label), input) };
  });
  const save = el("button", { type: "submit" }, "Save settings");
  const answer = el("div", {});

  function show(connector) {
    diff.checked = connector.diff_check_enabled;
    for (const { key, input } of limits) input.value = connector.guard?.[key] ?? "";
  }

  async function submit(event) {
    event.preventDefault();
    save.disabled = true;
    put(answer);
    const guard = Object.fromEntries(limits.map(({ key, input }) => [key, input.value === "" ? null : Number(input.value)]));
    try {
      const body = { diff_check_enabled: diff.checked, guard };
      show(await call("PATCH", path`/api/smart-connectors/${name}`, { body }));
      put(answer, notice("good", el("p", {}, "Saved.")));
      announce("The settings are saved.");
    } catch (error) {
      put(answer, failure(error));
    } finally {
      save.disabled = false;
    }
  }

  show(detail);
  return el("details", { class: "settings" }, el("summary", {}, "Diff check and guard"),
    el("form", { onsubmit: submit },
      el("label", { class: "check" }, diff, el("span", {}, el("strong", {}, "Diff check: "), "skip rows equal to rows that the last run loaded")),
      el("p", { id: "diff-check-hint", class: "hint" },
        "It compares with what this connector loaded, not with the records: edits made by hand are not undone for rows that did not change."),
      el("p", {}, el("strong", {}, "Guard: "), "a live run that would go over a limit is held before it writes a record. Empty: no limit."),
      el("div", { class: "filters" }, limits.map(({ field }) => field)),
      !reads && save, answer));
}
