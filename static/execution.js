// One run: watched to its end, then its rows and its files.

import { call, get, path, save, saveMade, stream } from "./api.js";
import { announce, el, failure, notice, put, table } from "./dom.js";
import { allRejected, badge, between, count, duration, hasEnded, number, runBadge, size, time, trigger, words } from "./format.js";
import { to } from "./route.js";
import { rows } from "./rows.js";
import { member } from "./session.js";
import { uploadWarning } from "./upload.js";

const EVERY_MS = 1000;
/** After a poll that failed. */
const LATER_MS = 5000;

const STAGES = {
  smart_connector_input_read: "Read the file",
  smart_connector_sql_run: "Run the script",
  smart_connector_execution_variable_eval: "Check the values",
  smart_connector_match_index: "Make indexes",
  smart_connector_load_step_run: "Load",
  smart_connector_report: "Write the report",
};

/** The counters in the order of an outcome, good to bad. */
const COUNTERS = [["rows", "Rows"], ["created", "Created"], ["updated", "Updated"], ["unchanged", "Unchanged"],
  ["skipped", "Skipped"], ["errors", "Rejected"], ["not_processed", "Not processed"], ["warnings", "With a warning"],
  ["missing_since_last_run", "Missing since the last run"]];

function stageName(stage) {
  const name = STAGES[stage.type] ?? words(stage.type);
  const [step] = stage.steps;
  if (stage.type !== "smart_connector_load_step_run" || !step) return name;
  return `${name} ${step.scope ?? ""} into ${step.custom_object?.object_name ?? "an object that is gone"}`;
}

/** What a stage has done; a bar where the end is known. */
function stageProgress(stage) {
  return stage.steps.filter((step) => step.total > 0 || step.valid_records > 0 || step.invalid_records > 0).map((step) => {
    const done = step.valid_records + step.invalid_records;
    const scope = stage.steps.length > 1 && step.scope ? `${step.scope}: ` : "";
    const rejected = step.invalid_records > 0 ? `, ${number(step.invalid_records)} rejected` : "";
    const running = step.status === "in_progress" && step.total > 0 && done <= step.total;
    return el("span", { class: "step" },
      running && el("progress", { max: step.total, value: done, "aria-label": stageName(stage) }),
      el("span", {}, `${scope}${number(done)}${step.total > done ? ` of ${number(step.total)}` : ""} rows${rejected}`));
  });
}

function stages(run) {
  if (run.step_progress.length === 0) return el("p", { class: "hint" }, hasEnded(run) ? "It ended before its first stage." : "It has not begun.");
  const took = (stage) => {
    const starts = stage.steps.map((step) => step.started_at).filter(Boolean).sort();
    const ends = stage.steps.map((step) => step.ended_at).filter(Boolean).sort();
    return between(starts[0], ends.at(-1));
  };
  return table("Stages", [
    { title: "Stage", wide: true, cell: stageName },
    { title: "Status", cell: (stage) => badge(stage.status) },
    { title: "Progress", wide: true, cell: (stage) => stageProgress(stage) },
    { title: "Took", numeric: true, cell: took },
  ], run.step_progress);
}

function totals(run) {
  return COUNTERS.filter(([key]) => run.totals[key] > 0 || ["rows", "created", "updated", "errors"].includes(key))
    .map(([key, label]) => el("div", { class: key === "errors" && run.totals[key] > 0 ? "bad-text" : null },
      el("dt", {}, run.is_dry_run && ["created", "updated"].includes(key) ? `Would be ${label.toLowerCase()}` : label),
      el("dd", { id: `total-${key}` }, number(run.totals[key]))));
}

