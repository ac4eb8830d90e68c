// A place to drop a file. The upload shows how far it is; then the run it started is shown.

import { upload } from "./api.js";
import { announce, el, failure, notice, put } from "./dom.js";
import { size } from "./format.js";
import { to } from "./route.js";
import { member } from "./session.js";

/** What the API said about the upload that started a run, until that run is shown. */
const said = new Map();

/** The warning that came with a run's upload; it is told once. */
export function uploadWarning(run) {
  const warning = said.get(run) ?? null;
  said.delete(run);
  return warning;
}

/** `state` is what to know before, `failed` is called when an upload did not lead to a run that it knows of. */
export function dropZone(connector, state, failed, signal) {
  if (member()?.role === "viewer") return notice("info", el("p", {}, "Your role reads: it can't start runs."));
  const input = el("input", { type: "file", id: "file", class: "visually-hidden", "aria-describedby": "drop-hint" });
  const dry = el("input", { type: "checkbox", id: "dry-run" });
  const zone = el("label", { class: "drop", for: "file" },
    el("strong", {}, "Drop a file to run it"), el("span", { id: "drop-hint" }, "or choose one. It starts as soon as it has arrived."));
  const progress = el("div", { class: "upload", hidden: true });
  const answer = el("div", {});

  async function send(file) {
    let arrived = false;
    const controller = new AbortController();
    signal.addEventListener("abort", () => controller.abort());
    const bar = el("progress", { max: file.size || 1, value: 0, "aria-label": `Sending ${file.name}` });
    const text = el("span", { class: "hint" }, `0 of ${size(file.size)}`);
    const stop = el("button", { type: "button", onclick: () => arrived || controller.abort() }, "Stop sending");
    put(answer);
    put(progress, el("p", {}, "Sending ", el("strong", {}, file.name), ". Stay on this page until it has arrived."),
      el("div", { class: "upload-line" }, bar, text, stop));
    form.classList.add("busy");
    progress.hidden = false;
    input.disabled = dry.disabled = true;
    stop.focus();
    announce(`Sending ${file.name}.`);
    window.addEventListener("beforeunload", hold);
    try {
      const started = await upload(connector, file, dry.checked, { signal: controller.signal, progress: (sent, total) => {
        bar.max = total || 1;
        bar.value = sent;
        arrived = sent === total;
        // What has arrived may have started a run already: from here on it is the run that is cancelled.
        stop.setAttribute("aria-disabled", String(arrived));
        text.textContent = sent < total ? `${size(sent)} of ${size(total)}` : "Arrived; being stored";
      } });
      if (started.warning) said.set(started.execution_id, started.warning);
      location.hash = to("connectors", connector, "executions", started.execution_id);
    } catch (error) {
      if (signal.aborted) return;
      failed();
      put(answer, error.name === "AbortError" ? notice("info", el("p", {}, "Sending was stopped before the file had arrived. Nothing was started.")) : failure(error));
    } finally {
      window.removeEventListener("beforeunload", hold);
      progress.hidden = true;
      form.classList.remove("busy");
      input.disabled = dry.disabled = false;
      input.value = "";
      if (!signal.aborted) input.focus();
    }
  }

  const drag = (over) => (event) => {
    event.preventDefault();
    zone.classList.toggle("over", over && !input.disabled);
  };
  const drop = (event) => {
    drag(false)(event);
    const files = event.dataTransfer.files;
    if (input.disabled || files.length === 0) return;
    if (files.length > 1) put(answer, notice("bad", el("p", {}, `${files.length} files were dropped. One run reads one file: drop them one by one.`)));
    else send(files[0]);
  };
  input.addEventListener("change", () => input.files.length === 1 && send(input.files[0]));
  for (const [event, over] of [["dragenter", true], ["dragover", true], ["dragleave", false]]) zone.addEventListener(event, drag(over));
  zone.addEventListener("drop", drop);
  // A file dropped beside the zone must not replace the page.
  for (const event of ["dragover", "drop"]) window.addEventListener(event, (e) => e.preventDefault(), { signal });

  const form = el("section", { class: "run", "aria-label": "Run with a file" },
    state && el("p", { class: "notice info", role: "note" }, state),
    input, zone,
    el("label", { class: "check" }, dry, el("span", {}, el("strong", {}, "Dry run: "), "do everything except write records")),
    progress, answer);
  return form;
}

function hold(event) {
  event.preventDefault();
}
