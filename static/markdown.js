// The Markdown of the API's descriptions as elements: headings, paragraphs, lists, tables, code; in a line `code`,
// **strong** and *stressed* text. Anything else stands as it is written.

import { el } from "/dom.js";

const FENCE = /^```(\w*)$/;
const ITEM = /^- /;
const HEADING = /^(#+) +(.*)$/;

/** The elements of a text. `level`: what `#` becomes; `##` is one below it. */
export function markdown(text, level = 1) {
  const lines = text.split("\n");
  const made = [];
  while (lines.length > 0) made.push(...block(lines, level));
  return el("div", { class: "text" }, ...made);
}

/** Takes the next block off the lines. */
function block(lines, level) {
  const line = lines.shift();
  if (line.trim() === "") return [];
  const fence = FENCE.exec(line);
  if (fence !== null) {
    const code = taken(lines, (next) => next !== "```");
    lines.shift();
    return [el("pre", { tabindex: "0" }, el("code", { "data-language": fence[1] || null }, code.join("\n")))];
  }
  const heading = HEADING.exec(line);
  if (heading !== null) return [el(`h${Math.min(level + heading[1].length - 1, 6)}`, {}, ...inline(heading[2]))];
  if (line.startsWith("|")) return [grid([line, ...taken(lines, (next) => next.startsWith("|"))])];
  if (ITEM.test(line)) {
    const rest = taken(lines, (next) => next.trim() !== "");
    return [list([line, ...rest])];
  }
  const rest = taken(lines, (next) => next.trim() !== "" && !ITEM.test(next) && !FENCE.test(next));
  return [el("p", {}, ...inline([line, ...rest].join(" ")))];
}

function taken(lines, belongs) {
  const end = lines.findIndex((line) => !belongs(line));
  return lines.splice(0, end < 0 ? lines.length : end);
}

function list(lines) {
  const items = [];
  for (const line of lines) {
    if (ITEM.test(line)) items.push(line.replace(ITEM, ""));
    else items[items.length - 1] += ` ${line.trim()}`;
  }
  return el("ul", {}, ...items.map((item) => el("li", {}, ...inline(item))));
}

function grid(lines) {
  const rows = lines.map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()));
  const [titles, , ...body] = rows;
  const cells = (row) => row.map((cell, n) =>
    el("td", { role: "cell", class: "wide", "data-label": titles[n] }, el("div", {}, ...inline(cell))));
  return el("table", { role: "table" },
    el("thead", { role: "rowgroup" }, el("tr", { role: "row" },
      ...titles.map((title) => el("th", { scope: "col", role: "columnheader" }, title)))),
    el("tbody", { role: "rowgroup" }, ...body.map((row) => el("tr", { role: "row" }, ...cells(row)))));
}

const MARKS = /`([^`]+)`|\*\*([^*]+(?:`[^`]*`[^*]*)*)\*\*|\*([^*]+)\*/g;

function inline(text) {
  const made = [];
  let from = 0;
  for (const found of text.matchAll(MARKS)) {
    made.push(text.slice(from, found.index));
    const [whole, code, strong, stressed] = found;
    if (code !== undefined) made.push(el("code", {}, code));
    else if (strong !== undefined) made.push(el("strong", {}, ...inline(strong)));
    else made.push(el("em", {}, stressed));
    from = found.index + whole.length;
  }
  made.push(text.slice(from));
  return made;
}
