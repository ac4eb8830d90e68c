// All connectors.

import { el, put } from "./dom.js";
import { badge, number, time, words } from "./format.js";
import { choice, list, search } from "./list.js";
import { to } from "./route.js";

const STATUSES = [["", "Any"], ["operational", "Operational"], ["need_attention", "Needs attention"],
  ["setup", "Setup"], ["inactive", "Inactive"]];
/** The server's own order is the first. */
const ORDERS = [["", "Newest first"], ["name", "Name"], ["-last_used_at", "Last run first"]];

function columns() {
  return [
    { title: "Connector", wide: true, cell: (row) => [
      el("a", { href: to("connectors", row.api_name), class: "strong" }, row.name),
      row.description && el("span", { class: "sub" }, row.description)] },
    { title: "Status", cell: (row) => badge(row.status) },
    { title: "Type", cell: (row) => words(row.connector_type) },
    { title: "Object", cell: (row) => row.custom_object?.object_name ?? "–" },
    { title: "Runs", numeric: true, cell: (row) => number(row.stats.used_count) },
    { title: "Last run", cell: (row) => row.last_used_at ? time(row.last_used_at) : "never" },
  ];
}

function empty({ search: text, status }) {
  if (text || status) return el("p", { class: "empty" }, "No connector matches. Change the search or the status.");
  return el("div", { class: "empty" },
    el("p", {}, "There are no connectors yet."),
    el("p", {}, "Make one with ", el("code", {}, "POST /api/smart-connectors"), " (the ",
      el("a", { href: "/api/docs/schema" }, "API's description"), " has the details), or look at one at work: ",
      el("code", {}, "smartconnector demo"), "."));
}

export function connectors(main, _, signal) {
  const all = list({ address: "/api/smart-connectors", filters: ["search", "status", "ordering"],
    caption: "Connectors", columns, empty, signal });
  put(main,
    el("h1", { tabindex: "-1" }, "Connectors"),
    el("div", { class: "filters", role: "search" },
      search("Search", all.value("search"), (text) => all.filter({ search: text })),
      choice("Status", STATUSES, all.value("status"), (status) => all.filter({ status })),
      choice("Order", ORDERS, all.value("ordering"), (ordering) => all.filter({ ordering }))),
    all.node);
  return "Connectors";
}
