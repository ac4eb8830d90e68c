// A webhook connector's address: where to send, how, and what waits.

import { el } from "./dom.js";
import { count, time } from "./format.js";

/** Nothing for connectors of other types. */
export function webhook(detail) {
  if (detail.connector_type !== "webhook") return null;
  const address = `${window.location.origin}/api/smart-connectors/${detail.api_name}/webhook`;
  const curl = `curl -H "X-API-KEY: $KEY" -H "Content-Type: application/json" -d '{"hello": "world"}' "${address}"`;
  const { pending, window_ends_at: ends } = detail.webhook_inbox;
  const secrets = detail.webhook_settings.signing_secrets;
  const lost = secrets.filter((secret) => !secret.is_readable).length;
  return el("section", { "aria-labelledby": "webhook" },
    el("h2", { id: "webhook" }, "Webhook"),
    el("p", {}, "Send requests to ", el("code", {}, address)),
    el("pre", { tabindex: "0", "aria-label": "Example" }, el("code", {}, curl)),
    el("p", { class: "hint" }, pending ? `${count(pending, "request")} waiting` : "No request waits",
      ends && ", next batch at ", ends && time(ends)),
    secrets.length > 0 && el("p", { class: "hint" }, `${count(secrets.length, "signing secret")}: signed requests need no key.`),
    lost > 0 && el("p", { class: "bad-text" }, `${count(lost, "signing secret")} can't be read any more: enter them again.`));
}
