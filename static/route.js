// The address bar: `#/connectors/orders?page=2`. A reload shows the same thing.

/** Where the page is. */
export function here() {
  const [path, query] = location.hash.slice(1).split("?", 2);
  const parts = path.split("/").filter((part) => part !== "").map(decoded);
  return { parts, query: new URLSearchParams(query ?? "") };
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** An address inside the page. */
export function to(...parts) {
  return `#/${parts.map(encodeURIComponent).join("/")}`;
}

/** Notes a list's state in the address bar without leaving the view. `step`: the back button undoes it. */
export function note(changes, step) {
  const [path] = location.hash.split("?", 1);
  const { query } = here();
  for (const [name, value] of Object.entries(changes)) {
    if (value === "" || value === null) query.delete(name);
    else query.set(name, value);
  }
  const text = query.toString();
  const address = text === "" ? path : `${path}?${text}`;
  if (step) history.pushState(null, "", address);
  else history.replaceState(null, "", address);
}
