// The documentation of the API, made of its OpenAPI document and of nothing else.

import { el, failure, put } from "/dom.js";
import { markdown } from "/markdown.js";
import { resolved, shape } from "/shape.js";

const main = document.getElementById("main");
const METHODS = ["get", "post", "put", "patch", "delete"];
const COLOURS = { get: "info", post: "good", put: "warn", patch: "warn", delete: "bad" };
/** The topics that other programs are about; they come first in the document. */
const FIRST = 5;

/** A name as an address inside the page. */
const slug = (name) => name.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "");

async function show() {
  const response = await fetch("/api/docs/schema", { headers: { Accept: "application/json" } });
  if (!response.ok) throw new Error(`The server answered ${response.status}.`);
  const api = await response.json();
  const operations = Object.entries(api.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => method in item).map((method) => ({ path, method, ...item[method] })));
  put(document.getElementById("topics"), el("ul", {}, ...api.tags.map((tag, n) =>
    el("li", { class: n < FIRST && "first" }, el("a", { href: `#${slug(tag.name)}` }, tag.name)))));
  put(main,
    el("h1", { tabindex: "-1" }, `${api.info.title} ${api.info.version}`),
    markdown(api.info.description, 2),
    ...api.tags.map((tag) => topic(api, tag, operations.filter((operation) => operation.tags.includes(tag.name)))));
  go();
}

function topic(api, tag, operations) {
  const id = slug(tag.name);
  return el("section", { "aria-labelledby": id },
    el("h2", { id, tabindex: "-1" }, tag.name),
    markdown(tag.description ?? "", 1),
    el("h3", {}, "Calls"),
    ...operations.map((operation) => row(api, operation)));
}

/** One operation, closed; what it holds is made when it is opened first. */
function row(api, operation) {
  const { method, path, summary, operationId } = operation;
  const body = el("div");
  const details = el("details", { class: "operation", id: operationId, ontoggle: () => {
    if (details.open && body.childElementCount === 0) put(body, ...content(api, operation));
  } },
  el("summary", {},
    el("span", { class: `badge method ${COLOURS[method]}` }, method.toUpperCase()),
    el("code", {}, path),
    el("span", { class: "sub" }, summary ?? "")),
  body);
  return details;
}

function content(api, operation) {
  const { description, parameters = [], requestBody, responses, security } = operation;
  return [
    description && markdown(description, 4),
    security?.length === 1 && Object.keys(security[0]).length === 0 &&
      el("p", { class: "hint" }, "Needs no credentials."),
    parameters.length > 0 && el("h4", {}, "Parameters"),
    parameters.length > 0 && el("ul", { class: "shape" }, ...parameters.map((parameter) => field(api, parameter))),
    requestBody && el("h4", {}, "Body"),
    requestBody?.description && markdown(requestBody.description, 4),
    ...media(api, requestBody?.content),
    ...Object.entries(responses).flatMap(([status, response]) => answer(api, status, resolved(api, response))),
  ];
}

function field(api, { name, in: place, required, description, schema }) {
  return el("li", {}, el("code", {}, name), " ",
    el("span", { class: "kind" }, `in ${place}`), " ",
    required && el("span", { class: "must" }, "required"), " ",
    description ?? schema?.description ?? "", shape(api, schema));
}

function answer(api, status, response) {
  const headers = Object.keys(response.headers ?? {}).filter((name) => name !== "X-Request-ID");
  return [
    el("h4", {}, `Answer ${status}`),
    markdown(response.description ?? "", 4),
    headers.length > 0 && el("p", { class: "hint" }, `Headers: ${headers.join(", ")}`),
    // The refusals are all of one shape, which is shown once at the top.
    ...(Number(status) < 400 ? media(api, response.content) : []),
  ];
}

function media(api, content = {}) {
  return Object.entries(content).flatMap(([kind, { schema, example, examples }]) => {
    const shown = example ?? Object.values(examples ?? {})[0]?.value;
    return [
      el("p", { class: "hint" }, kind),
      schema && shape(api, schema),
      shown !== undefined && el("pre", { tabindex: "0" },
        el("code", {}, typeof shown === "string" ? shown : JSON.stringify(shown, null, 2))),
    ];
  });
}

/** Opens and shows what the address names. */
function go() {
  const found = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (found === null) return;
  if (found.tagName === "DETAILS") found.open = true;
  found.scrollIntoView();
  found.focus({ preventScroll: true });
}

window.addEventListener("hashchange", go);
show().catch((error) => put(main, el("h1", {}, "That did not work"), failure(error)));
