// A JSON Schema as a list of names, kinds and sentences.

import { el, put } from "/dom.js";

/** What a `$ref` stands for. */
export function resolved(api, thing) {
  const place = thing?.$ref;
  if (place === undefined) return thing;
  const found = place.slice(2).split("/").reduce((at, part) => at[part], api);
  const { $ref, ...beside } = thing;
  return { ...resolved(api, found), ...beside };
}

/** The shape of a schema: nothing for plain values beyond their kind. */
export function shape(api, schema) {
  const { alternatives, plain, isList } = unfolded(api, schema);
  const inner = alternatives.flatMap((one) => members(api, one));
  return [
    el("span", { class: "kind" }, ` ${kind(api, schema)}`),
    inner.length > 0 && !plain && nested(isList ? "each" : "its keys", inner),
  ];
}

/** The objects that a value may be, through lists and alternatives. */
function unfolded(api, schema) {
  let found = resolved(api, schema);
  let isList = false;
  while (found?.items !== undefined) {
    found = resolved(api, found.items);
    isList = true;
  }
  const choices = found?.oneOf ?? found?.anyOf ?? [found];
  const alternatives = choices.map((one) => resolved(api, one)).filter((one) =>
    one?.properties !== undefined || one?.allOf !== undefined);
  return { alternatives, plain: alternatives.length === 0, isList };
}

function members(api, schema) {
  const own = Object.entries(schema.properties ?? {}).map(([name, value]) =>
    ({ name, value, must: (schema.required ?? []).includes(name) }));
  const parts = (schema.allOf ?? []).flatMap((part) => members(api, resolved(api, part)));
  return [...parts, ...own].filter((member) => member.name !== undefined)
    .map((member) => "value" in member ? { ...member, api } : member);
}

/** Made when it is opened: schemas may hold themselves. */
function nested(title, inner) {
  const list = el("ul", { class: "shape" });
  const details = el("details", { ontoggle: () => {
    if (!details.open || list.childElementCount > 0) return;
    put(list, ...inner.map(({ api, name, value, must }) => el("li", {},
      el("code", {}, name), " ", must && el("span", { class: "must" }, "required"), " ",
      described(api, value), ...shape(api, value))));
  } }, el("summary", {}, title), list);
  return details;
}

function described(api, schema) {
  return schema?.description ?? resolved(api, schema)?.description ?? "";
}

/** A kind in words: `integer 1 to 1000`, `list of text`, `one of a, b`. */
function kind(api, schema) {
  const found = resolved(api, schema) ?? {};
  if (found.enum !== undefined) return `one of ${found.enum.join(", ")}`;
  if (found.const !== undefined) return `always ${found.const}`;
  const choices = found.oneOf ?? found.anyOf;
  if (choices !== undefined) {
    const words = choices.map((one) => (one.type === "null" ? "null" : kind(api, one)));
    return [...new Set(words)].join(" or ");
  }
  const types = [found.type ?? (found.properties || found.allOf ? "object" : "anything")].flat();
  if (types.includes("array")) return `list of ${kind(api, found.items ?? {})}`;
  const words = { string: found.format ?? "text", object: "object", integer: "integer", number: "number" };
  const limits = [
    found.minimum !== undefined && Math.abs(found.minimum) < 1e6 ? `from ${found.minimum}` : "",
    found.maximum !== undefined && found.maximum < 1e6 ? `to ${found.maximum}` : "",
    found.maxLength !== undefined ? `at most ${found.maxLength} characters` : "",
    found.pattern !== undefined ? `like ${found.pattern}` : "",
  ].filter((limit) => limit !== "");
  return [types.map((type) => words[type] ?? type).join(" or "), ...limits].join(" ");
}
