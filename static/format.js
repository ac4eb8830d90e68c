// Values as people read them, in the browser's language.

import { el } from "./dom.js";

const MOMENT = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const NUMBER = new Intl.NumberFormat();
const DECIMAL = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });

/** A time of the API, in the browser's zone; the server's own text with its offset is on hover. */
export function time(text) {
  if (!text) return "–";
  return el("time", { datetime: text, title: `On the server: ${text.replace("T", " ")}` }, MOMENT.format(new Date(text)));
}

export const number = (value) => NUMBER.format(value);

/** `1 row`, `2 rows`. */
export const count = (value, one, many = `${one}s`) => `${number(value)} ${value === 1 ? one : many}`;

export function size(bytes) {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return unit === 0 ? `${number(bytes)} bytes` : `${DECIMAL.format(value)} ${units[unit]}`;
}

export function duration(ms) {
  if (ms === null || ms === undefined) return "–";
  if (ms < 1000) return `${number(ms)} ms`;
  if (ms < 60_000) return `${DECIMAL.format(ms / 1000)} s`;
  const minutes = Math.floor(ms / 60_000);
  const seconds = Math.floor(ms / 1000) % 60;
  if (minutes < 60) return `${minutes} min ${seconds} s`;
  return `${number(Math.floor(minutes / 60))} h ${minutes % 60} min`;
}

export const between = (from, to) => (from && to ? duration(new Date(to) - new Date(from)) : "–");

/** A word of the API as words: `partial_success` is `partial success`. */
export const words = (word) => word.replaceAll("_", " ");

const KINDS = {
  queued: "info", in_progress: "info", cancelling: "warn", success: "good", partial_success: "warn",
  failed: "bad", cancelled: "warn", completed: "good", pending: "quiet", skipped: "quiet",
  operational: "good", need_attention: "bad", setup: "info", inactive: "quiet",
};

const MARKS = { good: "✓", warn: "!", bad: "✕", info: "●", quiet: "○" };

/** A status as a word with a mark and a colour: never by colour alone. */
export function badge(status, kind = KINDS[status] ?? "quiet", text = words(status)) {
  return el("span", { class: `badge ${kind}`, title: text === words(status) ? null : `Status: ${words(status)}` },
    el("span", { class: "mark", "aria-hidden": "true" }, MARKS[kind]), text);
}

export const ENDED = ["success", "partial_success", "failed", "cancelled"];
export const hasEnded = (run) => ENDED.includes(run.status);

/** Whether every row was rejected, so that nothing was written: an error, whatever the status says. */
export function allRejected(run) {
  const { created, updated, unchanged, skipped, errors } = run.totals;
  return hasEnded(run) && errors > 0 && created + updated + unchanged + skipped === 0;
}

/** A run's status. */
export function runBadge(run) {
  if (run.status === "partial_success" && allRejected(run)) return badge(run.status, "bad", "all rows rejected");
  return badge(run.status);
}

const TRIGGERS = { api: "upload", fileupload: "start" };
export const trigger = (word) => TRIGGERS[word] ?? words(word);