/** What there is to say about how it stands, worst first. */
function sentences(run) {
  const { errors, created, updated, not_processed: left } = run.totals;
  const written = created + updated;
  const all = [];
  if (run.error_details) all.push(notice("bad", el("p", { class: "said" }, run.error_details)));
  if (allRejected(run)) {
    all.push(notice("bad", el("p", {}, `${errors === 1 ? "The only row was" : `All ${count(errors, "row")} were`} rejected. Nothing was written.`)));
  } else if (run.status === "partial_success") {
    all.push(notice("warn", el("p", {}, `${count(errors, "row was", "rows were")} rejected. The others were ${run.is_dry_run ? "fine" : "loaded"}.`)));
  }
  if (run.status === "cancelled") {
    all.push(notice("warn", el("p", {}, run.is_dry_run || written === 0 ? "It was cancelled. Nothing was written."
      : `It was cancelled. ${count(written, "record")} had been written and stay${written === 1 ? "s" : ""} written.`)));
  }
  if (run.status === "failed" && written > 0 && !run.is_dry_run) {
    all.push(notice("warn", el("p", {}, `${count(written, "record")} had been written before it failed, and stay${written === 1 ? "s" : ""} written${left > 0 ? `; ${count(left, "row")} had no turn` : ""}.`)));
  }
  if (run.warning) all.push(notice("warn", el("p", { class: "said" }, run.warning)));
  if (run.status === "queued" && run.queue_position > 0) {
    all.push(notice("info", el("p", {}, `${count(run.queue_position, "execution waits", "executions wait")} before it.`)));
  }
  return all;
}

function facts(run) {
  const person = (someone) => someone?.display_name || someone?.email;
  const pairs = [
    ["File", run.input_file ? `${run.input_file.name} (${size(run.input_file.size_bytes)})` : "–"],
    ["Started by", [person(run.started_by), trigger(run.trigger_type)].filter(Boolean).join(", ")],
    ["Queued", time(run.created)],
    ["Ran", run.started_at ? [time(run.started_at), ` · ${duration(run.duration_ms)}`] : "not yet"],
  ];
  if (run.cancel_requested_at) pairs.push(["Cancel asked", [time(run.cancel_requested_at), person(run.cancelled_by) && ` by ${person(run.cancelled_by)}`]]);
  return pairs.map(([term, value]) => el("div", {}, el("dt", {}, term), el("dd", {}, value)));
}

/** Buttons that save files; a refusal is shown beside them. */
function downloads(connector, run) {
  const error = el("div", {});
  const base = path`/api/smart-connectors/${connector}/executions/${run.id}`;
  const file = (label, ref) => ref && [label, `${ref.name}, ${size(ref.size_bytes)}`, () => save(path`/api/files/${ref.id}/download`)];
  const files = [
    file("Report", run.final_report),
    file("SQL output", run.sql_output_zip),
    run.totals.errors > 0 && ["Rejected rows", "rejected.csv, to correct and run again", () => saveMade(`${base}/rejected.csv`, "rejected.csv")],
    file("Input", run.input_file),
    run.script_id && ["Dev package", "this run, to be run again without a server",
      () => saveMade(`${base}/dev-package`, "dev-package.zip")],
  ].filter(Boolean);
  const buttons = files.map(([label, what, get]) => {
    const button = el("button", { type: "button", title: what, onclick: async () => {
      if (button.getAttribute("aria-busy") === "true") return;
      button.setAttribute("aria-busy", "true");
      put(error);
      try {
        await get();
      } catch (refusal) {
        put(error, failure(refusal));
      } finally {
        button.removeAttribute("aria-busy");
      }
    } }, label);
    return button;
  });
  return el("section", { "aria-labelledby": "downloads" }, el("h2", { id: "downloads" }, "Downloads"),
    el("div", { class: "choices" }, buttons), error);
}

