// The page: who is signed in, and which view the address bar names.

import { el, failure, put } from "./dom.js";
import { connector } from "./connector.js";
import { connectors } from "./connectors.js";
import { execution } from "./execution.js";
import { here } from "./route.js";
import { forget, member, signIn, signOut } from "./session.js";

const main = document.getElementById("main");
const who = document.getElementById("who");
let current = new AbortController();
let firstShown = true;

/** The view of an address, with what the address names. */
function view({ parts }) {
  const [section, name, part, id, ...rest] = parts;
  if (parts.length === 0) return [connectors, {}];
  if (section !== "connectors" || rest.length > 0) return null;
  if (parts.length === 1) return [connectors, {}];
  if (parts.length === 2) return [connector, { connector: name }];
  if (parts.length === 4 && part === "executions") return [execution, { connector: name, id }];
  return null;
}

async function show() {
  current.abort();
  current = new AbortController();
  const { signal } = current;
  const signedIn = member();
  who.hidden = signedIn === null;
  if (signedIn === null) {
    signIn(main, null, show);
    return;
  }
  document.getElementById("member").textContent = `${signedIn.display_name} · ${signedIn.business_name}`;
  const found = view(here());
  if (found === null) {
    put(main, el("h1", { tabindex: "-1" }, "No such page"), el("p", {}, el("a", { href: "#/connectors" }, "All connectors")));
    arrive("No such page");
    return;
  }
  const [render, named] = found;
  put(main, el("p", { class: "hint", role: "status" }, "Loading…"));
  try {
    const title = await render(main, named, signal);
    if (!signal.aborted) arrive(title);
  } catch (error) {
    if (signal.aborted) return;
    put(main, el("h1", { tabindex: "-1" }, "That did not work"), failure(error),
      el("p", {}, el("a", { href: "#/connectors" }, "All connectors"), " or ",
        el("button", { type: "button", onclick: show }, "try again")));
    arrive("Error");
  }
}

/** Tells where one is: the title, and for keyboards and screen readers the heading. */
function arrive(title) {
  document.title = `${title} · smartconnector`;
  // When the page opens the browser starts at the top by itself.
  if (!firstShown) main.querySelector("h1")?.focus({ preventScroll: true });
  if (!firstShown) window.scrollTo(0, 0);
  firstShown = false;
}

/** A session can end while one looks: any call may be refused. */
window.addEventListener("unhandledrejection", (event) => {
  if (event.reason?.name === "AbortError") event.preventDefault();
});

document.addEventListener("smartconnector:signed-out", (event) => {
  if (member() === null) return;
  forget();
  current.abort();
  who.hidden = true;
  signIn(main, event.detail, show);
});

document.getElementById("sign-out").addEventListener("click", async () => {
  try {
    await signOut();
    location.hash = "#/connectors";
    show();
  } catch (error) {
    main.prepend(failure(error));
  }
});

document.getElementById("skip").addEventListener("click", (event) => {
  // The address bar's fragment is the view's.
  event.preventDefault();
  main.focus();
});

window.addEventListener("hashchange", show);
show();
