// The API, as any client sees it. The session cookie goes along by itself.

/** A refusal: `message` is the API's own sentence. */
export class ApiError extends Error {
  constructor(status, body) {
    super(sentence(status, body));
    this.status = status;
    this.code = body?.code ?? null;
  }
}

/** A refusal to a request. 401 means that the session is over, wherever it shows: `app.js` listens. */
function refusal(status, body) {
  const error = new ApiError(status, body);
  if (status === 401) document.dispatchEvent(new CustomEvent("smartconnector:signed-out", { detail: error }));
  return error;
}

const UNREACHABLE = "The server can't be reached. Check that it is running and that you are online.";

function sentence(status, body) {
  if (typeof body?.detail === "string" && body.detail !== "") return body.detail;
  return `The server answered ${status} and did not say why.`;
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Makes a path from a template: `` path`/api/x/${id}` `` encodes every part that is put in. */
export function path(parts, ...values) {
  return parts.reduce((made, part, i) => made + encodeURIComponent(values[i - 1]) + part);
}

/** Adds a query; empty values are left out. */
export function withQuery(address, query) {
  const set = Object.entries(query).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  return set.length === 0 ? address : `${address}?${new URLSearchParams(set)}`;
}

async function send(method, address, { body, signal } = {}) {
  const request = { method, signal, headers: { Accept: "application/json" } };
  if (body !== undefined) {
    request.headers["Content-Type"] = "application/json";
    request.body = JSON.stringify(body);
  }
  let response;
  try {
    response = await fetch(address, request);
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, { detail: UNREACHABLE, code: "unreachable" });
  }
  if (!response.ok) throw refusal(response.status, parse(await response.text()));
  return response;
}

/**
 * Hears of every change of a run until it has ended; `show` gets its row. Resolves when the stream is over, whether or not
 * the run is: without a stream (none free, a proxy that holds it back) the caller asks for the row instead.
 */
export function stream(address, show, signal) {
  return new Promise((resolve) => {
    const source = new EventSource(address);
    const close = () => {
      source.close();
      resolve();
    };
    source.addEventListener("execution", (event) => {
      const run = parse(event.data);
      if (run && !signal.aborted) show(run);
    });
    source.addEventListener("end", close);
    // It would connect again by itself, also to a server that has none free.
    source.addEventListener("error", close);
    signal.addEventListener("abort", close, { once: true });
    if (signal.aborted) close();
  });
}

/** A call that answers JSON, or nothing. */
export async function call(method, address, options) {
  const response = await send(method, address, options);
  return response.status === 204 ? null : response.json();
}

/** Asks for a list or a thing. */
export const get = (address, signal) => call("GET", address, { signal });

/**
 * Sends a file to a connector, which starts a run. The browser streams it; `progress(sent, total)` is told
 * how far. With XMLHttpRequest, because fetch does not say how much of a body has been sent.
 */
export function upload(connector, file, isDryRun, { progress, signal }) {
  const form = new FormData();
  form.append("file", file, file.name);
  form.append("is_dry_run", String(isDryRun));
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", path`/api/smart-connectors/${connector}/upload`);
    request.setRequestHeader("Accept", "application/json");
    request.upload.addEventListener("progress", (event) => progress(event.loaded, event.total));
    request.addEventListener("load", () => {
      const body = parse(request.responseText);
      if (request.status === 201 && body) resolve(body);
      else reject(refusal(request.status, body));
    });
    request.addEventListener("error", () => reject(new ApiError(0, { detail:
      "The connection broke while the file was being sent. See below whether a run was started before you send it again.", code: "unreachable" })));
    request.addEventListener("abort", () => reject(new DOMException("The upload was stopped.", "AbortError")));
    signal.addEventListener("abort", () => request.abort());
    request.send(form);
  });
}

/** Lets the browser save a stored file, which streams to disk. It is asked for once before, up to the headers, so that a
 *  refusal is shown on the page. */
export async function save(address) {
  const controller = new AbortController();
  await send("GET", address, { signal: controller.signal });
  controller.abort();
  click(address, "");
}

/** Saves something that the server makes on demand: asked for once, kept by the browser, then saved. */
export async function saveMade(address, fallback) {
  const response = await send("GET", address);
  const name = /filename="([^"]*)"$/.exec(response.headers.get("Content-Disposition") ?? "")?.[1] ?? fallback;
  const local = URL.createObjectURL(await response.blob());
  click(local, name);
  // Saving has begun with the click; a minute is for slow disks.
  setTimeout(() => URL.revokeObjectURL(local), 60_000);
}

function click(address, name) {
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
}
