// One connector: drop a file to run it; its runs.

import { get, path } from "./api.js";
import { el, put } from "./dom.js";
import { badge, count, duration, number, runBadge, time, trigger, words } from "./format.js";
import { choice, list, search } from "./list.js";
import { to } from "./route.js";
import { settings } from "./settings.js";
import { dropZone } from "./upload.js";
import { webhook } from "./webhook.js";

const STATUSES = [["", "Any"], ["queued", "Queued"], ["in_progress", "In progress"], ["success", "Success"],
  ["partial_success", "Partial success"], ["failed", "Failed"], ["cancelled", "Cancelled"]];

function columns(connector) {
  const totals = (key) => (run) => number(run.totals[key]);
  return [
    { title: "Run", cell: (run) => el("a", { href: to("connectors", connector, "executions", run.id), class: "strong" },
      `Run ${number(run.number)}`) },
    { title: "Status", cell: (run) => [runBadge(run), run.is_dry_run && badge("dry_run", "quiet")] },
    { title: "File", wide: true, cell: (run) => [run.input_file?.name ?? "–",
      run.error_details && el("span", { class: "sub bad-text" }, firstLine(run.error_details))] },
    { title: "By", cell: (run) => trigger(run.trigger_type) },
    { title: "Queued", cell: (run) => time(run.created) },
    { title: "Took", numeric: true, cell: (run) => duration(run.duration_ms) },
    { title: "Created", numeric: true, cell: totals("created") },
    { title: "Updated", numeric: true, cell: totals("updated") },
    { title: "Rejected", numeric: true, cell: totals("errors") },
  ];
}

function firstLine(text) {
  const line = text.split("\n", 1)[0];
  return line.length > 160 ? `${line.slice(0, 160)}…` : line;
}

function empty({ search: text, status }) {
  if (text || status) return el("p", { class: "empty" }, "No run matches. Change the search or the status.");
  return el("p", { class: "empty" }, "No runs yet. Drop a file above to start the first; a dry run does everything except write records.");
}

/** What to know before running it. */
function state(connector) {
  if (connector.status === "setup" || connector.status === "inactive") {
    return `This connector is ${words(connector.status)}: a run waits in the queue until it is made operational. A dry run starts right away.`;
  }
  if (connector.status === "need_attention") return "The last live runs failed. Open the latest one to see why.";
  return null;
}

export async function connector(main, { connector: name }, signal) {
  const detail = await get(path`/api/smart-connectors/${name}`, signal);
  const runs = list({ address: path`/api/smart-connectors/${name}/executions`, fixed: { include_dry_run: "true" },
    filters: ["search", "status"], caption: `Runs of ${detail.name}`, columns: () => columns(name), empty, signal });
  const object = detail.custom_object?.object_name;
  put(main,
    el("nav", { class: "crumbs", "aria-label": "Where you are" }, el("a", { href: "#/connectors" }, "Connectors")),
    el("div", { class: "heading" }, el("h1", { tabindex: "-1" }, detail.name), badge(detail.status)),
    detail.description && el("p", { class: "description" }, detail.description),
    el("p", { class: "hint" }, [words(detail.connector_type), object && `writes ${object}`, count(detail.stats.used_count, "run"),
      `api name ${detail.api_name}`].filter(Boolean).join(" · ")),
    webhook(detail),
    dropZone(name, state(detail), () => runs.reload(), signal),
    settings(name, detail),
    el("h2", {}, "Runs"),
    el("div", { class: "filters", role: "search" },
      search("File or error", runs.value("search"), (text) => runs.filter({ search: text })),
      choice("Status", STATUSES, runs.value("status"), (status) => runs.filter({ status }))),
    runs.node);
  return detail.name;
}