export async function execution(main, { connector, id }, signal) {
  const address = path`/api/smart-connectors/${connector}/executions/${id}`;
  let run = await get(address, signal);
  const title = `Run ${number(run.number)} of ${run.connector.name}`;
  const status = el("span", { id: "status" });
  const trouble = el("div", {});
  const said = el("div", { id: "said" });
  const [sums, list, about] = [el("dl", { class: "totals" }), el("div", {}), el("dl", { class: "facts" })];
  const after = el("div", {});
  const cancel = el("button", { type: "button", class: "danger", "aria-describedby": "cancel-hint", onclick: stop }, "Cancel this run");
  const cancelLine = el("div", { class: "cancel" }, cancel,
    el("span", { id: "cancel-hint", class: "hint" }, run.is_dry_run ? "A dry run writes nothing." : "What is written by then stays written."));
  const told = uploadWarning(id);

  async function stop() {
    if (cancel.getAttribute("aria-disabled") === "true") return;
    cancel.setAttribute("aria-disabled", "true");
    put(trouble);
    try {
      show(await call("POST", `${address}/cancel`));
    } catch (error) {
      put(trouble, failure(error));
      cancel.setAttribute("aria-disabled", "false");
    }
  }

  let spoken = "";
  let showing = "";
  function show(next) {
    // An answer to an earlier question must not take back what is known to have ended.
    if (hasEnded(run) && !hasEnded(next)) return;
    run = next;
    put(status, runBadge(run), run.is_dry_run && badge("dry_run", "quiet"));
    // Alerts are only made anew when they say something new: each is read out.
    const words = sentences(run);
    const text = words.map((sentence) => sentence.textContent).join("\n");
    if (text !== showing) put(said, told && told !== run.warning && notice("warn", el("p", { class: "said" }, told)), words);
    showing = text;
    put(sums, totals(run));
    put(list, stages(run));
    put(about, facts(run));
    const ended = hasEnded(run);
    const mayCancel = !ended && !["viewer", "sender"].includes(member()?.role);
    const hadFocus = document.activeElement === cancel;
    cancelLine.hidden = !mayCancel;
    if (run.status === "cancelling") cancel.setAttribute("aria-disabled", "true");
    cancel.textContent = run.status === "cancelling" ? "Cancelling…" : "Cancel this run";
    if (hadFocus && !mayCancel) main.querySelector("h1")?.focus({ preventScroll: true });
    speak();
    if (ended && !after.hasChildNodes()) put(after, downloads(connector, run), rows(connector, run, signal));
  }

  function speak() {
    const active = run.step_progress.find((stage) => stage.status === "in_progress");
    const { created, updated, errors } = run.totals;
    const sentence = hasEnded(run)
      ? `${title}: ${allRejected(run) ? "all rows rejected" : words(run.status)}. ${number(created)} created, ${number(updated)} updated, ${number(errors)} rejected.`
      : `${title}: ${words(run.status)}${active ? `, ${stageName(active)}` : ""}.`;
    if (sentence !== spoken) announce(sentence);
    spoken = sentence;
  }

  async function watch() {
    if (!hasEnded(run)) await stream(`${address}/progress`, show, signal);
    while (!hasEnded(run)) {
      await pause(EVERY_MS, signal);
      try {
        const next = await get(address, signal);
        if (signal.aborted) return;
        put(trouble);
        show(next);
      } catch (error) {
        if (signal.aborted) return;
        put(trouble, failure(error));
        if (error.status === 404) return;
        await pause(LATER_MS, signal);
      }
    }
  }

  put(main,
    el("nav", { class: "crumbs", "aria-label": "Where you are" }, el("a", { href: "#/connectors" }, "Connectors"), " / ",
      el("a", { href: to("connectors", connector) }, run.connector.name)),
    el("div", { class: "heading" }, el("h1", { tabindex: "-1" }, title), status),
    cancelLine, trouble, said, sums, after,
    el("h2", {}, "Stages"), list,
    el("h2", {}, "About this run"), about);
  show(run);
  watch().catch((error) => signal.aborted || put(trouble, failure(error)));
  return title;
}

/** Resolves after `ms`, or at once when the view is left. */
function pause(ms, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    }, { once: true });
  });
}
