// Signing in and out. The session itself is a cookie that scripts can't read; only who it belongs to is kept here,
// to show it and to know whether asking for anything makes sense.

import { call } from "./api.js";
import { el, failure, put } from "./dom.js";

const STORED = "smartconnector.session";

/** Who is signed in, as the API said at sign in, or `null`. */
export function member() {
  try {
    return JSON.parse(localStorage.getItem(STORED));
  } catch {
    return null;
  }
}

export function forget() {
  localStorage.removeItem(STORED);
}

export async function signOut() {
  try {
    await call("DELETE", "/api/session");
  } catch (error) {
    // A session that the server does not know has ended already.
    if (error.status !== 401) throw error;
  }
  forget();
}

/** Shows the form; `done` is called when signed in. */
export function signIn(main, why, done) {
  const field = el("input", { id: "key", type: "password", name: "key", autocomplete: "current-password",
    spellcheck: "false", autocapitalize: "none", required: true, "aria-describedby": "key-hint key-error" });
  const button = el("button", { type: "submit", class: "primary" }, "Sign in");
  const error = el("div", { id: "key-error" }, why && failure(why));
  const submit = async (event) => {
    event.preventDefault();
    button.disabled = true;
    put(error);
    try {
      const session = await call("POST", "/api/session", { body: { api_key: field.value.trim() } });
      localStorage.setItem(STORED, JSON.stringify(session));
      done();
    } catch (refusal) {
      put(error, failure(refusal));
      field.setAttribute("aria-invalid", "true");
      field.select();
    } finally {
      button.disabled = false;
    }
  };
  put(main,
    el("form", { class: "sign-in", onsubmit: submit },
      el("h1", {}, "Sign in"),
      el("label", { for: "key" }, "API key"), field,
      el("p", { id: "key-hint", class: "hint" },
        "The server printed a key when it started for the first time. ",
        el("code", {}, "smartconnector keys"), " makes another."),
      error, button));
  document.title = "Sign in · smartconnector";
  field.focus();
}
